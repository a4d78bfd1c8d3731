//! When the datagrams of a frame leave.
//!
//! A frame that fits into one segmented message leaves at once: spreading it
//! would only add latency. A larger one (an IDR frame, mostly) leaves message
//! by message, because a burst at line rate is the usual cause of loss on the
//! last, slower link. The other hosts of the field hold such bursts under
//! 800 Mbit/s in batches of at most 64 packets, and so does this one; a frame
//! too large for that still leaves within its part of the frame interval.
//!
//! Only arithmetic is in here: the thread asks when each batch is due, and
//! sleeps until then. Times are absolute, so an overslept batch does not delay
//! the following ones.

use std::ops::Range;
use std::time::Duration;

use earthshine_ffi::udp::segments_per_message;

use crate::units::{Bitrate, FrameRate};

/// The pace of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacer {
    /// Longest time from the first to the last batch of a frame.
    longest: Duration,
    /// Rate that is good enough for every frame.
    rate: Bitrate,
}

impl Pacer {
    /// Spreads frames over at most `percent` of the interval of `frame_rate`,
    /// and never slower than `rate`.
    #[must_use]
    pub fn new(frame_rate: FrameRate, percent: u32, rate: Bitrate) -> Self {
        let longest = (frame_rate.interval() * percent.min(100) / 100).min(LONGEST_SPREAD);
        Self { longest, rate }
    }

    /// Batches of a frame of `datagrams` datagrams of `size` bytes each.
    #[must_use]
    pub fn schedule(&self, datagrams: usize, size: usize) -> Schedule {
        let batch = segments_per_message(size);
        let batches = datagrams.div_ceil(batch);
        let gap = self.batch_time(batch * size).min(self.longest / u32::try_from(batches.max(1)).unwrap_or(u32::MAX));
        Schedule { datagrams, batch, gap, next: 0 }
    }

    /// How long a batch of `bytes` takes at the good rate.
    fn batch_time(&self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        Duration::from_nanos(bits.saturating_mul(1_000_000) / u64::from(self.rate.kbps().max(1)))
    }
}

/// The batches of one frame, in order.
#[derive(Debug, Clone)]
pub struct Schedule {
    datagrams: usize,
    batch: usize,
    gap: Duration,
    next: usize,
}

/// Datagrams that leave together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which of the frame's datagrams.
    pub datagrams: Range<usize>,
    /// When, counted from the frame's first datagram.
    pub due: Duration,
}

impl Iterator for Schedule {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let start = self.next * self.batch;
        if start >= self.datagrams {
            return None;
        }
        let due = self.gap * u32::try_from(self.next).unwrap_or(u32::MAX);
        self.next += 1;
        Some(Batch { datagrams: start..self.datagrams.min(start + self.batch), due })
    }
}

/// What the other hosts allow: 80 % of a gigabit link.
pub const USUAL_RATE: Bitrate = Bitrate::from_kbps(800_000);
/// The rest of the interval is slack, so that frames never queue behind each other.
pub const USUAL_PERCENT: u32 = 50;
/// At low frame rates a frame still should not take longer than this, and the
/// thread has a heartbeat to keep.
const LONGEST_SPREAD: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1408;

    #[test]
    fn a_small_frame_leaves_at_once() {
        for datagrams in [1, 30, 46] {
            let batches: Vec<_> = pacer().schedule(datagrams, SIZE).collect();
            assert_eq!(batches, [Batch { datagrams: 0..datagrams, due: Duration::ZERO }]);
        }
        assert_eq!(pacer().schedule(0, SIZE).count(), 0);
    }

    #[test]
    fn a_larger_frame_keeps_under_the_usual_rate() {
        let batches: Vec<_> = pacer().schedule(200, SIZE).collect();
        assert_eq!(batches.len(), 5);
        let gap = Duration::from_nanos(46 * 1408 * 8 * 10 / 8);
        assert_eq!(batches[1], Batch { datagrams: 46..92, due: gap });
        assert_eq!(batches[4], Batch { datagrams: 184..200, due: gap * 4 });
    }

    #[test]
    fn the_largest_frame_still_leaves_in_its_part_of_the_interval() {
        let last = pacer().schedule(1020, SIZE).last().unwrap();
        assert_eq!(last.datagrams.end, 1020);
        assert!(last.due < Duration::from_micros(8334), "{:?}", last.due);
        assert!(last.due > Duration::from_micros(7500), "{:?}", last.due);
        let slow = Pacer::new(FrameRate::from_hz(1), 100, Bitrate::from_kbps(1000));
        assert!(slow.schedule(1020, SIZE).last().unwrap().due <= LONGEST_SPREAD);
    }

    #[test]
    fn every_datagram_is_in_one_batch_that_one_message_can_carry() {
        for size in [100, 1040, 1408, 9000] {
            let mut next = 0;
            for batch in pacer().schedule(777, size) {
                assert_eq!(batch.datagrams.start, next);
                assert!(batch.datagrams.len() <= 64 && batch.datagrams.len() * size <= 65_000);
                next = batch.datagrams.end;
            }
            assert_eq!(next, 777);
        }
    }

    #[test]
    fn odd_settings_do_not_break_the_arithmetic() {
        let odd = Pacer::new(FrameRate::from_hz(0), 1000, Bitrate::from_kbps(0));
        assert_eq!(odd.schedule(10_000, 0).last().unwrap().datagrams.end, 10_000);
    }

    fn pacer() -> Pacer {
        Pacer::new(FrameRate::from_hz(60), USUAL_PERCENT, USUAL_RATE)
    }
}
