//! The Unix-socket API, in the shapes of Wolf.

use tokio::net::UnixStream;

use crate::host::http_tests::client::{Client, api, element, exchange};
use crate::host::http_tests::fixture::Host;
use crate::ids::ClientId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_look_like_wolfs() {
    let host = Host::start().await;
    let reply = api(&host, "GET", "/api/v1/clients", "").await;
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with(r#"{"clients":[],"success":true}"#), "{reply}");
    assert!(!reply.to_ascii_lowercase().contains("content-type"), "{reply}");
    let unknown = api(&host, "GET", "/api/v1/nothing", "").await;
    assert!(unknown.starts_with("HTTP/1.0 404 OK\r\n") && unknown.ends_with("\r\n\r\n"), "{unknown}");
    assert!(api(&host, "POST", "/api/v1/clients", "").await.starts_with("HTTP/1.0 404 OK\r\n"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_500_with_the_reason() {
    let host = Host::start().await;
    let long = "x".repeat((1 << 20) + 1);
    for (path, body, reason) in [
        ("/api/v1/pair/client", "not json", "expected"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1"}"#, "missing field `pin`"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1","pin":"12"}"#, "four digits"),
        ("/api/v1/pair/client", r#"{"pair_secret":"1","pin":"1234","extra":1}"#, "pair secret"),
        ("/api/v1/sessions/stop", r#"{"session_id":"12"}"#, "Invalid session_id"),
        ("/api/v1/sessions/stop", r#"{"session_id":12}"#, "Invalid session_id"),
        ("/api/v1/sessions/stop", &long, "longer than"),
    ] {
        let reply = api(&host, "POST", path, body).await;
        assert!(reply.starts_with("HTTP/1.0 500 OK\r\n"), "{path}: {reply}");
        assert!(reply.contains(r#""success":false"#) && reply.contains(reason), "{path}: {reply}");
    }
    let chunked = "POST /api/v1/sessions/stop HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let reply = exchange(UnixStream::connect(&host.api).await.unwrap(), chunked).await;
    assert!(reply.contains("Chunked encoding not supported, use HTTP/1.0 instead"), "{reply}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_and_sessions_are_listed() {
    let host = Host::start().await;
    let apps = api(&host, "GET", "/api/v1/apps", "").await;
    assert!(apps.contains(r#""id":"7""#) && apps.contains(r#""title":"Test & card""#), "{apps}");
    assert!(apps.contains(r#""runner":{"run_cmd":"","type":"process"}"#), "{apps}");
    let sessions = api(&host, "GET", "/api/v1/sessions", "").await;
    assert!(sessions.ends_with(r#"{"sessions":[],"success":true}"#), "{sessions}");
    let pending = api(&host, "GET", "/api/v1/pair/pending", "").await;
    assert!(pending.ends_with(r#"{"requests":[],"success":true}"#), "{pending}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpaired_clients_lose_their_rights_at_once() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let id = ClientId(client.fingerprint()).short();
    let listed = api(&host, "GET", "/api/v1/clients", "").await;
    assert!(listed.contains(&format!(r#""client_id":"{id}""#)) && listed.contains(r#""run_uid":60000"#), "{listed}");
    let body = format!(r#"{{"client_id":"{id}"}}"#);
    assert!(api(&host, "POST", "/api/v1/unpair/client", &body).await.ends_with(r#"{"success":true}"#));
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some("0"));
    let again = api(&host, "POST", "/api/v1/unpair/client", &body).await;
    assert!(again.starts_with("HTTP/1.0 404 OK\r\n") && again.contains("Client not found"), "{again}");
    host.stop().await;
}
