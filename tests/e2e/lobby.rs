//! Lobbies: a running stream is moved to another desktop and back, and several
//! clients look at one.

use std::path::Path;

use earthshine::units::Size;
use serde_json::{Value, json};

use crate::support::apps::{self, colors};
use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::Host;
use crate::support::picture::{self, is_close};
use crate::support::scratch::Scratch;
use crate::support::{api, needs};

/// A lobby that shows the pattern window, as a caller of the API asks for it.
fn pattern_lobby(scratch: &Scratch, changes: &Value) -> Value {
    let mut wanted = json!({
        "profile_id": "tests",
        "name": "Pattern",
        "stop_when_everyone_leaves": false,
        "video_settings": {"width": 1280, "height": 720, "refresh_rate": 60, "wayland_render_node": ""},
        "audio_settings": {"channel_count": 2},
        "runner_state_folder": "/wolf-state/agent-1",
        "runner": {"type": "process", "run_cmd": apps::pattern_command(scratch, ""), "env": ["HELIX_SESSION_ID=ses_1"]},
    });
    for (key, value) in changes.as_object().expect("an object") {
        wanted[key] = value.clone();
    }
    wanted
}

fn create(host: &Host, wanted: &Value) -> String {
    let answer = api::post(host.api(), "/api/v1/lobbies/create", wanted);
    answer["lobby_id"].as_str().expect("an id").to_owned()
}

fn lobbies(host: &Host) -> Vec<Value> {
    api::get(host.api(), "/api/v1/lobbies")["lobbies"].as_array().expect("a list").clone()
}

fn join(host: &Host, lobby: &str, session: &str) {
    api::post(host.api(), "/api/v1/lobbies/join", &json!({"lobby_id": lobby, "moonlight_session_id": session}));
}

fn leave(host: &Host, lobby: &str, session: &str) {
    api::post(host.api(), "/api/v1/lobbies/leave", &json!({"lobby_id": lobby, "moonlight_session_id": session}));
}

/// The session of the client that streams at this width.
fn session_of_width(host: &Host, width: u32) -> String {
    wait_for("a session", SOON, || {
        let sessions = api::sessions(host.api());
        let found = sessions.iter().find(|session| session["video_width"] == width)?;
        Some(found["session_id"].as_str()?.to_owned())
    })
}

fn stop(host: &Host, lobby: &str) {
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby}));
    assert_eq!(lobbies(host), [] as [Value; 0]);
}

/// For each frame, whether it shows the pattern window.
fn shows_pattern(video: &Path, size: Size) -> Vec<bool> {
    let mut shown = Vec::new();
    picture::decode(video, size, |_, picture| {
        shown.push(is_close(picture.color(250, 250), colors::RED) && is_close(picture.color(750, 250), colors::GREEN));
    });
    shown
}

#[test]
fn a_stream_is_moved_to_a_lobby_and_back() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({}));
    let host = Host::with_apps(scratch, "");
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let listed = &lobbies(&host)[0];
    assert_eq!(listed["id"], lobby);
    assert_eq!(listed["runner"]["env"][0], "HELIX_SESSION_ID=ses_1", "word for word");
    assert_eq!(listed["connected_sessions"], json!([]));

    let size = Size::new(960, 540);
    let mut stream = device.stream(&Wanted { width: size.width, height: size.height, ..Wanted::app("Desktop") });
    let session = session_of_width(&host, size.width);
    stream.wait_frames(5);
    for _ in 0..2 {
        let idr_frames = stream.stats()["idr_frames"].as_u64().expect("a count");
        join(&host, &lobby, &session);
        assert_eq!(lobbies(&host)[0]["connected_sessions"], json!([session]), "read your writes");
        assert_eq!(api::the_session(host.api())["lobby_id"], lobby);
        stream.wait_frames(20);
        assert!(stream.stats()["idr_frames"].as_u64().expect("a count") > idr_frames);
        leave(&host, &lobby, &session);
        assert_eq!(lobbies(&host)[0]["connected_sessions"], json!([]));
        stream.wait_frames(5);
    }
    let files = stream.files.clone();
    stream.quit();
    stop(&host, &lobby);

    let shown = shows_pattern(&files.video, size);
    let turns = shown.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!((turns, shown.first(), shown.last()), (4, Some(&false), Some(&false)), "{shown:?}");
    host.assert_nothing_left(&before);
}

#[test]
fn clients_with_different_modes_share_a_lobby_and_each_can_leave() {
    let Some(_turn) = needs::turn(needs::DESKTOP) else { return };
    let scratch = Scratch::new();
    let wanted = pattern_lobby(&scratch, &json!({"stop_when_everyone_leaves": true}));
    let host = Host::with_apps(scratch, "");
    let devices = [(640, 360), (1280, 720)].map(|(width, height)| {
        let device = Device::paired(&host, &format!("device-{width}"));
        (device, Size::new(width, height))
    });
    let before = host.holdings();
    let lobby = create(&host, &wanted);
    let mut streams = devices.map(|(device, size)| {
        let wanted = Wanted { width: size.width, height: size.height, ..Wanted::app("Test card") };
        let stream = device.stream(&wanted);
        let session = session_of_width(&host, size.width);
        join(&host, &lobby, &session);
        (stream, session, size)
    });
    assert_eq!(lobbies(&host)[0]["connected_sessions"].as_array().map(Vec::len), Some(2));
    for (stream, ..) in &mut streams {
        stream.wait_frames(30);
    }
    // Each holds a button and a key at the same time as the other, which one
    // seat for all could not show.
    let count = |event: &str, code: u64| {
        let events = apps::pattern_events(&host.scratch);
        let of_kind = events.iter().filter(|seen| seen["event"] == event && seen["pressed"] == true);
        of_kind.filter(|seen| seen["code"] == code).count()
    };
    for (stream, _, size) in &mut streams {
        stream.order(json!({"do": "move_to", "x": 200, "y": 200, "width": size.width, "height": size.height}));
        stream.order(json!({"do": "button", "button": "left", "action": "down"}));
    }
    wait_for("both buttons", SOON, || (count("button", BTN_LEFT) == 2).then_some(()));
    for (stream, ..) in &mut streams {
        stream.order(json!({"do": "button", "button": "left", "action": "up"}));
        stream.order(json!({"do": "key", "code": VK_A, "action": "down"}));
    }
    wait_for("both keys", SOON, || (count("key", KEY_A) == 2).then_some(()));
    let [(first, first_session, first_size), (mut second, _, second_size)] = streams;
    let first_files = first.files.clone();
    leave(&host, &lobby, &first_session);
    second.wait_frames(30);
    assert_eq!(lobbies(&host).len(), 1, "somebody is there");
    first.quit();
    let second_files = second.files.clone();
    second.quit();
    wait_for("the end of the lobby that everybody left", SOON, || lobbies(&host).is_empty().then_some(()));

    for (files, size) in [(first_files, first_size), (second_files, second_size)] {
        let shown = shows_pattern(&files.video, size);
        assert!(shown.iter().filter(|shown| **shown).count() > 20, "{size}: {shown:?}");
    }
    host.assert_nothing_left(&before);
}

/// linux/input-event-codes.h.
const BTN_LEFT: u64 = 0x110;
const KEY_A: u64 = 30;

/// Windows virtual-key code, as clients send it.
const VK_A: u64 = 0x41;
