//! `keymap.json`, `crypto.json` (`rikeyid`), and every input packet of the
//! recorded sessions, there and back.

use std::collections::HashSet;

use earthshine::protocol::control::input_event::{DeviceEvent, InputEvent, MouseButton};
use earthshine::protocol::control::{input_packet, keymap};
use earthshine::protocol::gamestream::launch_request::LaunchRequest;
use serde_json::Value;

use crate::vectors::{SESSIONS, bytes, load, text};

/// Input packets of a session with what the client's user did.
fn packets(session: &Value) -> Vec<(String, Vec<u8>)> {
    let messages = session["control"].as_array().unwrap().iter().filter(|message| message["type"] == "0x0206");
    let cause = |message: &Value| message["caused_by"].as_str().unwrap_or("start").to_owned();
    messages.map(|message| (cause(message), bytes(message, "payload_hex"))).collect()
}

#[test]
fn every_key_of_the_table_is_known_and_no_other() {
    let table = load("keymap");
    let keys: Vec<(u8, u64)> = table
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (u8::from_str_radix(&text(key, "vk")[2..], 16).unwrap(), key["code"].as_u64().unwrap()))
        .collect();
    assert!(keys.len() > 140);
    for virtual_key in 0..=u8::MAX {
        let expected = keys.iter().find(|(key, _)| *key == virtual_key).map(|(_, code)| *code);
        assert_eq!(keymap::evdev_code(virtual_key, false).map(u64::from), expected, "{virtual_key:#04x}");
    }
}

#[test]
fn every_input_packet_reads_and_writes_back() {
    let mut seen = HashSet::new();
    for name in SESSIONS {
        for (cause, packet) in packets(&load(name)) {
            let Some(event) = input_packet::read(&packet).unwrap() else {
                assert_eq!(cause, "start", "{name}: ignored");
                continue;
            };
            let mut written = Vec::new();
            input_packet::write(&event, &mut written);
            assert_eq!(hex::encode(written), hex::encode(packet), "{name}: {cause}");
            seen.insert(cause);
        }
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

#[test]
fn what_the_user_did_is_what_is_read() {
    let packets = packets(&load("session_av1_enc"));
    let event = |cause: &str| {
        let found = packets.iter().rev().find(|(have, _)| have.starts_with(cause));
        let (_, packet) = found.unwrap_or_else(|| panic!("no {cause}"));
        input_packet::read(packet).unwrap().unwrap()
    };
    let device = |cause: &str| match event(cause) {
        InputEvent::Device(device) => device,
        other => panic!("{other:?}"),
    };
    assert_eq!(event("mouse_move_rel"), InputEvent::MouseMove { dx: 5, dy: -3 });
    let position = InputEvent::MousePosition { x: 100, y: 200, width: 1279, height: 719 };
    assert_eq!(event("mouse_move_abs"), position);
    assert_eq!(event("mouse_button press"), InputEvent::MouseButton { button: MouseButton::Left, pressed: true });
    assert_eq!(event("mouse_button release"), InputEvent::MouseButton { button: MouseButton::Left, pressed: false });
    let key = |pressed, modifiers, not_normalized| InputEvent::Key { code: 0x41, pressed, modifiers, not_normalized };
    assert_eq!(event("key down"), key(true, 1, false));
    assert_eq!(event("key up"), key(false, 0, true));
    assert_eq!(event("scroll"), InputEvent::Scroll(120));
    assert_eq!(event("hscroll"), InputEvent::HorizontalScroll(-60));
    assert_eq!(event("utf8"), InputEvent::Text('é'));
    let gamepad = DeviceEvent::Gamepad {
        number: 1,
        active_mask: 3,
        buttons: 0x0011_1005,
        triggers: [16, 255],
        sticks: [1000, -1000, 32767, -32768],
    };
    assert_eq!(device("multi_controller"), gamepad);
    let motion = DeviceEvent::GamepadMotion { number: 1, sensor: 2, sample: [1.0, -2.0, 3.5] };
    assert_eq!(device("controller_motion"), motion);
    assert_eq!(device("controller_battery"), DeviceEvent::GamepadBattery { number: 1, state: 3, percent: 55 });
    let touch =
        DeviceEvent::GamepadTouch { number: 1, event: 1, touchpad: 0, pointer: 3, x: 0.5, y: 0.25, pressure: 1.0 };
    assert_eq!(device("controller_touch"), touch);
    let touch = DeviceEvent::Touch {
        event: 1,
        pointer: 9,
        x: 0.25,
        y: 0.5,
        pressure: 0.75,
        contact: [0.01, 0.02],
        rotation: 90,
    };
    assert_eq!(device("touch down"), touch);
    let pen = DeviceEvent::Pen {
        event: 3,
        tool: 1,
        buttons: 1,
        x: 0.25,
        y: 0.5,
        pressure: 0.75,
        contact: [0.0, 0.0],
        rotation: 0xffff,
        tilt: 30,
    };
    assert_eq!(device("pen move"), pen);
}

#[test]
fn rikeyid_becomes_the_head_of_the_iv() {
    for example in load("crypto")["rikeyid_examples"].as_array().unwrap() {
        let query =
            [("appid", "1".to_owned()), ("rikey", "00".repeat(16)), ("rikeyid", example["query_value"].to_string())];
        let pairs: Vec<_> = query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let request = LaunchRequest::parse(&pairs).unwrap();
        assert_eq!(hex::encode(request.rikeyid.to_be_bytes()), text(example, "iv_first4_hex"));
    }
}
