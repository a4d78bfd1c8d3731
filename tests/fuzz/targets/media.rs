//! Video and sound on their way: packets, parity, what is put together again.

use super::key;
use earthshine::bench::peers::rtp_h264::Depacketizer;
use earthshine::protocol::audio::assembler::AudioAssembler;
use earthshine::protocol::audio::fec_window::FecWindow;
use earthshine::protocol::audio::packet_header::{DATA_HEADER_LEN, DataHeader, PARITY_HEADER_LEN, ParityHeader};
use earthshine::protocol::audio::sealer::AudioSealer;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::fec::decode::{RepairError, repair};
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::kernels::Stripe;
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::video::assembler::{Assembler, Event};
use earthshine::protocol::video::frame_header::FrameHeader;
use earthshine::protocol::video::packet_header::{FecInfo, PacketHeader};
use earthshine::protocol::video::rtp::RtpHeader;
use earthshine::protocol::video::sealer::VideoOpener;

/// Video datagrams, sealed or not, as a client reads them.
pub fn video_packet(data: &[u8]) {
    if let Some(packet) = VideoOpener::new(&key()).open(&mut data.to_vec()) {
        read_video_packet(packet);
    }
    read_video_packet(data);
}

fn read_video_packet(data: &[u8]) {
    let mut reader = Reader::new(data);
    let Ok(rtp) = RtpHeader::read(&mut reader) else { return };
    assert_eq!(RtpHeader::read(&mut Reader::new(&rtp.to_bytes())), Ok(rtp));
    let Ok(header) = PacketHeader::read(&mut reader) else { return };
    assert_eq!(PacketHeader::read(&mut Reader::new(&header.to_bytes())), Ok(header));
    let FecInfo { percent, data: shards, .. } = header.fec;
    let parity = header.fec.parity();
    assert!(u32::from(parity) * 100 >= u32::from(shards) * u32::from(percent));
    if let Ok(code) = Matrix::video(shards.into(), parity.into()) {
        // Only this packet has arrived.
        let mut present = vec![false; code.columns() + code.rows()];
        if let Some(arrived) = present.get_mut(usize::from(header.fec.index)) {
            *arrived = true;
        }
        let stripe = Stripe { stride: 1, offset: 0, len: 1 };
        let repaired = repair(&code, &mut vec![0; present.len()], &present, stripe);
        assert_eq!(repaired.is_ok(), shards == 1 && usize::from(header.fec.index) < present.len());
    }
    if let Ok(frame) = FrameHeader::read(&mut reader) {
        assert_eq!(FrameHeader::read(&mut Reader::new(&frame.to_bytes())), Ok(frame));
    }
}

/// Any packets in any order, as the load generator puts them together. Before the
/// packets comes `packetSize`; before each its length.
pub fn video_assembler(data: &[u8]) {
    let Some((size, packets)) = data.split_first_chunk() else { return };
    let mut assembler = Assembler::new(u16::from_le_bytes(*size).clamp(64, 9216)).keeping_pictures();
    let (mut handled, mut newest) = (0, None);
    for packet in with_lengths(packets) {
        let events: Vec<Event> = assembler.handle_packet(packet).collect();
        handled += 1;
        for event in events {
            let (first, last) = match event {
                Event::Frame(frame) => {
                    assert!(frame.bytes > 0 && assembler.picture().is_none_or(|all| (all.len() as u64) < frame.bytes));
                    (frame.index, frame.index)
                }
                Event::Lost { first, last, in_part } => {
                    assert!(u64::from(in_part) <= 1 + u64::from(last.0 - first.0));
                    (first, last)
                }
                Event::Status(status) => {
                    assert!(status.received_data <= status.total_data && status.received_parity <= status.total_parity);
                    continue;
                }
            };
            assert!(first <= last && newest.is_none_or(|newest| newest < first), "each frame ends once, in order");
            newest = Some(last);
        }
        assert!(assembler.ignored_packets() <= handled);
    }
}

/// Packets of other programs' streams: two bytes of length, and a packet, and so on.
pub fn rtp_h264(data: &[u8]) {
    let mut depacketizer = Depacketizer::default();
    let mut rest = data;
    while let [high, low, tail @ ..] = rest {
        let (packet, behind) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(tail.len()));
        if let Some(unit) = depacketizer.handle_packet(packet) {
            // A start code for each length, at most.
            assert!(!unit.is_empty() && unit.len() <= data.len() * 3);
        }
        rest = behind;
    }
}

