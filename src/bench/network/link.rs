//! The narrowest link of a way, with the queue in front of it. It only computes: the simulation
//! asks it in virtual time, and `real_time` in real time.

use std::collections::VecDeque;

use super::trace::{Air, Trace};
use crate::clock::Micros;
use crate::content::random::Random;

/// A link; time only moves on.
#[derive(Debug)]
pub(super) struct Link {
    trace: Trace,
    random: Random,
    /// When what is in the queue leaves it, and its bytes.
    queue: VecDeque<(Micros, usize)>,
    waiting: usize,
    air: AirState,
}

/// Whether the air is in its bad state, and until when.
#[derive(Debug)]
struct AirState {
    bad: bool,
    until: Micros,
}

impl Link {
    pub(super) const fn new(trace: Trace, seed: u64) -> Self {
        let random = Random::new(seed);
        // The first state begins over: it is drawn with the first packet.
        Self { trace, random, queue: VecDeque::new(), waiting: 0, air: AirState { bad: true, until: Micros(0) } }
    }

    /// When a packet of so many bytes, its IP header among them, arrives; `None` if it does not.
    pub(super) fn carry(&mut self, bytes: usize, now: Micros) -> Option<Micros> {
        while let Some((_, gone)) = self.queue.front().filter(|(leaves, _)| *leaves <= now) {
            self.waiting -= gone;
            self.queue.pop_front();
        }
        if self.waiting + bytes > self.trace.queue_bytes {
            return None;
        }
        let starts = self.queue.back().map_or(now, |(leaves, _)| *leaves);
        let leaves = self.trace.carried(bytes, starts);
        self.queue.push_back((leaves, bytes));
        self.waiting += bytes;
        let lost = self.air_takes(leaves);
        (!lost).then(|| Micros(leaves.0 + self.trace.delay_micros))
    }

    /// When a packet the other way arrives, where there is room; `None` if it does not.
    pub(super) fn carry_back(&mut self, now: Micros) -> Option<Micros> {
        let lost = self.air_takes(now);
        (!lost).then(|| Micros(now.0 + self.trace.delay_micros))
    }

    fn air_takes(&mut self, now: Micros) -> bool {
        let part = match self.trace.air {
            Air::Still => return false,
            Air::Even { lost } => lost,
            Air::Bursts { good_millis, bad_millis, good_lost, bad_lost } => {
                while self.air.until <= now {
                    self.air.bad = !self.air.bad;
                    let mean = if self.air.bad { bad_millis } else { good_millis };
                    self.air.until = Micros(self.air.until.0 + self.exponential(mean));
                }
                if self.air.bad { bad_lost } else { good_lost }
            }
        };
        unit(&mut self.random) < part
    }

    /// Microseconds, exponentially distributed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a duration")]
    fn exponential(&mut self, mean_millis: f64) -> u64 {
        let drawn = unit(&mut self.random).max(1e-9);
        (-drawn.ln() * mean_millis * 1000.0) as u64 + 1
    }
}

/// A number from 0 to below 1.
#[allow(clippy::cast_precision_loss, reason = "of 53 bits")]
pub(super) const fn unit(random: &mut Random) -> f64 {
    (random.next() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::super::trace;
    use super::*;

    fn still(kbps: u32, queue_bytes: usize) -> Trace {
        Trace { rates: &[], first_kbps: kbps, queue_bytes, delay_micros: 10_000, air: Air::Still, ..trace::ALL[0] }
    }

    #[test]
    fn packets_wait_for_those_before_them_and_a_full_queue_takes_none() {
        // A thousand bytes a millisecond.
        let trace = still(8_000, 2_500);
        let mut link = Link::new(trace, 1);
        let arrivals: Vec<_> = (0..4).map(|_| link.carry(1000, Micros(0))).collect();
        assert_eq!(arrivals, [Some(Micros(11_000)), Some(Micros(12_000)), None, None]);
        assert_eq!(link.carry(1000, Micros(1_500)), Some(Micros(13_000)));
        assert_eq!(link.carry(1000, Micros(50_000)), Some(Micros(61_000)));
    }

    #[test]
    fn a_rate_may_change_while_a_packet_leaves() {
        let trace = Trace { rates: &[(1, 50)], ..still(8_000, 100_000) };
        let mut link = Link::new(trace, 1);
        // Half of it in the last half millisecond of the fast second.
        assert_eq!(link.carry(1000, Micros(999_500)), Some(Micros(1_011_000)));
    }

    #[test]
    #[allow(clippy::cast_precision_loss, reason = "counts")]
    fn the_air_takes_its_part() {
        for (air, part) in [
            (Air::Even { lost: 0.02 }, 0.02),
            (Air::Bursts { good_millis: 900.0, bad_millis: 100.0, good_lost: 0.0, bad_lost: 0.3 }, 0.03),
        ] {
            let trace = Trace { air, ..still(1_000_000, 10_000_000) };
            let mut link = Link::new(trace, 7);
            let lost = (0..300_000).filter(|step| link.carry(128, Micros(step * 1000)).is_none()).count();
            let lost = lost as f64 / 300_000.0;
            assert!((lost / part - 1.0).abs() < 0.2, "{lost} for {part}");
        }
    }
}
