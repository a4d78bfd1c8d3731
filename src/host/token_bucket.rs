//! How often something may happen: some times at once, and then at a rate.

use std::time::{Duration, Instant};

/// A bucket that tokens drip into until it is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenBucket {
    /// When it is full, if nothing more is taken; `None` if nothing ever was.
    full_at: Option<Instant>,
}

/// What a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Tokens in a full bucket.
    pub(crate) burst: u32,
    /// From one token to the next.
    pub(crate) interval: Duration,
}

impl Rate {
    /// `times` in each `period` on average, `burst` at once. Configuration
    /// allows no rate of 0; one would count as 1.
    pub(crate) fn of(times: u32, period: Duration, burst: u32) -> Self {
        Self { burst, interval: period / times.max(1) }
    }
}

impl TokenBucket {
    /// A full one.
    pub(crate) const fn full() -> Self {
        Self { full_at: None }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + rate.interval;
        let taken = full_at <= now + rate.interval * rate.burst;
        if taken {
            self.full_at = Some(full_at);
        }
        taken
    }

    /// Whether it is like one that nothing was taken from.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pass_at_once_and_then_one_for_each_interval() {
        let second = Duration::from_secs(1);
        let mut bucket = TokenBucket::full();
        let mut take = |at| bucket.take(Rate { burst: 3, interval: second }, at);
        let now = Instant::now();
        assert_eq!([(); 5].map(|()| take(now)), [true, true, true, false, false]);
        assert!(!take(now + second / 2));
        assert!(take(now + second) && !take(now + second));
        let later = now + second * 100;
        assert_eq!([(); 4].map(|()| take(later)), [true, true, true, false], "no more than it holds");
        assert!(!bucket.is_full(later + second * 2) && bucket.is_full(later + second * 3));
    }
}
