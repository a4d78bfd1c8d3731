//! Who gets what from which port.

use crate::host::http_tests::client::{Client, element, exchange};
use crate::host::http_tests::fixture::Host;
use tokio::net::TcpStream;

const LAUNCH: &str = "appid=7&mode=1280x720x60&rikey=000102030405060708090a0b0c0d0e0f&rikeyid=-1&corever=1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serverinfo_tells_what_the_caller_may_know() {
    let (host, client) = (Host::start().await, Client::new());
    let plain = client.http(&host, "/serverinfo").await;
    assert!(plain.starts_with("HTTP/1.1 200"), "{plain}");
    assert!(plain.to_ascii_lowercase().contains("connection: close"), "{plain}");
    assert_eq!(element(&plain, "hostname"), Some("den"));
    assert_eq!(element(&plain, "uniqueid"), Some(host.context.identity.unique_id()));
    assert_eq!(element(&plain, "HttpsPort"), Some(host.https.port().to_string().as_str()));
    assert_eq!(element(&plain, "LocalIP"), Some("127.0.0.1"));
    assert_eq!(element(&plain, "mac"), Some("00:00:00:00:00:00"));
    assert_eq!(element(&plain, "PairStatus"), Some("0"));
    assert_eq!(element(&client.https(&host, "/serverinfo").await, "PairStatus"), Some("0"));
    // iOS sends no query at all.
    let stream = TcpStream::connect(host.http).await.unwrap();
    let bare = exchange(stream, "GET /serverinfo HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(element(&bare, "hostname"), Some("den"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpaired_clients_get_401_inside_a_200() {
    let (host, client) = (Host::start().await, Client::new());
    for path in ["/applist", "/appasset?appid=7", &format!("/launch?{LAUNCH}"), &format!("/resume?{LAUNCH}"), "/cancel"]
    {
        for reply in [client.http(&host, path).await, client.https(&host, path).await] {
            assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
            assert!(reply.contains("status_code=\"401\""), "{path}: {reply}");
        }
    }
    assert!(client.http(&host, "/nothing").await.starts_with("HTTP/1.1 404"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paired_clients_get_apps_pictures_and_launches() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let apps = client.https(&host, "/applist").await;
    assert!(apps.contains("<AppTitle>Test &amp; card</AppTitle><ID>7</ID>"), "{apps}");
    let picture = client.https(&host, "/appasset?appid=7&AssetType=2&AssetIdx=0").await;
    assert!(picture.contains("image/png") && picture.contains("PNG"), "no picture");

    let launch = client.https(&host, &format!("/launch?{LAUNCH}")).await;
    assert_eq!(element(&launch, "gamesession"), Some("1"), "{launch}");
    assert!(element(&launch, "sessionUrl0").is_some_and(|url| url.starts_with("rtsp")), "{launch}");
    let unknown = client.https(&host, &format!("/resume?{}", LAUNCH.replace("appid=7", "appid=8"))).await;
    assert_eq!(element(&unknown, "resume"), Some("0"));
    assert!(unknown.contains("status_code=\"404\""), "{unknown}");
    let broken = client.https(&host, "/launch?appid=7").await;
    assert!(broken.contains("status_code=\"400\"") && broken.contains("<gamesession>0"), "{broken}");
    assert_eq!(element(&client.https(&host, "/cancel").await, "cancel"), Some("1"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_request_lines_are_taken() {
    let (host, client) = (Host::start().await, Client::new());
    let reply = client.http(&host, &format!("/serverinfo?padding={}", "x".repeat(20_000))).await;
    assert_eq!(element(&reply, "hostname"), Some("den"));
    host.stop().await;
}
