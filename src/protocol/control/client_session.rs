//! The client's side of a control stream: messages in, sealed packets out, and
//! the other way round. For the load generator and tests.

use crate::protocol::control::feedback::HostMessage;
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::input_packet;
use crate::protocol::control::message::{ClientMessage, MessageError};
use crate::protocol::control::sealer::{ControlSealer, OpenError, Scheme, SealError};
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;

/// State of one control connection.
#[derive(Debug)]
pub struct ClientControlSession {
    sealer: ControlSealer,
}

/// A packet of the host that a client drops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPacketError {
    /// Not sealed by this host.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Not a message.
    #[error(transparent)]
    Message(#[from] MessageError),
}

impl ClientControlSession {
    /// A fresh connection under the key of this launch or resume; `v2` if the
    /// client announced V2 encryption.
    #[must_use]
    pub fn new(key: &SessionKey, v2: bool) -> Self {
        let scheme = if v2 { Scheme::V2 } else { Scheme::Legacy };
        Self { sealer: ControlSealer::new(key, scheme, Side::Client) }
    }

    /// What every connection begins with (moonlight-common-c `ControlStream.c`,
    /// `startControlStream`, and `InputStream.c`, `startInputStream`; recorded in
    /// `tests/wire/vectors/session_*.json`): a request for an IDR frame, the start
    /// message, haptics, and a mouse motion there and back.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&mut self) -> Result<Vec<Vec<u8>>, SealError> {
        let mut haptics = Vec::new();
        haptics.extend([0, 0, 0, 6, 0x0d, 0, 0, 0, 1, 0]);
        let mut packets = vec![
            self.seal(&ClientMessage::RequestIdr)?,
            self.seal(&ClientMessage::Other(START_B))?,
            self.seal(&ClientMessage::Ping)?,
            self.seal(&ClientMessage::Input(&haptics))?,
        ];
        for step in [1, -1] {
            packets.push(self.seal_input(&InputEvent::MouseMove { dx: step, dy: step })?);
        }
        Ok(packets)
    }

    /// Makes one ENet packet of a message.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&mut self, message: &ClientMessage<'_>) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::with_capacity(32);
        message.write(&mut plain);
        self.sealer.seal(&plain)
    }

    /// Makes one ENet packet of what the user does.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_input(&mut self, event: &InputEvent) -> Result<Vec<u8>, SealError> {
        let mut packet = Vec::with_capacity(32);
        input_packet::write(event, &mut packet);
        self.seal(&ClientMessage::Input(&packet))
    }

    /// Takes one ENet packet of the host; `None` for messages it does not know.
    ///
    /// # Errors
    /// [`HostPacketError`]; the client goes on as if it had been lost.
    pub fn handle_packet(&mut self, packet: &[u8]) -> Result<Option<HostMessage>, HostPacketError> {
        let plain = self.sealer.open(packet)?;
        Ok(HostMessage::read(&plain)?)
    }
}

/// ENet channels of a client (moonlight-common-c `ControlStream.c`).
pub mod channel {
    /// Pings, start messages.
    pub const GENERIC: u8 = 0;
    /// Frame requests.
    pub const URGENT: u8 = 1;
    /// Keys.
    pub const KEYBOARD: u8 = 2;
    /// Motion, buttons, wheel.
    pub const MOUSE: u8 = 3;
    /// How many a client opens.
    pub const COUNT: usize = 48;
}

/// Message type without a meaning to hosts.
const START_B: u16 = 0x0307;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::feedback::Termination;
    use crate::protocol::control::session::{ControlSession, Event};

    #[test]
    fn the_host_understands_the_client_and_the_client_the_host() {
        let key = SessionKey::new([5; 16]);
        for v2 in [true, false] {
            let (mut client, mut host) = (ClientControlSession::new(&key, v2), ControlSession::new(&key, v2));
            let events: Vec<_> =
                client.open().unwrap().iter().map(|packet| host.handle_packet(packet).unwrap()).collect();
            let there_and_back = [1, -1].map(|step| Event::Input(InputEvent::MouseMove { dx: step, dy: step }));
            assert_eq!(events[..4], [Event::RequestIdr, Event::Ignored(0x0307), Event::Ping, Event::Ignored(0x0206)]);
            assert_eq!(events[4..], there_and_back);
            let goodbye = HostMessage::Terminate(Termination::Graceful);
            assert_eq!(client.handle_packet(&host.seal(&goodbye).unwrap()), Ok(Some(goodbye)));
        }
    }

    #[test]
    fn packets_of_others_are_refused() {
        let mut client = ClientControlSession::new(&SessionKey::new([5; 16]), true);
        assert!(matches!(client.handle_packet(b"junk"), Err(HostPacketError::Open(_))));
    }
}
