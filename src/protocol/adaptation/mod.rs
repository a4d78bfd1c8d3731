//! What a stream may send: loss and delay in; bit rate, parity and repairs of lost
//! references out.
//!
//! Stock clients tell little (moonlight-common-c `ControlStream.c`): for each FEC block
//! that needed repair or failed how it arrived (`SS_FRAME_FEC_STATUS`, at most eight in
//! 100 ms), which frames they lost, and, like every ENet peer, when a ping reached them.
//! So a ping that goes the way of the video every [`PROBE_INTERVAL`] stands in for the
//! acknowledgements that other transports have: its round trip shows the queue in front
//! of the narrowest link, and what was sent between two pings, over the time between
//! their answers, what that link carries.
//!
//! * [`delay`]: the queue that stands, by the least round trip of a quarter of a second
//!   over the least of half a minute (the idea of CoDel, RFC 8289).
//! * [`delivery`]: what arrives, in kbit/s (BBR's delivery rate).
//! * [`loss`]: the share of packets that does not arrive, and how much of it is usual.
//! * [`capacity`]: the rate of the whole stream: down to what the link carries and less
//!   until the queue is gone, then slowly up (as GCC and SCReAM, RFC 8298, do).
//! * [`parity`]: the share of it that repairs losses, by those of the last ten seconds.
//! * [`references`]: what answers a client that lost frames.
//!
//! Nothing in here is ever more than what the client asked for.

pub mod capacity;
pub mod delay;
pub mod delivery;
pub mod loss;
pub mod parity;
pub mod references;
mod signs;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::capacity::{Capacity, Cause};
use self::delay::Delay;
use self::delivery::Delivery;
use self::loss::Loss;
use self::parity::Parity;
use self::signs::Signs;
use crate::clock::Micros;
use crate::protocol::control::client_stats::FecStatus;
use crate::units::{Bitrate, FecPercent, FrameRate};

/// How often to ping the client and to ask for a [`Target`]. No multiple of usual frame
/// intervals, so that pings meet every part of one.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(40);

/// What was agreed on with the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What the encoder may spend at most.
    pub asked: Bitrate,
    /// Parity that this leaves room for. 0: there is none, and never will be.
    pub fec: FecPercent,
    /// Frames of the stream.
    pub frame_rate: FrameRate,
}

/// What the operator allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What the encoder may spend at least, however bad the network is.
    pub least: Bitrate,
    /// Parity at most.
    pub most_fec: FecPercent,
}

/// What the sender has done since the stream began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Datagrams, parity included.
    pub packets: u64,
    /// Their payload in bytes.
    pub wire_bytes: u64,
    /// Bytes of coded pictures.
    pub coded_bytes: u64,
    /// Frames that left whole.
    pub frames: u64,
    /// From the coded picture to its last datagram, summed over them, in microseconds.
    pub send_micros: u64,
    /// Frames and sends that the machine's own queues had no room for.
    pub refused: u64,
}

/// What encoder and sender shall be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// For the encoder.
    pub bitrate: Bitrate,
    /// For the packetizer.
    pub fec: FecPercent,
}

/// What is known of the way to the client.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct View {
    /// Round trip of the newest ping.
    pub round_trip: Option<Duration>,
    /// How long packets wait in the queue that stands on the way.
    pub queue: Duration,
    /// Part of the packets of the last second that were lost.
    pub loss: f64,
    /// What the narrowest link was last found to carry, in kbit/s of datagrams.
    pub capacity_kbps: Option<u64>,
    /// How often the rate was taken back.
    pub back_offs: u64,
    /// Why, the last time.
    pub cause: Option<Cause>,
}

/// The controller of one stream. No clock and no socket: everything is told.
#[derive(Debug)]
pub struct Adaptation {
    terms: Terms,
    delay: Delay,
    delivery: Delivery,
    loss: Loss,
    capacity: Capacity,
    parity: Parity,
    sent: Option<Sent>,
    /// Part of a data packet's bytes that are coded picture.
    efficiency: f64,
    /// What the machine's own send queue adds, in microseconds.
    send_delay: u64,
    refused: bool,
    target: Target,
}

impl Adaptation {
    /// For a stream that begins with what was asked for.
    #[must_use]
    pub fn new(terms: Terms, now: Micros) -> Self {
        Self {
            terms,
            delay: Delay::new(now),
            delivery: Delivery::default(),
            loss: Loss::default(),
            capacity: Capacity::new(now),
            parity: Parity::new(terms.fec, now),
            sent: None,
            efficiency: USUAL_EFFICIENCY,
            send_delay: 0,
            refused: false,
            target: Target { bitrate: terms.asked, fec: terms.fec },
        }
    }

    /// A ping leaves, behind all that was sent before.
    pub fn handle_probe(&mut self, now: Micros) {
        self.delay.probed(now);
    }

