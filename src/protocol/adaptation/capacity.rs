//! The rate of a whole stream, datagrams included.
//!
//! ```text
//!         queue above 50 ms                           queue below 20 ms
//!  open ---------------------> draining: below what ---------------------> open, at what
//!   ^ |                        the link carries, by                        the link carries
//!   | | losses above 10 %,     how long the queue is
//!   | | or no room to send
//!   +-+ at once, in steps
//! ```
//!
//! Open, the rate rises: by 3 % a second after a back-off, and twice as fast with every
//! second that nothing happens, but no faster than 5 % as long as it is near what the link
//! last carried: so it stays there while that is so, and finds soon when it is not.

use crate::clock::Micros;

pub use super::signs::Signs;

/// Rates in kbit/s.
#[derive(Debug)]
pub struct Capacity {
    rate: f64,
    /// At most, in the last step: a rate that reached it is limited by nothing else.
    allowed: f64,
    /// What the link carried when it was last full.
    known: Option<f64>,
    phase: Phase,
    /// Since when nothing is wrong.
    calm: Micros,
    /// When losses, refusals or silence may count again.
    next_cut: Micros,
    stepped: Micros,
    back_offs: u64,
    cause: Option<Cause>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Open,
    Draining {
        since: Micros,
        /// What the link carries.
        carries: f64,
        /// That was measured.
        measured: bool,
        /// The rate before.
        before: f64,
    },
}

/// Why a rate was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A queue stands on the way.
    Queue,
    /// Pings are not answered.
    Silence,
    /// Packets are lost that usually are not.
    Loss,
    /// The machine itself has no room to send.
    NoRoom,
}

impl Cause {
    /// A word, for events and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Silence => "silence",
            Self::Loss => "loss",
            Self::NoRoom => "no_room",
        }
    }
}

/// What a step has led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The queue does not go away, whatever is sent: it is part of the way.
    pub accepts_delay: bool,
}

impl Capacity {
    /// Without a limit.
    #[must_use]
    pub const fn new(now: Micros) -> Self {
        Self {
            rate: f64::MAX,
            allowed: f64::MAX,
            known: None,
            phase: Phase::Open,
            calm: now,
            next_cut: now,
            stepped: now,
            back_offs: 0,
            cause: None,
        }
    }

    /// What may be sent.
    #[must_use]
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// What the link carried when it was last full.
    #[must_use]
    pub const fn known(&self) -> Option<f64> {
        self.known
    }

    /// How often the rate was taken back.
    #[must_use]
    pub const fn back_offs(&self) -> u64 {
        self.back_offs
    }

    /// Why, the last time.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// A queue stands, and is waited for to go.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    /// Decides, some twenty times a second.
    pub fn step(&mut self, signs: &Signs, least: f64, most: f64, now: Micros) -> Outcome {
        let seconds = seconds(now.since(self.stepped));
        self.stepped = now;
        // Datagrams may have more room for pictures than before, or less.
        self.rate = if self.rate >= self.allowed { most } else { self.rate.min(most) };
        self.allowed = most;
        let outcome = match self.phase {
            Phase::Open => {
                self.open(signs, seconds, now);
                Outcome::default()
            }
            Phase::Draining { .. } => self.drain(signs, now),
        };
        self.rate = self.rate.clamp(least.min(most), most);
        outcome
    }

    fn open(&mut self, signs: &Signs, seconds: f64, now: Micros) {
        let loss = signs.loss - signs.usual_loss;
        if signs.queue > HIGH {
            let (carries, measured) = match signs.delivered {
                Some(delivered) if !signs.is_silent => (delivered.min(self.rate), true),
                _ if signs.is_silent => (self.rate * SILENT_CUT, false),
                _ => (self.rate * LOST_CUT, false),
            };
            self.phase = Phase::Draining { since: now, carries, measured, before: self.rate };
            self.rate = below(carries, signs.queue);
            self.back_off(if signs.is_silent { Cause::Silence } else { Cause::Queue }, now);
        } else if loss > MUCH_LOSS && signs.loss_now - signs.usual_loss > MUCH_LOSS && now >= self.next_cut {
            self.rate *= (1.0 - signs.loss_now + signs.usual_loss).max(0.5);
            self.back_off(Cause::Loss, now);
        } else if signs.refused && now >= self.next_cut {
            self.rate *= LOST_CUT;
            self.back_off(Cause::NoRoom, now);
        } else if signs.queue < LOW && loss < SOME_LOSS {
            self.rise(signs, seconds, now);
        }
    }

