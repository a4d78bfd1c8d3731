//! Headers of audio datagrams: RTP (RFC 3550), and the FEC header behind it in
//! parity datagrams (moonlight-common-c `RtpAudioQueue.h`, `AUDIO_FEC_HEADER`).

use crate::protocol::bytes::{Reader, Truncated};

/// Bytes in front of an Opus packet.
pub const DATA_HEADER_LEN: usize = 12;

/// Bytes in front of parity.
pub const PARITY_HEADER_LEN: usize = 24;

/// What varies in the header of a data packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataHeader {
    /// One more for each data packet; wraps. Parity uses no numbers.
    pub sequence: u16,
    /// Milliseconds, against RTP's custom of counting samples.
    pub timestamp_ms: u32,
}

impl DataHeader {
    /// On the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; DATA_HEADER_LEN] {
        rtp_header(DATA_PAYLOAD_TYPE, self.sequence, self.timestamp_ms)
    }

    /// From a datagram; `None` if it is of another payload type.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Truncated> {
        let (payload_type, sequence, timestamp_ms) = read_rtp_header(reader)?;
        Ok((payload_type == DATA_PAYLOAD_TYPE).then_some(Self { sequence, timestamp_ms }))
    }
}

/// What varies in the headers of a parity packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParityHeader {
    /// 0 or 1.
    pub index: u8,
    /// Sequence of the first data packet of the block: a multiple of 4, or the
    /// client switches FEC off.
    pub base_sequence: u16,
    /// Timestamp of that packet.
    pub base_timestamp_ms: u32,
}

impl ParityHeader {
    /// On the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; PARITY_HEADER_LEN] {
        let mut bytes = [0; PARITY_HEADER_LEN];
        let sequence = self.base_sequence.wrapping_add(4).wrapping_add(u16::from(self.index));
        bytes[..12].copy_from_slice(&rtp_header(PARITY_PAYLOAD_TYPE, sequence, 0));
        bytes[12] = self.index;
        bytes[13] = DATA_PAYLOAD_TYPE;
        bytes[14..16].copy_from_slice(&self.base_sequence.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.base_timestamp_ms.to_be_bytes());
        bytes
    }

    /// From a datagram; `None` if it is of another payload type.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Truncated> {
        let (payload_type, ..) = read_rtp_header(reader)?;
        if payload_type != PARITY_PAYLOAD_TYPE {
            return Ok(None);
        }
        let [index, _] = reader.array()?;
        let header = Self { index, base_sequence: reader.u16_be()?, base_timestamp_ms: reader.u32_be()? };
        reader.take(4)?;
        Ok(Some(header))
    }
}

fn rtp_header(payload_type: u8, sequence: u16, timestamp: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[0] = RTP_VERSION_2;
    bytes[1] = payload_type;
    bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
    bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
    bytes
}

fn read_rtp_header(reader: &mut Reader<'_>) -> Result<(u8, u16, u32), Truncated> {
    let [_, payload_type] = reader.array()?;
    let fields = (payload_type, reader.u16_be()?, reader.u32_be()?);
    reader.take(4)?;
    Ok(fields)
}

const RTP_VERSION_2: u8 = 0x80;
const DATA_PAYLOAD_TYPE: u8 = 97;
const PARITY_PAYLOAD_TYPE: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_header_survives_the_wire() {
        let header = DataHeader { sequence: 0xFFFF, timestamp_ms: 327_675 };
        let bytes = header.to_bytes();
        assert_eq!(bytes, [0x80, 97, 0xFF, 0xFF, 0, 4, 0xFF, 0xFB, 0, 0, 0, 0]);
        assert_eq!(DataHeader::read(&mut Reader::new(&bytes)), Ok(Some(header)));
        assert_eq!(ParityHeader::read(&mut Reader::new(&bytes)), Ok(None));
        assert!(DataHeader::read(&mut Reader::new(&bytes[..11])).is_err());
    }

    #[test]
    fn parity_header_survives_the_wire() {
        let header = ParityHeader { index: 1, base_sequence: 0xFFFC, base_timestamp_ms: 20 };
        let bytes = header.to_bytes();
        let expected = [0x80, 127, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 97, 0xFF, 0xFC, 0, 0, 0, 20, 0, 0, 0, 0];
        assert_eq!(bytes, expected);
        assert_eq!(ParityHeader::read(&mut Reader::new(&bytes)), Ok(Some(header)));
        assert_eq!(DataHeader::read(&mut Reader::new(&bytes)), Ok(None));
    }
}
