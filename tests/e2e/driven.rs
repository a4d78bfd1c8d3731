//! Sessions driven by the API alone: begun, streamed without RTSP and without
//! control, given input and more programs, and ended.

use std::net::UdpSocket;
use std::time::Duration;

use earthshine::protocol::control::input_event::InputEvent;
use earthshine::protocol::control::input_packet;
use earthshine::protocol::video::rtp::RTP_LEN;
use serde_json::{Value, json};

use crate::support::apps::{self, PATTERN};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

/// A stream to these ports of this machine, or to where pings come from.
fn start(session: &str, video: u16, audio: u16, wait_for_ping: bool) -> Value {
    json!({"session_id": session,
        "video_session": {"display_mode": {"width": 640, "height": 360, "refreshRate": 60}, "gst_pipeline": "",
            "render_node": "", "port": video, "timeout_ms": 20_000, "wait_for_ping": wait_for_ping, "packet_size": 1024,
            "frames_with_invalid_ref_threshold": 0, "fec_percentage": 50, "min_required_fec_packets": 2,
            "bitrate_kbps": 2000, "slices_per_frame": 1, "color_range": "MPEG", "color_space": "BT709",
            "client_ip": "127.0.0.1", "rtp_secret_payload": "0123456789ABCDEF"},
        "audio_session": {"gst_pipeline": "", "encrypt_audio": false, "aes_key": "", "aes_iv": "", "port": audio,
            "wait_for_ping": wait_for_ping, "client_ip": "127.0.0.1", "packet_duration": 5,
            "rtp_secret_payload": "0123456789ABCDEF", "audio_mode": {"channels": 2}}})
}

fn socket() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let port = socket.local_addr().expect("an address").port();
    (socket, port)
}

/// Receives this many RTP packets.
fn receive(socket: &UdpSocket, count: usize) {
    let mut buffer = [0; 2048];
    for _ in 0..count {
        let length = socket.recv(&mut buffer).expect("a packet");
        assert!(length > RTP_LEN, "{length} bytes are no RTP packet");
    }
}

fn add(host: &Host, app: &str) -> String {
    let added = api::post(host.api(), "/api/v1/sessions/add", &wanted_session(host, app));
    added["session_id"].as_str().expect("an id").to_owned()
}

/// A session of nobody, as a caller of the API asks for it.
fn wanted_session(host: &Host, app: &str) -> Value {
    let apps = api::get(host.api(), "/api/v1/apps")["apps"].clone();
    let apps = apps.as_array().expect("a list");
    let app = apps.iter().find(|listed| listed["title"] == app).expect("the app").clone();
    json!({"app_id": app["id"], "client_id": "", "client_ip": "", "aes_key": "", "aes_iv": "",
        "rtsp_fake_ip": "", "video_width": 1280, "video_height": 720, "video_refresh_rate": 60,
        "audio_channel_count": 2})
}

fn session(host: &Host, id: &str) -> Option<Value> {
    api::sessions(host.api()).into_iter().find(|session| session["session_id"] == id)
}

#[test]
fn a_stream_without_a_handshake_goes_where_it_is_told_to() {
    let Some(_turn) = needs::turn(&[]) else { return };
    let host = Host::start();
    let before = host.holdings();
    let id = add(&host, "Test card");
    let ((video, video_port), (audio, audio_port)) = (socket(), socket());
    api::post(host.api(), "/api/v1/sessions/start", &start(&id, video_port, audio_port, false));
    receive(&video, 100);
    receive(&audio, 100);
    assert_eq!(session(&host, &id).expect("the session")["state"], "streaming");

    // Nobody is where broadcasts go: what is refused ends nothing and leaves nothing.
    let mut nowhere = start(&id, video_port, audio_port, false);
    nowhere["video_session"]["client_ip"] = json!("255.255.255.255");
    let mut unreachable = wanted_session(&host, "Test card");
    unreachable["client_ip"] = json!("255.255.255.255");
    unreachable["aes_key"] = json!("9d804e47a6aa6624b7d4b502b32cc522");
    unreachable["aes_iv"] = json!("1");
    for (path, body) in [("start", nowhere), ("add", unreachable)] {
        let refused = api::request(host.api(), &format!("/api/v1/sessions/{path}"), Some(&body)).expect("an answer");
        let text = String::from_utf8_lossy(&refused.body);
        assert!(refused.status == 500 && text.contains("no way to the client"), "{path}: {} {text}", refused.status);
    }
    wait_for("one session", SOON, || (api::sessions(host.api()).len() == 1).then_some(()));
    assert_eq!(session(&host, &id).expect("the session")["state"], "streaming");
    receive(&video, 100);
    api::post(host.api(), "/api/v1/sessions/pause", &json!({"session_id": id}));
    assert_eq!(session(&host, &id).expect("the session")["state"], "paused");

    // Then to where a ping comes from.
    let (video, _) = socket();
    let wanted = start(&id, host.ready.video, host.ready.audio, true);
    api::post(host.api(), "/api/v1/sessions/start", &wanted);
    let ping = [b"0123456789ABCDEF".as_slice(), &1_u32.to_be_bytes()].concat();
    video.send_to(&ping, ("127.0.0.1", host.ready.video)).expect("a ping");
    receive(&video, 100);
    api::post(host.api(), "/api/v1/sessions/stop", &json!({"session_id": id}));
    assert!(session(&host, &id).is_none());
    host.assert_nothing_left(&before);
}

