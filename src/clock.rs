//! The one clock of a frame's timeline: `CLOCK_MONOTONIC` in microseconds.
//!
//! Compositors stamp frames with it, every process on the machine shares it,
//! and it fits into the shared counters page as a plain number.

use serde::{Deserialize, Serialize};

/// Microseconds of `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Micros(pub u64);

impl Micros {
    /// The time now.
    #[must_use]
    #[allow(clippy::cast_sign_loss, reason = "the monotonic clock starts at 0")]
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Self(now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000)
    }

    /// Microseconds from `earlier` to `self`, 0 if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
