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
