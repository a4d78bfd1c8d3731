//! Packets back to frames, with the client's patience: none.
//!
//! By the rules of the real client (moonlight-common-c `RtpVideoQueue.c` and
//! `VideoDepacketizer.c`): one FEC block is open at a time; as soon as any
//! `data` of its packets are there it is whole; a packet of a later block or
//! frame closes it, whole or not; what comes late is dropped. So reordering
//! across blocks is loss here as it is there. For the load generator, which
//! counts pictures, and for benches and tests, which keep and decode them.

use crate::protocol::bytes::Reader;
use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::fec::decode::repair;
use crate::protocol::fec::kernels::Stripe;
use crate::protocol::fec::matrix::MatrixCache;
use crate::protocol::video::frame_header::{FRAME_HEADER_LEN, FrameHeader, FrameType};
use crate::protocol::video::open_block::{Block, Shape};
use crate::protocol::video::packet_header::{PACKET_HEADER_LEN, PacketHeader};
use crate::protocol::video::rtp::{RTP_LEN, RtpHeader};
use crate::protocol::video::sequences::Sequences;
use crate::units::{FrameIndex, RtpTimestamp};

/// Puts the frames of one stream together.
#[derive(Debug)]
pub struct Assembler {
    packet_len: usize,
    codes: MatrixCache,
    state: State,
    block: Block,
    sequences: Sequences,
    events: Vec<Event>,
    /// Payload of the frame, as far as its blocks are whole, if pictures are kept.
    payload: Option<Vec<u8>>,
    /// Packets of frames and blocks that were over, and such as make no sense.
    ignored: u64,
}

/// What becomes of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// All of a frame is there.
    Frame(WholeFrame),
    /// Frames are lost: not repairable, or never seen.
    Lost {
        /// The first.
        first: FrameIndex,
        /// The last.
        last: FrameIndex,
        /// How many of them were seen in part.
        in_part: u32,
    },
    /// A block needed repair or failed: what a client tells its host.
    Status(FecStatus),
}

/// A frame that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeFrame {
    /// Its number.
    pub index: FrameIndex,
    /// What its header says; `None` if that makes no sense.
    pub header: Option<FrameHeader>,
    /// Parity stood in for packets that did not come.
    pub repaired: bool,
    /// Bytes of its data packets behind their headers.
    pub bytes: u64,
    /// RTP time of the packet that made it whole; all of its packets have one.
    pub timestamp: RtpTimestamp,
}

impl WholeFrame {
    /// Decoding can start here.
    #[must_use]
    pub fn is_idr(&self) -> bool {
        self.header.is_some_and(|header| header.frame_type == FrameType::Idr)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing has come; frames before the first one seen are not missed.
    Fresh,
    /// This block of this frame is next or open.
    Open { frame: FrameIndex, block: u8 },
    /// This frame is over, whole or given up.
    Over { frame: FrameIndex },
}

impl Assembler {
    /// For packets of `packet_size` bytes behind their 16-byte RTP part, as
    /// announced.
    #[must_use]
    pub fn new(packet_size: u16) -> Self {
        Self {
            packet_len: RTP_LEN + usize::from(packet_size),
            codes: MatrixCache::default(),
            state: State::Fresh,
            block: Block::default(),
            sequences: Sequences::default(),
            events: Vec::new(),
            payload: None,
            ignored: 0,
        }
    }

    /// Keeps the picture of each whole frame for [`Assembler::picture`].
    #[must_use]
    pub fn keeping_pictures(self) -> Self {
        Self { payload: Some(Vec::new()), ..self }
    }

    /// The access unit of the newest whole frame, until packets of another come. `None`
    /// if pictures are not kept, or its header makes no sense.
    #[must_use]
    pub fn picture(&self) -> Option<&[u8]> {
        if self.block.shape.is_some() || !matches!(self.state, State::Over { .. }) {
            return None;
        }
        self.payload.as_ref()?.get(FRAME_HEADER_LEN..)
    }

    /// Takes a packet, opened if it was sealed; what comes of it is returned in
    /// order.
    pub fn handle_packet(&mut self, packet: &[u8]) -> std::vec::Drain<'_, Event> {
        if self.take(packet).is_none() {
            self.ignored += 1;
        }
        self.events.drain(..)
    }