    fn rise(&mut self, signs: &Signs, seconds_passed: f64, now: Micros) {
        let calm = seconds(now.since(self.calm));
        if calm > FORGOTTEN {
            self.known = None;
        }
        let doubled = (SLOWEST * calm.exp2()).min(FASTEST);
        let growth = match self.known.map(|known| self.rate / known) {
            // What is not used shows nothing about what could be.
            _ if signs.sent < self.rate / 2.0 => SLOWEST,
            Some(part) if part < 0.9 => BACK,
            Some(part) if part < BEYOND => doubled.min(NEAR),
            _ => doubled,
        };
        self.rate *= 1.0 + growth * seconds_passed.min(1.0);
    }

    fn drain(&mut self, signs: &Signs, now: Micros) -> Outcome {
        let Phase::Draining { since, mut carries, mut measured, before } = self.phase else {
            return Outcome::default();
        };
        if signs.queue < LOW {
            // Nobody ever saw the link full: it was gone for a moment.
            self.rate = if measured { carries * RESUME } else { before * RESUME };
            self.known = Some(if measured { carries } else { before });
            (self.phase, self.calm) = (Phase::Open, now);
            return Outcome::default();
        }
        if now.since(since) > LONGEST_DRAIN && !signs.is_silent {
            self.rate = carries * RESUME;
            (self.phase, self.calm) = (Phase::Open, now);
            return Outcome { accepts_delay: true };
        }
        if signs.is_silent {
            if now >= self.next_cut {
                carries *= SILENT_CUT;
                self.next_cut = Micros(now.0 + CUT_INTERVAL);
            }
        } else if let Some(delivered) = signs.delivered {
            (carries, measured) = (delivered.min(before), true);
        }
        self.phase = Phase::Draining { since, carries, measured, before };
        self.rate = below(carries, signs.queue);
        Outcome::default()
    }

    const fn back_off(&mut self, cause: Cause, now: Micros) {
        self.back_offs += 1;
        self.cause = Some(cause);
        self.calm = now;
        self.next_cut = Micros(now.0 + CUT_INTERVAL);
    }
}

/// A rate at which a queue of so many microseconds is gone within [`DRAIN_TIME`].
#[allow(clippy::cast_precision_loss, reason = "microseconds of seconds")]
fn below(carries: f64, queue: u64) -> f64 {
    carries * (1.0 - (queue as f64 / DRAIN_TIME).clamp(0.1, 0.75))
}