/// A block of video: data and parity shards, whether each arrived, content.
pub fn fec_repair(data: &[u8]) {
    let [shards, parity, length, rest @ ..] = data else { return };
    let (shards, parity, len) = (usize::from(*shards), usize::from(*parity), usize::from(*length));
    // Inverting the largest matrices takes too long to try many.
    if shards + parity > 80 || rest.is_empty() {
        return;
    }
    let stripe = Stripe { stride: len, offset: 0, len };
    let mut whole: Vec<u8> = rest.iter().copied().cycle().take((shards + parity) * len).collect();
    let Ok(()) = Encoder::new().encode(&mut whole, shards, parity, stripe) else { return };
    let bit = |index: usize| rest[index / 8 % rest.len()] >> (index % 8) & 1 == 1;
    let present: Vec<bool> = (0..shards + parity).map(bit).collect();
    let mut block = whole.clone();
    for (shard, _) in block.chunks_exact_mut(len).zip(&present).filter(|(_, present)| !**present) {
        shard.fill(0xAA);
    }
    let received = block.clone();
    let code = Matrix::video(shards, parity).expect("it was encoded with it");
    match repair(&code, &mut block, &present, stripe) {
        Ok(()) => assert_eq!(block[..shards * len], whole[..shards * len]),
        Err(error) => {
            assert!(matches!(error, RepairError::TooManyLost { .. }), "{error}");
            assert_eq!(block, received);
        }
    }
}

/// Audio datagrams as a client reads them, and their repair.
pub fn audio_packet(data: &[u8]) {
    if let Ok(Some(header)) = DataHeader::read(&mut Reader::new(data)) {
        assert_eq!(DataHeader::read(&mut Reader::new(&header.to_bytes())), Ok(Some(header)));
        let sealer = AudioSealer::new(key(), 1);
        if let Some(opus) = sealer.open(header.sequence, &data[DATA_HEADER_LEN..]) {
            let mut sealed = vec![0; AudioSealer::sealed_len(opus.len())];
            sealer.seal(header.sequence, &opus, &mut sealed);
            assert_eq!(sealed, data[DATA_HEADER_LEN..]);
        }
    }
    if let Ok(Some(header)) = ParityHeader::read(&mut Reader::new(data)) {
        assert_eq!(ParityHeader::read(&mut Reader::new(&header.to_bytes())), Ok(Some(header)));
        repair_audio(&data[PARITY_HEADER_LEN..]);
    }
}

/// Which two of the six packets are lost, and four payloads of one length.
fn repair_audio(data: &[u8]) {
    let [first, second, payloads @ ..] = data else { return };
    let len = payloads.len() / 4;
    if len == 0 {
        return;
    }
    let mut window = FecWindow::new();
    let mut whole = payloads[..4 * len].to_vec();
    let parity = payloads.chunks_exact(len).take(4).filter_map(|payload| window.push(payload).map(|two| two.concat()));
    let parity = parity.last().expect("four payloads make a block");
    whole.extend(parity);
    let lost = [usize::from(*first) % 6, usize::from(*second) % 6];
    let present: Vec<bool> = (0..6).map(|index| !lost.contains(&index)).collect();
    let mut block = whole.clone();
    lost.iter().for_each(|index| block[index * len..][..len].fill(0xAA));
    repair(&Matrix::audio(), &mut block, &present, Stripe { stride: len, offset: 0, len }).expect("two of six");
    assert_eq!(block[..4 * len], whole[..4 * len]);
}

/// The same for sound: each datagram is counted once. The first byte says whether the
/// stream is sealed.
pub fn audio_assembler(data: &[u8]) {
    let Some((sealed, datagrams)) = data.split_first() else { return };
    let mut assembler = AudioAssembler::new((sealed & 1 == 1).then(|| AudioSealer::new(key(), 1)));
    for (handled, datagram) in (1..).zip(with_lengths(datagrams)) {
        assembler.handle_packet(datagram);
        let counts = assembler.counts();
        assert_eq!(counts.packets + counts.parity + counts.ignored, handled);
        assert!(counts.repaired <= 2 * counts.parity && counts.undecryptable <= counts.packets + counts.repaired);
    }
}

/// Datagrams with two bytes of length before each; the last may be cut short.
fn with_lengths(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (datagram, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)).min(behind.len()));
        rest = behind;
        Some(datagram)
    })
}
