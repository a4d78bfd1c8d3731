//! From capture times to RTP times of video.
//!
//! RTP time is 90 kHz since the session's first frame, so it starts near 0 as
//! clients like it, and goes on where it was when a worker is replaced: the
//! epoch outlives the worker in the counters page.
//!
//! moonlight-common-c turns the 32-bit value into a presentation time
//! (`RtpVideoQueue.c`), and takes 0 on a later frame for "unknown". So every
//! frame is later than the one before it.

use std::time::Duration;

use crate::clock::Micros;
use crate::units::RtpTimestamp;

/// Stamps the frames of one stream, in order.
#[derive(Debug, Clone, Copy)]
pub struct RtpClock {
    epoch: Micros,
    last: Option<Micros>,
}

impl RtpClock {
    /// RTP time 0 is at `epoch`.
    #[must_use]
    pub const fn since(epoch: Micros) -> Self {
        Self { epoch, last: None }
    }

    /// The time of the next frame, which shows what was true at `shown`.
    pub fn stamp(&mut self, shown: Micros) -> RtpTimestamp {
        let earliest = self.last.map_or(self.epoch, |last| Micros(last.0 + ONE_TICK));
        let shown = shown.max(earliest);
        self.last = Some(shown);
        RtpTimestamp::from_elapsed(Duration::from_micros(shown.since(self.epoch)))
    }
}

/// Microseconds that certainly move the 90 kHz value on.
const ONE_TICK: u64 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_between_frames_is_kept_within_a_tick() {
        let mut clock = RtpClock::since(Micros(5_000_000));
        assert_eq!(clock.stamp(Micros(5_000_000)), RtpTimestamp(0));
        assert_eq!(clock.stamp(Micros(5_016_667)), RtpTimestamp(1500));
        assert_eq!(clock.stamp(Micros(6_000_000)), RtpTimestamp(90_000));
    }

    #[test]
    fn every_frame_is_later_than_the_one_before() {
        let mut clock = RtpClock::since(Micros(1000));
        let mut last = clock.stamp(Micros(900)).0;
        for shown in [1000, 1000, 1001, 500, 2000, 1999, 2012] {
            let next = clock.stamp(Micros(shown)).0;
            assert!(next > last, "{next} after {last}");
            last = next;
        }
    }
}