#[allow(clippy::cast_precision_loss, reason = "microseconds of seconds")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Microseconds of a queue that nobody minds.
pub const LOW: u64 = 20_000;
/// Microseconds of a queue that a player feels: three frames of 60 a second.
pub const HIGH: u64 = 50_000;
/// Microseconds in which a queue is to go.
const DRAIN_TIME: f64 = 700_000.0;
/// Microseconds after which a queue that does not go is not ours.
const LONGEST_DRAIN: u64 = 5_000_000;
/// Part of what the link carries that is sent when its queue is gone.
const RESUME: f64 = 0.95;
/// Losses that are taken for a full link, as by GCC (draft-ietf-rmcat-gcc-02, 6).
const MUCH_LOSS: f64 = 0.1;
/// Losses with which the rate does not rise.
const SOME_LOSS: f64 = 0.05;
const LOST_CUT: f64 = 0.85;
const SILENT_CUT: f64 = 0.7;
/// Microseconds until a cut can have shown.
const CUT_INTERVAL: u64 = 300_000;
/// Growth in a second.
const SLOWEST: f64 = 0.03;
const FASTEST: f64 = 0.3;
/// The same near what the link is known to carry.
const NEAR: f64 = 0.05;
/// Part of what the link is known to carry that is not near it any more.
const BEYOND: f64 = 1.15;
/// Back to what the link is known to carry.
const BACK: f64 = 0.5;
/// Seconds after which what the link carried says nothing any more.
const FORGOTTEN: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: u64 = 40_000;

    struct Stand {
        capacity: Capacity,
        now: Micros,
    }

    impl Stand {
        fn new() -> Self {
            Self { capacity: Capacity::new(Micros(0)), now: Micros(0) }
        }

        fn step(&mut self, signs: &Signs) -> Outcome {
            self.now = Micros(self.now.0 + TICK);
            self.capacity.step(signs, 1_000.0, 20_000.0, self.now)
        }

        fn calm(&mut self, seconds: u64) {
            for _ in 0..seconds * 25 {
                let sent = self.capacity.rate();
                self.step(&Signs { sent, ..Signs::default() });
            }
        }
    }

    fn queue(millis: u64, delivered: f64) -> Signs {
        Signs { queue: millis * 1000, delivered: Some(delivered), sent: 20_000.0, ..Signs::default() }
    }

    #[test]
    fn without_trouble_all_that_was_asked_for_is_sent() {
        let mut stand = Stand::new();
        stand.calm(60);
        assert!((stand.capacity.rate() - 20_000.0).abs() < 1e-9);
        assert_eq!((stand.capacity.back_offs(), stand.capacity.known()), (0, None));
    }

    #[test]
    fn what_nothing_limits_follows_what_is_allowed() {
        let mut stand = Stand::new();
        for most in [20_000.0, 12_000.0, 30_000.0] {
            stand.capacity.step(&Signs::default(), 1_000.0, most, stand.now);
            assert!((stand.capacity.rate() - most).abs() < 1e-9, "{}", stand.capacity.rate());
        }
        stand.step(&queue(100, 4_000.0));
        stand.capacity.step(&Signs::default(), 1_000.0, 40_000.0, stand.now);
        assert!(stand.capacity.rate() < 4_000.0, "what limits it still does");
    }

    #[test]
    fn a_queue_is_drained_and_then_what_the_link_carries_is_sent() {
        let mut stand = Stand::new();
        stand.calm(1);
        stand.step(&queue(400, 4_000.0));
        assert!(stand.capacity.rate() < 2_500.0 && stand.capacity.is_draining());
        stand.step(&queue(100, 4_000.0));
        assert!((3_000.0..3_800.0).contains(&stand.capacity.rate()), "{}", stand.capacity.rate());
        stand.step(&queue(10, 3_000.0));
        assert!((stand.capacity.rate() - 3_800.0).abs() < 1.0 && !stand.capacity.is_draining());
        assert_eq!((stand.capacity.known(), stand.capacity.back_offs()), (Some(4_000.0), 1));
        assert_eq!(stand.capacity.cause(), Some(Cause::Queue));
    }

    #[test]
    fn after_a_back_off_the_rate_rises_slowly_and_then_faster() {
        let mut stand = Stand::new();
        stand.step(&queue(100, 4_000.0));
        stand.step(&queue(0, 4_000.0));
        stand.calm(1);
        assert!(stand.capacity.rate() < 4_000.0);
        stand.calm(9);
        assert!(stand.capacity.rate() > 15_000.0, "{}", stand.capacity.rate());
        stand.calm(30);
        assert!((stand.capacity.rate() - 20_000.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_used_is_not_proven() {
        let mut stand = Stand::new();
        stand.step(&queue(100, 4_000.0));
        stand.step(&queue(0, 4_000.0));
        for _ in 0..250 {
            stand.step(&Signs { sent: 500.0, ..Signs::default() });
        }
        assert!(stand.capacity.rate() < 5_500.0, "{}", stand.capacity.rate());
    }

    #[test]
    fn losses_count_if_they_are_many_last_and_are_not_usual() {
        let lossy = |loss_now, loss, usual_loss| Signs { loss_now, loss, usual_loss, ..Signs::default() };
        for signs in [lossy(0.3, 0.05, 0.0), lossy(0.02, 0.15, 0.0), lossy(0.2, 0.2, 0.18)] {
            let mut stand = Stand::new();
            for _ in 0..25 {
                stand.step(&signs);
            }
            assert!((stand.capacity.rate() - 20_000.0).abs() < 1e-9, "{signs:?}");
        }
        let mut stand = Stand::new();
        for _ in 0..25 {
            stand.step(&lossy(0.8, 0.5, 0.0));
        }
        assert!(stand.capacity.rate() < 2_000.0, "{}", stand.capacity.rate());
        assert_eq!(stand.capacity.cause(), Some(Cause::Loss));
    }

    #[test]
    fn an_outage_is_no_narrow_link() {
        let mut stand = Stand::new();
        let silent = |millis: u64| Signs { queue: millis * 1000, is_silent: true, ..Signs::default() };
        for tick in 0..10_u64 {
            stand.step(&silent(130 + tick * 40));
        }
        assert!(stand.capacity.rate() < 8_000.0);
        stand.step(&Signs::default());
        assert!((stand.capacity.rate() - 19_000.0).abs() < 1.0, "{}", stand.capacity.rate());
    }

    #[test]
    fn a_queue_that_does_not_go_is_accepted() {
        let mut stand = Stand::new();
        let accepted = (0..200).any(|_| stand.step(&queue(80, 15_000.0)).accepts_delay);
        assert!(accepted && !stand.capacity.is_draining());
        assert!(stand.capacity.rate() > 14_000.0, "{}", stand.capacity.rate());
    }

    #[test]
    fn the_rate_stays_within_its_bounds() {
        let mut stand = Stand::new();
        for _ in 0..100 {
            stand.step(&Signs { queue: 9_000_000, is_silent: true, refused: true, ..Signs::default() });
            assert!((1_000.0..=20_000.0).contains(&stand.capacity.rate()));
        }
        stand.capacity.step(&Signs::default(), 5_000.0, 3_000.0, stand.now);
        assert!((stand.capacity.rate() - 3_000.0).abs() < 1e-9, "less was asked for than the least");
    }
}
