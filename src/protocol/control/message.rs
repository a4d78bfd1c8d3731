//! Decrypted messages of the client.
//!
//! Type and length, both little-endian words, then the payload. Types are those
//! of appversion 7.1.431 (moonlight-common-c `ControlStream.c`, `packetTypesGen7Enc`).

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::control::client_stats::FecStatus;
use crate::units::FrameIndex;

/// One message of the client. Input is left for the input parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// 0x0302: the next frame shall be an IDR frame. Also the first message of
    /// every connection.
    RequestIdr,
    /// 0x0301: these frames were lost.
    InvalidateReferences {
        /// First lost frame.
        first: FrameIndex,
        /// Last lost frame.
        last: FrameIndex,
    },
    /// 0x0350: this frame arrived and may serve as long-term reference.
    LtrAck(FrameIndex),
    /// 0x0200: every 100 ms.
    Ping,
    /// 0x5502: how a frame's packets arrived.
    FecStatus(FecStatus),
    /// 0x0206: one input packet.
    Input(&'a [u8]),
    /// Start messages and what forks send: nothing to do.
    Other(u16),
}

/// A message that does not keep its own format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Shorter than its type demands.
    #[error("message {kind:#06x}: {cause}")]
    Truncated {
        /// Message type, 0 if not even that is there.
        kind: u16,
        /// What is missing.
        cause: Truncated,
    },
    /// The length field is not the length.
    #[error("message {kind:#06x} says {said} bytes, has {have}")]
    WrongLength {
        /// Message type.
        kind: u16,
        /// Length field.
        said: u16,
        /// Bytes after it.
        have: usize,
    },
    /// A sealed message inside a sealed message.
    #[error("nested encryption")]
    Nested,
    /// A range of lost frames that ends before it begins.
    #[error("lost frames {first} to {last}")]
    EmptyRange {
        /// First lost frame.
        first: u32,
        /// Last lost frame.
        last: u32,
    },
}

impl<'a> ClientMessage<'a> {
    /// Reads one whole decrypted message.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let (kind, payload) = read_header(bytes)?;
        match kind {
            kind::SEALED => Err(MessageError::Nested),
            kind::REQUEST_IDR => Ok(Self::RequestIdr),
            kind::INVALIDATE => read_lost_frames(payload),
            kind::LTR_ACK => u32_of(kind, payload).map(|frame| Self::LtrAck(FrameIndex(frame))),
            kind::PING => Ok(Self::Ping),
            kind::FEC_STATUS => FecStatus::read(payload).map(Self::FecStatus).map_err(truncated(kind)),
            kind::INPUT => Ok(Self::Input(payload)),
            other => Ok(Self::Other(other)),
        }
    }

    /// Appends the whole message as clients send it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        let kind = self.write_payload(&mut payload);
        write_message(kind, &payload, out);
    }

    fn write_payload(&self, out: &mut Vec<u8>) -> u16 {
        match self {
            Self::RequestIdr => {
                out.extend([0; 2]);
                kind::REQUEST_IDR
            }
            Self::InvalidateReferences { first, last } => {
                Writer::new(out).u32_le(first.0).u32_le(0).u32_le(last.0).bytes(&[0; 12]);
                kind::INVALIDATE
            }
            Self::LtrAck(frame) => {
                Writer::new(out).u32_le(frame.0).u32_le(0);
                kind::LTR_ACK
            }
            Self::Ping => {
                out.extend([4, 0, 0, 0, 0, 0, 0, 0]);
                kind::PING
            }
            Self::FecStatus(status) => {
                status.write(out);
                kind::FEC_STATUS
            }
            Self::Input(packet) => {
                out.extend_from_slice(packet);
                kind::INPUT
            }
            Self::Other(kind) => {
                out.push(0);
                *kind
            }
        }
    }
}

/// Splits a message into its type and its payload.
///
/// # Errors
/// [`MessageError::Truncated`] and [`MessageError::WrongLength`].
pub(super) fn read_header(bytes: &[u8]) -> Result<(u16, &[u8]), MessageError> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u16_le().map_err(truncated(0))?;
    let said = reader.u16_le().map_err(truncated(kind))?;
    let payload = reader.rest();
    if usize::from(said) != payload.len() {
        return Err(MessageError::WrongLength { kind, said, have: payload.len() });
    }
    Ok((kind, payload))
}

/// Appends type, length and payload. No message we write is longer than 64 KB.
pub(super) fn write_message(kind: u16, payload: &[u8], out: &mut Vec<u8>) {
    let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    Writer::new(out).u16_le(kind).u16_le(len).bytes(&payload[..usize::from(len)]);
}

fn read_lost_frames(payload: &[u8]) -> Result<ClientMessage<'_>, MessageError> {
    let mut reader = Reader::new(payload);
    let mut next = || reader.u32_le().map_err(truncated(kind::INVALIDATE));
    let (first, _, last) = (next()?, next()?, next()?);
    if first > last {
        return Err(MessageError::EmptyRange { first, last });
    }
    Ok(ClientMessage::InvalidateReferences { first: FrameIndex(first), last: FrameIndex(last) })
}

fn u32_of(kind: u16, payload: &[u8]) -> Result<u32, MessageError> {
    Reader::new(payload).u32_le().map_err(truncated(kind))
}

fn truncated(kind: u16) -> impl Fn(Truncated) -> MessageError {
    move |cause| MessageError::Truncated { kind, cause }
}

/// Message types of the client.
pub(super) mod kind {
    pub(crate) const SEALED: u16 = 0x0001;
    pub(crate) const PING: u16 = 0x0200;
    pub(crate) const INPUT: u16 = 0x0206;
    pub(crate) const INVALIDATE: u16 = 0x0301;
    pub(crate) const REQUEST_IDR: u16 = 0x0302;
    pub(crate) const LTR_ACK: u16 = 0x0350;
    pub(crate) const FEC_STATUS: u16 = 0x5502;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back() {
        for message in [
            ClientMessage::RequestIdr,
            ClientMessage::InvalidateReferences { first: FrameIndex(8), last: FrameIndex(9) },
            ClientMessage::LtrAck(FrameIndex(77)),
            ClientMessage::Ping,
            ClientMessage::Input(&[1, 2, 3]),
            ClientMessage::Other(0x0307),
        ] {
            let mut bytes = Vec::new();
            message.write(&mut bytes);
            assert_eq!(ClientMessage::read(&bytes), Ok(message));
            assert!(ClientMessage::read(&bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn lies_about_length_and_nesting_are_refused() {
        let wrong = MessageError::WrongLength { kind: 0x0302, said: 3, have: 2 };
        assert_eq!(ClientMessage::read(&[2, 3, 3, 0, 0, 0]), Err(wrong));
        assert_eq!(ClientMessage::read(&[1, 0, 0, 0]), Err(MessageError::Nested));
        assert!(matches!(ClientMessage::read(&[1]), Err(MessageError::Truncated { kind: 0, .. })));
        assert!(matches!(ClientMessage::read(&[1, 3, 2, 0, 0, 0]), Err(MessageError::Truncated { .. })));
    }

    #[test]
    fn lost_frames_must_be_a_range() {
        let mut bytes = Vec::new();
        ClientMessage::InvalidateReferences { first: FrameIndex(9), last: FrameIndex(8) }.write(&mut bytes);
        assert_eq!(ClientMessage::read(&bytes), Err(MessageError::EmptyRange { first: 9, last: 8 }));
    }
}
