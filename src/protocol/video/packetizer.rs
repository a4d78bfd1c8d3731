//! Cuts coded pictures into packets with parity.
//!
//! The picture is copied once, into its packets; parity is made in place behind
//! the data of each block, and sealing happens in place too. Headers and split:
//! moonlight-common-c `RtpVideoQueue.c` and `VideoDepacketizer.c`.

use super::fec_blocks::{FecBlock, FecBlocks, TooManyPackets};
use super::frame_header::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use super::packet_header::{BlockNumber, FecInfo, PACKET_HEADER_LEN, PacketFlags, PacketHeader};
use super::rtp::{RTP_LEN, RtpHeader};
use super::sealer::{SEAL_LEN, SealError, VideoSealer};
use super::shard_batch::ShardBatch;
use crate::ids::Generation;
use crate::protocol::fec::encode::{EncodeError, Encoder};
use crate::protocol::fec::kernels::{Kernel, Stripe};
use crate::protocol::secret::SessionKey;
use crate::units::{FecPercent, FrameIndex, RtpTimestamp};

/// What a stream has negotiated, and where its counters stand.
#[derive(Debug, Clone)]
pub struct PacketizerConfig {
    /// `packetSize` of ANNOUNCE: bytes of a packet behind its 16-byte RTP part.
    pub packet_size: u16,
    /// Parity per data packets; 0 sends none.
    pub fec: FecPercent,
    /// Parity packets per FEC block at least.
    pub minimum_parity: u8,
    /// Seals every packet if given.
    pub seal: Option<SealConfig>,
    /// 24-bit index of the first packet; 0 for a new connection.
    pub first_packet_index: u32,
}

/// How packets are sealed.
#[derive(Debug, Clone)]
pub struct SealConfig {
    /// Key of the connection.
    pub key: SessionKey,
    /// Which worker of the session this is.
    pub generation: Generation,
    /// Packet counter to go on from; 0 for a new connection.
    pub first: u64,
}

/// A picture and what its packets say about it.
#[derive(Debug, Clone, Copy)]
pub struct PictureToSend<'a> {
    /// The access unit.
    pub data: &'a [u8],
    /// What the client may expect of it.
    pub kind: FrameType,
    /// Its number, one more than that of the frame before.
    pub frame_index: FrameIndex,
    /// Its capture time.
    pub rtp_timestamp: RtpTimestamp,
    /// From capture to now in units of 100 µs; 0 is "not known".
    pub latency_100us: u16,
}

/// Makes the packets of one stream.
#[derive(Debug)]
pub struct Packetizer {
    packet_size: u16,
    fec: FecPercent,
    minimum_parity: u8,
    sealer: Option<VideoSealer>,
    next_packet_index: u32,
    encoder: Encoder,
}

impl Packetizer {
    /// For one stream.
    ///
    /// # Errors
    /// [`PacketSizeError`].
    pub fn new(config: &PacketizerConfig) -> Result<Self, PacketSizeError> {
        let packet_size = config.packet_size;
        if !PACKET_SIZES.contains(&packet_size) || !packet_size.is_multiple_of(16) {
            return Err(PacketSizeError(packet_size));
        }
        let sealer = config.seal.as_ref().map(|seal| VideoSealer::new(&seal.key, seal.generation, seal.first));
        Ok(Self {
            packet_size,
            fec: config.fec,
            minimum_parity: config.minimum_parity,
            sealer,
            next_packet_index: config.first_packet_index & PACKET_INDEX_MASK,
            encoder: Encoder::new(),
        })
    }

