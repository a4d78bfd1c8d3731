//! How long a peer takes to acknowledge, and what follows from it: when to send
//! again, and how much may be under way (`protocol.c`,
//! `enet_protocol_handle_acknowledge`; `peer.c`, `enet_peer_throttle`).

use serde::{Deserialize, Serialize};

use crate::protocol::enet::command::Throttle;
use crate::protocol::enet::limits::{FIRST_ROUND_TRIP, LONGEST_WAIT};

/// Round trips in ms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RoundTrip {
    mean: u32,
    variance: u32,
    measured: bool,
    /// Since `epoch`.
    lowest: u32,
    highest_variance: u32,
    epoch: u64,
    /// Of the interval before it.
    last: u32,
    last_variance: u32,
    /// Of [`SCALE`]: the part of the window that may be used.
    throttle: u32,
    interval: u32,
    acceleration: u32,
    deceleration: u32,
}

impl RoundTrip {
    /// Nothing measured yet.
    pub(super) const fn new(throttle: Throttle) -> Self {
        Self {
            mean: FIRST_ROUND_TRIP,
            variance: 0,
            measured: false,
            lowest: FIRST_ROUND_TRIP,
            highest_variance: 0,
            epoch: 0,
            last: FIRST_ROUND_TRIP,
            last_variance: 0,
            throttle: SCALE,
            interval: throttle.interval,
            acceleration: throttle.acceleration,
            deceleration: throttle.deceleration,
        }
    }

    /// The peer asks for another throttle.
    pub(super) const fn configure(&mut self, throttle: Throttle) {
        self.interval = throttle.interval;
        self.acceleration = throttle.acceleration;
        self.deceleration = throttle.deceleration;
    }

    /// The throttle's parameters.
    pub(super) const fn parameters(&self) -> Throttle {
        Throttle { interval: self.interval, acceleration: self.acceleration, deceleration: self.deceleration }
    }

    /// An acknowledgement took `millis`.
    pub(super) fn measure(&mut self, millis: u32, now: u64) {
        let millis = millis.max(1);
        if self.measured {
            self.adjust(millis);
            self.variance -= self.variance.div_ceil(4).min(self.variance);
            let difference = millis.abs_diff(self.mean);
            self.variance = self.variance.saturating_add(difference.div_ceil(4));
            let step = difference.div_ceil(8);
            self.mean = if millis >= self.mean { self.mean.saturating_add(step) } else { self.mean - step };
        } else {
            (self.mean, self.variance, self.measured) = (millis, millis.div_ceil(2), true);
        }
        self.lowest = self.lowest.min(self.mean);
        self.highest_variance = self.highest_variance.max(self.variance);
        if self.epoch == 0 || now.saturating_sub(self.epoch) >= u64::from(self.interval) {
            (self.last, self.last_variance) = (self.lowest, self.highest_variance.max(1));
            (self.lowest, self.highest_variance) = (self.mean, self.variance);
            self.epoch = now;
        }
    }

    /// How long to wait before something is sent for the second time.
    pub(super) fn first_wait(&self) -> u32 {
        self.mean.saturating_add(self.variance.max(1).saturating_mul(4)).min(LONGEST_WAIT)
    }

    /// The part of a window that may be used now.
    pub(super) fn throttled(&self, window: u32) -> u32 {
        u32::try_from(u64::from(window) * u64::from(self.throttle.min(SCALE)) / u64::from(SCALE)).unwrap_or(window)
    }

    fn adjust(&mut self, millis: u32) {
        if self.last <= self.last_variance {
            self.throttle = SCALE;
        } else if millis <= self.last {
            self.throttle = self.throttle.saturating_add(self.acceleration).min(SCALE);
        } else if millis > self.last.saturating_add(self.last_variance.saturating_mul(2)) {
            self.throttle = self.throttle.saturating_sub(self.deceleration);
        }
    }
}

const SCALE: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> RoundTrip {
        RoundTrip::new(Throttle { interval: 5000, acceleration: 2, deceleration: 2 })
    }

    #[test]
    fn the_first_measurement_counts_whole_and_the_others_in_part() {
        let mut trip = fresh();
        assert_eq!(trip.first_wait(), 504);
        trip.measure(40, 1000);
        assert_eq!((trip.mean, trip.variance, trip.first_wait()), (40, 20, 120));
        trip.measure(80, 1100);
        assert_eq!((trip.mean, trip.variance), (45, 25));
        (0..200).for_each(|_| trip.measure(10, 1200));
        assert_eq!(trip.mean, 10);
        assert!(trip.first_wait() < 20, "{trip:?}");
        trip.measure(60_000, 1300);
        assert_eq!(trip.first_wait(), LONGEST_WAIT);
    }

    #[test]
    fn a_link_that_slows_down_gets_less() {
        let mut trip = fresh();
        (1..510).for_each(|step| trip.measure(20, step * 100));
        assert_eq!(trip.throttled(65536), 65536);
        (510..514).for_each(|step| trip.measure(2000, step * 100));
        assert!(trip.throttled(65536) < 65536, "{trip:?}");
        (514..900).for_each(|step| trip.measure(20, step * 100));
        assert_eq!(trip.throttled(65536), 65536);
    }

    #[test]
    fn no_numbers_overflow() {
        let mut trip = RoundTrip { mean: u32::MAX, variance: u32::MAX, throttle: u32::MAX, measured: true, ..fresh() };
        trip.configure(Throttle { interval: 0, acceleration: u32::MAX, deceleration: u32::MAX });
        for millis in [0, u32::MAX, 1, 30_000] {
            trip.measure(millis, u64::MAX);
            assert!(trip.first_wait() <= LONGEST_WAIT && trip.throttled(65536) <= 65536);
        }
    }
}
