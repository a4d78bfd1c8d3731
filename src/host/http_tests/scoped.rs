//! The API through sockets of desktops: what is not the caller's business is
//! refused.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::host::api::routes::ROUTES;
use crate::host::desktop_sockets::OpenSocket;
use crate::host::events::Event;
use crate::host::http_tests::client::api;
use crate::host::http_tests::client::exchange;
use crate::host::http_tests::fixture::Host;
use crate::host::scope::Scope;
use crate::ids::{LobbyId, SessionId, Uuid};

/// The socket of a desktop.
struct Door {
    path: PathBuf,
    _open: OpenSocket,
    _directory: tempfile::TempDir,
}

impl Door {
    fn open(host: &Host, scope: Scope) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.sock");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let open = host.desktop_sockets.open(listener, scope, rustix::process::geteuid().as_raw());
        Self { path, _open: open, _directory: directory }
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> String {
        let stream = UnixStream::connect(&self.path).await.unwrap();
        let length = body.len();
        exchange(stream, &format!("{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}")).await
    }
}

fn is_denied(answer: &str) -> bool {
    answer.starts_with("HTTP/1.0 403 OK\r\n") && answer.contains(r#""success":false"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_neither_seen_nor_touched() {
    let host = Host::start().await;
    let (own, other) = (LobbyId(Uuid::random().unwrap()), LobbyId(Uuid::random().unwrap()));
    let doors = [Door::open(&host, Scope::Session(SessionId(1))), Door::open(&host, Scope::Lobby(own))];
    let foreign =
        format!(r#"{{"lobby_id":"{other}","moonlight_session_id":"2","session_id":"2","pin":[1],"force":true}}"#);
    let mut denied = [0; 2];
    for route in ROUTES {
        // Those are tried below and elsewhere.
        let harmless = [
            "/api/v1/events",
            "/api/v1/lobbies",
            "/api/v1/sessions",
            "/api/v1/openapi-schema",
            "/api/v1/utils/get-icon",
        ];
        if harmless.contains(&route.path) || ["/api/v1/apps", "/api/v1/profiles"].contains(&route.path) {
            continue;
        }
        for (door, denied) in doors.iter().zip(&mut denied) {
            let answer = door.call(route.method().as_str(), route.path, &foreign).await;
            assert!(is_denied(&answer), "{} {}: {answer}", route.method(), route.path);
            *denied += 1;
        }
    }
    assert!(denied.iter().all(|count| *count > 8), "{denied:?}");
    let [session, lobby] = doors;
    assert!(session.call("GET", "/api/v1/apps", "").await.contains("Test & card"));
    assert!(is_denied(&lobby.call("GET", "/api/v1/apps", "").await));
    assert!(is_denied(&lobby.call("GET", "/api/v1/sessions", "").await));
    assert!(session.call("GET", "/api/v1/sessions", "").await.ends_with(r#"{"sessions":[],"success":true}"#));
    // Its own session: what is wrong is only that there is no such lobby.
    let own_visit = format!(r#"{{"lobby_id":"{other}","moonlight_session_id":1}}"#);
    assert!(session.call("POST", "/api/v1/lobbies/join", &own_visit).await.contains("Lobby or session not found"));
    assert!(session.call("POST", "/api/v1/lobbies/leave", &own_visit).await.ends_with(r#"{"success":true}"#));
    let own_stop = format!(r#"{{"lobby_id":"{own}"}}"#);
    assert!(lobby.call("POST", "/api/v1/lobbies/stop", &own_stop).await.contains("Invalid lobby ID"));
    assert!(is_denied(&session.call("POST", "/api/v1/lobbies/stop", &own_stop).await));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_starts_programs_in_its_own_desktop_alone() {
    let host = Host::start().await;
    let add = async |client: &str| -> String {
        let session = json!({"app_id": "7", "client_id": client, "client_ip": "127.0.0.1",
            "aes_key": "9d804e47a6aa6624b7d4b502b32cc522", "aes_iv": "01234567890", "rtsp_fake_ip": "", "video_width": 640, "video_height": 480, "video_refresh_rate": 30,
            "audio_channel_count": 2, "client_settings": {}});
        let answer = api(&host, "POST", "/api/v1/sessions/add", &session.to_string()).await;
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        body["session_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let (own, other) = (add("").await, add("").await);
    let session = Door::open(&host, Scope::Session(SessionId(own.parse().unwrap())));
    let lobby = Door::open(&host, Scope::Lobby(LobbyId(Uuid::random().unwrap())));
    // As wolf-ui writes it.
    let start = |session: &str| {
        let runner = json!({"type": "process", "run_cmd": "true"});
        json!({"stop_stream_when_over": false, "runner": runner, "session_id": session}).to_string()
    };
    // The test card has no desktop: it comes as far as that.
    let answer = session.call("POST", "/api/v1/runners/start", &start(&own)).await;
    assert!(answer.starts_with("HTTP/1.0 500") && answer.contains("shows the test card"), "{answer}");
    for (door, named) in [(&session, other.as_str()), (&session, "99"), (&lobby, &own)] {
        let answer = door.call("POST", "/api/v1/runners/start", &start(named)).await;
        assert!(is_denied(&answer), "{named}: {answer}");
    }
    // What runs apart from the session's own desktop stays the operator's.
    let app = json!({"app_id": "7", "session_id": own}).to_string();
    assert!(is_denied(&session.call("POST", "/api/v1/apps/start", &app).await));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_sees_icons_of_apps_and_no_other_pictures() {
    let host = Host::start().await;
    let directory = tempfile::tempdir().unwrap();
    let picture = |name: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, b"\x89PNG\r\n\x1a\nrest").unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (icon, private) = (picture("icon.png"), picture("private.png"));
    let app = json!({"title": "i", "id": "i", "icon_png_path": icon, "runner": {"type": "process", "run_cmd": ""}});
    assert!(api(&host, "POST", "/api/v1/apps/add", &app.to_string()).await.starts_with("HTTP/1.0 200"));
    let session = Door::open(&host, Scope::Session(SessionId(1)));
    let lobby = Door::open(&host, Scope::Lobby(LobbyId(Uuid::random().unwrap())));
    let path = |icon: &str| format!("/api/v1/utils/get-icon?icon_path={icon}");
    assert!(session.call("GET", &path(&icon), "").await.ends_with("rest"));
    for other in [private.as_str(), "/etc/passwd", ""] {
        assert!(session.call("GET", &path(other), "").await.starts_with("HTTP/1.0 404"), "{other}");
    }
    assert!(is_denied(&lobby.call("GET", &path(&icon), "").await));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pins_cannot_be_guessed_quickly() {
    let host = Host::start().await;
    let door = Door::open(&host, Scope::Session(SessionId(1)));
    let lobby = Uuid::random().unwrap();
    let guess = format!(r#"{{"lobby_id":"{lobby}","moonlight_session_id":"1","pin":[1,2,3,4]}}"#);
    let mut tried = 0;
    while door.call("POST", "/api/v1/lobbies/join", &guess).await.starts_with("HTTP/1.0 500") {
        tried += 1;
    }
    assert!((10..20).contains(&tried), "{tried}");
    assert!(door.call("POST", "/api/v1/lobbies/join", &guess).await.contains("too often"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_hears_of_itself_alone_and_its_socket_goes_with_it() {
    let host = Host::start().await;
    let door = Door::open(&host, Scope::Session(SessionId(1)));
    let events = &host.context.events;
    for session in [1, 2, 1] {
        events.publish(Event::StopStream { session_id: SessionId(session) });
    }
    let path = door.path.clone();
    let listening = tokio::spawn(async move {
        let stream = UnixStream::connect(&path).await.unwrap();
        exchange(stream, "GET /api/v1/events?after=0 HTTP/1.0\r\n\r\n").await
    });
    while events.subscribers() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let path = door.path.clone();
    drop(door);
    let heard = tokio::time::timeout(std::time::Duration::from_secs(30), listening).await.unwrap().unwrap();
    assert!(heard.contains("id: 1\n") && !heard.contains("id: 2\n") && heard.contains("id: 3\n"), "{heard}");
    assert!(!heard.contains(r#""session_id":"2""#), "{heard}");
    assert!(UnixStream::connect(&path).await.is_err(), "nobody listens any more");
    host.stop().await;
}
