//! One client's control stream: sealed packets in, events out.

use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::control::feedback::HostMessage;
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::input_packet::{self, InputPacketError};
use crate::protocol::control::message::{ClientMessage, MessageError, kind};
use crate::protocol::control::sealer::{ControlSealer, OpenError, Scheme, SealError, Sequences};
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;
use crate::units::FrameIndex;

/// State of one control connection.
#[derive(Debug)]
pub struct ControlSession {
    sealer: ControlSealer,
}

/// What a packet of the client means.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The user did something.
    Input(InputEvent),
    /// The next frame shall be an IDR frame.
    RequestIdr,
    /// These frames were lost: do not refer to them, nor to what refers to them.
    InvalidateReferences {
        /// First lost frame.
        first: FrameIndex,
        /// Last lost frame.
        last: FrameIndex,
    },
    /// The client lives.
    Ping,
    /// How a frame's packets arrived.
    FecStatus(FecStatus),
    /// This frame arrived and may serve as long-term reference.
    LtrAck(FrameIndex),
    /// A message type (0x0206 for input) that asks for nothing.
    Ignored(u16),
}

/// A packet to count and drop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Not sealed by this client for now.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Authentic, but not a message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A message, but not input.
    #[error(transparent)]
    Input(#[from] InputPacketError),
}

impl ControlSession {
    /// A fresh connection under the key of this launch or resume; `v2` if the
    /// client announced V2 encryption.
    #[must_use]
    pub fn new(key: &SessionKey, v2: bool) -> Self {
        Self { sealer: ControlSealer::new(key, scheme(v2), Side::Host) }
    }

    /// A connection of another process, under the same key and with the numbers
    /// it had used.
    #[must_use]
    pub fn resume(key: &SessionKey, v2: bool, sequences: Sequences) -> Self {
        Self { sealer: ControlSealer::resume(key, scheme(v2), Side::Host, sequences) }
    }

    /// Which sequence numbers were used, for [`resume`](Self::resume).
    #[must_use]
    pub const fn sequences(&self) -> &Sequences {
        self.sealer.sequences()
    }

    /// Takes one ENet packet of any channel.
    ///
    /// # Errors
    /// [`PacketError`]; the session goes on as if the packet had been lost.
    pub fn handle_packet(&mut self, packet: &[u8]) -> Result<Event, PacketError> {
        let plain = self.sealer.open(packet)?;
        event(&plain)
    }

    /// Makes one reliable ENet packet for channel 0.
    ///
    /// # Errors
    /// [`SealError`], after four billion messages.
    pub fn seal(&mut self, message: &HostMessage) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::with_capacity(32);
        message.write(&mut plain);
        self.sealer.seal(&plain)
    }
}

const fn scheme(v2: bool) -> Scheme {
    if v2 { Scheme::V2 } else { Scheme::Legacy }
}

/// What a decrypted message means.
///
/// # Errors
/// [`PacketError::Message`] and [`PacketError::Input`].
pub fn event(plain: &[u8]) -> Result<Event, PacketError> {
    Ok(match ClientMessage::read(plain)? {
        ClientMessage::RequestIdr => Event::RequestIdr,
        ClientMessage::InvalidateReferences { first, last } => Event::InvalidateReferences { first, last },
        ClientMessage::LtrAck(frame) => Event::LtrAck(frame),
        ClientMessage::Ping => Event::Ping,
        ClientMessage::FecStatus(status) => Event::FecStatus(status),
        ClientMessage::Input(packet) => input_packet::read(packet)?.map_or(Event::Ignored(kind::INPUT), Event::Input),
        ClientMessage::Other(kind) => Event::Ignored(kind),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::feedback::Termination;

    fn pair(v2: bool) -> (ControlSealer, ControlSession) {
        let key = SessionKey::new([5; 16]);
        let scheme = if v2 { Scheme::V2 } else { Scheme::Legacy };
        (ControlSealer::new(&key, scheme, Side::Client), ControlSession::new(&key, v2))
    }

    fn send(client: &mut ControlSealer, message: &ClientMessage<'_>) -> Vec<u8> {
        let mut plain = Vec::new();
        message.write(&mut plain);
        client.seal(&plain).unwrap()
    }

    #[test]
    fn messages_become_events_under_both_schemes() {
        for v2 in [true, false] {
            let (mut client, mut session) = pair(v2);
            let frame = FrameIndex(4);
            for (message, event) in [
                (ClientMessage::RequestIdr, Event::RequestIdr),
                (ClientMessage::Ping, Event::Ping),
                (ClientMessage::LtrAck(frame), Event::LtrAck(frame)),
                (
                    ClientMessage::InvalidateReferences { first: frame, last: frame },
                    Event::InvalidateReferences { first: frame, last: frame },
                ),
                (ClientMessage::Other(0x0307), Event::Ignored(0x0307)),
                (ClientMessage::Input(&[0, 0, 0, 6, 0x0d, 0, 0, 0, 1, 0]), Event::Ignored(0x0206)),
            ] {
                let packet = send(&mut client, &message);
                assert_eq!(session.handle_packet(&packet), Ok(event));
            }
        }
    }

    #[test]
    fn a_bad_packet_leaves_the_session_as_it_was() {
        let (mut client, mut session) = pair(true);
        let packet = send(&mut client, &ClientMessage::Ping);
        let mut bad = packet.clone();
        bad[30] ^= 1;
        assert_eq!(session.handle_packet(&bad), Err(OpenError::Forged { sequence: 0 }.into()));
        assert_eq!(session.handle_packet(&packet), Ok(Event::Ping));
        assert_eq!(session.handle_packet(&packet), Err(OpenError::Replayed { sequence: 0 }.into()));
    }

    #[test]
    fn the_client_opens_what_the_host_seals() {
        let (mut client, mut session) = pair(true);
        let message = HostMessage::Terminate(Termination::Graceful);
        let plain = client.open(&session.seal(&message).unwrap()).unwrap();
        assert_eq!(HostMessage::read(&plain), Ok(Some(message)));
    }
}
