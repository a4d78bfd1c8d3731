//! Networks that a stream may meet, in virtual time and in real time. The seed of a run draws
//! losses and, in virtual time, frame sizes; the rest is the same in all of them.

use crate::clock::Micros;

/// A way to the client: one narrow link, its queue, and the air.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    /// As on the command line.
    pub(super) name: &'static str,
    /// In words.
    pub(super) about: &'static str,
    /// What the client asks for, for the picture.
    pub(super) asked_kbps: u32,
    /// What the link carries at first.
    pub(super) first_kbps: u32,
    /// Sixtieth parts of the trace from which on it carries something else, in per cent of
    /// what it carries at first.
    pub(super) rates: &'static [(u64, u32)],
    /// The queue in front of it.
    pub(super) queue_bytes: usize,
    /// From its end to the client, and the whole way back.
    pub(super) delay_micros: u64,
    pub(super) air: Air,
    pub(super) seconds: u64,
}

/// How packets are lost that were in no queue too many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Air {
    /// None.
    Still,
    /// One after the other, without memory.
    Even {
        /// The part of them.
        lost: f64,
    },
    /// Two states of exponential length (Gilbert and Elliott).
    Bursts {
        /// Mean length of the good one.
        good_millis: f64,
        /// Mean length of the bad one.
        bad_millis: f64,
        /// Part of the packets that is lost in the good one.
        good_lost: f64,
        /// The same in the bad one.
        bad_lost: f64,
    },
}

impl Trace {
    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|trace| trace.name == name).copied()
    }

    /// The same in another time: what changes does so earlier or later. Bursts stay as long as
    /// they are.
    #[must_use]
    pub const fn lasting(self, seconds: u64) -> Self {
        Self { seconds, ..self }
    }

    /// The same for a picture of another bit rate: link and queue are to it as they were.
    #[must_use]
    pub fn for_picture_of(self, kbps: u32) -> Self {
        let share = |value: u64| (value * u64::from(kbps) / u64::from(self.asked_kbps)).max(1);
        Self {
            asked_kbps: kbps,
            first_kbps: u32::try_from(share(self.first_kbps.into())).unwrap_or(u32::MAX),
            queue_bytes: usize::try_from(share(self.queue_bytes as u64)).unwrap_or(usize::MAX).max(LEAST_QUEUE),
            ..self
        }
    }

    /// The same without what it does to a stream: the rate of its beginning, and no losses.
    pub(super) const fn calm(self) -> Self {
        Self { rates: &[], air: Air::Still, ..self }
    }

    /// When bytes that begin to leave at `starts` have left.
    pub(super) fn carried(&self, bytes: usize, starts: Micros) -> Micros {
        let mut microbits = bytes as u64 * 8_000_000;
        let mut now = starts.0;
        loop {
            let (kbps, until) = self.rate_at(now);
            // A kilobit a second is a thousand millionths of a bit a microsecond.
            let needed = microbits.div_ceil(u64::from(kbps) * 1000);
            match until.filter(|until| now + needed > *until) {
                Some(until) => {
                    microbits -= (until - now) * u64::from(kbps) * 1000;
                    now = until;
                }
                None => return Micros(now + needed),
            }
        }
    }

    /// What the link carries, and until when that is so.
    #[allow(clippy::cast_possible_truncation, reason = "a few times a u32, of which a few per cent are left")]
    pub(super) fn rate_at(&self, micros: u64) -> (u32, Option<u64>) {
        let at = |part: u64| part * self.seconds * 1_000_000 / PARTS;
        let begun = |(part, _): &&(u64, u32)| at(*part) <= micros;
        let percent = self.rates.iter().rev().find(begun).map_or(100, |(_, percent)| *percent);
        let next = self.rates.iter().find(|step| !begun(step)).map(|(part, _)| at(*part));
        ((u64::from(self.first_kbps) * u64::from(percent) / 100).max(1) as u32, next)
    }
}

/// Of a trace, in which its rates are told: seconds of a usual one.
const PARTS: u64 = 60;

/// A queue takes a few packets at least.
const LEAST_QUEUE: usize = 16_000;

/// All of them, a minute each.
pub(super) const ALL: [Trace; 5] = [
    Trace {
        name: "clean",
        about: "100 Mbit/s, no loss",
        asked_kbps: 20_000,
        first_kbps: 100_000,
        rates: &[],
        queue_bytes: 1_000_000,
        delay_micros: 5_000,
        air: Air::Still,
        seconds: 60,
    },
    Trace {
        name: "loss",
        about: "50 Mbit/s, 2 % of the packets are lost",
        asked_kbps: 10_000,
        first_kbps: 50_000,
        rates: &[],
        queue_bytes: 500_000,
        delay_micros: 10_000,
        air: Air::Even { lost: 0.02 },
        seconds: 60,
    },
    Trace {
        name: "wifi",
        about: "40 Mbit/s, every two seconds a fifth of the packets is lost for 0.2 s",
        asked_kbps: 15_000,
        first_kbps: 40_000,
        rates: &[],
        queue_bytes: 400_000,
        delay_micros: 4_000,
        air: Air::Bursts { good_millis: 1800.0, bad_millis: 200.0, good_lost: 0.001, bad_lost: 0.2 },
        seconds: 60,
    },
    Trace {
        name: "step",
        about: "20, then 4, then 20 Mbit/s, a third of the time each",
        asked_kbps: 15_000,
        first_kbps: 20_000,
        rates: &[(20, 20), (40, 100)],
        queue_bytes: 256_000,
        delay_micros: 10_000,
        air: Air::Still,
        seconds: 60,
    },
    Trace {
        name: "bufferbloat",
        about: "20 Mbit/s behind a queue of 3 MB, of which others take 8 every other sixth of the time",
        asked_kbps: 15_000,
        first_kbps: 20_000,
        rates: &[(10, 60), (20, 100), (30, 60), (40, 100), (50, 60)],
        queue_bytes: 3_000_000,
        delay_micros: 15_000,
        air: Air::Still,
        seconds: 60,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_trace_has_the_same_steps() {
        let step = Trace::named("step").unwrap();
        assert_eq!(step.rate_at(0), (20_000, Some(20_000_000)));
        assert_eq!(step.rate_at(20_000_000), (4_000, Some(40_000_000)));
        assert_eq!(step.rate_at(50_000_000), (20_000, None));
        let short = step.lasting(6);
        assert_eq!(short.rate_at(1_999_999), (20_000, Some(2_000_000)));
        assert_eq!(short.rate_at(2_000_000), (4_000, Some(4_000_000)));
        assert_eq!(short.calm().rate_at(3_000_000), (20_000, None));
    }

    #[test]
    fn a_smaller_picture_gets_a_smaller_network() {
        let small = Trace::named("step").unwrap().for_picture_of(1_500);
        assert_eq!((small.first_kbps, small.queue_bytes), (2_000, 25_600));
        assert_eq!(small.rate_at(30_000_000).0, 400);
        let tiny = Trace::named("step").unwrap().for_picture_of(1);
        assert_eq!((tiny.rate_at(30_000_000).0, tiny.queue_bytes), (1, LEAST_QUEUE));
    }
}
