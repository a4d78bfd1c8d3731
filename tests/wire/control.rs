//! Every control message of the recorded sessions, both ways.

use earthshine::protocol::control::feedback::{HdrMetadata, HostMessage, MotionSensor, Termination, TriggerEffect};
use earthshine::protocol::control::message::ClientMessage;
use earthshine::protocol::control::sealer::{ControlSealer, Scheme};
use earthshine::protocol::control::session::{ControlSession, Event, event};
use earthshine::protocol::side::Side;
use serde_json::Value;

use crate::vectors::{SESSIONS, bytes, key, load, text};

/// V2 IVs have twelve bytes.
fn is_v2(message: &Value) -> bool {
    text(message, "iv").len() == 24
}

fn messages(session: &Value) -> impl Iterator<Item = &Value> {
    session["control"].as_array().unwrap().iter().filter(|message| message["type"].is_string())
}

fn message_type(message: &Value) -> u16 {
    u16::from_str_radix(&text(message, "type")[2..], 16).unwrap()
}

fn plain(message: &Value) -> Vec<u8> {
    let payload = bytes(message, "payload_hex");
    let len = u16::try_from(payload.len()).unwrap();
    [&message_type(message).to_le_bytes()[..], &len.to_le_bytes(), &payload].concat()
}

#[test]
fn recorded_packets_open_and_become_events() {
    for name in SESSIONS {
        let session = load(name);
        let v2 = is_v2(messages(&session).next().unwrap());
        let mut control = ControlSession::new(&key(&session, "rikey_hex"), v2);
        let mut opened = 0;
        for message in messages(&session).filter(|message| message["wire_hex"].is_string()) {
            let from_wire = control.handle_packet(&bytes(message, "wire_hex")).unwrap();
            assert_eq!(from_wire, event(&plain(message)).unwrap(), "{name}: {message}");
            opened += 1;
        }
        assert!(opened >= 5, "{name}");
        let first = messages(&session).next().unwrap();
        assert_eq!(control.handle_packet(&bytes(first, "wire_hex")).is_err(), v2, "{name}: replay");
    }
}

#[test]
fn every_message_means_what_its_type_says() {
    for name in SESSIONS {
        for message in messages(&load(name)) {
            let event = event(&plain(message)).unwrap();
            let fits = match message_type(message) {
                0x0302 => event == Event::RequestIdr,
                0x0301 => matches!(event, Event::InvalidateReferences { first, last } if first.0 == 8 && last.0 <= 9),
                0x0200 => event == Event::Ping,
                0x0206 => matches!(event, Event::Input(_) | Event::Ignored(0x0206)),
                0x5502 => matches!(event, Event::FecStatus(status) if status.total_data > 0 && status.blocks > 0),
                other => event == Event::Ignored(other),
            };
            assert!(fits, "{name}: {message} became {event:?}");
        }
    }
}

#[test]
fn every_message_of_the_client_writes_back() {
    for name in SESSIONS {
        for message in messages(&load(name)) {
            let plain = plain(message);
            let mut written = Vec::new();
            ClientMessage::read(&plain).unwrap().write(&mut written);
            assert_eq!(hex::encode(written), hex::encode(plain), "{name}: {message}");
        }
    }
}

/// What the recording host sent, in order.
fn host_messages() -> [HostMessage; 7] {
    let controller = 1;
    let effect =
        |mode, first: u8| TriggerEffect { mode, parameters: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|at| first + at) };
    [
        HostMessage::Rumble { controller, low_frequency: 0x1234, high_frequency: 0xABCD },
        HostMessage::TriggerRumble { controller, left: 0x1111, right: 0x2222 },
        HostMessage::MotionRequest { controller, rate_hz: 100, sensor: MotionSensor::Gyroscope },
        HostMessage::Led { controller, rgb: [10, 20, 30] },
        HostMessage::AdaptiveTriggers { controller, left: Some(effect(0x21, 0)), right: Some(effect(0x26, 10)) },
        HostMessage::Hdr {
            enabled: true,
            metadata: HdrMetadata {
                primaries: [[34000, 16000], [13250, 34500], [7500, 3000]],
                white_point: [15635, 16450],
                max_display_luminance: 1000,
                min_display_luminance: 50,
                max_content_light: 1000,
                max_frame_average_light: 400,
                max_full_frame_luminance: 600,
            },
        },
        HostMessage::Terminate(Termination::Graceful),
    ]
}

#[test]
fn host_messages_are_sealed_byte_for_byte_as_the_client_took_them() {
    let mut sessions = 0;
    for name in SESSIONS {
        let session = load(name);
        let Some(recorded) = session["host_to_client"].as_array() else { continue };
        let mut control = ControlSession::new(&key(&session, "rikey_hex"), is_v2(&recorded[0]));
        assert_eq!(recorded.len(), 7, "{name}");
        for (recorded, message) in recorded.iter().zip(host_messages()) {
            let mut plain = Vec::new();
            message.write(&mut plain);
            assert_eq!(hex::encode(plain), text(recorded, "plain_hex"), "{name}: {message:?}");
            assert_eq!(hex::encode(control.seal(&message).unwrap()), text(recorded, "wire_hex"), "{name}");
        }
        sessions += 1;
    }
    assert!(sessions >= 4);
}

#[test]
fn computed_cipher_vectors_open() {
    let vectors = load("crypto");
    for vector in vectors["control_aes_gcm"].as_array().unwrap() {
        let scheme = if vector["control_v2"].as_bool().unwrap() { Scheme::V2 } else { Scheme::Legacy };
        let side = if text(vector, "sender") == "client" { Side::Host } else { Side::Client };
        let mut sealer = ControlSealer::new(&key(&vectors, "key_hex"), scheme, side);
        let opened = sealer.open(&bytes(vector, "wire_hex")).unwrap();
        assert_eq!(hex::encode(opened), text(vector, "plain_hex"));
    }
}
