//! The first datagrams of a media stream: who is this, and where.
//!
//! A client that was given a payload in SETUP sends it with a big-endian
//! counter (20 bytes); any other sends the four letters `PING`
//! (moonlight-common-c `VideoStream.c`, `VideoPingThreadProc`). Both repeat
//! every 500 ms.

use serde::{Deserialize, Serialize};

use crate::protocol::bytes::Reader;

/// The 16 characters of `X-SS-Ping-Payload`. Not a secret: it crosses the
/// network in the clear, and only tells clients behind one address apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PingPayload([u8; 16]);

impl PingPayload {
    /// Eight random bytes as hex digits: the client wants 16 printable
    /// characters.
    #[must_use]
    pub fn from_random(random: [u8; 8]) -> Self {
        let mut text = [0; 16];
        for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// From the header; `None` unless it is 16 letters and digits, in which case
    /// a client sends [`Ping::Legacy`].
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        text.iter().all(u8::is_ascii_alphanumeric).then_some(Self(text))
    }

    /// Sixteen bytes that both sides agreed on in some other way.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As it stands in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ping {
    /// With the payload of its session.
    Session {
        /// Whose it is.
        payload: PingPayload,
        /// Counts from 1.
        sequence: u32,
    },
    /// From a client that is known by its address alone.
    Legacy,
}

impl Ping {
    /// Reads a datagram; `None` if it is no ping.
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        if datagram == b"PING" {
            return Some(Self::Legacy);
        }
        let mut reader = Reader::new(datagram);
        let text: [u8; 16] = reader.array().ok()?;
        let sequence = reader.u32_be().ok()?;
        // Later clients may append to it.
        let printable = text.iter().all(u8::is_ascii_alphanumeric);
        printable.then_some(Self::Session { payload: PingPayload(text), sequence })
    }

    /// The datagram as clients send it.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Session { payload, sequence } => [&payload.0[..], &sequence.to_be_bytes()].concat(),
            Self::Legacy => b"PING".to_vec(),
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_carries_the_payload_that_setup_gave() {
        let payload = PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]);
        assert_eq!(payload.as_str(), "A1B2C3D4E5F60718");
        let datagram = [payload.as_str().as_bytes(), &[0, 0, 0, 3]].concat();
        assert_eq!(Ping::parse(&datagram), Some(Ping::Session { payload, sequence: 3 }));
        assert_eq!(Ping::Session { payload, sequence: 3 }.to_bytes(), datagram);
        assert_eq!(Ping::parse(&Ping::Legacy.to_bytes()), Some(Ping::Legacy));
        assert_eq!(PingPayload::from_header(payload.as_str()), Some(payload));
        assert_eq!(PingPayload::from_header("too short"), None);
    }

    #[test]
    fn old_clients_send_four_letters_and_anything_else_is_no_ping() {
        assert_eq!(Ping::parse(b"PING"), Some(Ping::Legacy));
        for junk in [&b""[..], b"PONG", b"PING\0", &[b'A'; 19], &[0; 20]] {
            assert_eq!(Ping::parse(junk), None, "{junk:?}");
        }
    }
}
