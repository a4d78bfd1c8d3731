//! A limit for events that strangers cause: they shall not push everybody
//! else's out of the ring.

use std::time::{Duration, Instant};

/// Lets a few through at once, and then one for each interval.
#[derive(Debug)]
pub(crate) struct Seldom {
    interval: Duration,
    burst: u32,
    /// When all that is let through has been earned.
    earned: Option<Instant>,
}

impl Seldom {
    /// `burst` at once, one more after each `interval`.
    pub(crate) const fn new(burst: u32, interval: Duration) -> Self {
        Self { interval, burst, earned: None }
    }

    /// Whether one more may be told now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let earned = self.earned.map_or(now, |earned| earned.max(now)) + self.interval;
        let allowed = earned <= now + self.interval * self.burst;
        if allowed {
            self.earned = Some(earned);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pass_at_once_and_then_one_for_each_interval() {
        let second = Duration::from_secs(1);
        let mut seldom = Seldom::new(3, second);
        let now = Instant::now();
        assert_eq!([(); 5].map(|()| seldom.allows(now)), [true, true, true, false, false]);
        assert!(!seldom.allows(now + second / 2));
        assert!(seldom.allows(now + second) && !seldom.allows(now + second));
        let later = now + second * 100;
        assert_eq!([(); 4].map(|()| seldom.allows(later)), [true, true, true, false]);
    }
}
