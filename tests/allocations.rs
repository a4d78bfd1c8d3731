//! What runs for every packet of a stream asks for no memory once it has met the
//! usual sizes: an allocator that counts is this program's.

use std::net::UdpSocket;
use std::time::Duration;

use earthshine::ids::Generation;
use earthshine::protocol::audio::packetizer::{
    AudioDatagrams, AudioPacketizer, AudioPacketizerConfig, AudioSealConfig,
};
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use earthshine::worker::send::media_socket::{Dscp, MediaSocket};
use earthshine::worker::send::pacer::{Pacer, USUAL_PERCENT, USUAL_RATE};
use earthshine_ffi::counting_allocator::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn the_allocator_counts() {
    assert_eq!(CountingAllocator::count(|| drop(std::hint::black_box(Box::new(7)))), 1);
    assert_eq!(CountingAllocator::count(|| ()), 0);
}

#[test]
fn a_frame_is_cut_sealed_and_sent_without_allocating() {
    for sealed in [false, true] {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(client.local_addr().unwrap()).unwrap();
        let mut media = MediaSocket::new(socket, Some(Dscp::Video));
        let pacer = Pacer::new(earthshine::units::FrameRate::from_hz(60), USUAL_PERCENT, USUAL_RATE);
        let mut packetizer = packetizer(sealed);
        let mut batch = ShardBatch::new();
        let data = vec![7; 400_000];
        let mut sent = 0;
        let mut send = |number: u32, len: usize| {
            let picture = PictureToSend {
                data: &data[..len],
                kind: FrameType::Predicted,
                frame_index: FrameIndex(number),
                rtp_timestamp: RtpTimestamp(number),
                latency_100us: 1,
            };
            packetizer.packetize(&picture, &mut batch).unwrap();
            let size = batch.datagram_size();
            for part in pacer.schedule(batch.len(), size) {
                let bytes = &batch.bytes()[part.datagrams.start * size..part.datagrams.end * size];
                sent += media.send(bytes, size, Duration::from_millis(1)).datagrams;
            }
            assert_eq!(media.drain(), 0);
        };
        // The largest first: memory only grows. More sizes than matrices are kept.
        let sizes: Vec<usize> = (1..=60).rev().map(|step| step * 6_600).collect();
        (1..).zip(&sizes).for_each(|(number, len)| send(number, *len));
        let allocations = CountingAllocator::count(|| (100..).zip(&sizes).for_each(|(number, len)| send(number, *len)));
        assert_eq!(allocations, 0, "sealed: {sealed}");
        assert!(sent > 2 * sizes.len(), "{sent} datagrams");
    }
}

#[test]
fn sound_is_sent_without_allocating() {
    for sealed in [false, true] {
        let seal = sealed.then(|| AudioSealConfig { key: SessionKey::new([1; 16]), rikeyid: 7 });
        let mut packetizer =
            AudioPacketizer::new(&AudioPacketizerConfig { packet_duration_ms: 5, seal, first_sequence: 0 });
        let mut datagrams = AudioDatagrams::new();
        let mut push = |packet: u8| {
            packetizer.push(&[packet; 200], &mut datagrams).unwrap();
            assert!(datagrams.iter().count() >= 1);
        };
        (0..8).for_each(&mut push);
        let allocations = CountingAllocator::count(|| (8..200).for_each(&mut push));
        assert_eq!(allocations, 0, "sealed: {sealed}");
    }
}

fn packetizer(sealed: bool) -> Packetizer {
    let seal = sealed.then(|| SealConfig { key: SessionKey::new([1; 16]), generation: Generation(0), first: 0 });
    Packetizer::new(&PacketizerConfig {
        packet_size: 1360,
        fec: FecPercent(20),
        minimum_parity: 2,
        seal,
        first_packet_index: 0,
    })
    .unwrap()
}
