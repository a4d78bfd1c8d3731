//! The encode thread, with the encoder on the CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

use super::*;
use crate::ipc::counters_page::{CountersPage, WorkerThread};
use crate::units::FrameRate;
use crate::worker::encode::testing::{frame, plan};

/// An encode thread with a real encoder, and everything around it.
struct Stand {
    slot: Arc<Slot<Frame>>,
    orders: Sender<EncodeOrder>,
    out: Receiver<EncodedFrame>,
    counters: Arc<CountersPage>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), EncodeThreadError>>,
}

impl Stand {
    fn new(queue: usize, minimum: FrameRate) -> Self {
        let slot = Arc::new(Slot::new());
        let counters = Arc::new(CountersPage::create().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let (orders, order_receiver) = channel();
        let (sender, out) = sync_channel(queue);
        let pulse = Pulse::new(WorkerThread::Encode, Arc::clone(&counters), Arc::clone(&stop));
        let mut plan = plan(320, 176);
        plan.minimum_frame_rate = minimum;
        let thread = std::thread::spawn({
            let slot = Arc::clone(&slot);
            let sent = SentFrames::new();
            move || {
                let mut opens = None;
                run(&plan, &slot, &order_receiver, &sender, &sent, &pulse, |progress| match progress {
                    Progress::Opens(family) => opens = Some(family),
                    Progress::Open(Selected { encoder, .. }) => {
                        assert_eq!(encoder.name().split('/').next(), opens.map(EncoderFamily::name));
                    }
                })
            }
        });
        Self { slot, orders, out, counters, stop, thread }
    }

    fn show(&self, shade: u8) {
        self.slot.put(frame(320, 176, Micros::now().0, |x, _| [shade, u8::try_from(x % 256).unwrap(), 0]));
    }

    fn next(&self) -> EncodedFrame {
        self.out.recv_timeout(PATIENCE).expect("an encoded frame")
    }

    fn end(self) -> Result<(), EncodeThreadError> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const NEVER: FrameRate = FrameRate::from_millihertz(1);

#[test]
fn nothing_is_encoded_before_start_and_then_the_waiting_picture_at_once() {
    let stand = Stand::new(4, NEVER);
    stand.show(10);
    assert!(stand.out.recv_timeout(Duration::from_millis(300)).is_err());
    let started = Micros::now();
    stand.orders.send(EncodeOrder::Start).unwrap();
    let first = stand.next();
    assert_eq!(first.kind, FrameKind::Idr);
    assert!(first.captured >= started, "it did not wait for a client from its capture on");
    stand.end().unwrap();
}

#[test]
fn a_still_screen_is_repeated_at_the_minimum_rate_only() {
    let stand = Stand::new(4, FrameRate::from_hz(20));
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.show(10);
    let frames: Vec<_> = (0..4).map(|_| stand.next()).collect();
    assert_eq!(frames.iter().map(|frame| frame.repeated).collect::<Vec<_>>(), [false, true, true, true]);
    for pair in frames.windows(2) {
        assert!(pair[1].captured.since(pair[0].captured) >= 49_000, "sooner than the minimum rate asks");
    }
    assert_eq!(stand.counters.histogram(Stage::Encoded).count(), 1);
    stand.end().unwrap();
}

#[test]
fn an_idr_request_is_served_from_a_still_screen() {
    let stand = Stand::new(4, NEVER);
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.show(10);
    stand.next();
    for (count, order) in
        [EncodeOrder::RequestIdr, EncodeOrder::InvalidateReferences { first: 1, last: 1 }].into_iter().enumerate()
    {
        let asked = format!("{order:?}");
        stand.orders.send(order).unwrap();
        let frame = stand.next();
        assert_eq!((frame.kind, frame.repeated), (FrameKind::Idr, true), "{asked}");
        assert_eq!(stand.counters.get(Counter::IdrRequests), count as u64 + 1);
    }
    assert_eq!(stand.counters.get(Counter::IdrFrames), 3);
    stand.end().unwrap();
}

#[test]
fn frames_lost_before_an_idr_frame_cost_no_second_one() {
    let stand = Stand::new(4, NEVER);
    stand.counters.set(Counter::NextFrameIndex, 20);
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.show(10);
    assert_eq!(stand.next().kind, FrameKind::Idr);
    stand.orders.send(EncodeOrder::InvalidateReferences { first: 17, last: 19 }).unwrap();
    stand.show(60);
    assert_eq!(stand.next().kind, FrameKind::Predicted, "the frame before it covers that");
    stand.orders.send(EncodeOrder::InvalidateReferences { first: 17, last: 20 }).unwrap();
    assert_eq!(stand.next().kind, FrameKind::Idr, "the IDR frame itself was lost");
    stand.end().unwrap();
}

/// Remembers two pictures, and avoids what it is told to if one is left.
#[derive(Debug, Default)]
struct Remembering {
    told: Vec<u32>,
    newest: u32,
    recovers: bool,
    /// Can begin waves of intra blocks.
    heals: bool,
    refreshes: bool,
}

impl Encoder for Remembering {
    fn name(&self) -> &str {
        "remembering"
    }

    fn load(&mut self, _: &Frame) -> Result<(), EncodeError> {
        Ok(())
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let FrameRequest { picture, idr, repeated, captured } = request;
        self.newest = picture;
        let kind = match (idr, std::mem::take(&mut self.recovers), std::mem::take(&mut self.refreshes)) {
            (true, ..) => FrameKind::Idr,
            (false, true, _) => FrameKind::Recovered,
            (false, false, true) => FrameKind::Refreshing,
            (false, false, false) => FrameKind::Predicted,
        };
        Ok(EncodedFrame { data: vec![0], kind, picture, captured, encoding: 0, repeated })
    }

    fn set_bitrate(&mut self, _: Bitrate) -> Result<(), EncodeError> {
        Ok(())
    }

    fn invalidate_references(&mut self, first: u32) -> bool {
        self.told.push(first);
        self.recovers = first == self.newest;
        self.recovers
    }

    fn refresh(&mut self) -> bool {
        self.refreshes = self.heals;
        self.heals
    }
}

#[test]
fn what_no_older_frame_makes_good_a_wave_does() {
    let (slot, sent) = (Slot::new(), SentFrames::new());
    let counters = Arc::new(CountersPage::create().unwrap());
    let pulse = Pulse::new(WorkerThread::Encode, Arc::clone(&counters), Arc::default());
    let ((_orders, inbox), (out, coded)) = (channel(), sync_channel(9));
    let (plan, encoder) = (plan(320, 176), Remembering { heals: true, ..Remembering::default() });
    let mut thread = Loop::new(&plan, Box::new(encoder), &slot, &inbox, &out, &sent, &pulse);
    thread.obey(EncodeOrder::Start);
    let kinds: Vec<_> = (1..=4)
        .map(|number| {
            if number > 2 {
                // The first frame, of which nobody remembers an older one: twice, as clients do.
                thread.obey(EncodeOrder::InvalidateReferences { first: 1, last: 2 });
            }
            thread.encode(Picture::New(frame(320, 176, 0, |_, _| [0; 3]))).unwrap();
            let frame = coded.try_recv().unwrap();
            sent.note(FrameIndex(number), frame.picture);
            counters.set(Counter::NextFrameIndex, u64::from(number) + 1);
            frame.kind
        })
        .collect();
    let expected = [FrameKind::Idr, FrameKind::Predicted, FrameKind::Refreshing, FrameKind::Predicted];
    assert_eq!(kinds, expected);
    // Of a frame that was never sent nobody knows what it was.
    thread.obey(EncodeOrder::InvalidateReferences { first: 99, last: 99 });
    assert!(thread.due.idr);
}

#[test]
fn lost_frames_are_told_to_the_encoder_as_its_own_pictures() {
    let (slot, sent) = (Slot::new(), SentFrames::new());
    let counters = Arc::new(CountersPage::create().unwrap());
    let pulse = Pulse::new(WorkerThread::Encode, Arc::clone(&counters), Arc::default());
    let ((_orders, inbox), (out, coded)) = (channel(), sync_channel(9));
    let plan = plan(320, 176);
    let mut thread = Loop::new(&plan, Box::new(Remembering::default()), &slot, &inbox, &out, &sent, &pulse);
    thread.obey(EncodeOrder::Start);
    let mut number = 20;
    // As the send thread does, for a client that was there before.
    let mut send = |thread: &mut Loop<'_>| {
        thread.encode(Picture::New(frame(320, 176, 0, |_, _| [0; 3]))).unwrap();
        let frame = coded.try_recv().unwrap();
        sent.note(FrameIndex(number), frame.picture);
        number += 1;
        counters.set(Counter::NextFrameIndex, number.into());
        frame.kind
    };
    let kinds = [send(&mut thread), send(&mut thread), send(&mut thread)];
    assert_eq!(kinds, [FrameKind::Idr, FrameKind::Predicted, FrameKind::Predicted]);
    thread.obey(EncodeOrder::InvalidateReferences { first: 22, last: 22 });
    assert_eq!(send(&mut thread), FrameKind::Recovered);
    // What the recovered frame makes good costs nothing more.
    thread.obey(EncodeOrder::InvalidateReferences { first: 22, last: 22 });
    assert_eq!(send(&mut thread), FrameKind::Predicted);
    // Lost too long ago, and never sent.
    for first in [23, 99] {
        thread.obey(EncodeOrder::InvalidateReferences { first, last: 99 });
        assert_eq!(send(&mut thread), FrameKind::Idr, "{first}");
    }
    let told = format!("{:?}", thread.encoder);
    assert!(told.contains("told: [2, 3]"), "{told}");
}

#[test]
fn what_the_sender_cannot_take_is_dropped_and_an_idr_follows() {
    let stand = Stand::new(1, NEVER);
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.show(10);
    while stand.counters.get(Counter::FramesEncoded) < 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
    stand.show(60);
    while stand.counters.get(Counter::FramesDropped) < 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(stand.next().kind, FrameKind::Idr, "the first picture");
    assert_eq!(stand.next().kind, FrameKind::Idr, "the one after the dropped one");
    stand.show(90);
    assert_eq!(stand.next().kind, FrameKind::Predicted);
    stand.end().unwrap();
}

#[test]
fn pause_stops_encoding_and_start_opens_with_an_idr() {
    let stand = Stand::new(4, FrameRate::from_hz(50));
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.show(10);
    stand.next();
    stand.orders.send(EncodeOrder::Pause).unwrap();
    while stand.out.recv_timeout(Duration::from_millis(300)).is_ok() {}
    stand.orders.send(EncodeOrder::Start).unwrap();
    assert_eq!(stand.next().kind, FrameKind::Idr);
    stand.end().unwrap();
}

#[test]
fn the_bit_rate_in_force_is_counted() {
    let stand = Stand::new(4, FrameRate::from_hz(50));
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.orders.send(EncodeOrder::SetBitrate(Bitrate::from_kbps(1234))).unwrap();
    stand.show(10);
    stand.next();
    assert_eq!(stand.counters.get(Counter::BitrateKbps), 1234);
    stand.end().unwrap();
}

#[test]
fn a_vanished_sender_is_an_error_and_closed_orders_are_the_end() {
    let stand = Stand::new(4, NEVER);
    drop(stand.out);
    stand.orders.send(EncodeOrder::Start).unwrap();
    stand.slot.put(frame(320, 176, 0, |_, _| [0; 3]));
    assert!(matches!(stand.thread.join().unwrap(), Err(EncodeThreadError::SenderGone)));

    let stand = Stand::new(4, NEVER);
    drop(stand.orders);
    assert!(stand.thread.join().unwrap().is_ok());
}