    /// With a certain kernel for parity, for comparisons.
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { encoder: Encoder::with_kernel(kernel), ..self }
    }

    /// Replaces what is in `batch` by the datagrams of `picture`.
    ///
    /// Store [`Packetizer::next_packet_index`] and [`Packetizer::next_seal`]
    /// before sending them, so that a successor never uses a number twice.
    ///
    /// # Errors
    /// [`PacketizeError`]; `batch` is empty then, and no packet index is used up
    /// by a frame that is too large.
    pub fn packetize(&mut self, picture: &PictureToSend<'_>, batch: &mut ShardBatch) -> Result<(), PacketizeError> {
        batch.clear();
        let frame = Frame::new(picture, self.payload_len());
        let split = FecBlocks::split(frame.packets(), self.fec, self.minimum_parity)?;
        let written = self.write(&frame, split, batch);
        if written.is_err() {
            batch.clear();
        }
        written
    }

    /// Another parity from the next frame on: every packet says its block's own, so that
    /// clients take it at any time.
    pub const fn set_fec(&mut self, fec: FecPercent) {
        self.fec = fec;
    }

    /// 24-bit index of the next packet; its low 16 bits are the RTP sequence.
    #[must_use]
    pub const fn next_packet_index(&self) -> u32 {
        self.next_packet_index
    }

    /// Packet counter of the next seal; 0 if nothing is sealed.
    #[must_use]
    pub fn next_seal(&self) -> u64 {
        self.sealer.as_ref().map_or(0, VideoSealer::next)
    }

    /// Bytes of each datagram, seal included.
    #[must_use]
    pub fn datagram_size(&self) -> usize {
        self.seal_len() + RTP_LEN + usize::from(self.packet_size)
    }

    fn write(&mut self, frame: &Frame<'_>, split: FecBlocks, batch: &mut ShardBatch) -> Result<(), PacketizeError> {
        let size = self.datagram_size();
        let mut rest = batch.reset(split.total_packets(), size);
        for block in split.blocks() {
            let (datagrams, behind) = rest.split_at_mut((block.data + block.parity) * size);
            self.write_block(frame, block, datagrams)?;
            rest = behind;
        }
        Ok(())
    }

    fn write_block(&mut self, frame: &Frame<'_>, block: FecBlock, datagrams: &mut [u8]) -> Result<(), PacketizeError> {
        let numbers = BlockNumbers::new(frame.picture, &block, self.next_packet_index);
        let (size, seal_len) = (self.datagram_size(), self.seal_len());
        let mut packets = datagrams.chunks_exact_mut(size).map(|datagram| &mut datagram[seal_len..]);
        for (index, packet) in packets.by_ref().take(block.data).enumerate() {
            numbers.write_data_header(index, packet);
            frame.copy_payload(block.first + index, &mut packet[HEADERS_LEN..]);
        }
        if block.parity > 0 {
            let stripe = Stripe { stride: size, offset: seal_len, len: size - seal_len };
            self.encoder.encode(datagrams, block.data, block.parity, stripe)?;
        }
        let packets = datagrams.chunks_exact_mut(size).map(|datagram| &mut datagram[seal_len..]);
        for (index, packet) in packets.enumerate().skip(block.data) {
            numbers.write_parity_header(index, packet);
        }
        self.next_packet_index = numbers.index_of(block.data + block.parity);
        self.seal(frame.picture.frame_index, datagrams)
    }

    fn seal(&mut self, frame_index: FrameIndex, datagrams: &mut [u8]) -> Result<(), PacketizeError> {
        let size = self.datagram_size();
        if let Some(sealer) = &mut self.sealer {
            for datagram in datagrams.chunks_exact_mut(size) {
                sealer.seal(frame_index, datagram)?;
            }
        }
        Ok(())
    }

    fn payload_len(&self) -> usize {
        usize::from(self.packet_size) - PACKET_HEADER_LEN
    }

    const fn seal_len(&self) -> usize {
        if self.sealer.is_some() { SEAL_LEN } else { 0 }
    }
}

/// A packet size no stream can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packet size {0} is not a multiple of 16 from {min} to {max}", min = PACKET_SIZES.start(), max = PACKET_SIZES.end())]
pub struct PacketSizeError(pub u16);

