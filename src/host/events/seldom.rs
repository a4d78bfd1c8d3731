//! A limit for events that strangers cause: they shall not push everybody
//! else's out of the ring.

use std::time::{Duration, Instant};

use crate::host::token_bucket::{Rate, TokenBucket};

/// Lets a few through at once, and then one for each interval.
#[derive(Debug)]
pub(crate) struct Seldom {
    rate: Rate,
    bucket: TokenBucket,
}

impl Seldom {
    /// `burst` at once, one more after each `interval`.
    pub(crate) const fn new(burst: u32, interval: Duration) -> Self {
        Self { rate: Rate { burst, interval }, bucket: TokenBucket::full() }
    }

    /// Whether one more may be told now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        self.bucket.take(self.rate, now)
    }
}
