//! `/api/v1/keyboard`: what clients hold down, and letting go of it.
//!
//! The host knows what it told a session's worker; the worker has no state
//! that could differ from that. The three layers are those that clients of the
//! API show: what came from the client, what was passed on, and the kernel's
//! codes for it.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, parse};
use crate::host::api::sessions::NameSession;
use crate::host::context::Context;
use crate::host::supervisor::held_input::HeldInput;
use crate::ids::SessionId;
use crate::protocol::control::keymap::evdev_code;

/// `GET /api/v1/keyboard/state`: all sessions.
pub fn state(context: &Context) -> ApiAnswer {
    let held = |session: SessionId| match context.sessions.worker(session).flatten() {
        Some(worker) => worker.held(),
        None => HeldInput::default(),
    };
    let ids = context.sessions.list().into_iter().filter_map(|view| view.session_id.parse().ok());
    let sessions: Vec<_> = ids.map(|session| KeyboardView::new(session, &held(session))).collect();
    ApiAnswer::list("sessions", &sessions)
}

/// `POST /api/v1/keyboard/reset`: releases all that a session's client holds.
pub async fn reset(context: &Context, body: Body) -> ApiAnswer {
    let wanted: NameSession = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer.with_status(StatusCode::BAD_REQUEST),
    };
    let Some(session) = context.sessions.resolve(wanted.session_id.0) else {
        return ApiAnswer::Failure(StatusCode::NOT_FOUND, "Session not found".into());
    };
    let released = match context.sessions.worker(session).flatten() {
        Some(worker) => worker.release_held(),
        // Without a connection nothing is held.
        None => Some(HeldInput::default()),
    };
    let Some(held) = released else {
        return ApiAnswer::failed(format!("the worker of session {session} takes no input now; try again"));
    };
    let released_keys: Vec<String> = names(&held);
    let message = match released_keys.len() {
        0 => "nothing was held".to_owned(),
        count => format!("{count} released"),
    };
    ApiAnswer::object(&Reset { released_keys, message })
}

/// What was released.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reset {
    /// Names of keys and buttons.
    released_keys: Vec<String>,
    /// In words.
    message: String,
}

/// What the client of a session holds down.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KeyboardView {
    session_id: String,
    /// Unix time in milliseconds.
    timestamp_ms: u64,
    device_name: &'static str,
    /// Empty: the keyboard is the compositor's own kind, not a device node.
    device_node: &'static str,
    /// As the client sent it: Windows virtual-key codes.
    wolf_state: Layer,
    /// As it was passed on: the same.
    inputtino_state: Layer,
    /// As the desktop sees it: codes of Linux `input-event-codes.h`.
    evdev_state: Layer,
    /// Always false: there is one state.
    has_mismatch: bool,
    mismatch_description: &'static str,
    /// As in `wolf_state`.
    pressed_keys: Vec<u16>,
    /// As in `wolf_state`, and mouse buttons.
    pressed_key_names: Vec<String>,
    modifier_state: Modifiers,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Layer {
    pressed_keys: Vec<u16>,
    pressed_key_names: Vec<String>,
    modifier_state: Modifiers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
struct Modifiers {
    shift: bool,
    ctrl: bool,
    alt: bool,
    meta: bool,
}

impl KeyboardView {
    fn new(session: SessionId, held: &HeldInput) -> Self {
        let modifier_state = Modifiers::of(&held.keys);
        let pressed_key_names: Vec<String> = held.keys.iter().map(|key| key_name(*key).into_owned()).collect();
        let sent = Layer { pressed_keys: codes(&held.keys), pressed_key_names, modifier_state };
        let evdev = held.keys.iter().filter_map(|key| evdev_code(*key, false)).collect();
        Self {
            session_id: session.to_string(),
            timestamp_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            device_name: "virtual keyboard",
            device_node: "",
            inputtino_state: sent.clone(),
            evdev_state: Layer { pressed_keys: evdev, ..sent.clone() },
            wolf_state: sent,
            has_mismatch: false,
            mismatch_description: "",
            pressed_keys: codes(&held.keys),
            pressed_key_names: names(held),
            modifier_state,
        }
    }
}

impl Modifiers {
    fn of(keys: &[u8]) -> Self {
        let holds = |codes: &[u8]| keys.iter().any(|key| codes.contains(key));
        Self {
            shift: holds(&[0x10, 0xA0, 0xA1]),
            ctrl: holds(&[0x11, 0xA2, 0xA3]),
            alt: holds(&[0x12, 0xA4, 0xA5]),
            meta: holds(&[0x5B, 0x5C]),
        }
    }
}

fn codes(keys: &[u8]) -> Vec<u16> {
    keys.iter().map(|key| u16::from(*key)).collect()
}

fn names(held: &HeldInput) -> Vec<String> {
    let keys = held.keys.iter().map(|key| key_name(*key).into_owned());
    keys.chain(held.buttons.iter().map(|button| format!("MOUSE_{button:?}").to_ascii_uppercase())).collect()
}

/// Microsoft's name of a virtual key, without its prefix; a number for those
/// that hardly any keyboard has.
fn key_name(code: u8) -> Cow<'static, str> {
    let name = match code {
        0x08 => "BACK",
        0x09 => "TAB",
        0x0D => "RETURN",
        0x10 => "SHIFT",
        0x11 => "CONTROL",
        0x12 => "MENU",
        0x13 => "PAUSE",
        0x14 => "CAPITAL",
        0x1B => "ESCAPE",
        0x20 => "SPACE",
        0x21 => "PRIOR",
        0x22 => "NEXT",
        0x23 => "END",
        0x24 => "HOME",
        0x25 => "LEFT",
        0x26 => "UP",
        0x27 => "RIGHT",
        0x28 => "DOWN",
        0x2C => "SNAPSHOT",
        0x2D => "INSERT",
        0x2E => "DELETE",
        0x5B => "LWIN",
        0x5C => "RWIN",
        0x5D => "APPS",
        0x90 => "NUMLOCK",
        0x91 => "SCROLL",
        0xA0 => "LSHIFT",
        0xA1 => "RSHIFT",
        0xA2 => "LCONTROL",
        0xA3 => "RCONTROL",
        0xA4 => "LMENU",
        0xA5 => "RMENU",
        b'0'..=b'9' | b'A'..=b'Z' => return char::from(code).to_string().into(),
        0x60..=0x69 => return format!("NUMPAD{}", code - 0x60).into(),
        0x70..=0x87 => return format!("F{}", code - 0x6F).into(),
        other => return format!("0x{other:02X}").into(),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::input_event::MouseButton;

    #[test]
    fn held_keys_have_names_codes_and_modifiers() {
        let held = HeldInput { keys: vec![0xA0, 0x41, 0x70, 0xE2], buttons: vec![MouseButton::Left] };
        let view = KeyboardView::new(SessionId(3), &held);
        assert_eq!(view.pressed_key_names, ["LSHIFT", "A", "F1", "0xE2", "MOUSE_LEFT"]);
        assert_eq!(view.modifier_state, Modifiers { shift: true, ctrl: false, alt: false, meta: false });
        assert_eq!(view.wolf_state.pressed_keys, [0xA0, 0x41, 0x70, 0xE2]);
        assert_eq!(view.evdev_state.pressed_keys[..3], [42, 30, 59]);
        assert!(KeyboardView::new(SessionId(3), &HeldInput::default()).pressed_keys.is_empty());
    }
}
