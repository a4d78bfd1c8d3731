//! Networks that a stream may meet. The seed of a run draws losses and frame sizes; the
//! rest is the same in all of them.

use crate::clock::Micros;

/// A way to the client: one narrow link, its queue, and the air.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace {
    /// As on the command line.
    pub(super) name: &'static str,
    /// In words.
    pub(super) about: &'static str,
    /// What the client asks for, for the picture.
    pub(super) asked_kbps: u32,
    /// What the link carries at first.
    pub(super) first_kbps: u32,
    /// Seconds from which on it carries something else.
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
pub(super) enum Air {
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
    pub(super) fn rate_at(&self, micros: u64) -> (u32, Option<u64>) {
        let begun = |(second, _): &&(u64, u32)| second * 1_000_000 <= micros;
        let now = self.rates.iter().rev().find(begun).map_or(self.first_kbps, |(_, kbps)| *kbps);
        let next = self.rates.iter().find(|step| !begun(step)).map(|(second, _)| second * 1_000_000);
        (now, next)
    }
}

/// All of them.
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
        about: "20, then 4, then 20 Mbit/s, 20 s each",
        asked_kbps: 15_000,
        first_kbps: 20_000,
        rates: &[(20, 4_000), (40, 20_000)],
        queue_bytes: 256_000,
        delay_micros: 10_000,
        air: Air::Still,
        seconds: 60,
    },
    Trace {
        name: "bufferbloat",
        about: "20 Mbit/s behind a queue of 3 MB, of which others take 8 every other 10 s",
        asked_kbps: 15_000,
        first_kbps: 20_000,
        rates: &[(10, 12_000), (20, 20_000), (30, 12_000), (40, 20_000), (50, 12_000)],
        queue_bytes: 3_000_000,
        delay_micros: 15_000,
        air: Air::Still,
        seconds: 60,
    },
];