    /// Packets by their sequence numbers that have not come (yet).
    #[must_use]
    pub const fn missing_packets(&self) -> u64 {
        self.sequences.missing()
    }

    /// Packets that came too late or made no sense.
    #[must_use]
    pub const fn ignored_packets(&self) -> u64 {
        self.ignored
    }

    /// `None` for a packet of no use.
    fn take(&mut self, packet: &[u8]) -> Option<()> {
        let mut reader = Reader::new(packet);
        let rtp = RtpHeader::read(&mut reader).ok()?;
        let header = PacketHeader::read(&mut reader).ok()?;
        self.sequences.note(rtp.sequence);
        // A last data packet may be short; the rest of it counts as zeros.
        if packet.len() > self.packet_len || header.fec.index >= header.fec.data + header.fec.parity() {
            return None;
        }
        self.go_to(&header)?;
        let shape = Shape {
            first_sequence: rtp.sequence.wrapping_sub(header.fec.index),
            data: header.fec.data,
            percent: header.fec.percent,
            parity: header.fec.parity(),
            last_block: header.block.last,
        };
        self.block.add(shape, header.fec.index, packet, self.packet_len)?;
        self.block.timestamp = rtp.timestamp.0;
        if self.block.received_data + self.block.received_parity >= shape.data {
            self.finish_block(header.frame_index, header.block.index, shape);
        }
        Some(())
    }

    /// Makes the packet's block the open one; `None` if it is over or its frame
    /// cannot be whole any more.
    fn go_to(&mut self, header: &PacketHeader) -> Option<()> {
        let (frame, block) = (header.frame_index, header.block.index);
        match self.state {
            State::Open { frame: open, block: next } if open == frame => {
                if block > next {
                    // It can only have lost what the block before was for.
                    self.give_up(open);
                    return None;
                }
                return (block == next).then_some(());
            }
            State::Open { frame: open, .. } if frame > open => {
                self.give_up(open);
                self.miss(open.next(), frame, 0);
            }
            State::Over { frame: over } if frame > over => self.miss(over.next(), frame, 0),
            State::Fresh => {}
            State::Open { .. } | State::Over { .. } => return None,
        }
        self.block.clear_frame();
        if block == 0 {
            self.state = State::Open { frame, block: 0 };
            Some(())
        } else {
            // Its first block never came.
            self.miss(frame, frame.next(), 1);
            self.state = State::Over { frame };
            None
        }
    }

    /// The open frame is lost.
    fn give_up(&mut self, frame: FrameIndex) {
        let State::Open { block, .. } = self.state else { return };
        if let Some(shape) = self.block.shape {
            self.events.push(Event::Status(self.block.status(frame, block, shape)));
        }
        self.miss(frame, frame.next(), 1);
        self.state = State::Over { frame };
    }

    /// Frames from `first` up to before `end` are lost.
    fn miss(&mut self, first: FrameIndex, end: FrameIndex, in_part: u32) {
        self.payload.iter_mut().for_each(Vec::clear);
        if first < end {
            self.events.push(Event::Lost { first, last: FrameIndex(end.0 - 1), in_part });
        }
    }

    fn finish_block(&mut self, frame: FrameIndex, block: u8, shape: Shape) {
        if self.block.received_data < shape.data {
            self.events.push(Event::Status(self.block.status(frame, block, shape)));
            if self.repair(shape).is_none() {
                self.miss(frame, frame.next(), 1);
                self.state = State::Over { frame };
                return;
            }
        }
        if block == 0 {
            self.block.header = FrameHeader::read(&mut Reader::new(&self.block.packets[HEADERS_LEN..])).ok();
        }
        self.keep_payload(block == 0, shape.data.into());
        self.block.bytes += u64::from(shape.data) * (self.packet_len - HEADERS_LEN) as u64;
        if block < shape.last_block {
            self.state = State::Open { frame, block: block + 1 };
        } else {
            let Block { header, repaired, bytes, timestamp, .. } = self.block;
            let timestamp = RtpTimestamp(timestamp);
            self.cut_padding(header);
            self.events.push(Event::Frame(WholeFrame { index: frame, header, repaired, bytes, timestamp }));
            self.state = State::Over { frame };
        }
        self.block.clear();
    }

