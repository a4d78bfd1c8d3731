//! The send thread against a client's socket on loopback: frames arrive whole
//! and in order, plain and sealed, and a second worker goes on where a killed
//! one stopped.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use earthshine::clock::Micros;
use earthshine::ids::Generation;
use earthshine::ipc::counters_page::{Counter, CountersPage, Stage, WorkerThread};
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::sealer::VideoOpener;
use earthshine::stream_plan::{StreamPlan, VideoPlan};
use earthshine::units::{Bitrate, Size};
use earthshine::worker::frame::{EncodedFrame, FrameKind};
use earthshine::worker::heartbeat::Pulse;
use earthshine::worker::send::thread::{self, SendOrder};
use earthshine::worker::sent_frames::SentFrames;

#[test]
fn frames_arrive_whole_and_counted() {
    for encrypted in [false, true] {
        let page = Arc::new(CountersPage::create().unwrap());
        let frames = [frame(FrameKind::Idr, 80_000), frame(FrameKind::Predicted, 900), frame(FrameKind::Recovered, 1)];
        let expected: Vec<_> = frames.iter().map(|frame| frame.data.clone()).collect();
        let (packets, orders) = stream(&plan(encrypted), Generation(0), &page, frames.into());
        assert_eq!(orders, 1);
        assert_eq!(page.get(Counter::VideoPackets), packets.len() as u64);
        assert_eq!(page.get(Counter::VideoBytes), packets.len() as u64 * 1408);
        assert_eq!(page.get(Counter::FramesSent), 3);
        assert_eq!(page.get(Counter::SendErrors), 0);
        let (whole, ours) = (page.histogram(Stage::LastPacket), page.histogram(Stage::Ours));
        assert_eq!((whole.count(), ours.count()), (3, 3));
        assert!(ours.sum_micros < whole.sum_micros, "the encoder's time is not ours");
        let packets = opened(packets, encrypted);
        assert!(packets.windows(2).all(|pair| sequence(&pair[1]) == sequence(&pair[0]) + 1), "in order");
        for (index, data) in (1u32..).zip(&expected) {
            let assembled = assemble(&packets, index);
            assert_eq!(&assembled[8..8 + data.len()], data, "frame {index}");
            let latency = u16::from_le_bytes([assembled[1], assembled[2]]);
            assert!((50..600).contains(&latency), "captured 5 ms ago, {latency} x 100 µs");
        }
        assert_eq!([assemble(&packets, 1)[3], assemble(&packets, 2)[3], assemble(&packets, 3)[3]], [2, 1, 5]);
    }
}

#[test]
fn a_second_worker_goes_on_where_the_first_was_killed() {
    let page = Arc::new(CountersPage::create().unwrap());
    let (first, _) = stream(&plan(true), Generation(0), &page, vec![frame(FrameKind::Idr, 5000)]);
    let epoch = page.get(Counter::MediaEpoch);
    assert_ne!(epoch, 0);
    let frames = vec![frame(FrameKind::Predicted, 10), frame(FrameKind::Idr, 5000)];
    let (second, orders) = stream(&plan(true), Generation(1), &page, frames);
    assert_eq!(orders, 1);
    assert_eq!(page.get(Counter::MediaEpoch), epoch);
    let nonces = |packets: &[Vec<u8>]| packets.iter().map(|packet| packet[..12].to_vec()).collect::<Vec<_>>();
    assert!(nonces(&second).iter().all(|nonce| nonce[8] == 1));
    assert!(nonces(&first).iter().all(|nonce| nonce[8] == 0 && !nonces(&second).contains(nonce)));
    let (first, second) = (opened(first, true), opened(second, true));
    assert_eq!(sequence(&second[0]), sequence(first.last().unwrap()) + 1);
    assert!(second.iter().all(|packet| frame_index(packet) == 2), "the frame before the IDR frame took no number");
    let time = |packet: &[u8]| u32::from_be_bytes(packet[4..8].try_into().unwrap());
    assert!(time(&second[0]) > time(&first[0]));
    assert_eq!(page.get(Counter::NextFrameIndex), 3);
}

/// Runs one worker's send thread over `frames`. Returns the datagrams, and how
/// often an IDR frame was ordered.
fn stream(
    plan: &StreamPlan,
    generation: Generation,
    page: &Arc<CountersPage>,
    frames: Vec<EncodedFrame>,
) -> (Vec<Vec<u8>>, usize) {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(client.local_addr().unwrap()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let pulse = Pulse::new(WorkerThread::Send, Arc::clone(page), stop);
    let (give_frame, frame_queue) = sync_channel(4);
    let (give_socket, socket_queue) = sync_channel(1);
    let orders = AtomicUsize::new(0);
    let (started, may_start) = sync_channel(1);
    let packets = std::thread::scope(|scope| {
        scope.spawn(|| {
            let order_idr = || {
                orders.fetch_add(1, Ordering::Relaxed);
                started.send(()).unwrap();
            };
            thread::run(plan, generation, frame_queue, socket_queue, order_idr, &SentFrames::new(), &pulse).unwrap();
        });
        give_socket.send(SendOrder::Socket(socket)).unwrap();
        may_start.recv().unwrap();
        let receiver = scope.spawn(|| receive_all(&client));
        for frame in frames {
            give_frame.send(frame).unwrap();
        }
        drop(give_frame);
        receiver.join().unwrap()
    });
    (packets, orders.into_inner())
}

fn receive_all(client: &UdpSocket) -> Vec<Vec<u8>> {
    let mut datagram = vec![0; 2048];
    std::iter::from_fn(|| client.recv(&mut datagram).ok().map(|len| datagram[..len].to_vec())).collect()
}

fn opened(packets: Vec<Vec<u8>>, encrypted: bool) -> Vec<Vec<u8>> {
    let opener = VideoOpener::new(&key());
    let open = |mut packet: Vec<u8>| opener.open(&mut packet).expect("sealed with our key").to_vec();
    if encrypted { packets.into_iter().map(open).collect() } else { packets }
}

/// Payload of all data packets of a frame.
fn assemble(packets: &[Vec<u8>], index: u32) -> Vec<u8> {
    let is_data = |packet: &&Vec<u8>| {
        let fec = u32::from_le_bytes(packet[28..32].try_into().unwrap());
        frame_index(packet) == index && (fec >> 12 & 0x3FF) < fec >> 22
    };
    packets.iter().filter(is_data).flat_map(|packet| packet[32..].to_vec()).collect()
}

fn sequence(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[2], packet[3]])
}

fn frame_index(packet: &[u8]) -> u32 {
    u32::from_le_bytes(packet[20..24].try_into().unwrap())
}

fn frame(kind: FrameKind, len: usize) -> EncodedFrame {
    let data = (0..len).map(|index| index.to_le_bytes()[index % 3]).collect();
    EncodedFrame { data, kind, picture: 0, captured: Micros(Micros::now().0 - 5000), encoding: 4000, repeated: false }
}

fn key() -> SessionKey {
    SessionKey::new(*b"0123456789abcdef")
}

fn plan(encrypted: bool) -> StreamPlan {
    let small = StreamPlan::small_test_card(Vec::new());
    let video = VideoPlan {
        size: Size::new(1280, 720),
        bitrate: Bitrate::from_kbps(10_000),
        packet_size: if encrypted { 1360 } else { 1392 },
        encrypted,
        dscp: true,
        ..small.video
    };
    StreamPlan { video, key: key(), ..small }
}
