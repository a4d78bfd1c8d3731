//! Whatever a host sends, the client's side of the protocol takes it without a
//! panic: noise, and good packets with a few bytes changed.

use earthshine::protocol::audio::assembler::AudioAssembler;
use earthshine::protocol::audio::packetizer::{AudioDatagrams, AudioPacketizer, AudioPacketizerConfig};
use earthshine::protocol::audio::sealer::AudioSealer;
use earthshine::protocol::control::client_session::ClientControlSession;
use earthshine::protocol::gamestream::xml_reader;
use earthshine::protocol::rtsp::answer;
use earthshine::protocol::rtsp::sdp::SeenOffer;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::assembler::{Assembler, Event};
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend};
use earthshine::protocol::video::sealer::VideoOpener;
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use proptest::prelude::*;

const KEY: SessionKey = SessionKey::new([0x42; 16]);

/// Where a datagram is changed, and to what.
type Change = (usize, prop::sample::Index, u8);

fn changed(mut datagrams: Vec<Vec<u8>>, changes: &[Change]) -> Vec<Vec<u8>> {
    for (which, place, byte) in changes {
        let count = datagrams.len();
        let datagram = &mut datagrams[which % count];
        let place = place.index(datagram.len());
        datagram[place] = *byte;
    }
    datagrams
}

fn video() -> Vec<Vec<u8>> {
    let fec = FecPercent(20);
    let config = PacketizerConfig { packet_size: 64, fec, minimum_parity: 2, seal: None, first_packet_index: 0 };
    let mut packetizer = Packetizer::new(&config).unwrap();
    let mut batch = ShardBatch::new();
    let frames = (1..).zip([10, 500, 300 * 48, 48, 0]);
    let datagrams = frames.flat_map(|(number, length)| {
        let picture = PictureToSend {
            data: &vec![7; length],
            kind: FrameType::Idr,
            frame_index: FrameIndex(number),
            rtp_timestamp: RtpTimestamp(number),
            latency_100us: 5,
        };
        packetizer.packetize(&picture, &mut batch).unwrap();
        batch.datagrams().map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    datagrams.collect()
}

fn audio() -> Vec<Vec<u8>> {
    let config = AudioPacketizerConfig { packet_duration_ms: 5, seal: None, first_sequence: 0 };
    let mut packetizer = AudioPacketizer::new(&config);
    let mut out = AudioDatagrams::new();
    let packets = (0..40).flat_map(|_| {
        packetizer.push(&[9; 40], &mut out).unwrap();
        out.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()
    });
    packets.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&noise);
        let _ = answer::Answer::read(&noise);
        let _ = SeenOffer::read(&text);
        if let Ok(answer) = xml_reader::Answer::read(&format!("<root status_code=\"200\">{text}")) {
            prop_assert!(answer.number("none").is_err());
        }
        prop_assert!(ClientControlSession::new(&KEY, true).handle_packet(&noise).is_err());
        prop_assert!(VideoOpener::new(&KEY).open(&mut noise.clone()).is_none());
        let mut assembler = AudioAssembler::new(Some(AudioSealer::new(KEY, 1)));
        assembler.handle_packet(&noise);
        prop_assert!(Assembler::new(64).handle_packet(&noise).count() <= 2);
    }

    #[test]
    fn changed_video_gives_no_more_frames_than_were_sent(
        changes in prop::collection::vec(any::<Change>(), 0..40),
    ) {
        let mut assembler = Assembler::new(64);
        let mut whole = 0;
        for packet in changed(video(), &changes) {
            let frames = assembler.handle_packet(&packet).filter(|event| matches!(event, Event::Frame(_)));
            whole += frames.count();
        }
        // A changed frame number may make one packet of a frame a frame of its own.
        prop_assert!(whole <= 5 + changes.len());
        if changes.is_empty() {
            prop_assert_eq!(whole, 5);
        }
    }

    #[test]
    fn changed_sound_is_counted_and_never_more_than_was_sent(
        changes in prop::collection::vec(any::<Change>(), 0..40),
    ) {
        let mut assembler = AudioAssembler::new(None);
        let all = changed(audio(), &changes);
        all.iter().for_each(|datagram| assembler.handle_packet(datagram));
        let counts = assembler.counts();
        prop_assert_eq!(counts.packets + counts.parity + counts.ignored, all.len() as u64);
    }
}
