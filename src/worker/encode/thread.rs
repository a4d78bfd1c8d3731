//! The encode thread: newest frame in, access unit out, orders in between.
//!
//! It never waits for the sender: what cannot be queued is dropped, and since
//! the next frame would refer to it, that refers to something older or, if the
//! encoder cannot do so, becomes an IDR frame. A
//! still screen is encoded again at the minimum rate only, and at once when
//! the client asks for an IDR frame. A captured frame is held only until the
//! encoder has taken it in: capture needs its buffer.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::clock::Micros;
use crate::ipc::counters_page::{Counter, Stage};
use crate::ipc::flight_recorder::What;
use crate::stream_plan::{EncoderFamily, VideoPlan};
use crate::units::{Bitrate, FrameIndex};
use crate::worker::capture::low_32;
use crate::worker::encode::select::{self, OpenEncoderError, Selected};
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};
use crate::worker::screenshot;
use crate::worker::sent_frames::SentFrames;
use crate::worker::slot::Slot;

/// What the main thread tells the encode thread.
#[derive(Debug)]
pub enum EncodeOrder {
    /// There is a client: encode, from an IDR frame on.
    Start,
    /// There is no client: keep the newest picture, encode nothing.
    Pause,
    /// Make the next frame an IDR frame, and make it at once.
    RequestIdr,
    /// Pictures come from another source from the next one on, which shall be
    /// an IDR frame.
    NewSource,
    /// Frames `first..=last`, as the send thread numbers them, did not reach the
    /// client.
    InvalidateReferences {
        /// First lost frame.
        first: u32,
        /// Last lost frame.
        last: u32,
    },
    /// Write the newest picture into this pipe; close it if there is none.
    Picture(OwnedFd),
    /// Spend this much from now on.
    SetBitrate(Bitrate),
}

/// How far the thread is with opening an encoder.
#[derive(Debug)]
pub enum Progress<'a> {
    /// It calls this family's driver now, which may hang.
    Opens(EncoderFamily),
    /// One is open.
    Open(&'a Selected),
}

