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
mod tests;