/// Why a picture was not cut into packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketizeError {
    /// It is larger than the protocol can carry.
    #[error("the frame is too large: {0}")]
    TooLarge(#[from] TooManyPackets),
    /// Its parity could not be made.
    #[error("parity: {0}")]
    Parity(#[from] EncodeError),
    /// A packet could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// A picture with its frame header, as one stream of payload bytes.
struct Frame<'a> {
    picture: &'a PictureToSend<'a>,
    header: [u8; FRAME_HEADER_LEN],
    payload_len: usize,
}

impl<'a> Frame<'a> {
    fn new(picture: &'a PictureToSend<'a>, payload_len: usize) -> Self {
        let in_last = (FRAME_HEADER_LEN + picture.data.len() - 1) % payload_len + 1;
        let header = FrameHeader {
            latency_100us: picture.latency_100us,
            frame_type: picture.kind,
            last_payload_len: u16::try_from(in_last).unwrap_or(u16::MAX),
        };
        Self { picture, header: header.to_bytes(), payload_len }
    }

    const fn packets(&self) -> usize {
        (FRAME_HEADER_LEN + self.picture.data.len()).div_ceil(self.payload_len)
    }

    /// Fills the payload of data packet `index`; the last one ends in zeros.
    fn copy_payload(&self, index: usize, payload: &mut [u8]) {
        let start = index * self.payload_len;
        let (payload, from) = match start.checked_sub(FRAME_HEADER_LEN) {
            Some(from) => (payload, from),
            None => {
                let (header, payload) = payload.split_at_mut(FRAME_HEADER_LEN);
                header.copy_from_slice(&self.header);
                (payload, 0)
            }
        };
        let rest = &self.picture.data[from..];
        let (filled, padding) = payload.split_at_mut(payload.len().min(rest.len()));
        filled.copy_from_slice(&rest[..filled.len()]);
        padding.fill(0);
    }
}

/// What the headers of a block's packets have in common.
struct BlockNumbers {
    timestamp: RtpTimestamp,
    frame_index: FrameIndex,
    first_packet_index: u32,
    number: BlockNumber,
    percent: FecPercent,
    data: u16,
}

impl BlockNumbers {
    fn new(picture: &PictureToSend<'_>, block: &FecBlock, first_packet_index: u32) -> Self {
        let number = BlockNumber { index: low_8(block.index), last: low_8(block.last_index) };
        Self {
            timestamp: picture.rtp_timestamp,
            frame_index: picture.frame_index,
            first_packet_index,
            number,
            percent: block.percent,
            data: low_16(block.data),
        }
    }

    fn write_data_header(&self, index: usize, packet: &mut [u8]) {
        let header = PacketHeader {
            packet_index: self.index_of(index),
            frame_index: self.frame_index,
            flags: PacketFlags::of_data(low_16(index), self.data),
            block: self.number,
            fec: self.fec_info(index),
        };
        packet[..RTP_LEN].copy_from_slice(&self.rtp(index));
        packet[RTP_LEN..HEADERS_LEN].copy_from_slice(&header.to_bytes());
    }

    fn write_parity_header(&self, index: usize, packet: &mut [u8]) {
        packet[..RTP_LEN].copy_from_slice(&self.rtp(index));
        let header = &mut packet[RTP_LEN..HEADERS_LEN];
        PacketHeader::label_parity(header, self.frame_index, self.number, self.fec_info(index));
    }

    fn rtp(&self, index: usize) -> [u8; RTP_LEN] {
        let [_, _, high, low] = self.index_of(index).to_be_bytes();
        RtpHeader { sequence: u16::from_be_bytes([high, low]), timestamp: self.timestamp }.to_bytes()
    }

    fn fec_info(&self, index: usize) -> FecInfo {
        FecInfo { percent: self.percent.0, index: low_16(index), data: self.data }
    }

    /// The 24-bit index of the block's packet `index`.
    fn index_of(&self, index: usize) -> u32 {
        self.first_packet_index.wrapping_add(u32::from(low_16(index))) & PACKET_INDEX_MASK
    }
}

/// RTP part and packet header.
const HEADERS_LEN: usize = RTP_LEN + PACKET_HEADER_LEN;

/// Packet indices have 24 bits.
const PACKET_INDEX_MASK: u32 = 0xFF_FFFF;

/// From toy sizes, for short test vectors, to what a jumbo frame of Ethernet
/// holds.
const PACKET_SIZES: std::ops::RangeInclusive<u16> = 64..=9216;

/// Of block counts and packet counts, which [`FecBlocks`] keeps far below.
fn low_8(count: usize) -> u8 {
    count.to_le_bytes()[0]
}

fn low_16(count: usize) -> u16 {
    let [low, high, ..] = count.to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packetizer(packet_size: u16, first_packet_index: u32) -> Packetizer {
        let fec = FecPercent(20);
        let config = PacketizerConfig { packet_size, fec, minimum_parity: 2, seal: None, first_packet_index };
        Packetizer::new(&config).unwrap()
    }

    fn picture(data: &[u8]) -> PictureToSend<'_> {
        let rtp_timestamp = RtpTimestamp(1);
        PictureToSend { data, kind: FrameType::Idr, frame_index: FrameIndex(1), rtp_timestamp, latency_100us: 0 }
    }

    #[test]
    fn impossible_packet_sizes_are_refused() {
        for packet_size in [0, 48, 63, 1391, 9232, u16::MAX] {
            let fec = FecPercent(20);
            let config = PacketizerConfig { packet_size, fec, minimum_parity: 2, seal: None, first_packet_index: 0 };
            assert_eq!(Packetizer::new(&config).unwrap_err(), PacketSizeError(packet_size));
        }
    }

    #[test]
    fn the_packet_index_wraps_at_24_bits_and_the_sequence_at_16() {
        let mut packetizer = packetizer(64, 0xFF_FFFF);
        let mut batch = ShardBatch::new();
        packetizer.packetize(&picture(&[9; 60]), &mut batch).unwrap();
        let sequences: Vec<_> = batch.datagrams().map(|packet| [packet[2], packet[3]]).collect();
        assert_eq!(sequences, [[0xFF, 0xFF], [0, 0], [0, 1], [0, 2]]);
        assert_eq!(packetizer.next_packet_index(), 3);
    }

    #[test]
    fn too_large_a_frame_uses_up_no_number_and_leaves_no_packet() {
        let mut packetizer = packetizer(64, 0);
        let mut batch = ShardBatch::new();
        packetizer.packetize(&picture(&[9; 60]), &mut batch).unwrap();
        let before = packetizer.next_packet_index();
        let refused = packetizer.packetize(&picture(&vec![0; 4092 * 48 - 7]), &mut batch);
        assert_eq!(refused, Err(PacketizeError::TooLarge(TooManyPackets(4093))));
        assert!(batch.is_empty());
        assert_eq!(packetizer.next_packet_index(), before);
        packetizer.packetize(&picture(&vec![0; 4092 * 48 - 8]), &mut batch).unwrap();
        assert_eq!(batch.len(), 4092);
    }

    #[test]
    fn padding_is_zero_also_in_a_reused_buffer() {
        let mut packetizer = packetizer(64, 0);
        let mut batch = ShardBatch::new();
        packetizer.packetize(&picture(&[0xFF; 500]), &mut batch).unwrap();
        packetizer.packetize(&picture(&[0xFF; 10]), &mut batch).unwrap();
        let first = batch.datagrams().next().unwrap();
        assert_eq!(first[32 + 8..][..10], [0xFF; 10]);
        assert_eq!(first[32 + 18..], [0; 30]);
    }
}