/// Runs until the pulse says stop or `orders` is closed.
///
/// Opens the encoder here, on the thread that will use it, and tells how far it is.
///
/// # Errors
/// [`EncodeThreadError`]; the worker cannot go on.
pub fn run(
    plan: &VideoPlan,
    slot: &Slot<Frame>,
    orders: &Receiver<EncodeOrder>,
    out: &SyncSender<EncodedFrame>,
    sent: &SentFrames,
    pulse: &Pulse,
    mut tell: impl FnMut(Progress<'_>),
) -> Result<(), EncodeThreadError> {
    pulse.note(What::EncoderOpens, 0, 0);
    let selected = select::open_telling(plan, |family| tell(Progress::Opens(family)))?;
    pulse.note(What::EncoderOpen, 0, 0);
    for skipped in &selected.skipped {
        let gpu = skipped.gpu.as_ref().map(ToString::to_string);
        info!(family = ?skipped.family, gpu, reason = %skipped.reason, "encoder passed over");
    }
    let gpu = selected.gpu.as_ref().map(ToString::to_string);
    info!(encoder = selected.encoder.name(), gpu, size = %plan.size, bitrate = %plan.bitrate, "encoder open");
    tell(Progress::Open(&selected));
    Loop::new(plan, selected.encoder, slot, orders, out, sent, pulse).run()
}

/// Why the encode thread ended.
#[derive(Debug, thiserror::Error)]
pub enum EncodeThreadError {
    /// No encoder of the plan's list works here.
    #[error(transparent)]
    Open(#[from] OpenEncoderError),
    /// The open encoder broke.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Nobody takes encoded frames any more.
    #[error("the send thread is gone")]
    SenderGone,
}

struct Loop<'a> {
    encoder: Box<dyn Encoder>,
    slot: &'a Slot<Frame>,
    orders: &'a Receiver<EncodeOrder>,
    out: &'a SyncSender<EncodedFrame>,
    sent: &'a SentFrames,
    pulse: &'a Pulse,
    /// Shortest time between two frames. Capture holds the rate; this keeps
    /// orders, each of which may owe a frame at once, from beating it.
    spacing: Duration,
    /// Longest time between two frames.
    repeat_after: Duration,
    running_since: Option<Micros>,
    /// The encoder holds a picture.
    loaded: bool,
    last_encoded: Option<Instant>,
    /// Pictures encoded.
    pictures: u32,
    /// Number that the newest frame which refers to nothing lost has at least.
    newest_sound: u64,
    due: Due,
}

/// What to encode now.
enum Picture {
    New(Frame),
    /// The one that the encoder holds.
    Again,
}

/// What is owed to the client, beyond the next picture.
#[derive(Debug, Default)]
struct Due {
    /// An IDR frame, because the client or the encoder cannot go on without.
    idr: bool,
    /// The IDR frame was asked for.
    requested: bool,
    /// A frame at once, even of a still screen.
    now: bool,
}

impl<'a> Loop<'a> {
    fn new(
        plan: &VideoPlan,
        encoder: Box<dyn Encoder>,
        slot: &'a Slot<Frame>,
        orders: &'a Receiver<EncodeOrder>,
        out: &'a SyncSender<EncodedFrame>,
        sent: &'a SentFrames,
        pulse: &'a Pulse,
    ) -> Self {
        pulse.counters().set(Counter::BitrateKbps, plan.bitrate.kbps().into());
        Self {
            encoder,
            slot,
            orders,
            out,
            sent,
            pulse,
            spacing: plan.frame_rate.interval().mul_f64(SPACING),
            repeat_after: plan.minimum_frame_rate.interval(),
            running_since: None,
            loaded: false,
            last_encoded: None,
            pictures: 0,
            newest_sound: 0,
            due: Due::default(),
        }
    }

    fn run(mut self) -> Result<(), EncodeThreadError> {
        while self.pulse.beat() {
            if !self.take_orders() {
                break;
            }
            if self.running_since.is_some()
                && let Some(picture) = self.next_picture()
            {
                self.encode(picture)?;
            }
        }
        Ok(())
    }

    /// Takes all orders, waiting for one where there is nothing to encode yet.
    /// `false` when there will be no more.
    fn take_orders(&mut self) -> bool {
        let patience = match (self.running_since, self.last_encoded) {
            (None, _) => LONGEST_WAIT,
            (Some(_), Some(at)) => self.spacing.saturating_sub(at.elapsed()).min(LONGEST_WAIT),
            (Some(_), None) => Duration::ZERO,
        };
        if !patience.is_zero() {
            match self.orders.recv_timeout(patience) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.obey(order),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn obey(&mut self, order: EncodeOrder) {
        match order {
            EncodeOrder::Start => {
                self.running_since = Some(Micros::now());
                self.due = Due { idr: true, requested: false, now: true };
            }
            EncodeOrder::Pause => self.running_since = None,
            EncodeOrder::RequestIdr => self.owe_idr(),
            EncodeOrder::NewSource => self.due.idr = true,
            // The client repeats itself with each frame that it drops until a sound
            // one is there: what was lost before that needs no other.
            EncodeOrder::InvalidateReferences { last, .. } if u64::from(last) < self.newest_sound => {}
            EncodeOrder::InvalidateReferences { first, .. } => {
                let lost = self.sent.picture(FrameIndex(first));
                if lost.is_some_and(|lost| self.encoder.invalidate_references(lost) || self.encoder.refresh()) {
                    self.due.now = true;
                } else {
                    self.owe_idr();
                }
            }
            EncodeOrder::Picture(pipe) => {
                if let Some(picture) = self.encoder.picture().filter(|_| self.loaded) {
                    screenshot::hand_out(picture, pipe);
                }
            }
            EncodeOrder::SetBitrate(bitrate) => self.set_bitrate(bitrate),
        }
    }

    fn owe_idr(&mut self) {
        self.due = Due { idr: true, requested: true, now: true };
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) {
        match self.encoder.set_bitrate(bitrate) {
            Ok(()) => {
                self.pulse.note(What::BitrateSet, bitrate.kbps(), 0);
                self.pulse.counters().set(Counter::BitrateKbps, bitrate.kbps().into());
            }
            Err(error) => warn!(%error, %bitrate, "bit rate not changed"),
        }
    }

    /// The picture to encode now, if it is time for one.
    fn next_picture(&self) -> Option<Picture> {
        let since_last = self.last_encoded.map(|at| at.elapsed());
        if since_last.is_some_and(|elapsed| elapsed < self.spacing) {
            return None;
        }
        let repeat_in = since_last.map_or(Duration::MAX, |elapsed| self.repeat_after.saturating_sub(elapsed));
        let at_once = self.due.now && self.loaded;
        let patience = if at_once { Duration::ZERO } else { repeat_in.min(ORDER_LATENCY) };
        if let Some(frame) = self.slot.take(patience) {
            return Some(Picture::New(frame));
        }
        (self.loaded && (self.due.now || repeat_in <= patience)).then_some(Picture::Again)
    }

    fn encode(&mut self, picture: Picture) -> Result<(), EncodeThreadError> {
        self.last_encoded = Some(Instant::now());
        let (captured, repeated) = match picture {
            Picture::New(frame) => (self.load(&frame)?, false),
            Picture::Again => (Micros::now(), true),
        };
        self.pulse.note(What::EncodeBegins, self.due.idr.into(), 0);
        let request = FrameRequest { picture: self.pictures, idr: self.due.idr, repeated, captured };
        let encoded = self.encoder.encode(request)?;
        self.pictures = self.pictures.wrapping_add(1);
        self.count(&encoded);
        let is_idr = encoded.kind == FrameKind::Idr;
        if encoded.kind != FrameKind::Predicted {
            // The sender gives numbers; it may still have a frame in hand.
            self.newest_sound = self.pulse.counters().get(Counter::NextFrameIndex);
        }
        self.due = Due { idr: self.due.idr && !is_idr, ..Due::default() };
        self.hand_on(encoded)
    }

    /// Has the encoder take a picture in; returns when its latency begins. One
    /// that waited for the client has none from its capture: it starts now.
    fn load(&mut self, frame: &Frame) -> Result<Micros, EncodeError> {
        let captured = self.running_since.map_or(frame.captured, |start| frame.captured.max(start));
        self.pulse.note(What::LoadBegins, low_32(frame.number), 0);
        self.encoder.load(frame)?;
        self.loaded = true;
        self.pulse.counters().record(Stage::Converted, Micros::now().since(captured));
        Ok(captured)
    }

    fn count(&self, encoded: &EncodedFrame) {
        let counters = self.pulse.counters();
        let idr = encoded.kind == FrameKind::Idr;
        self.pulse.note(What::Encoded, idr.into(), encoded.data.len() as u64);
        counters.add(Counter::FramesEncoded, 1);
        counters.add(Counter::EncodedBytes, encoded.data.len() as u64);
        if idr {
            counters.add(Counter::IdrFrames, 1);
            counters.set(Counter::LastIdr, Micros::now().0);
            counters.add(Counter::IdrRequests, self.due.requested.into());
        }
        if !encoded.repeated {
            counters.record(Stage::Encoded, Micros::now().since(encoded.captured));
        }
    }

    fn hand_on(&mut self, frame: EncodedFrame) -> Result<(), EncodeThreadError> {
        match self.out.try_send(frame) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(dropped)) => {
                self.pulse.note(What::FrameDropped, 0, 0);
                self.pulse.counters().add(Counter::FramesDropped, 1);
                // An IDR frame in place of it would not get through any better.
                let was_start = dropped.kind == FrameKind::Idr;
                self.due.idr |= was_start || !self.encoder.invalidate_references(dropped.picture);
                self.due.now = true;
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) if !self.pulse.beat() => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(EncodeThreadError::SenderGone),
        }
    }
}

/// Part of the frame interval that must pass between two frames.
const SPACING: f64 = 0.5;
/// Longest time an order waits while the screen is still.
const ORDER_LATENCY: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
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
}
