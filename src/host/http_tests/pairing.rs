//! Pairing over the wire: right and wrong PINs, wrong orders, and endings.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::host::http::admission::ConnectionLimits;
use crate::host::http::connection::Deadlines;
use crate::host::http_tests::client::{Client, api, element, type_pin, waiting_secret};
use crate::host::http_tests::fixture::Host;
use crate::host::pairing::pending::PairingLimits;
use crate::host::store::paired_clients::PairedClients;
use crate::ids::ClientId;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn right_pin_pairs_and_survives_a_restart() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "0042", "0042").await, Ok(()));
    let info = client.https(&host, "/serverinfo").await;
    assert_eq!(element(&info, "PairStatus"), Some("1"));
    let again = PairedClients::open(&host.clients_file).unwrap();
    assert!(again.contains(ClientId(client.fingerprint())));
    assert_eq!(again.list()[0].name, "roth");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_pin_pairs_nobody_and_the_next_attempt_is_fresh() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1235").await, Err("incorrect PIN"));
    assert!(client.http(&host, "/unpair").await.contains("status_code=\"200\""));
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some("0"));
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpair_over_http_does_not_unpair_a_paired_client() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    client.http(&host, "/unpair").await;
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some("1"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phases_out_of_order_end_the_pairing() {
    let (host, client) = (Host::start().await, Client::new());
    let phases = [
        format!("clientchallenge={}", "00".repeat(16)),
        format!("serverchallengeresp={}", "00".repeat(32)),
        format!("clientpairingsecret={}", "00".repeat(272)),
        "phrase=pairchallenge".into(),
        "phrase=getservercert&salt=00".into(),
        "nothing=at-all".into(),
    ];
    for phase in &phases {
        let reply = client.pair_phase(&host, phase).await;
        assert_eq!(element(&reply, "paired"), Some("0"), "{reply}");
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    }
    // Phase 3 right after phase 1 drops what phase 1 has made.
    let (certificate, ()) = tokio::join!(client.get_server_cert(&host), type_pin(&host, "1234"));
    assert!(certificate.is_some());
    for phase in [&phases[1], &phases[0]] {
        assert_eq!(element(&client.pair_phase(&host, phase).await, "paired"), Some("0"));
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pin_that_is_not_entered_ends_the_pairing() {
    let limits = PairingLimits { pin: Duration::from_millis(100), ..PairingLimits::default() };
    let host = Host::start_with(limits, Deadlines::default(), ConnectionLimits::default()).await;
    let client = Client::new();
    let reply = client.pair_phase(&host, &client.phase_1_query()).await;
    assert_eq!(element(&reply, "paired"), Some("0"), "{reply}");
    assert_eq!(element(&reply, "plaincert"), None);
    assert_eq!(host.context.pairings.waiting(), []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_hangs_up_no_longer_waits_for_its_pin() {
    let (host, client) = (Host::start().await, Client::new());
    let mut stream = TcpStream::connect(host.http).await.unwrap();
    let query = client.phase_1_query();
    stream.write_all(format!("GET /pair?uniqueid=1&{query} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
    let secret = waiting_secret(&host).await;
    drop(stream);
    timeout(Duration::from_secs(10), async {
        while !host.context.pairings.waiting().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    let reply =
        api(&host, "POST", "/api/v1/pair/client", &format!(r#"{{"pair_secret":"{secret}","pin":"1234"}}"#)).await;
    assert!(reply.contains(r#""success":false"#), "{reply}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_the_host_ends_waiting_pairings() {
    let deadlines = Deadlines { shutdown: Duration::from_millis(50), ..Deadlines::default() };
    let host = Host::start_with(PairingLimits::default(), deadlines, ConnectionLimits::default()).await;
    let client = Client::new();
    let mut stream = TcpStream::connect(host.http).await.unwrap();
    let query = client.phase_1_query();
    stream.write_all(format!("GET /pair?{query} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
    waiting_secret(&host).await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_one_subject_are_told_apart() {
    let host = Host::start().await;
    let clients = [Client::new(), Client::new(), Client::new()];
    for client in &clients[..2] {
        assert_eq!(client.pair(&host, "7777", "7777").await, Ok(()));
    }
    for (client, paired) in clients.iter().zip(["1", "1", "0"]) {
        assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some(paired));
    }
    host.stop().await;
}
