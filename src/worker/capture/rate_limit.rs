//! Keeps the stream's frame rate without making any frame late.
//!
//! Outputs are faster than the stream: ours are asked to be (`desktop`), and
//! those of others may be. Dropping the surplus frame after the fact could drop
//! the last one before the screen stands still. So the limiter delays the
//! *question* for the next frame instead: usually it falls before the next tick
//! anyway and costs nothing; now and then it misses one tick, whose damage the
//! next one carries.

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

    /// A frame came at `now`. A pause earns the credit of one frame and a half,
    /// no more: ticks that come late now and then lose none.
    pub(crate) fn spend(&mut self, now: Micros) {
        let earned = self.allowed.0.saturating_add(self.interval);
        self.allowed = Micros(earned.max(now.0.saturating_sub(self.interval / 2)));
    }

    /// How long the next question must wait, zero if it need not.
    pub(crate) fn wait(&self, now: Micros) -> Duration {
        Duration::from_micros(self.allowed.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of ten seconds that come out of an output whose ticks are `ticks`
    /// apart, in turn, in µs.
    fn frames_in_ten_seconds(ticks: &[u64], rate: u32) -> u64 {
        let mut limit = RateLimit::new(FrameRate::from_hz(rate));
        let (mut frames, mut now, mut asked) = (0, 1_000_000, 1_000_000);
        for tick in ticks.iter().cycle() {
            if now >= 11_000_000 {
                break;
            }
            if asked <= now {
                frames += 1;
                limit.spend(Micros(now));
                asked = now + u64::try_from(limit.wait(Micros(now)).as_micros()).unwrap();
            }
            now += tick;
        }
        frames
    }

    #[test]
    fn a_faster_output_is_held_to_the_rate() {
        for tick in [16_000, 12_300, 10_000, 8_000] {
            assert!((600..=602).contains(&frames_in_ten_seconds(&[tick], 60)), "{tick}");
        }
        assert!((300..=302).contains(&frames_in_ten_seconds(&[16_000], 30)));
        assert!((1200..=1202).contains(&frames_in_ten_seconds(&[7_000], 120)));
    }

    #[test]
    fn an_output_of_the_same_rate_loses_nothing() {
        assert!((600..=602).contains(&frames_in_ten_seconds(&[16_667], 60)));
        assert!((300..=302).contains(&frames_in_ten_seconds(&[33_333], 60)));
    }

    #[test]
    fn late_ticks_of_an_output_that_is_fast_enough_lose_nothing() {
        // 13 ms on average, and every tenth a frame interval and a half long.
        let ticks = [11_000, 12_000, 11_000, 24_000, 11_000, 12_000, 11_000, 11_000, 12_000, 14_000];
        let frames = frames_in_ten_seconds(&ticks, 60);
        assert!((598..=602).contains(&frames), "{frames}");
    }

    #[test]
    fn a_pause_earns_one_frame_and_a_half() {
        let mut limit = RateLimit::new(FrameRate::from_hz(50));
        limit.spend(Micros(1_000_000));
        assert_eq!(limit.wait(Micros(1_000_001)), Duration::ZERO);
        limit.spend(Micros(9_000_000));
        assert_eq!(limit.wait(Micros(9_000_001)), Duration::ZERO);
        limit.spend(Micros(9_000_001));
        assert_eq!(limit.wait(Micros(9_000_001)), Duration::from_micros(9_999));
    }
}
