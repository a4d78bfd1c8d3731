//! When each audio packet leaves.
//!
//! Packets leave by the monotonic clock, one per packet duration, absolute: a
//! late one does not delay the next. A pause too long to be caught up without
//! a burst (the process was stopped) starts the count anew.

use std::time::Duration;

use crate::clock::Micros;

/// The departure times of one stream.
#[derive(Debug, Clone, Copy)]
pub struct Departures {
    next: Micros,
    interval: u64,
}

impl Departures {
    /// The first departure is at `start`, each next one `interval` later.
    #[must_use]
    pub fn new(start: Micros, interval: Duration) -> Self {
        Self { next: start, interval: u64::try_from(interval.as_micros()).unwrap_or(u64::MAX) }
    }

    /// When the next packet is due; never longer ago than a client can catch up.
    pub fn next(&mut self, now: Micros) -> Micros {
        if now.since(self.next) > LONGEST_BURST {
            self.next = now;
        }
        let due = self.next;
        self.next = Micros(due.0 + self.interval);
        due
    }
}

/// Microseconds: what a client's queue (30 packets of 5 ms) takes in at once
/// without throwing away.
const LONGEST_BURST: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departures_are_steady_whenever_they_are_asked_for() {
        let mut departures = Departures::new(Micros(1000), Duration::from_millis(5));
        let due: Vec<_> = [1000, 7900, 10_900, 15_999].map(|now| departures.next(Micros(now)).0).into();
        assert_eq!(due, [1000, 6000, 11_000, 16_000]);
    }

    #[test]
    fn a_short_delay_is_caught_up_and_a_long_one_is_not() {
        let mut departures = Departures::new(Micros(0), Duration::from_millis(5));
        departures.next(Micros(0));
        assert_eq!(departures.next(Micros(60_000)), Micros(5000));
        assert_eq!(departures.next(Micros(60_000)), Micros(10_000));
        assert_eq!(departures.next(Micros(2_000_000)), Micros(2_000_000));
        assert_eq!(departures.next(Micros(2_000_100)), Micros(2_005_000));
    }
}
