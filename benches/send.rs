//! What a frame costs on its way into the kernel: one call a datagram, one call
//! for many, and segmentation offload, for 100 kB in datagrams of 1408 bytes.
//!
//! The receiver is another thread that only throws away, so that the figures
//! are those of the sending side plus loopback's delivery.

use std::net::UdpSocket;
use std::os::fd::AsFd;

use divan::Bencher;
use divan::counter::ItemsCount;
use earthshine_ffi::udp::BatchSender;

fn main() {
    divan::main();
}

#[divan::bench]
fn one_send_a_datagram(bencher: Bencher) {
    let (socket, frame) = way();
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench(|| {
        for datagram in frame.chunks(SIZE) {
            socket.send(datagram).ok();
        }
    });
}

#[divan::bench]
fn sendmmsg(bencher: Bencher) {
    through(bencher, BatchSender::without_segmentation());
}

#[divan::bench]
fn segmentation_offload(bencher: Bencher) {
    through(bencher, BatchSender::new());
}

fn through(bencher: Bencher, mut sender: BatchSender) {
    let (socket, frame) = way();
    bencher.counter(ItemsCount::new(DATAGRAMS)).bench_local(|| sender.send(socket.as_fd(), &frame, SIZE));
}

/// A socket that somebody reads at the other end, and a frame.
fn way() -> (UdpSocket, Vec<u8>) {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(receiver.local_addr().expect("bound")).expect("loopback");
    std::thread::spawn(move || {
        let mut datagram = [0; 2048];
        while receiver.recv(&mut datagram).is_ok() {}
    });
    (socket, vec![0x5a; SIZE * DATAGRAMS])
}

const SIZE: usize = 1408;
const DATAGRAMS: usize = 71;
