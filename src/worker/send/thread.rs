//! The send thread: coded frames in, datagrams out.
//!
//! Frames get their numbers here and nowhere else, so that frames that are
//! never sent leave no gap. The numbers of a frame are in the shared counters
//! page before its first datagram leaves: whatever kills the worker in between,
//! its successor never uses one twice, and a gap is what clients take in stride
//! (moonlight-common-c `RtpVideoQueue.c`).
//!
//! The first frame of every worker is an IDR frame. Frames before it are
//! dropped, because the client could not decode them.

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::media_socket::{Dscp, MediaSocket};
use super::pacer::{Pacer, USUAL_PERCENT, USUAL_RATE};
use super::rtp_clock::RtpClock;
use crate::clock::Micros;
use crate::ids::Generation;
use crate::ipc::counters_page::{Counter, CountersPage, Stage, WorkerThread};
use crate::ipc::flight_recorder::What;
use crate::protocol::video::frame_header::FrameType;
use crate::protocol::video::packetizer::{
    PacketSizeError, PacketizeError, Packetizer, PacketizerConfig, PictureToSend, SealConfig,
};
use crate::protocol::video::shard_batch::ShardBatch;
use crate::stream_plan::StreamPlan;
use crate::units::{FecPercent, FrameIndex};
use crate::worker::frame::{EncodedFrame, FrameKind};
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};
use crate::worker::sent_frames::SentFrames;

/// What the main thread tells the send thread.
#[derive(Debug)]
pub enum SendOrder {
    /// Send there from now on.
    Socket(UdpSocket),
    /// Send this much parity from now on.
    Fec(FecPercent),
}

