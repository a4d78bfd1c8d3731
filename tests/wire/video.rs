//! Video packets against vectors that the real client accepted, and frames put
//! together again as the client does it, after loss, plain and sealed.

use std::collections::BTreeMap;

use earthshine::ids::Generation;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::fec::decode::repair;
use earthshine::protocol::fec::kernels::Stripe;
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::frame_header::{FrameHeader, FrameType};
use earthshine::protocol::video::packet_header::{BlockNumber, PacketFlags, PacketHeader};
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::rtp::RtpHeader;
use earthshine::protocol::video::sealer::{SEAL_LEN, VideoOpener, VideoSealer};
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use proptest::prelude::*;
use serde_json::Value;

const KEY: SessionKey = SessionKey::new([0x42; 16]);
const HEADERS: usize = 32;

fn number<T: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> T {
    T::try_from(value.as_u64().unwrap()).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn packets_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/video_packets.json")).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let mut packetizer = Packetizer::new(&PacketizerConfig {
            packet_size: number(&case["packet_size"]),
            fec: FecPercent(number(&case["fec_percentage"])),
            minimum_parity: number(&case["min_parity"]),
            seal: None,
            first_packet_index: number(&case["first_sequence"]),
        })
        .unwrap();
        let data: Vec<u8> =
            (0..number::<usize>(&case["frame_length"])).map(|i| (29 * i + 3).to_le_bytes()[0]).collect();
        let picture = PictureToSend {
            data: &data,
            kind: if case["frame_type"] == 2 { FrameType::Idr } else { FrameType::Predicted },
            frame_index: FrameIndex(number(&case["frame_index"])),
            rtp_timestamp: RtpTimestamp(number(&case["rtp_timestamp"])),
            latency_100us: number(&case["latency_100us"]),
        };
        let mut batch = ShardBatch::new();
        packetizer.packetize(&picture, &mut batch).unwrap();
        let packets: Vec<_> = batch.datagrams().map(hex::encode).collect();
        assert_eq!(serde_json::json!(packets), case["packets_hex"]);
        assert_eq!(packetizer.next_packet_index(), number::<u32>(&case["next_sequence"]));
    }
}

#[test]
fn sealed_packets_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/crypto.json")).unwrap();
    let key = SessionKey::new(unhex(&vectors["key_hex"]).try_into().unwrap());
    let case = &vectors["video_aes_gcm"];
    let plain = unhex(&case["plain_hex"]);
    let mut datagram = [vec![0; SEAL_LEN], plain.clone()].concat();
    let mut sealer = VideoSealer::new(&key, Generation(0), number(&case["counter"]));
    sealer.seal(FrameIndex(number(&case["frame_number"])), &mut datagram).unwrap();
    assert_eq!(datagram[..12], unhex(&case["iv_hex"]));
    assert_eq!(datagram[16..32], unhex(&case["tag_hex"]));
    assert_eq!(datagram, unhex(&case["wire_hex"]));
    assert_eq!(VideoOpener::new(&key).open(&mut datagram).unwrap(), plain);
}

/// What a client knows of one FEC block.
struct Block {
    last_block: u8,
    first_sequence: u16,
    timestamp: RtpTimestamp,
    data: usize,
    parity: usize,
    packets: Vec<u8>,
    present: Vec<bool>,
}

/// A frame received by the rules of `RtpVideoQueue.c` and `VideoDepacketizer.c`.
struct Reassembler {
    packet_len: usize,
    blocks: BTreeMap<u8, Block>,
}

impl Reassembler {
    fn add(&mut self, packet: &[u8]) {
        assert_eq!(packet.len(), self.packet_len);
        let mut reader = Reader::new(packet);
        let rtp = RtpHeader::read(&mut reader).unwrap();
        let header = PacketHeader::read(&mut reader).unwrap();
        let (data, parity) = (usize::from(header.fec.data), usize::from(header.fec.parity()));
        let first_sequence = rtp.sequence.wrapping_sub(header.fec.index);
        let block = self.blocks.entry(header.block.index).or_insert_with(|| Block {
            last_block: header.block.last,
            first_sequence,
            timestamp: rtp.timestamp,
            data,
            parity,
            packets: vec![0; (data + parity) * self.packet_len],
            present: vec![false; data + parity],
        });
        assert_eq!((block.first_sequence, block.timestamp), (first_sequence, rtp.timestamp));
        assert_eq!((block.last_block, block.data, block.parity), (header.block.last, data, parity));
        let index = usize::from(header.fec.index);
        block.packets[index * self.packet_len..][..self.packet_len].copy_from_slice(packet);
        block.present[index] = true;
    }

    /// Repairs and returns frame header and picture.
    fn finish(mut self) -> (FrameHeader, Vec<u8>) {
        let mut stream = Vec::new();
        let blocks = self.blocks.len();
        for block in self.blocks.values_mut() {
            assert_eq!(usize::from(block.last_block) + 1, blocks);
            block.repair(self.packet_len);
            for packet in block.packets.chunks(self.packet_len).take(block.data) {
                stream.extend(&packet[HEADERS..]);
            }
        }
        let header = FrameHeader::read(&mut Reader::new(&stream)).unwrap();
        let padding = self.packet_len - HEADERS - usize::from(header.last_payload_len);
        assert!(stream[stream.len() - padding..].iter().all(|&byte| byte == 0), "padding is zero");
        stream.truncate(stream.len() - padding);
        (header, stream.split_off(8))
    }
}