    fn keep_payload(&mut self, is_first: bool, data: usize) {
        let Some(payload) = &mut self.payload else { return };
        if is_first {
            payload.clear();
        }
        for packet in self.block.packets.chunks_exact(self.packet_len).take(data) {
            payload.extend_from_slice(&packet[HEADERS_LEN..]);
        }
    }

    /// The last packet of a frame is filled up with zeros.
    fn cut_padding(&mut self, header: Option<FrameHeader>) {
        let Some(payload) = &mut self.payload else { return };
        let in_last = header.map_or(0, |header| usize::from(header.last_payload_len));
        match (self.packet_len - HEADERS_LEN).checked_sub(in_last) {
            Some(padding) if in_last > 0 => payload.truncate(payload.len().saturating_sub(padding)),
            _ => payload.clear(),
        }
    }

    fn repair(&mut self, shape: Shape) -> Option<()> {
        let code = self.codes.video(shape.data.into(), shape.parity.into()).ok()?;
        let stripe = Stripe { stride: self.packet_len, offset: 0, len: self.packet_len };
        repair(code, &mut self.block.packets, &self.block.present, stripe).ok()?;
        self.block.repaired = true;
        Some(())
    }
}

/// RTP part and packet header.
const HEADERS_LEN: usize = RTP_LEN + PACKET_HEADER_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend};
    use crate::protocol::video::shard_batch::ShardBatch;
    use crate::units::{FecPercent, RtpTimestamp};

    const SIZE: u16 = 64;

    /// Packets of frames 1, 2, ... with pictures of these lengths.
    fn frames(lengths: &[usize]) -> Vec<Vec<Vec<u8>>> {
        let fec = FecPercent(20);
        let config = PacketizerConfig { packet_size: SIZE, fec, minimum_parity: 2, seal: None, first_packet_index: 0 };
        let mut packetizer = Packetizer::new(&config).unwrap();
        let mut batch = ShardBatch::new();
        let numbered = (1..).zip(lengths);
        numbered
            .map(|(number, length)| {
                let kind = if number == 1 { FrameType::Idr } else { FrameType::Predicted };
                let data = vec![7; *length];
                let rtp_timestamp = RtpTimestamp(number);
                let frame_index = FrameIndex(number);
                let picture = PictureToSend { data: &data, kind, frame_index, rtp_timestamp, latency_100us: 5 };
                packetizer.packetize(&picture, &mut batch).unwrap();
                batch.datagrams().map(<[u8]>::to_vec).collect()
            })
            .collect()
    }

    fn feed<'a>(assembler: &mut Assembler, packets: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Event> {
        packets.into_iter().flat_map(|packet| assembler.handle_packet(packet).collect::<Vec<_>>()).collect()
    }

    /// Numbers of whole frames, negative if repaired, and of lost ones.
    fn outcome(events: &[Event]) -> (Vec<i64>, Vec<(u32, u32, u32)>) {
        let (mut whole, mut lost) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Event::Frame(frame) => whole.push(i64::from(frame.index.0) * if frame.repaired { -1 } else { 1 }),
                Event::Lost { first, last, in_part } => lost.push((first.0, last.0, *in_part)),
                Event::Status(_) => {}
            }
        }
        (whole, lost)
    }

    #[test]
    fn frames_of_one_and_of_several_blocks_arrive_whole() {
        // 20 % of parity: 212 data packets a block at most.
        let frames = frames(&[10, 500, 300 * 48, 700 * 48, 0]);
        let mut assembler = Assembler::new(SIZE);
        let events = feed(&mut assembler, frames.iter().flatten());
        assert_eq!(outcome(&events), (vec![1, 2, 3, 4, 5], vec![]));
        let Event::Frame(first) = events[0] else { panic!("{events:?}") };
        assert!(first.is_idr());
        assert_eq!(first.header.unwrap().latency_100us, 5);
        assert_eq!(assembler.missing_packets(), 0);
        let Event::Frame(second) = events[1] else { panic!("{events:?}") };
        assert_eq!((second.is_idr(), second.bytes), (false, 11 * 48));
    }

    #[test]
    fn parity_stands_in_for_what_did_not_come_and_the_host_is_told() {
        let frames = frames(&[500, 300 * 48]);
        let mut assembler = Assembler::new(SIZE);
        let kept = frames.iter().flat_map(|frame| frame.iter().enumerate().filter(|(at, _)| *at != 0 && *at != 7));
        let events = feed(&mut assembler, kept.map(|(_, packet)| packet));
        assert_eq!(outcome(&events), (vec![-1, -2], vec![]));
        let Event::Frame(first) = events[1] else { panic!("{events:?}") };
        assert!(first.is_idr(), "the frame header was in a repaired packet");
        let Event::Status(status) = events[0] else { panic!("{events:?}") };
        assert_eq!((status.total_data, status.total_parity), (11, 3));
        assert_eq!((status.received_data, status.received_parity), (9, 2));
        assert_eq!((status.missing_before_highest, status.next_contiguous, status.highest_received), (2, 0, 12));
        assert!(!status.is_beyond_repair());
        assert_eq!(assembler.missing_packets(), 3, "the first packet of all cannot be missed");
    }

    #[test]
    fn too_great_a_loss_and_frames_never_seen_are_lost() {
        let frames = frames(&[500, 500, 500, 500, 500]);
        let mut assembler = Assembler::new(SIZE);
        let mut events = feed(&mut assembler, &frames[0]);
        events.extend(feed(&mut assembler, &frames[1][..8]));
        events.extend(feed(&mut assembler, &frames[4]));
        assert_eq!(outcome(&events), (vec![1, 5], vec![(2, 2, 1), (3, 4, 0)]));
        let beyond = |event: &Event| matches!(event, Event::Status(status) if status.is_beyond_repair());
        assert_eq!(events.iter().filter(|event| beyond(event)).count(), 1);
        // What comes after its time changes nothing.
        assert_eq!(feed(&mut assembler, &frames[2]), []);
        assert_eq!(assembler.ignored_packets(), 2 * 3 + 14, "surplus parity of two whole frames, and the late one");
    }

    #[test]
    fn a_frame_without_its_first_block_is_lost_once() {
        let frames = frames(&[10, 300 * 48, 10]);
        let blocks: Vec<u8> = frames[1].iter().map(|packet| packet[27] >> 4 & 3).collect();
        let second_block = blocks.iter().position(|block| *block == 1).unwrap();
        let mut assembler = Assembler::new(SIZE);
        let mut events = feed(&mut assembler, &frames[0]);
        events.extend(feed(&mut assembler, &frames[1][second_block..]));
        events.extend(feed(&mut assembler, &frames[2]));
        assert_eq!(outcome(&events), (vec![1, 3], vec![(2, 2, 1)]));
        // Half of the first block, then the second.
        let mut assembler = Assembler::new(SIZE);
        let mut events = feed(&mut assembler, &frames[0]);
        events.extend(feed(&mut assembler, &frames[1][..second_block / 2]));
        events.extend(feed(&mut assembler, &frames[1][second_block..]));
        events.extend(feed(&mut assembler, &frames[2]));
        assert_eq!(outcome(&events), (vec![1, 3], vec![(2, 2, 1)]));
    }

    #[test]
    fn packets_may_come_in_any_order_within_a_block() {
        let frames = frames(&[10, 500]);
        let mut assembler = Assembler::new(SIZE);
        let mut events = feed(&mut assembler, &frames[0]);
        events.extend(feed(&mut assembler, frames[1].iter().rev()));
        assert_eq!(outcome(&events), (vec![1, -2], vec![]), "parity came first and was used");
        assert_eq!(assembler.missing_packets(), 0);
    }

    #[test]
    fn what_makes_no_sense_is_ignored() {
        let good = &frames(&[500])[0];
        let mut assembler = Assembler::new(SIZE);
        let mut longer = good[0].clone();
        longer.push(0);
        for junk in [&b""[..], &[0; 31], &[0; 80], &longer] {
            assert_eq!(assembler.handle_packet(junk).count(), 0);
        }
        let events = feed(&mut assembler, good.iter().chain(good));
        assert_eq!(outcome(&events), (vec![1], vec![]), "duplicates are nothing new");
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut sequences = Sequences::default();
        [0xFFFE, 0xFFFF, 1, 0, 5].into_iter().for_each(|sequence| sequences.note(sequence));
        assert_eq!(sequences.missing(), 3);
    }
}
