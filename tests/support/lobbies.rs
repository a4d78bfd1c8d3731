//! Lobbies by the host's API.

use std::path::Path;

use earthshine::units::Size;
use serde_json::{Value, json};

use super::api;
use super::apps::{self, colors};
use super::deadline::{SOON, wait_for};
use super::host::Host;
use super::picture::{self, is_close};
use super::scratch::Scratch;

/// A lobby that shows the pattern window, as a caller of the API asks for it.
pub(crate) fn pattern_lobby(scratch: &Scratch, changes: &Value) -> Value {
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

/// Of [`pattern_lobby`]: a picture that costs a busy machine little.
pub(crate) fn small_picture() -> Value {
    json!({"video_settings": {"width": 640, "height": 360, "refresh_rate": 30}})
}

/// Creates one; its id.
pub(crate) fn create(host: &Host, wanted: &Value) -> String {
    let answer = api::post(host.api(), "/api/v1/lobbies/create", wanted);
    answer["lobby_id"].as_str().expect("an id").to_owned()
}

/// All of them.
pub(crate) fn list(host: &Host) -> Vec<Value> {
    api::get(host.api(), "/api/v1/lobbies")["lobbies"].as_array().expect("a list").clone()
}

/// Sends the next connection of a client, by the order of pairing, straight there.
pub(crate) fn expect(host: &Host, client: usize, lobby: &str) {
    let client = api::get(host.api(), "/api/v1/clients")["clients"][client]["client_id"].clone();
    let appointment = json!({"client_unique_id": client, "immediate_lobby_id": lobby});
    api::post(host.api(), "/api/v1/sessions/configure", &appointment);
}

/// Moves a session there.
pub(crate) fn join(host: &Host, lobby: &str, session: &str) {
    api::post(host.api(), "/api/v1/lobbies/join", &visit(lobby, session));
}

/// The same on a machine that may be too busy to show it in time: what the call
/// promises is asked for again.
pub(crate) fn join_patiently(host: &Host, lobby: &str, session: &str) {
    wait_for("a join", SOON, || {
        let answer = api::request(host.api(), "/api/v1/lobbies/join", Some(&visit(lobby, session))).expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 200 || text.contains("timed out"), "{text}");
        (answer.status == 200).then_some(())
    });
}

/// Moves it back.
pub(crate) fn leave(host: &Host, lobby: &str, session: &str) {
    api::post(host.api(), "/api/v1/lobbies/leave", &visit(lobby, session));
}

fn visit(lobby: &str, session: &str) -> Value {
    json!({"lobby_id": lobby, "moonlight_session_id": session})
}

/// Ends it.
pub(crate) fn stop(host: &Host, lobby: &str) {
    api::post(host.api(), "/api/v1/lobbies/stop", &json!({"lobby_id": lobby}));
    assert_eq!(list(host), [] as [Value; 0]);
}

/// The session of the client that streams at this width.
pub(crate) fn session_of_width(host: &Host, width: u32) -> String {
    wait_for("a session", SOON, || {
        let sessions = api::sessions(host.api());
        let found = sessions.iter().find(|session| session["video_width"] == width)?;
        Some(found["session_id"].as_str()?.to_owned())
    })
}

/// For each frame, whether it shows the pattern window.
pub(crate) fn shows_pattern(video: &Path, size: Size) -> Vec<bool> {
    let mut shown = Vec::new();
    picture::decode(video, size, |_, picture| {
        shown.push(is_close(picture.color(250, 250), colors::RED) && is_close(picture.color(750, 250), colors::GREEN));
    });
    shown
}
