//! The control stream: ENet, sealed messages, input.

use super::enet_driver::Driver;
use super::key;
use earthshine::host::sessions::checkpoint;
use earthshine::protocol::control::feedback::HostMessage;
use earthshine::protocol::control::message::ClientMessage;
use earthshine::protocol::control::session::{self, ControlSession};
use earthshine::protocol::control::{input_packet, keymap};
use earthshine::protocol::enet::peer_state::PeerState;

/// Datagrams, time and orders for an ENet server.
pub fn enet_server(data: &[u8]) {
    Driver::new().play(data);
}

/// What another process left: two places with records, the state in the newest,
/// and what such a peer does then.
pub fn checkpoint(data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 2);
    let newest = checkpoint::newest([first, second]);
    let state = newest.map_or(data, |record| record.state);
    let Ok((state, rest)) = postcard::take_from_bytes::<PeerState>(state) else { return };
    let mut driver = Driver::new();
    if driver.adopt(state) {
        driver.play(rest);
    }
}

/// Sealed control packets under both schemes.
pub fn control_packet(data: &[u8]) {
    for v2 in [true, false] {
        let mut session = ControlSession::new(&key(), v2);
        let first = session.handle_packet(data);
        if v2 && first.is_ok() {
            assert!(session.handle_packet(data).is_err(), "a replay was opened");
        }
    }
}

/// Decrypted control messages of either end.
pub fn control_message(data: &[u8]) {
    if let Ok(message) = ClientMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(ClientMessage::read(&written), Ok(message));
    }
    // What it means must not depend on when it is asked.
    assert_eq!(format!("{:?}", session::event(data)), format!("{:?}", session::event(data)));
    if let Ok(Some(message)) = HostMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(HostMessage::read(&written), Ok(Some(message)));
    }
}

/// Input packets.
pub fn input_packet(data: &[u8]) {
    if let Ok(Some(event)) = input_packet::read(data) {
        let mut written = Vec::new();
        input_packet::write(&event, &mut written);
        assert_eq!(input_packet::read(&written), Ok(Some(event)));
    }
    if let [code, flag, ..] = data {
        let _ = keymap::evdev_code(*code, flag & 1 != 0);
    }
}
