//! The API as its clients use it: requests in the shapes that Wolf UI and Helix
//! send, and answers read into types like theirs. A type that is strict about
//! what it reads (no `Value`) stands for a client that is.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::host::api::routes::ROUTES;
use crate::host::http_tests::client::{Client, api};
use crate::host::http_tests::fixture::Host;
use crate::ids::ClientId;

/// A session as Wolf UI reads it.
#[derive(Debug, Deserialize)]
struct UiSession {
    app_id: String,
    client_id: String,
    client_ip: String,
    video_width: i32,
    video_height: i32,
    video_refresh_rate: i32,
    audio_channel_count: i32,
    client_settings: UiClientSettings,
}

#[derive(Debug, Deserialize)]
struct UiClientSettings {
    controllers_override: Vec<String>,
    h_scroll_acceleration: f32,
    mouse_acceleration: f32,
    run_gid: i32,
    run_uid: i32,
    v_scroll_acceleration: f32,
}

/// A client as Wolf UI reads it.
#[derive(Debug, Deserialize)]
struct UiClient {
    client_id: String,
    app_state_folder: String,
    settings: UiClientSettings,
}

/// An app as Wolf UI reads it.
#[derive(Debug, Deserialize)]
struct UiApp {
    title: String,
    id: String,
    start_virtual_compositor: bool,
    render_node: Option<String>,
    runner: UiRunner,
}

#[derive(Debug, Deserialize)]
struct UiRunner {
    #[serde(rename = "type")]
    kind: String,
    run_cmd: Option<String>,
    env: Option<Vec<String>>,
}

/// What Helix's Go structs take numbers for.
#[derive(Debug, Deserialize)]
struct GoMemory {
    success: bool,
    process_rss_bytes: i64,
    gstreamer_buffer_bytes: i64,
    total_memory_bytes: i64,
    apps: Vec<GoAppMemory>,
    lobbies: Vec<Value>,
    clients: Vec<GoClientMemory>,
    gpu_stats: GoGpuStats,
    gstreamer_pipelines: GoPipelines,
}

#[derive(Debug, Deserialize)]
struct GoAppMemory {
    app_id: String,
    app_name: String,
    resolution: String,
    client_count: i64,
    memory_bytes: i64,
}

#[derive(Debug, Deserialize)]
struct GoClientMemory {
    session_id: String,
    client_ip: String,
    resolution: String,
    lobby_id: Option<String>,
    memory_bytes: i64,
}

#[derive(Debug, Deserialize)]
struct GoGpuStats {
    available: bool,
    gpu_name: String,
    encoder_session_count: i64,
    encoder_average_fps: f64,
    memory_used_mb: i64,
    error: String,
}

#[derive(Debug, Deserialize)]
struct GoPipelines {
    producer_pipelines: i64,
    consumer_pipelines: i64,
    total_pipelines: i64,
}

#[derive(Debug, Deserialize)]
struct GoKeyboard {
    session_id: String,
    timestamp_ms: i64,
    wolf_state: GoLayer,
    inputtino_state: GoLayer,
    evdev_state: GoLayer,
    has_mismatch: bool,
}

#[derive(Debug, Deserialize)]
struct GoLayer {
    pressed_keys: Vec<i32>,
    pressed_key_names: Vec<String>,
    modifier_state: std::collections::HashMap<String, bool>,
}

pub(super) async fn call(host: &Host, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let reply = api(host, method, path, &body).await;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {reply}"));
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {reply}")))
}

async fn get(host: &Host, path: &str) -> Value {
    let (status, answer) = call(host, "GET", path, &Value::Null).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{path}: {answer}");
    answer
}

pub(super) async fn post(host: &Host, path: &str, body: Value) -> Value {
    let (status, answer) = call(host, "POST", path, &body).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)), "{path}: {answer}");
    answer
}

