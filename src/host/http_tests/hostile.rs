//! Clients that stall, vanish, or send junk.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};

use crate::host::http::admission::ConnectionLimits;
use crate::host::http::connection::Deadlines;
use crate::host::http_tests::client::{Client, api, element};
use crate::host::http_tests::fixture::{Host, sockets_of};
use crate::host::pairing::pending::PairingLimits;

/// Deadlines short enough to see them pass.
const SHORT: Deadlines = Deadlines {
    handshake: Duration::from_millis(300),
    request: Duration::from_millis(300),
    answer: Duration::from_secs(150),
    write: Duration::from_millis(300),
    keepalive: Duration::from_secs(15),
    shutdown: Duration::from_millis(100),
};

/// The start of a ClientHello whose rest never comes.
const HALF_HELLO: [u8; 9] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];

/// Waits until the host closes its end; whatever it says until then is read.
async fn closed_by_host(stream: &mut TcpStream) -> bool {
    let mut sink = Vec::new();
    timeout(Duration::from_secs(20), stream.read_to_end(&mut sink)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_stalled_handshakes_do_not_stop_real_clients() {
    let deadlines = Deadlines { handshake: Duration::from_secs(60), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, ConnectionLimits::default()).await;
    let client = Client::new();
    let mut stalled = Vec::new();
    for index in 0..200 {
        let mut stream = TcpStream::connect(host.https).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(&HALF_HELLO).await.unwrap();
        }
        stalled.push(stream);
    }
    for _ in 0..10 {
        let info = client.https(&host, "/serverinfo").await;
        assert_eq!(element(&info, "hostname"), Some("den"));
    }
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    host.stop().await;
    for stream in &mut stalled {
        assert!(closed_by_host(stream).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_clients_are_closed_in_every_state() {
    let host = Host::start_with(PairingLimits::default(), SHORT, ConnectionLimits::default()).await;
    let client = Client::new();
    let mut silent = TcpStream::connect(host.http).await.unwrap();
    let mut half = TcpStream::connect(host.http).await.unwrap();
    half.write_all(b"GET /serverinfo HTTP/1.1\r\nHost").await.unwrap();
    let mut silent_tls = TcpStream::connect(host.https).await.unwrap();
    let mut half_tls = TcpStream::connect(host.https).await.unwrap();
    half_tls.write_all(&HALF_HELLO).await.unwrap();
    for stream in [&mut silent, &mut half, &mut silent_tls, &mut half_tls] {
        assert!(closed_by_host(stream).await);
    }
    // Handshake done, no request.
    let mut idle = client.connect_tls(host.https).await;
    assert!(timeout(Duration::from_secs(20), idle.read_to_end(&mut Vec::new())).await.is_ok());
    // Only the listeners are left, though the clients have closed nothing.
    timeout(Duration::from_secs(20), async {
        while sockets_of(host.http.port()).len() > 1 || sockets_of(host.https.port()).len() > 1 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_on_any_port_is_closed_and_changes_nothing() {
    let host = Host::start_with(PairingLimits::default(), SHORT, ConnectionLimits::default()).await;
    let client = Client::new();
    let mut seed = 0x2545_f491_u32;
    for round in 0..30_usize {
        let mut junk = vec![0; 1 + round * 130];
        for byte in &mut junk {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = seed.to_be_bytes()[0];
        }
        for address in [host.http, host.https] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let _ = stream.write_all(&junk).await;
            assert!(closed_by_host(&mut stream).await);
        }
    }
    assert_eq!(element(&client.http(&host, "/serverinfo").await, "hostname"), Some("den"));
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "hostname"), Some("den"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_connections_over_the_limit_are_told_which() {
    let deadlines = Deadlines { request: Duration::from_secs(60), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, ConnectionLimits::default()).await;
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(UnixStream::connect(&host.api).await.unwrap());
    }
    let refused = api(&host, "GET", "/api/v1/apps", "").await;
    assert!(refused.starts_with("HTTP/1.0 503 ") && refused.contains("limits.api_connections)"), "{refused}");
    held.pop();
    // The host may hear of the request before it hears of the end.
    let served = async { while !api(&host, "GET", "/api/v1/apps", "").await.starts_with("HTTP/1.0 200 ") {} };
    timeout(Duration::from_secs(30), served).await.expect("a place that is free again");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_the_limit_are_told_which() {
    let limits = ConnectionLimits { total: 8, per_address: 4 };
    let deadlines = Deadlines { request: Duration::from_secs(60), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, limits).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(host.http).await.unwrap());
    }
    let client = Client::new();
    let refused = client.http(&host, "/serverinfo").await;
    assert!(
        refused.contains("status_code=\"503\"") && refused.contains("(limits.connections_per_address)"),
        "{refused}"
    );
    // More than a few are not even told.
    for _ in 0..20 {
        held.push(TcpStream::connect(host.http).await.unwrap());
    }
    let mut last = TcpStream::connect(host.http).await.unwrap();
    assert!(closed_by_host(&mut last).await);
    // HTTPS has places of its own, and cannot say anything.
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "hostname"), Some("den"));
    for _ in 0..7 {
        held.push(TcpStream::connect(host.https).await.unwrap());
    }
    let mut last = TcpStream::connect(host.https).await.unwrap();
    assert!(closed_by_host(&mut last).await);
    host.stop().await;
}
