//! Quantities that are easy to confuse, each with a type of its own.
//!
//! The protocol mixes kilobits, bits, hertz, hundredths of a hertz, 90 kHz
//! ticks and microseconds. Wrapping order lives here and nowhere else.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bit rate. Stored in kilobits (1000 bits) per second, as SDP carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bitrate {
    kbps: u32,
}

impl Bitrate {
    /// From kilobits per second.
    #[must_use]
    pub const fn from_kbps(kbps: u32) -> Self {
        Self { kbps }
    }

    /// Kilobits per second.
    #[must_use]
    pub const fn kbps(self) -> u32 {
        self.kbps
    }

    /// Bits per second.
    #[must_use]
    pub const fn bps(self) -> u64 {
        self.kbps as u64 * 1000
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.kbps)
    }
}

/// Frames per second, in thousandths, so that 59.94 Hz is exact enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FrameRate {
    millihertz: u32,
}

impl FrameRate {
    /// From whole frames per second; 0 becomes 1.
    #[must_use]
    pub const fn from_hz(hz: u32) -> Self {
        Self::from_millihertz(hz.saturating_mul(1000))
    }

    /// From thousandths of a frame per second; 0 becomes 1.
    #[must_use]
    pub const fn from_millihertz(millihertz: u32) -> Self {
        Self { millihertz: if millihertz == 0 { 1 } else { millihertz } }
    }

    /// Thousandths of a frame per second, never 0.
    #[must_use]
    pub const fn millihertz(self) -> u32 {
        self.millihertz
    }

    /// Frames per second, rounded down: what fields without a fraction hold.
    #[must_use]
    pub const fn whole_hz(self) -> u32 {
        self.millihertz / 1000
    }

    /// Frames per second.
    #[must_use]
    pub fn hz(self) -> f64 {
        f64::from(self.millihertz) / 1000.0
    }

    /// Time from one frame to the next.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_nanos(1_000_000_000_000 / u64::from(self.millihertz))
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hz())
    }
}

/// Width and height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Both sides in pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Parity shards per hundred data shards, as the packet header carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FecPercent(pub u8);

/// Number of a video frame on the wire: the first of a connection is 1, and
/// every frame sent is one more (moonlight-common-c drops frame 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameIndex(pub u32);

impl FrameIndex {
    /// What every connection starts with.
    pub const FIRST: Self = Self(1);

    /// The number of the following frame.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// RTP time of a video frame in 90 kHz ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// Ticks that have passed after `since_start`; wraps after 13 hours as the
    /// field does.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the wire field wraps at 32 bits")]
    pub const fn from_elapsed(since_start: Duration) -> Self {
        Self((since_start.as_micros() * 9 / 100) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_timestamp_counts_90_khz_and_wraps() {
        assert_eq!(RtpTimestamp::from_elapsed(Duration::from_secs(1)), RtpTimestamp(90_000));
        let wrap = Duration::from_micros((1 << 32) * 100 / 9 + 12);
        assert!(RtpTimestamp::from_elapsed(wrap).0 < 10);
    }

    #[test]
    fn frame_rate_keeps_ntsc_rates() {
        let rate = FrameRate::from_millihertz(59_940);
        assert_eq!(rate.interval(), Duration::from_nanos(16_683_350));
        assert_eq!(FrameRate::from_hz(0).millihertz(), 1);
    }
}
