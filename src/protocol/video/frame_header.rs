//! The 8 bytes in front of a picture, at the start of its first packet.
//!
//! Source: moonlight-common-c `VideoDepacketizer.c` (`processRtpPayload`).

use crate::protocol::bytes::{Reader, Truncated};

/// Bytes of the header.
pub const FRAME_HEADER_LEN: usize = 8;

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// From capture to now in units of 100 µs; 0 is "not known".
    pub latency_100us: u16,
    /// What the client may expect of the picture.
    pub frame_type: FrameType,
    /// Bytes of header and picture that are in the last packet. AV1 needs it
    /// right: the client cuts the padding off by it.
    pub last_payload_len: u16,
}

/// What a picture refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// The frame before it.
    Predicted,
    /// Nothing: decoding can start here.
    Idr,
    /// Only frames the client has not reported lost; ends its wait after a
    /// reference invalidation.
    Recovered,
    /// The frame before it; what was lost heals from here on. Ends that wait, too.
    Refreshing,
}

impl FrameType {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Predicted => 1,
            Self::Idr => 2,
            Self::Refreshing => 4,
            Self::Recovered => 5,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Predicted),
            2 => Some(Self::Idr),
            4 => Some(Self::Refreshing),
            5 => Some(Self::Recovered),
            _ => None,
        }
    }
}

impl FrameHeader {
    /// On the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; FRAME_HEADER_LEN] {
        let [latency_low, latency_high] = self.latency_100us.to_le_bytes();
        let [last_low, last_high] = self.last_payload_len.to_le_bytes();
        [SHORT_HEADER, latency_low, latency_high, self.frame_type.to_byte(), last_low, last_high, 0, 0]
    }

    /// From the first packet of a frame, as a client reads it.
    ///
    /// # Errors
    /// [`ReadFrameHeaderError`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, ReadFrameHeaderError> {
        let kind = reader.u8()?;
        if kind != SHORT_HEADER {
            return Err(ReadFrameHeaderError::Kind(kind));
        }
        let latency_100us = reader.u16_le()?;
        let byte = reader.u8()?;
        let frame_type = FrameType::from_byte(byte).ok_or(ReadFrameHeaderError::FrameType(byte))?;
        let last_payload_len = reader.u16_le()?;
        reader.take(2)?;
        Ok(Self { latency_100us, frame_type, last_payload_len })
    }
}

/// Why bytes are not a frame header of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadFrameHeaderError {
    /// It ends too early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// Another kind of header.
    #[error("header kind {0:#04x}, only {SHORT_HEADER:#04x} is known")]
    Kind(u8),
    /// A frame type no host of ours sends.
    #[error("frame type {0} is not known")]
    FrameType(u8),
}

/// First byte of the 8-byte form; 0x81 would announce a longer one whose length
/// depends on the host version.
const SHORT_HEADER: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_survives_the_wire() {
        for frame_type in [FrameType::Predicted, FrameType::Idr, FrameType::Recovered, FrameType::Refreshing] {
            let header = FrameHeader { latency_100us: 0x0102, frame_type, last_payload_len: 1376 };
            assert_eq!(FrameHeader::read(&mut Reader::new(&header.to_bytes())), Ok(header));
        }
    }

    #[test]
    fn foreign_headers_are_refused() {
        let read = |bytes: &[u8]| FrameHeader::read(&mut Reader::new(bytes));
        assert_eq!(read(&[0x81; 8]), Err(ReadFrameHeaderError::Kind(0x81)));
        assert_eq!(read(&[1, 0, 0, 104, 0, 0, 0, 0]), Err(ReadFrameHeaderError::FrameType(104)));
        assert!(matches!(read(&[1, 0, 0, 1, 0]), Err(ReadFrameHeaderError::Truncated(_))));
    }
}
