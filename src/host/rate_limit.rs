//! How often somebody may ask for something.
//!
//! A token bucket for each: as many at once as the bucket holds, and then as
//! many as drip into it. A client that connects anew in a storm is told so,
//! and costs nobody anything.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::host::token_bucket::{Rate, TokenBucket};

/// Buckets by whoever asks.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    buckets: Mutex<HashMap<K, TokenBucket>>,
}

impl<K> Default for RateLimit<K> {
    fn default() -> Self {
        Self { buckets: Mutex::default() }
    }
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Whether `who` may ask now. The rate may be another at each call.
    pub(crate) fn allows(&self, who: K, rate: Rate, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST {
            // Who has a full bucket is like a stranger.
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if buckets.len() >= MOST && !buckets.contains_key(&who) {
            return false;
        }
        buckets.entry(who).or_insert(TokenBucket::full()).take(rate, now)
    }
}

/// Who is remembered at one time; more are refused until some are forgotten.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_storm_is_held_to_its_rate_and_others_are_not() {
        let limit = RateLimit::default();
        let now = Instant::now();
        let asked = |who: u32, at: Duration| {
            limit.allows(who, Rate { burst: 4, interval: Duration::from_millis(500) }, now + at)
        };
        assert_eq!((0..100).filter(|_| asked(1, Duration::ZERO)).count(), 4);
        assert!(asked(2, Duration::ZERO));
        assert_eq!((0..100).filter(|_| asked(1, Duration::from_secs(1))).count(), 2);
        assert_eq!(
            (0..100).filter(|_| asked(1, Duration::from_secs(1000))).count(),
            4,
            "no more than the bucket holds"
        );
    }

    #[test]
    fn strangers_without_number_do_not_fill_the_memory() {
        let limit = RateLimit::default();
        let now = Instant::now();
        let rate = Rate { burst: 500, interval: Duration::from_millis(20) };
        for who in 0..MOST + 10 {
            limit.allows(who, rate, now);
        }
        assert!(limit.buckets.lock().unwrap().len() <= MOST);
        assert!(limit.allows(MOST + 11, rate, now + Duration::from_secs(60)));
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }
}