/// Why a POST is refused.
pub(super) async fn refusal(host: &Host, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = call(host, "POST", path, &body).await;
    assert_eq!(answer["success"], json!(false), "{path}: {answer}");
    (status, answer["error"].as_str().unwrap().to_owned())
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// A session to add, as Helix writes it.
pub(super) fn stream_session(app_id: &str) -> Value {
    json!({"app_id": app_id, "client_id": "", "client_ip": "127.0.0.1", "aes_key": "9d804e47a6aa6624b7d4b502b32cc522",
        "aes_iv": "01234567890", "rtsp_fake_ip": "192.168.1.1", "video_width": 1920, "video_height": 1080,
        "video_refresh_rate": 60, "audio_channel_count": 2,
        "client_settings": {"run_uid": 1000, "run_gid": 1000, "controllers_override": ["XBOX"],
            "mouse_acceleration": 1.5, "v_scroll_acceleration": 1.0, "h_scroll_acceleration": 1.0},
        "client_unique_id": "unknown-to-wolf"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_missing_field_is_named() {
    let host = Host::start().await;
    let schema = {
        let (_, schema) = call(&host, "GET", "/api/v1/openapi-schema", &Value::Null).await;
        assert_eq!(schema["openapi"], "3.1.0");
        schema
    };
    let mut checked = 0;
    for route in ROUTES.iter().filter(|route| route.takes.is_some()) {
        let body = &schema["paths"][route.path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let described = match body["$ref"].as_str() {
            Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
            None => body,
        };
        let Some(required) = described["required"].as_array().filter(|required| !required.is_empty()) else { continue };
        let (status, error) = refusal(&host, route.path, json!({})).await;
        let named = required.iter().any(|name| error.contains(&format!("missing field `{}`", name.as_str().unwrap())));
        assert!(named && [400, 500].contains(&status), "{}: {status} {error}", route.path);
        checked += 1;
    }
    assert!(checked >= 20, "{checked}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_read_as_wolf_ui_reads_them() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let clients: Vec<UiClient> = read(&get(&host, "/api/v1/clients").await["clients"]);
    let id = ClientId(client.fingerprint()).short().to_string();
    assert_eq!((&clients[0].client_id, &clients[0].app_state_folder), (&id, &id));
    assert_eq!(clients[0].settings.run_uid, 60_000);
    let apps: Vec<UiApp> = read(&get(&host, "/api/v1/apps").await["apps"]);
    let card = apps.iter().find(|app| app.id == "7").unwrap();
    assert_eq!((card.title.as_str(), card.runner.kind.as_str()), ("Test & card", "process"));
    assert!(!card.start_virtual_compositor && card.render_node.as_deref() == Some(""));
    assert!(card.runner.run_cmd.as_deref() == Some("") && card.runner.env.is_none());
    for (path, list) in
        [("profiles", "profiles"), ("lobbies", "lobbies"), ("sessions", "sessions"), ("pair/pending", "requests")]
    {
        assert_eq!(get(&host, &format!("/api/v1/{path}")).await[list], json!([]));
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_session_is_there_at_once_and_goes_through_its_states() {
    let host = Host::start().await;
    let added = post(&host, "/api/v1/sessions/add", stream_session("7")).await;
    let id = added["session_id"].as_str().unwrap().to_owned();
    let sessions: Vec<UiSession> = read(&get(&host, "/api/v1/sessions").await["sessions"]);
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!((&session.client_id, session.app_id.as_str(), session.client_ip.as_str()), (&id, "7", "127.0.0.1"));
    assert_eq!((session.video_width, session.video_height, session.video_refresh_rate), (1920, 1080, 60));
    assert_eq!(session.audio_channel_count, 2);
    let settings = &session.client_settings;
    assert_eq!((settings.run_uid, settings.run_gid), (1000, 1000));
    assert_eq!(
        (settings.controllers_override.as_slice(), settings.mouse_acceleration),
        (["XBOX".to_owned()].as_slice(), 1.5)
    );
    assert_eq!((settings.v_scroll_acceleration, settings.h_scroll_acceleration), (1.0, 1.0));
    let state = async || get(&host, "/api/v1/sessions").await["sessions"][0].clone();
    let first = state().await;
    assert_eq!(
        (&first["state"], &first["aes_key"], &first["idle_seconds"]),
        (&json!("handshake"), &json!(""), &json!(0))
    );

    post(&host, "/api/v1/sessions/pause", json!({"session_id": id})).await;
    assert_eq!(state().await["state"], "paused");
    let keys = json!({"session_id": id, "aes_key": "000102030405060708090a0b0c0d0e0f", "aes_iv": "-5"});
    let resumed = post(&host, "/api/v1/sessions/resume", keys).await;
    assert!(resumed["session_url"].as_str().unwrap().starts_with("rtsp://127.0.0.1:"), "{resumed}");
    assert_eq!(state().await["state"], "handshake");
    // Numbers do as well as strings.
    post(&host, "/api/v1/sessions/stop", json!({"session_id": id.parse::<u64>().unwrap()})).await;
    assert_eq!(get(&host, "/api/v1/sessions").await["sessions"], json!([]));
    for path in ["stop", "pause", "resume", "input", "start"] {
        let mut body = json!({"session_id": id, "aes_key": "", "aes_iv": "", "input_packet_hex": "00"});
        let video = json!({"display_mode": {"width": 1, "height": 1, "refreshRate": 1}, "port": 1, "wait_for_ping": true,
            "packet_size": 1, "bitrate_kbps": 1, "client_ip": ""});
        body["video_session"] = video;
        body["audio_session"] = json!({"port": 1, "wait_for_ping": true});
        let refused = refusal(&host, &format!("/api/v1/sessions/{path}"), body).await;
        assert_eq!(refused, (500, "Invalid session_id".to_owned()), "{path}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_belong_to_clients_and_are_found_by_them() {
    let (host, client) = (Host::start().await, Client::new());
    assert_eq!(client.pair(&host, "1234", "1234").await, Ok(()));
    let number = ClientId(client.fingerprint()).short();
    let mut wanted = stream_session("7");
    wanted["client_id"] = json!(number.to_string());
    let first = post(&host, "/api/v1/sessions/add", wanted.clone()).await;
    let again = post(&host, "/api/v1/sessions/add", wanted).await;
    assert_eq!(first["session_id"], again["session_id"], "the same app goes on");
    let started = post(&host, "/api/v1/apps/start", json!({"id": 7, "client_id": number})).await;
    assert_eq!(first["session_id"], started["session_id"]);
    let session = get(&host, "/api/v1/sessions").await["sessions"][0].clone();
    assert_eq!(session["paired_client_id"], json!(number.to_string()));
    // With Wolf a session's number is its client's.
    post(&host, "/api/v1/sessions/stop", json!({"session_id": number.to_string()})).await;
    let strange = json!({"app_id": "nothing", "client_id": "1"});
    assert_eq!(refusal(&host, "/api/v1/apps/start", strange.clone()).await, (500, "Invalid app_id".to_owned()));
    let mut wanted = stream_session("7");
    wanted["client_id"] = json!("1");
    assert_eq!(refusal(&host, "/api/v1/sessions/add", wanted).await, (500, "Invalid client_id".to_owned()));
    let mut wanted = stream_session("7");
    wanted["aes_key"] = json!("short");
    assert_eq!(refusal(&host, "/api/v1/sessions/add", wanted).await.1, "aes_key is not 32 hex digits");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_cannot_be_is_refused_with_the_reason() {
    let host = Host::start().await;
    let id = post(&host, "/api/v1/sessions/add", stream_session("7")).await["session_id"].clone();
    // As Wolf's own test writes it.
    let start = json!({"session_id": id,
        "video_session": {"display_mode": {"width": 1920, "height": 1080, "refreshRate": 60, "hevc_supported": true,
            "av1_supported": false}, "gst_pipeline": "nvh264enc ! h264parse", "render_node": "", "port": 1234,
            "timeout_ms": 10000, "wait_for_ping": false, "packet_size": 1024, "frames_with_invalid_ref_threshold": 0,
            "fec_percentage": 20, "min_required_fec_packets": 2, "bitrate_kbps": 10000, "slices_per_frame": 1,
            "color_range": "MPEG", "color_space": "BT709", "client_ip": "127.0.0.1", "rtp_secret_payload": vec![1; 16]},
        "audio_session": {"gst_pipeline": "", "encrypt_audio": false, "aes_key": "", "aes_iv": "", "port": 1235,
            "wait_for_ping": false, "client_ip": "127.0.0.1", "packet_duration": 5, "rtp_secret_payload": vec![1; 16],
            "audio_mode": {"channels": 2, "streams": 1, "coupled_streams": 1, "speakers": ["FRONT_LEFT"]}}});
    let refused = async |pointer: &str, value: Value| {
        let mut changed = start.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        refusal(&host, "/api/v1/sessions/start", changed).await.1
    };
    for (pointer, value, reason) in [
        ("/video_session/wait_for_ping", json!(true), "must agree on wait_for_ping"),
        ("/video_session/port", json!(0), "it must be the client's"),
        ("/video_session/client_ip", json!("nowhere"), "expected an IP address"),
        ("/video_session/client_ip", json!(""), "client_ip is needed"),
        ("/video_session/gst_pipeline", json!("av1enc"), "does not encode av1"),
        ("/video_session/packet_size", json!(9), "packet_size 9 is not within"),
        ("/video_session/bitrate_kbps", json!(0), "bitrate_kbps 0 is not within"),
        ("/video_session/display_mode/width", json!(9000), "9000x1080 is not within"),
        ("/video_session/color_space", json!("XYZ"), "unknown variant `XYZ`"),
        ("/audio_session/encrypt_audio", json!(true), "needs an aes_key"),
        ("/audio_session/packet_duration", json!(7), "neither 5 nor 10"),
        ("/audio_session/audio_mode/channels", json!(3), "none of 2, 6, 8"),
    ] {
        let error = refused(pointer, value).await;
        assert!(error.contains(reason), "{pointer}: {error}");
    }
    let mut pings = start.clone();
    pings["video_session"]["wait_for_ping"] = json!(true);
    pings["audio_session"]["wait_for_ping"] = json!(true);
    let error = refusal(&host, "/api/v1/sessions/start", pings).await.1;
    assert!(error.contains("video_session: port 1234: this host waits for pings on port"), "{error}");
    assert_eq!(get(&host, "/api/v1/sessions").await["sessions"][0]["state"], "handshake", "nothing was ended");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_and_keyboard_of_a_session_without_a_stream() {
    let host = Host::start().await;
    let id = post(&host, "/api/v1/sessions/add", stream_session("7")).await["session_id"].clone();
    let input = async |hex: &str| {
        refusal(&host, "/api/v1/sessions/input", json!({"session_id": id, "input_packet_hex": hex})).await.1
    };
    assert!(input("00000008070000000003fffc").await.contains("takes no input now"));
    assert!(input("zz").await.starts_with("input_packet_hex: "));
    assert!(input("").await.starts_with("input_packet_hex: "));
    let sessions: Vec<GoKeyboard> = read(&get(&host, "/api/v1/keyboard/state").await["sessions"]);
    let [keyboard] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert!(keyboard.session_id == id.as_str().unwrap() && keyboard.timestamp_ms > 0 && !keyboard.has_mismatch);
    for layer in [&keyboard.wolf_state, &keyboard.inputtino_state, &keyboard.evdev_state] {
        assert!(layer.pressed_keys.is_empty() && layer.pressed_key_names.is_empty());
        assert_eq!(layer.modifier_state.len(), 4);
    }
    let reset = post(&host, "/api/v1/keyboard/reset", json!({"session_id": id})).await;
    assert_eq!((&reset["released_keys"], &reset["message"]), (&json!([]), &json!("nothing was held")));
    assert_eq!(refusal(&host, "/api/v1/keyboard/reset", json!({"session_id": "99"})).await.0, 404);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runners_need_a_desktop_and_no_container() {
    let host = Host::start().await;
    let id = post(&host, "/api/v1/sessions/add", stream_session("7")).await["session_id"].clone();
    let start = async |runner: Value| {
        let body = json!({"stop_stream_when_over": false, "runner": runner, "session_id": id});
        refusal(&host, "/api/v1/runners/start", body).await.1
    };
    let container =
        json!({"type": "docker", "name": "n", "image": "i", "mounts": [], "env": [], "devices": [], "ports": []});
    assert!(start(container.clone()).await.contains("containers are not supported by this host"));
    assert!(start(json!({"type": "process", "run_cmd": "true"})).await.contains("shows the test card"));
    assert!(start(json!({"type": "child_session", "parent_session_id": "1"})).await.contains("create a lobby"));
    assert!(start(json!({"run_cmd": "true"})).await.contains("missing field `type`"));

    let app = json!({"title": "Container", "id": "c", "support_hdr": false, "runner": container});
    post(&host, "/api/v1/apps/add", app).await;
    let error = refusal(&host, "/api/v1/apps/start", json!({"app_id": "c"})).await.1;
    assert!(error.starts_with("Container cannot be started: "), "{error}");
    let begun =
        post(&host, "/api/v1/apps/start", json!({"app_id": "7", "video_width": 800, "video_height": 600})).await;
    let sessions = get(&host, "/api/v1/sessions").await["sessions"].clone();
    let begun =
        sessions.as_array().unwrap().iter().find(|session| session["session_id"] == begun["session_id"]).unwrap();
    assert_eq!((&begun["video_width"], &begun["state"]), (&json!(800), &json!("paused")));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_this_host_has_not_is_said() {
    let host = Host::start().await;
    let (status, answer) =
        call(&host, "GET", "/api/v1/docker/images/inspect?image_name=ghcr.io/a/b:edge", &Value::Null).await;
    assert_eq!((status, &answer["success"]), (404, &json!(false)));
    for (path, body) in [
        ("/api/v1/docker/images/pull", json!({"image_name": "ghcr.io/a/b:edge"})),
        ("/api/v1/lobbies/set-pipewire-node-id", json!({"lobby_id": "x", "node_id": 47})),
    ] {
        let (status, error) = refusal(&host, path, body).await;
        assert!(status == 500 && (error.contains("not supported") || error.contains("not taken")), "{error}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn icons_that_something_names_are_served() {
    let host = Host::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (picture, text) = (dir.path().join("icon one.png"), dir.path().join("secret"));
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\nrest").unwrap();
    std::fs::write(&text, b"secret").unwrap();
    for (id, icon) in [("i1", &picture), ("i2", &text)] {
        let app = json!({"title": id, "id": id, "icon_png_path": icon, "runner": {"type": "process", "run_cmd": ""}});
        post(&host, "/api/v1/apps/add", app).await;
    }
    let get_icon = async |path: &str| {
        let query: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        api(&host, "GET", &format!("/api/v1/utils/get-icon?icon_path={query}"), "").await
    };
    let served = get_icon(picture.to_str().unwrap()).await;
    assert!(served.starts_with("HTTP/1.0 200 OK") && served.contains("content-type: image/png"), "{served}");
    assert!(served.ends_with("rest"));
    for other in [text.to_str().unwrap(), "/etc/passwd", "https://example.org/icon.png", ""] {
        let refused = get_icon(other).await;
        assert!(refused.starts_with("HTTP/1.0 404 OK") && !refused.contains("secret\r"), "{other}: {refused}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_reads_as_helix_reads_it() {
    let host = Host::start().await;
    post(&host, "/api/v1/sessions/add", stream_session("7")).await;
    let memory: GoMemory = read(&get(&host, "/api/v1/system/memory").await);
    assert!(memory.success && memory.process_rss_bytes > 1 << 20);
    assert!(memory.total_memory_bytes >= memory.process_rss_bytes && memory.gstreamer_buffer_bytes == 0);
    let [app] = memory.apps.as_slice() else { panic!("{memory:?}") };
    assert_eq!((app.app_id.as_str(), app.app_name.as_str(), app.client_count), ("7", "Test & card", 1));
    assert_eq!((app.resolution.as_str(), app.memory_bytes), ("1920x1080@60", 0));
    let [client] = memory.clients.as_slice() else { panic!("{memory:?}") };
    assert_eq!((client.client_ip.as_str(), client.resolution.as_str()), ("127.0.0.1", "1920x1080@60"));
    assert!(client.lobby_id.is_none() && !client.session_id.is_empty() && client.memory_bytes == 0);
    let gpu = &memory.gpu_stats;
    assert!(!gpu.available && gpu.gpu_name.is_empty() && !gpu.error.is_empty());
    assert!(gpu.encoder_session_count == 0 && gpu.encoder_average_fps == 0.0 && gpu.memory_used_mb == 0);
    let pipelines = &memory.gstreamer_pipelines;
    assert_eq!(pipelines.total_pipelines, pipelines.producer_pipelines + pipelines.consumer_pipelines);
    assert!(memory.lobbies.is_empty());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helix_hears_that_its_container_does_not_run_and_its_appointment_stands() {
    let host = Host::start().await;
    let lobby = json!({"profile_id": "helix-sessions", "name": "Agent abcd", "multi_user": true,
        "stop_when_everyone_leaves": false, "pin": [1, 2, 3, 4],
        "video_settings": {"width": 1920, "height": 1080, "refresh_rate": 60, "wayland_render_node": "",
            "runner_render_node": "", "video_producer_buffer_caps": ""},
        "audio_settings": {"channel_count": 2}, "runner_state_folder": "/wolf-state/agent-ses_1",
        "runner": {"type": "docker", "name": "a", "image": "i", "env": ["HELIX_SESSION_ID=ses_1"], "mounts": [],
            "devices": [], "ports": [], "base_create_json": "{}"}});
    let (status, error) = refusal(&host, "/api/v1/lobbies/create", lobby).await;
    assert!(status == 500 && error.contains("containers are not supported by this host"), "{error}");
    let configure =
        json!({"client_unique_id": "helix-agent-ses_1", "immediate_lobby_id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8"});
    let answer = post(&host, "/api/v1/sessions/configure", configure).await;
    assert!(answer["message"].as_str().unwrap().contains("helix-agent-ses_1"), "{answer}");
    for (path, body) in
        [("join", json!({"lobby_id": "none", "moonlight_session_id": "1"})), ("stop", json!({"lobby_id": "none"}))]
    {
        let (status, error) = refusal(&host, &format!("/api/v1/lobbies/{path}"), body).await;
        assert_eq!((status, error.as_str()), (500, "Invalid lobby ID"), "{path}");
    }
    post(&host, "/api/v1/lobbies/leave", json!({"lobby_id": "none", "moonlight_session_id": "1"})).await;
    host.stop().await;
}
