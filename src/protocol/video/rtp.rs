//! The first 16 bytes of a video packet: an RTP header (RFC 3550) and four
//! reserved bytes.
//!
//! The extension bit must be set although no RFC 3550 extension follows: it
//! makes the client skip the reserved bytes (moonlight-common-c
//! `RtpVideoQueue.c`). Payload type, marker and SSRC are not read by it.

use crate::protocol::bytes::{Reader, Truncated};
use crate::units::RtpTimestamp;

/// Bytes in front of the packet header.
pub const RTP_LEN: usize = 16;

/// What varies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// One more for each packet, parity included; wraps.
    pub sequence: u16,
    /// Capture time, the same for all packets of a frame.
    pub timestamp: RtpTimestamp,
}

impl RtpHeader {
    /// On the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RTP_LEN] {
        let mut bytes = [0; RTP_LEN];
        bytes[0] = VERSION_AND_EXTENSION;
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.0.to_be_bytes());
        bytes
    }

    /// From a packet, as a client reads it.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        reader.u16_be()?;
        let header = Self { sequence: reader.u16_be()?, timestamp: RtpTimestamp(reader.u32_be()?) };
        reader.take(8)?;
        Ok(header)
    }
}

/// RTP version 2 with the extension bit.
const VERSION_AND_EXTENSION: u8 = 0x90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_survives_the_wire() {
        let header = RtpHeader { sequence: 0xFFFE, timestamp: RtpTimestamp(91_500) };
        let bytes = header.to_bytes();
        assert_eq!(bytes, [0x90, 0, 0xFF, 0xFE, 0, 1, 0x65, 0x6C, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(RtpHeader::read(&mut Reader::new(&bytes)), Ok(header));
        assert!(RtpHeader::read(&mut Reader::new(&bytes[..15])).is_err());
    }
}
