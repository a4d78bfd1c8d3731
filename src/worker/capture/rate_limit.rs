//! Keeps the stream's frame rate without making any frame late.
//!
//! Outputs are faster than their name: a headless "60 Hz" one ticks every
//! 16 ms. Dropping the surplus frame after the fact could drop the last one
//! before the screen stands still. So the limiter delays the *question* for the
//! next frame instead: usually it falls before the next tick anyway and costs
//! nothing; now and then it misses one tick, whose damage the next one carries.

use std::time::Duration;

use crate::clock::Micros;
use crate::units::FrameRate;

/// When the next frame may be asked for.
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: u64,
    allowed: Micros,
}

impl RateLimit {
    /// Lets the first frame through at once.
    pub(crate) fn new(rate: FrameRate) -> Self {
        Self { interval: u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX), allowed: Micros(0) }
    }

    /// A frame came at `now`. A pause earns the credit of one frame, no more.
    pub(crate) fn spend(&mut self, now: Micros) {
        let earned = self.allowed.0.saturating_add(self.interval);
        self.allowed = Micros(earned.max(now.0));
    }

    /// How long the next question must wait, zero if it need not.
    pub(crate) fn wait(&self, now: Micros) -> Duration {
        Duration::from_micros(self.allowed.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames per second that come out of an output that ticks every `tick` µs.
    fn frames_in_ten_seconds(tick: u64, rate: u32) -> u64 {
        let mut limit = RateLimit::new(FrameRate::from_hz(rate));
        let mut frames = 0;
        let mut asked = 1_000_000;
        for now in (1_000_000..11_000_000).step_by(usize::try_from(tick).unwrap()) {
            if asked <= now {
                frames += 1;
                limit.spend(Micros(now));
                asked = now + u64::try_from(limit.wait(Micros(now)).as_micros()).unwrap();
            }
        }
        frames
    }

    #[test]
    fn a_faster_output_is_held_to_the_rate() {
        assert!((600..=601).contains(&frames_in_ten_seconds(16_000, 60)));
        assert!((600..=601).contains(&frames_in_ten_seconds(8_000, 60)));
        assert!((300..=301).contains(&frames_in_ten_seconds(16_000, 30)));
    }

    #[test]
    fn an_output_of_the_same_rate_loses_nothing() {
        assert!((600..=601).contains(&frames_in_ten_seconds(16_667, 60)));
        assert!((300..=301).contains(&frames_in_ten_seconds(33_333, 60)));
    }

    #[test]
    fn a_frame_after_a_pause_does_not_wait() {
        let mut limit = RateLimit::new(FrameRate::from_hz(60));
        limit.spend(Micros(1_000_000));
        assert_eq!(limit.wait(Micros(1_000_001)), Duration::ZERO);
        limit.spend(Micros(9_000_000));
        assert_eq!(limit.wait(Micros(9_000_001)), Duration::ZERO);
    }
}
