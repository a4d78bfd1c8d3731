//! The 16 bytes between the RTP part and the payload of a video packet.
//!
//! Source: moonlight-common-c `Video.h` (`NV_VIDEO_PACKET`), `RtpVideoQueue.c`
//! and `VideoDepacketizer.c`.

use crate::protocol::bytes::{Reader, Truncated};
use crate::units::FrameIndex;

/// Bytes of the header.
pub const PACKET_HEADER_LEN: usize = 16;

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketHeader {
    /// Continuation of the RTP sequence; 24 bits are sent. Rises by one from data
    /// packet to data packet of a block.
    pub packet_index: u32,
    /// Frame.
    pub frame_index: FrameIndex,
    /// Position in its block.
    pub flags: PacketFlags,
    /// FEC block of the frame.
    pub block: BlockNumber,
    /// Place in the code.
    pub fec: FecInfo,
}

/// Flags of a packet. No other bits may be set: the client checks that of
/// packets it has recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketFlags(pub u8);

impl PacketFlags {
    /// The packet carries a part of a picture.
    pub const PICTURE: u8 = 1;
    /// It is the last data packet of its FEC block.
    pub const END: u8 = 2;
    /// It is the first packet of its FEC block.
    pub const START: u8 = 4;

    /// Of data packet `index` in a block of `data`.
    #[must_use]
    pub const fn of_data(index: u16, data: u16) -> Self {
        let start = if index == 0 { Self::START } else { 0 };
        let end = if index + 1 == data { Self::END } else { 0 };
        Self(Self::PICTURE | start | end)
    }
}

/// Which FEC block of how many, each 0..=3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockNumber {
    /// This block.
    pub index: u8,
    /// The last block of the frame.
    pub last: u8,
}

impl BlockNumber {
    const fn to_byte(self) -> u8 {
        (self.index & 3) << 4 | (self.last & 3) << 6
    }

    const fn from_byte(byte: u8) -> Self {
        Self { index: byte >> 4 & 3, last: byte >> 6 }
    }
}

/// What the client needs to build the code of the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FecInfo {
    /// From which the client computes the parity count: `ceil(data * percent / 100)`.
    pub percent: u8,
    /// Of this packet: data packets from 0, then parity packets. 10 bits.
    pub index: u16,
    /// Data packets of the block. 10 bits.
    pub data: u16,
}

impl FecInfo {
    /// Parity packets as the client computes them.
    #[must_use]
    pub const fn parity(self) -> u16 {
        // In 16 bits a foreign header's 1023 packets at 255 % would overflow.
        let [_, _, high, low] = (self.data as u32 * self.percent as u32).div_ceil(100).to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    const fn to_word(self) -> u32 {
        (self.percent as u32) << 4 | (self.index as u32 & TEN_BITS) << 12 | (self.data as u32) << 22
    }

    const fn from_word(word: u32) -> Self {
        let [_, _, _, percent] = (word >> 4 & 0xFF).to_be_bytes();
        Self { percent, index: ten_bits(word >> 12), data: ten_bits(word >> 22) }
    }
}

impl PacketHeader {
    /// On the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; PACKET_HEADER_LEN] {
        let mut bytes = [0; PACKET_HEADER_LEN];
        bytes[0..4].copy_from_slice(&(self.packet_index << 8).to_le_bytes());
        bytes[4..8].copy_from_slice(&self.frame_index.0.to_le_bytes());
        bytes[8] = self.flags.0;
        bytes[10] = MULTI_FEC_FLAGS;
        bytes[11] = self.block.to_byte();
        bytes[12..16].copy_from_slice(&self.fec.to_word().to_le_bytes());
        bytes
    }

    /// Writes into a freshly encoded parity packet what the code must not
    /// decide: frame, block and place. Packet index and flags stay as encoded,
    /// because the client takes them from packets it recovers.
    ///
    /// # Panics
    /// If `header` is shorter than [`PACKET_HEADER_LEN`].
    pub fn label_parity(header: &mut [u8], frame_index: FrameIndex, block: BlockNumber, fec: FecInfo) {
        header[4..8].copy_from_slice(&frame_index.0.to_le_bytes());
        header[11] = block.to_byte();
        header[12..16].copy_from_slice(&fec.to_word().to_le_bytes());
    }

    /// From a packet, as a client reads it.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let packet_index = reader.u32_le()? >> 8;
        let frame_index = FrameIndex(reader.u32_le()?);
        let [flags, _, _, block] = reader.array()?;
        let fec = FecInfo::from_word(reader.u32_le()?);
        let flags = PacketFlags(flags);
        Ok(Self { packet_index, frame_index, flags, block: BlockNumber::from_byte(block), fec })
    }
}

/// Constant that hosts send; no client reads it.
const MULTI_FEC_FLAGS: u8 = 0x10;

const TEN_BITS: u32 = 0x3FF;

const fn ten_bits(word: u32) -> u16 {
    let [_, _, high, low] = (word & TEN_BITS).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: PacketHeader = PacketHeader {
        packet_index: 0x12_3456,
        frame_index: FrameIndex(0x0102_0304),
        flags: PacketFlags(5),
        block: BlockNumber { index: 1, last: 2 },
        fec: FecInfo { percent: 200, index: 1022, data: 1023 },
    };

    #[test]
    fn header_survives_the_wire() {
        let bytes = HEADER.to_bytes();
        assert_eq!(PacketHeader::read(&mut Reader::new(&bytes)), Ok(HEADER));
        assert!(PacketHeader::read(&mut Reader::new(&bytes[..15])).is_err());
    }

    #[test]
    fn the_greatest_numbers_on_the_wire_give_a_parity_count() {
        assert_eq!(FecInfo { percent: 255, index: 0, data: 1023 }.parity(), 2609);
        assert_eq!(FecInfo { percent: 20, index: 0, data: 11 }.parity(), 3);
    }

    #[test]
    fn only_24_bits_of_the_packet_index_are_sent() {
        let header = PacketHeader { packet_index: 0x0A00_0001, ..HEADER };
        assert_eq!(header.to_bytes()[..4], [0, 1, 0, 0]);
    }

    #[test]
    fn parity_of_any_header_is_what_the_client_computes() {
        assert_eq!(FecInfo { percent: 20, index: 0, data: 11 }.parity(), 3);
        assert_eq!(FecInfo { percent: 255, index: 0, data: 1023 }.parity(), 2609);
    }

    #[test]
    fn a_lone_packet_starts_and_ends_its_block() {
        assert_eq!(PacketFlags::of_data(0, 1), PacketFlags(7));
        assert_eq!(PacketFlags::of_data(0, 3), PacketFlags(5));
        assert_eq!(PacketFlags::of_data(1, 3), PacketFlags(1));
        assert_eq!(PacketFlags::of_data(2, 3), PacketFlags(3));
    }
}