/// Sends frames until it is told to stop or the encode thread has ended.
///
/// A socket that arrives replaces the one before it. `order_idr` is called when
/// the first one has arrived, and again when an IDR frame is overdue.
///
/// # Errors
/// When the plan's packet size is impossible. Nothing the network does is one.
pub fn run(
    plan: &StreamPlan,
    generation: Generation,
    frames: Receiver<EncodedFrame>,
    orders: Receiver<SendOrder>,
    mut order_idr: impl FnMut(),
    sent: &SentFrames,
    pulse: &Pulse,
) -> Result<(), PacketSizeError> {
    let mut sender = VideoSender::open(plan, generation, sent, pulse.counters())?;
    let priority = plan.video.dscp.then_some(Dscp::Video);
    let Some(first) = first_socket(&mut sender, &orders, &frames, pulse) else { return Ok(()) };
    let mut socket = MediaSocket::new(first, priority);
    info!("client's socket arrived");
    order_idr();
    let mut opening = Opening::new();
    while pulse.beat() {
        for order in orders.try_iter() {
            match order {
                SendOrder::Socket(newer) => socket = MediaSocket::new(newer, priority),
                SendOrder::Fec(percent) => sender.set_fec(percent),
            }
        }
        socket.drain();
        let frame = match frames.recv_timeout(LONGEST_WAIT) {
            Ok(frame) => frame,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match opening.judge(&frame, Instant::now()) {
            Verdict::Send => {}
            Verdict::Drop => continue,
            Verdict::DropAndOrderIdr => {
                order_idr();
                continue;
            }
        }
        if let Err(error) = sender.send(&frame, &mut socket) {
            // Its number was not used, so the client would not know that it is missing.
            warn!(%error, bytes = frame.data.len(), "frame dropped");
            order_idr();
            opening = Opening::new();
        }
    }
    Ok(())
}

/// Waits for the host to hand the client's socket over. `None`: end.
fn first_socket(
    sender: &mut VideoSender<'_>,
    orders: &Receiver<SendOrder>,
    frames: &Receiver<EncodedFrame>,
    pulse: &Pulse,
) -> Option<UdpSocket> {
    while pulse.beat() {
        // Old frames must not be what the client sees first.
        frames.try_iter().for_each(drop);
        match orders.recv_timeout(UNREAD_FRAMES_WAIT) {
            Ok(SendOrder::Socket(socket)) => return Some(socket),
            Ok(SendOrder::Fec(percent)) => sender.set_fec(percent),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}

/// Holds frames back until one that decoding can start with.
#[derive(Debug)]
struct Opening {
    open: bool,
    ordered: Option<Instant>,
}

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Send,
    Drop,
    DropAndOrderIdr,
}

impl Opening {
    const fn new() -> Self {
        Self { open: false, ordered: None }
    }

    fn judge(&mut self, frame: &EncodedFrame, now: Instant) -> Verdict {
        if self.open || frame.kind == FrameKind::Idr {
            self.open = true;
            return Verdict::Send;
        }
        let ordered = *self.ordered.get_or_insert(now);
        if now.duration_since(ordered) < IDR_OVERDUE {
            return Verdict::Drop;
        }
        self.ordered = Some(now);
        Verdict::DropAndOrderIdr
    }
}

/// Numbers, cuts, paces and counts.
#[derive(Debug)]
struct VideoSender<'a> {
    counters: &'a CountersPage,
    sent: &'a SentFrames,
    packetizer: Packetizer,
    batch: ShardBatch,
    pacer: Pacer,
    clock: Option<RtpClock>,
    next_frame: FrameIndex,
    /// How long one frame may wait for a full queue: no longer than it is worth.
    patience: Duration,
}

impl<'a> VideoSender<'a> {
    /// Goes on where the counters page stands.
    fn open(
        plan: &StreamPlan,
        generation: Generation,
        sent: &'a SentFrames,
        counters: &'a CountersPage,
    ) -> Result<Self, PacketSizeError> {
        let video = &plan.video;
        let seal = video.encrypted.then(|| SealConfig {
            key: plan.key.clone(),
            generation,
            first: counters.get(Counter::NextVideoSeal),
        });
        let packetizer = Packetizer::new(&PacketizerConfig {
            packet_size: video.packet_size,
            fec: video.fec,
            minimum_parity: video.minimum_parity,
            seal,
            first_packet_index: low_32(counters.get(Counter::NextPacketIndex)),
        })?;
        let epoch = counters.get(Counter::MediaEpoch);
        counters.set(Counter::ParitySet, u64::from(video.fec.0) + 1);
        Ok(Self {
            counters,
            sent,
            packetizer,
            batch: ShardBatch::new(),
            pacer: Pacer::new(video.frame_rate, USUAL_PERCENT, USUAL_RATE),
            clock: (epoch != 0).then(|| RtpClock::since(Micros(epoch))),
            next_frame: FrameIndex(low_32(counters.get(Counter::NextFrameIndex))).max(FrameIndex::FIRST),
            patience: video.frame_rate.interval().min(LONGEST_PATIENCE),
        })
    }

    fn set_fec(&mut self, percent: FecPercent) {
        self.packetizer.set_fec(percent);
        self.counters.set(Counter::ParitySet, u64::from(percent.0) + 1);
    }

    /// Sends one frame, spread over a part of the frame interval.
    ///
    /// # Errors
    /// When it cannot be cut into packets; nothing was sent then.
    fn send(&mut self, frame: &EncodedFrame, socket: &mut MediaSocket) -> Result<(), PacketizeError> {
        self.packetize(frame)?;
        let number = self.next_frame.0;
        self.sent.note(self.next_frame, frame.picture);
        self.store_numbers();
        self.note(What::SendBegins, number, self.batch.len());
        let size = self.batch.datagram_size();
        let started = Instant::now();
        let mut sent = 0;
        for batch in self.pacer.schedule(self.batch.len(), size) {
            std::thread::sleep(batch.due.saturating_sub(started.elapsed()));
            let bytes = &self.batch.bytes()[batch.datagrams.start * size..batch.datagrams.end * size];
            let patience = (batch.due + self.patience).saturating_sub(started.elapsed());
            let outcome = socket.send(bytes, size, patience);
            if sent == 0 {
                self.record(Stage::FirstPacket, frame);
            }
            sent += outcome.datagrams;
            self.counters.add(Counter::SendErrors, outcome.refusals);
            if outcome.datagrams < batch.datagrams.len() {
                break;
            }
        }
        self.note(What::Sent, number, sent);
        self.count(frame, sent);
        Ok(())
    }

    fn packetize(&mut self, frame: &EncodedFrame) -> Result<(), PacketizeError> {
        let now = Micros::now();
        let shown = if frame.repeated { now } else { frame.captured };
        let counters = self.counters;
        let clock = self.clock.get_or_insert_with(|| {
            counters.set(Counter::MediaEpoch, shown.0);
            RtpClock::since(shown)
        });
        let picture = PictureToSend {
            data: &frame.data,
            kind: frame_type(frame.kind),
            frame_index: self.next_frame,
            rtp_timestamp: clock.stamp(shown),
            latency_100us: latency(frame, now),
        };
        self.packetizer.packetize(&picture, &mut self.batch)
    }

    /// Before anything leaves: a successor goes on behind this frame.
    fn store_numbers(&mut self) {
        self.next_frame = self.next_frame.next();
        self.counters.set(Counter::NextFrameIndex, self.next_frame.0.into());
        self.counters.set(Counter::NextPacketIndex, self.packetizer.next_packet_index().into());
        self.counters.set(Counter::NextVideoSeal, self.packetizer.next_seal());
    }

    /// What the frame's way took, but for the encoder.
    fn record_ours(&self, frame: &EncodedFrame) {
        if !frame.repeated {
            let whole = Micros::now().since(frame.captured);
            self.counters.record(Stage::Ours, whole.saturating_sub(frame.encoding));
        }
    }

    fn note(&self, what: What, frame: u32, datagrams: usize) {
        self.counters.recorder().note(WorkerThread::Send, what, frame, datagrams as u64);
    }

    fn record(&self, stage: Stage, frame: &EncodedFrame) {
        if !frame.repeated {
            self.counters.record(stage, Micros::now().since(frame.captured));
        }
    }

    fn count(&self, frame: &EncodedFrame, sent: usize) {
        self.counters.add(Counter::VideoPackets, sent as u64);
        self.counters.add(Counter::VideoBytes, (sent * self.batch.datagram_size()) as u64);
        if sent == self.batch.len() {
            self.record(Stage::LastPacket, frame);
            self.record_ours(frame);
            self.counters.add(Counter::FramesSent, 1);
        }
    }
}

const fn frame_type(kind: FrameKind) -> FrameType {
    match kind {
        FrameKind::Idr => FrameType::Idr,
        FrameKind::Predicted => FrameType::Predicted,
        FrameKind::Recovered => FrameType::Recovered,
        FrameKind::Refreshing => FrameType::Refreshing,
    }
}

/// Units of 100 µs. 0 is "not known", so what is faster than that says 1.
fn latency(frame: &EncodedFrame, now: Micros) -> u16 {
    if frame.repeated {
        return 0;
    }
    u16::try_from(now.since(frame.captured) / 100).unwrap_or(u16::MAX).max(1)
}

/// Of a counter whose wire field has no more bits.
fn low_32(value: u64) -> u32 {
    u32::try_from(value & 0xFFFF_FFFF).unwrap_or_default()
}

/// How long unread frames may pile up while there is no client.
const UNREAD_FRAMES_WAIT: Duration = Duration::from_millis(5);
/// An encoder that was told takes a frame or two.
const IDR_OVERDUE: Duration = Duration::from_millis(500);
/// At low frame rates, too, the heartbeat goes on.
const LONGEST_PATIENCE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_before_the_idr_frame_are_dropped_and_a_late_one_is_ordered_again() {
        let mut opening = Opening::new();
        let start = Instant::now();
        assert_eq!(opening.judge(&frame(FrameKind::Predicted), start), Verdict::Drop);
        assert_eq!(opening.judge(&frame(FrameKind::Recovered), start + IDR_OVERDUE / 2), Verdict::Drop);
        assert_eq!(opening.judge(&frame(FrameKind::Predicted), start + IDR_OVERDUE), Verdict::DropAndOrderIdr);
        assert_eq!(opening.judge(&frame(FrameKind::Predicted), start + IDR_OVERDUE * 3 / 2), Verdict::Drop);
        assert_eq!(opening.judge(&frame(FrameKind::Idr), start + IDR_OVERDUE * 2), Verdict::Send);
        assert_eq!(opening.judge(&frame(FrameKind::Predicted), start + IDR_OVERDUE * 9), Verdict::Send);
    }

    #[test]
    fn latency_is_in_tenths_of_a_millisecond_and_never_unknown_for_a_new_picture() {
        let new = frame(FrameKind::Predicted);
        let after = |micros| Micros(new.captured.0 + micros);
        assert_eq!(latency(&new, after(5_230)), 52);
        assert_eq!(latency(&new, after(40)), 1);
        assert_eq!(latency(&new, after(60_000_000)), u16::MAX);
        assert_eq!(latency(&EncodedFrame { repeated: true, ..new }, Micros::now()), 0);
    }

    fn frame(kind: FrameKind) -> EncodedFrame {
        EncodedFrame { data: vec![0; 100], kind, picture: 0, captured: Micros(1_000_000), encoding: 0, repeated: false }
    }
}
