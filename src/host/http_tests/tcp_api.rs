//! The API over TCP: TLS, and a token.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::host::http_tests::client::{Client, exchange};
use crate::host::http_tests::fixture::{Host, TOKEN};

async fn call(host: &Host, client: &Client, authorization: &str, path: &str) -> String {
    // Its certificate is of no interest there.
    let stream = client.connect_tls(host.tcp_api).await;
    exchange(stream, &format!("GET {path} HTTP/1.1\r\nHost: h\r\n{authorization}\r\n")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_token_is_needed_and_enough() {
    let (host, client) = (Host::start().await, Client::new());
    let path = "/api/v1/sessions";
    let right = call(&host, &client, &format!("Authorization: Bearer {TOKEN}\r\n"), path).await;
    assert!(right.starts_with("HTTP/1.0 200 OK\r\n") && right.contains(r#""sessions":[]"#), "{right}");
    for wrong in [String::new(), "Authorization: Bearer wrong\r\n".into(), format!("Authorization: Basic {TOKEN}\r\n")]
    {
        for path in [path, "/api/v1/events", "/api/v1/nothing", "/"] {
            let refused = call(&host, &client, &wrong, path).await;
            assert!(refused.starts_with("HTTP/1.0 401 OK\r\n"), "{wrong} {path}: {refused}");
            assert!(refused.contains("www-authenticate: Bearer") && refused.contains("token"), "{refused}");
        }
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_in_the_clear() {
    let (host, client) = (Host::start().await, Client::new());
    let stream = TcpStream::connect(host.tcp_api).await.unwrap();
    let answer = exchange(stream, &format!("GET / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")).await;
    assert!(!answer.contains("HTTP"), "{answer}");
    let mut silent = TcpStream::connect(host.tcp_api).await.unwrap();
    let right = call(&host, &client, &format!("Authorization: Bearer {TOKEN}\r\n"), "/api/v1/lobbies").await;
    assert!(right.contains("\"success\":true"), "one that stalls holds nobody up: {right}");
    host.stop().await;
    let _ = silent.read(&mut [0; 1]).await;
}
