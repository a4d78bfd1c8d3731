//! Packetizer, loss, assembler: what the code can repair is repaired with every
//! kernel, in frames of one to four blocks, plain and sealed; what it cannot is told
//! to be lost, and no picture is ever a wrong one.

use earthshine::ids::Generation;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::fec::kernels::Kernel;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::assembler::{Assembler, Event};
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packet_header::PacketHeader;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::rtp::RTP_LEN;
use earthshine::protocol::video::sealer::VideoOpener;
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use proptest::prelude::*;

use super::video::step;

const KEY: SessionKey = SessionKey::new([0x42; 16]);
const FRAMES: u32 = 4;

#[derive(Debug, Clone)]
struct Case {
    kernel: Kernel,
    packet_size: u16,
    percent: u8,
    minimum_parity: u8,
    sealed: bool,
    blocks: usize,
    data: Vec<u8>,
    /// This frame loses more than can be repaired.
    beyond: Option<u32>,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let kernels: Vec<Kernel> = Kernel::available().collect();
    let size = prop_oneof![Just(64u16), Just(80), Just(1040), Just(1360), Just(1392)];
    let percent = prop_oneof![Just(20u8), 1..=100u8, 100..=255u8];
    let shape = (prop::sample::select(kernels), size, percent, 0..6u8, any::<bool>(), 1..=4usize);
    (shape, 0.0..1.0f64, prop::option::of(1..=FRAMES), any::<u64>()).prop_map(|(shape, fill, beyond, seed)| {
        let (kernel, packet_size, percent, minimum_parity, sealed, blocks) = shape;
        let data = data(packet_size, percent, minimum_parity, blocks, fill, seed);
        Case { kernel, packet_size, percent, minimum_parity, sealed, blocks, data, beyond, seed }
    })
}

/// A picture that takes so many blocks.
fn data(packet_size: u16, percent: u8, minimum: u8, blocks: usize, fill: f64, seed: u64) -> Vec<u8> {
    use earthshine::protocol::video::fec_blocks::FecBlocks;
    let fitting = (1..=4 * 255usize).filter(|packets| {
        let split = FecBlocks::split(*packets, FecPercent(percent), minimum).expect("few packets");
        split.blocks().len() == blocks && split.blocks().all(|block| block.parity > 0)
    });
    let fitting: Vec<usize> = fitting.collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share")]
    let at = (fitting.len() as f64 * fill) as usize;
    let payload = usize::from(packet_size) - 16;
    let mut state = seed;
    let bytes = fitting[at] * payload - 8 - usize::try_from(step(&mut state) >> 40).unwrap() % (payload - 8);
    (0..bytes).map(|_| step(&mut state).to_be_bytes()[0]).collect()
}

/// A stream's packets, frame by frame, as they are behind a client's decryption.
fn frames(case: &Case) -> Vec<Vec<Vec<u8>>> {
    let seal = case.sealed.then_some(SealConfig { key: KEY, generation: Generation(1), first: 5 });
    let mut packetizer = Packetizer::new(&PacketizerConfig {
        packet_size: case.packet_size,
        fec: FecPercent(case.percent),
        minimum_parity: case.minimum_parity,
        seal,
        first_packet_index: u32::try_from(case.seed & 0xFF_FFFF).unwrap(),
    })
    .unwrap()
    .with_kernel(case.kernel);
    let (opener, mut batch) = (VideoOpener::new(&KEY), ShardBatch::new());
    let open = |datagram: &[u8]| {
        let mut datagram = datagram.to_vec();
        if case.sealed { opener.open(&mut datagram).unwrap().to_vec() } else { datagram }
    };
    (1..=FRAMES)
        .map(|number| {
            let data = picture(case, number);
            let picture = PictureToSend {
                data: &data,
                kind: FrameType::Predicted,
                frame_index: FrameIndex(number),
                rtp_timestamp: RtpTimestamp(number * 1500),
                latency_100us: 3,
            };
            packetizer.packetize(&picture, &mut batch).unwrap();
            batch.datagrams().map(open).collect()
        })
        .collect()
}

/// Every frame shows something else.
fn picture(case: &Case, number: u32) -> Vec<u8> {
    case.data.iter().map(|byte| byte.wrapping_add(number.to_le_bytes()[0])).collect()
}

fn header(packet: &[u8]) -> PacketHeader {
    PacketHeader::read(&mut Reader::new(&packet[RTP_LEN..])).unwrap()
}

/// Drops any number of each block's packets that its parity allows, and one too many
/// of one block of the frame that shall be lost.
fn lose(case: &Case, number: u32, packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut state = case.seed ^ u64::from(number);
    let mut below = |limit: usize| usize::try_from(step(&mut state) >> 33).unwrap() % limit.max(1);
    let fatal = (case.beyond == Some(number)).then(|| below(case.blocks));
    let mut kept = Vec::new();
    for index in 0..case.blocks {
        let mut block: Vec<Vec<u8>> =
            packets.iter().filter(|packet| usize::from(header(packet).block.index) == index).cloned().collect();
        let parity = usize::from(header(&block[0]).fec.parity());
        let lost = if fatal == Some(index) { parity + 1 } else { below(parity + 1) };
        for _ in 0..lost {
            block.remove(below(block.len()));
        }
        kept.extend(block);
    }
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_can_be_repaired_is_whole_and_what_cannot_is_lost(case in case()) {
        let mut assembler = Assembler::new(case.packet_size).keeping_pictures();
        let (mut whole, mut lost) = (Vec::new(), Vec::new());
        let frames: Vec<_> = (1..).zip(frames(&case)).map(|(number, packets)| lose(&case, number, packets)).collect();
        for packet in frames.iter().flatten() {
            let events: Vec<Event> = assembler.handle_packet(packet).collect();
            for event in events {
                match event {
                    Event::Frame(frame) => {
                        let wanted = picture(&case, frame.index.0);
                        prop_assert!(assembler.picture() == Some(&wanted[..]), "frame {}", frame.index.0);
                        whole.push(frame.index.0);
                    }
                    Event::Lost { first, last, .. } => lost.extend(first.0..=last.0),
                    Event::Status(status) => prop_assert!(
                        !status.is_beyond_repair() || case.beyond == Some(status.frame.0),
                        "{status:?}"
                    ),
                }
            }
        }
        let repairable: Vec<u32> = (1..=FRAMES).filter(|number| case.beyond != Some(*number)).collect();
        prop_assert_eq!(whole, repairable);
        // The first frame may not be seen at all, and nothing follows the last.
        if let Some(beyond) = case.beyond.filter(|beyond| *beyond > 1 && *beyond < FRAMES) {
            prop_assert_eq!(lost, vec![beyond]);
        } else {
            prop_assert!(lost.iter().all(|number| case.beyond == Some(*number)), "{lost:?}");
        }
    }
}