    /// The ping that left at `sent` is answered.
    pub fn handle_answer(&mut self, sent: Micros, now: Micros) {
        if self.delay.answered(sent, now) {
            let queue = self.delay.queue(now);
            self.delivery.answered(sent, now, queue.micros > capacity::LOW);
        }
    }

    /// How a block arrived.
    pub fn handle_fec_status(&mut self, status: &FecStatus, now: Micros) {
        self.loss.lost(missing(status).into());
        if !self.capacity.is_draining() {
            self.parity.note(status, now);
        }
    }

    /// What the sender has done until now.
    pub fn handle_sent(&mut self, sent: Sent, now: Micros) {
        let before = self.sent.replace(sent).unwrap_or_default();
        self.delivery.sent(sent.wire_bytes, now);
        self.loss.sent(sent.packets, now);
        self.refused |= sent.refused > before.refused;
        let frames = sent.frames.saturating_sub(before.frames);
        if let Some(each) = sent.send_micros.saturating_sub(before.send_micros).checked_div(frames) {
            self.send_delay = each.saturating_sub(interval_micros(self.terms.frame_rate));
        }
        if let Some((wire, coded)) = self.delivery.coded(sent.wire_bytes, sent.coded_bytes, now) {
            let data = wire * 100.0 / (100.0 + f64::from(self.target.fec.0));
            self.efficiency = (coded / data).clamp(LEAST_EFFICIENCY, 1.0);
        }
    }

    /// To be called every [`PROBE_INTERVAL`]: what to send from now on.
    pub fn handle_timeout(&mut self, bounds: Bounds, now: Micros) -> Target {
        let queue = self.delay.queue(now);
        let signs = Signs {
            queue: queue.micros + self.send_delay,
            is_silent: queue.is_silent,
            delivered: self.delivery.busy_rate(now).map(|rate| rate * (1.0 - self.loss.over(SECOND, now))),
            sent: self.delivery.sent_rate(now),
            loss_now: self.loss.over(FIFTH, now),
            loss: self.loss.over(SECOND, now),
            usual_loss: self.loss.usual(now),
            refused: std::mem::take(&mut self.refused),
        };
        let asked = f64::from(self.terms.asked.kbps());
        let least = f64::from(bounds.least.kbps()).min(asked);
        let whole = |kbps: f64| kbps / self.share(self.terms.fec);
        let outcome = self.capacity.step(&signs, whole(least), whole(asked), now);
        if outcome.accepts_delay {
            self.delay.accept(now);
        }
        let fec = self.parity.step(bounds.most_fec, now);
        let kbps = (self.capacity.rate() * self.share(fec)).min(asked).max(least);
        self.target = Target { bitrate: steady(self.target.bitrate, kbps, asked), fec };
        self.target
    }

    /// The least round trip of the last half minute.
    #[must_use]
    pub fn least_round_trip(&self) -> Option<Duration> {
        self.delay.least().map(Duration::from_micros)
    }

    /// What is known of the way to the client.
    #[must_use]
    pub fn view(&self, now: Micros) -> View {
        View {
            round_trip: self.delay.newest().map(Duration::from_micros),
            queue: Duration::from_micros(self.delay.queue(now).micros),
            loss: self.loss.over(SECOND, now),
            capacity_kbps: self.capacity.known().map(rounded),
            back_offs: self.capacity.back_offs(),
            cause: self.capacity.cause(),
        }
    }

    /// Part of all bytes that are coded picture, with this parity.
    fn share(&self, fec: FecPercent) -> f64 {
        self.efficiency * 100.0 / (100.0 + f64::from(fec.0))
    }
}

/// Packets of a block that did not arrive before it was over.
fn missing(status: &FecStatus) -> u16 {
    if status.is_beyond_repair() {
        let total = status.total_data.saturating_add(status.total_parity);
        total.saturating_sub(status.received_data.saturating_add(status.received_parity))
    } else {
        status.missing_before_highest
    }
}

/// Encoders are not told of every little step up.
fn steady(before: Bitrate, kbps: f64, asked: f64) -> Bitrate {
    let old = f64::from(before.kbps());
    let worth_it = kbps < old || kbps >= asked || kbps > old * LEAST_STEP;
    if worth_it { Bitrate::from_kbps(u32::try_from(rounded(kbps)).unwrap_or(u32::MAX)) } else { before }
}

fn interval_micros(frame_rate: FrameRate) -> u64 {
    u64::try_from(frame_rate.interval().as_micros()).unwrap_or(u64::MAX)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, never negative")]
fn rounded(kbps: f64) -> u64 {
    kbps.round().max(0.0) as u64
}

/// Headers, and the padding of last packets, until it is measured.
const USUAL_EFFICIENCY: f64 = 0.95;
/// Of tiny frames, one packet and two of parity.
const LEAST_EFFICIENCY: f64 = 0.3;
/// Of a rate that rises.
const LEAST_STEP: f64 = 1.04;
const SECOND: Duration = Duration::from_secs(1);
const FIFTH: Duration = Duration::from_millis(200);