impl Block {
    fn repair(&mut self, packet_len: usize) {
        if self.parity > 0 {
            let code = Matrix::video(self.data, self.parity).unwrap();
            let stripe = Stripe { stride: packet_len, offset: 0, len: packet_len };
            repair(&code, &mut self.packets, &self.present, stripe).unwrap();
        }
        let mut index_before = None;
        for (index, packet) in self.packets.chunks(packet_len).take(self.data).enumerate() {
            let header = PacketHeader::read(&mut Reader::new(&packet[16..])).unwrap();
            let (index, data) = (u16::try_from(index).unwrap(), u16::try_from(self.data).unwrap());
            assert_eq!(header.flags, PacketFlags::of_data(index, data), "flags survive recovery");
            let expected = index_before.map_or(header.packet_index, |before: u32| (before + 1) & 0xFF_FFFF);
            assert_eq!(header.packet_index, expected, "packet index survives recovery");
            index_before = Some(header.packet_index);
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    packet_size: u16,
    percent: u8,
    minimum_parity: u8,
    sealed: bool,
    first_packet_index: u32,
    data: Vec<u8>,
    loss_seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let size = prop_oneof![1..=40u32, Just(64u32), 65..=87u32, Just(576u32)].prop_map(|units| units.clamp(4, 576) * 16);
    let len = prop_oneof![0..200usize, 200..5000usize, 5000..60_000usize, 60_000..300_000usize];
    let percent = prop_oneof![Just(20u8), 0..=255u8];
    let index = prop_oneof![Just(0u32), 0..0x100_0000u32, 0xFF_FF00..0x100_0000u32];
    (size, percent, 0..6u8, any::<bool>(), index, len, any::<u64>()).prop_map(
        |(size, percent, minimum_parity, sealed, first_packet_index, len, loss_seed)| {
            let packet_size = u16::try_from(size).unwrap();
            let mut state = loss_seed;
            let data = (0..len).map(|_| step(&mut state).to_be_bytes()[0]).collect();
            Case { packet_size, percent, minimum_parity, sealed, first_packet_index, data, loss_seed }
        },
    )
}

pub(super) fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state
}

/// For each block drops as many packets as it has parity, anywhere in it.
fn lost_packets(packets: &[Vec<u8>], seed: u64) -> Vec<bool> {
    let mut left: BTreeMap<u8, u16> = BTreeMap::new();
    let mut order: Vec<usize> = (0..packets.len()).collect();
    let mut state = seed;
    for index in (1..order.len()).rev() {
        let other = usize::try_from(step(&mut state) >> 33).unwrap() % (index + 1);
        order.swap(index, other);
    }
    let mut lost = vec![false; packets.len()];
    for index in order {
        let header = PacketHeader::read(&mut Reader::new(&packets[index][16..])).unwrap();
        let left = left.entry(header.block.index).or_insert_with(|| header.fec.parity());
        lost[index] = *left > 0;
        *left = left.saturating_sub(1);
    }
    lost
}

/// Sending order, equal sizes, sequence without a gap, increasing block numbers.
fn check_order(packets: &[Vec<u8>], first_packet_index: u32) {
    let mut before = BlockNumber { index: 0, last: 0 };
    for (count, packet) in (0u32..).zip(packets) {
        let mut reader = Reader::new(packet);
        let rtp = RtpHeader::read(&mut reader).unwrap();
        let header = PacketHeader::read(&mut reader).unwrap();
        assert_eq!(u32::from(rtp.sequence), first_packet_index.wrapping_add(count) & 0xFFFF);
        assert!(header.block.index >= before.index);
        before = header.block;
    }
    assert_eq!(before.index, before.last);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_frame_survives_any_repairable_loss(case in case()) {
        let seal = case.sealed.then_some(SealConfig { key: KEY, generation: Generation(3), first: 77 });
        let mut packetizer = Packetizer::new(&PacketizerConfig {
            packet_size: case.packet_size,
            fec: FecPercent(case.percent),
            minimum_parity: case.minimum_parity,
            seal,
            first_packet_index: case.first_packet_index,
        }).unwrap();
        let picture = PictureToSend {
            data: &case.data,
            kind: FrameType::Recovered,
            frame_index: FrameIndex(9),
            rtp_timestamp: RtpTimestamp(0x8765_4321),
            latency_100us: 55,
        };
        let mut batch = ShardBatch::new();
        if packetizer.packetize(&picture, &mut batch).is_err() {
            let most = 4092 * (usize::from(case.packet_size) - 16) - 8;
            prop_assert!(case.data.len() > most);
            return Ok(());
        }
        prop_assert_eq!(batch.bytes().len(), batch.len() * batch.datagram_size());
        prop_assert_eq!(packetizer.next_seal(), if case.sealed { 77 + batch.len() as u64 } else { 0 });
        let opener = VideoOpener::new(&KEY);
        let packets: Vec<Vec<u8>> = batch.datagrams().map(|datagram| {
            let mut datagram = datagram.to_vec();
            if case.sealed { opener.open(&mut datagram).unwrap().to_vec() } else { datagram }
        }).collect();
        check_order(&packets, case.first_packet_index);
        let mut client = Reassembler { packet_len: usize::from(case.packet_size) + 16, blocks: BTreeMap::new() };
        for (packet, lost) in packets.iter().zip(lost_packets(&packets, case.loss_seed)) {
            if !lost {
                client.add(packet);
            }
        }
        let (header, data) = client.finish();
        prop_assert_eq!(header.frame_type, FrameType::Recovered);
        prop_assert_eq!(header.latency_100us, 55);
        prop_assert!(data == case.data, "the picture is whole");
    }
}
