//! What a frame costs on its way into the kernel, for 100 kB with 20 % parity: 88
//! datagrams of 1408 bytes.
//!
//! First the ways in, with bytes that are ready: one call a datagram, one for many,
//! and segmentation offload, which is the least that can be had of a socket. Then the
//! whole way of a frame, from its access unit to the last `sendmmsg`, with pacing off,
//! and the same without the kernel. The receiver is another thread that only throws
//! away, so the figures are those of the sending side plus loopback's delivery.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use earthshine::ids::Generation;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};
use earthshine::worker::send::media_socket::MediaSocket;
use earthshine_ffi::udp::BatchSender;

fn main() {
    divan::main();
}

#[divan::bench]
fn one_send_a_datagram(bencher: Bencher<'_, '_>) {
    let (socket, frame) = (way(), vec![0x5a; SIZE * DATAGRAMS]);
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench_local(|| {
        for datagram in frame.chunks(SIZE) {
            socket.send(datagram).ok();
        }
    });
}

#[divan::bench]
fn sendmmsg(bencher: Bencher<'_, '_>) {
    through(bencher, BatchSender::without_segmentation());
}

#[divan::bench]
fn bare_segmentation_offload(bencher: Bencher<'_, '_>) {
    through(bencher, BatchSender::new());
}

fn through(bencher: Bencher<'_, '_>, mut sender: BatchSender) {
    let (socket, frame) = (way(), vec![0x5a; SIZE * DATAGRAMS]);
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench_local(|| sender.send(socket.as_fd(), &frame, SIZE));
}

#[divan::bench]
fn our_socket(bencher: Bencher<'_, '_>) {
    let (mut socket, frame) = (MediaSocket::new(way(), None), vec![0x5a; SIZE * DATAGRAMS]);
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench_local(|| socket.send(&frame, SIZE, PATIENCE));
}

/// Whether the bytes are sealed, and whether they leave.
#[divan::bench(args = ["plain, not sent", "sealed, not sent", "plain", "sealed"])]
fn whole_frame(bencher: Bencher<'_, '_>, case: &str) {
    let sealed = case.starts_with("sealed");
    let seal = sealed.then(|| SealConfig { key: SessionKey::new([1; 16]), generation: Generation(0), first: 0 });
    let mut packetizer = Packetizer::new(&PacketizerConfig {
        packet_size: if sealed { 1360 } else { 1392 },
        fec: FecPercent(20),
        minimum_parity: 2,
        seal,
        first_packet_index: 0,
    })
    .expect("a possible packet size");
    let mut socket = (!case.ends_with("not sent")).then(|| MediaSocket::new(way(), None));
    let data: Vec<u8> = (0..100_000usize).map(|i| ((i * 131) ^ (i >> 7)).to_le_bytes()[0]).collect();
    let mut batch = ShardBatch::new();
    let mut number = 0;
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench_local(|| {
        number += 1;
        let picture = PictureToSend {
            data: black_box(&data),
            kind: FrameType::Predicted,
            frame_index: FrameIndex(number),
            rtp_timestamp: RtpTimestamp(number),
            latency_100us: 1,
        };
        packetizer.packetize(&picture, &mut batch).expect("a usual frame");
        black_box(batch.bytes());
        if let Some(socket) = &mut socket {
            socket.send(batch.bytes(), batch.datagram_size(), PATIENCE);
        }
    });
}

/// A socket that somebody reads at the other end.
fn way() -> UdpSocket {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(receiver.local_addr().expect("bound")).expect("loopback");
    std::thread::spawn(move || {
        let mut datagram = [0; 2048];
        while receiver.recv(&mut datagram).is_ok() {}
    });
    socket
}

const SIZE: usize = 1408;
const DATAGRAMS: usize = 88;
const PATIENCE: Duration = Duration::from_millis(16);
