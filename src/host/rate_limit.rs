//! How often somebody may ask for something.
//!
//! A token bucket for each: as many at once as the bucket holds, and then as
//! many as drip into it. A client that connects anew in a storm is told so,
//! and costs nobody anything.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets by whoever asks.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl<K> Default for RateLimit<K> {
    fn default() -> Self {
        Self { buckets: Mutex::default() }
    }
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Whether `who` may ask now: `per_second` on average, `burst` at once.
    pub(crate) fn allows(&self, who: K, per_second: f64, burst: u32, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(burst);
        if buckets.len() >= MOST {
            // Who has not asked for so long has a full bucket, like a stranger.
            let forgotten = Duration::from_secs_f64((full / per_second).clamp(1.0, 3600.0));
            buckets.retain(|_, bucket| now.duration_since(bucket.filled) < forgotten);
        }
        if buckets.len() >= MOST && !buckets.contains_key(&who) {
            return false;
        }
        let bucket = buckets.entry(who).or_insert(Bucket { tokens: full, filled: now });
        let dripped = now.saturating_duration_since(bucket.filled).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + dripped).min(full);
        bucket.filled = now;
        let allowed = bucket.tokens >= 1.0;
        if allowed {
            bucket.tokens -= 1.0;
        }
        allowed
    }
}

/// Who is remembered at one time; more are refused until some are forgotten.
const MOST: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_held_to_its_rate_and_others_are_not() {
        let limit = RateLimit::default();
        let now = Instant::now();
        let asked = |who: u32, at: Duration| limit.allows(who, 2.0, 4, now + at);
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
        for who in 0..MOST + 10 {
            limit.allows(who, 50.0, 500, now);
        }
        assert!(limit.buckets.lock().unwrap().len() <= MOST);
        assert!(limit.allows(MOST + 11, 50.0, 500, now + Duration::from_secs(60)));
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }
}