#[test]
fn input_and_programs_reach_the_desktop_of_a_session_of_nobody() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let tables = apps::pattern(&scratch, "--answer-input");
    let host = Host::with_apps(scratch, &tables);
    let before = host.holdings();
    let id = add(&host, PATTERN);
    let ((video, video_port), (_audio, audio_port)) = (socket(), socket());
    api::post(host.api(), "/api/v1/sessions/start", &start(&id, video_port, audio_port, false));
    receive(&video, 50);

    let play = |event: &InputEvent| {
        let mut packet = Vec::new();
        input_packet::write(event, &mut packet);
        let body = json!({"session_id": id, "input_packet_hex": hex(&packet)});
        // A worker that is slow to take it is asked again.
        let _ = api::request(host.api(), "/api/v1/sessions/input", Some(&body));
    };
    let key = |code, pressed| InputEvent::Key { code, pressed, modifiers: 0, not_normalized: false };
    // The window may not have the focus yet; a key that is held is pressed once.
    let keyboard = wait_for("the key in the window", SOON, || {
        play(&key(0x41, false));
        play(&key(0x41, true));
        std::thread::sleep(Duration::from_millis(200));
        let events = apps::pattern_events(&host.scratch);
        events.iter().find(|event| event["code"] == 30 && event["pressed"] == true)?;
        let keyboard = api::get(host.api(), "/api/v1/keyboard/state")["sessions"][0].clone();
        (keyboard["pressed_keys"] != json!([])).then_some(keyboard)
    });
    assert_eq!(
        (&keyboard["wolf_state"]["pressed_keys"], &keyboard["evdev_state"]["pressed_keys"]),
        (&json!([65]), &json!([30]))
    );
    let reset = api::post(host.api(), "/api/v1/keyboard/reset", &json!({"session_id": id}));
    let replaced = session(&host, &id).expect("the session")["worker_restarts"] != 0;
    assert!(reset["released_keys"] == json!(["A"]) || replaced, "{reset}");
    wait_for("the release in the window", SOON, || {
        let events = apps::pattern_events(&host.scratch);
        let last = events.iter().rev().find(|event| event["code"] == 30)?;
        (last["pressed"] == false).then_some(())
    });

    let ran = host.scratch.exchange("ran");
    let command = format!("printenv WAYLAND_DISPLAY MINE > {}", ran.display());
    let runner = json!({"type": "process", "run_cmd": command, "env": ["MINE=yes"]});
    let body = json!({"stop_stream_when_over": false, "runner": runner, "session_id": id});
    api::post(host.api(), "/api/v1/runners/start", &body);
    wait_for("the program", SOON, || std::fs::read_to_string(&ran).ok().filter(|text| text.ends_with("yes\n")));
    assert!(session(&host, &id).is_some(), "its end is nothing to the session");
    let memory = api::get(host.api(), "/api/v1/system/memory");
    assert!(
        memory["apps"][0]["memory_bytes"].as_u64() > Some(0) && memory["clients"][0]["memory_bytes"].as_u64() > Some(0)
    );

    let body =
        json!({"stop_stream_when_over": true, "runner": {"type": "process", "run_cmd": "true"}, "session_id": id});
    api::post(host.api(), "/api/v1/runners/start", &body);
    wait_for("the session's end", SOON, || session(&host, &id).is_none().then_some(()));
    host.assert_nothing_left(&before);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
