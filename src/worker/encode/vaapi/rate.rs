//! What a stream may cost, as drivers are told.

use std::rc::Rc;

use earthshine_ffi::vaapi::bits::rate_control as flags;
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Context, VaError, zeroed};

use super::choice::{Choice, RateControl};
use crate::units::{Bitrate, FrameRate};

/// Bits, frames, and how hard the encoder tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    mode: RateControl,
    frame_rate: FrameRate,
    bits_per_second: u32,
    /// `VAConfigAttribEncQualityRange`: the fastest level, 0 without a choice.
    fastest: u32,
}

impl Rate {
    pub(super) fn new(choice: &Choice, frame_rate: FrameRate, bitrate: Bitrate) -> Self {
        let mut rate = Self {
            mode: choice.rate_control,
            frame_rate,
            bits_per_second: 0,
            fastest: choice.capabilities.quality_levels,
        };
        rate.set(bitrate);
        rate
    }

    /// `false` where nothing depends on it.
    pub(super) fn set(&mut self, bitrate: Bitrate) -> bool {
        self.bits_per_second = u32::try_from(bitrate.bps()).unwrap_or(u32::MAX);
        self.mode != RateControl::Quantizer
    }

    /// `false` where nothing depends on it.
    pub(super) fn set_frame_rate(&mut self, frame_rate: FrameRate) -> bool {
        self.frame_rate = frame_rate;
        self.mode != RateControl::Quantizer
    }

    pub(super) const fn bits_per_second(&self) -> u32 {
        if matches!(self.mode, RateControl::Quantizer) { 0 } else { self.bits_per_second }
    }

    /// All settings, at the beginning of a stream.
    pub(super) fn settings(&self, context: &Rc<Context>) -> Result<Vec<Buffer>, VaError> {
        let mut buffers = self.change(context)?;
        if self.mode == RateControl::Quantizer {
            buffers.push(self.frames(context)?);
        }
        if self.fastest > 1 {
            // The engine's time is other streams' time, as with NVENC.
            let mut quality: VAEncMiscParameterBufferQualityLevel = zeroed();
            quality.quality_level = self.fastest;
            buffers.push(Buffer::misc(context, &quality)?);
        }
        Ok(buffers)
    }

    fn frames(&self, context: &Rc<Context>) -> Result<Buffer, VaError> {
        let mut frames: VAEncMiscParameterFrameRate = zeroed();
        frames.framerate = packed(self.frame_rate);
        Buffer::misc(context, &frames)
    }

    /// Those that depend on bit rate and frame rate, and change while the encoder goes on.
    pub(super) fn change(&self, context: &Rc<Context>) -> Result<Vec<Buffer>, VaError> {
        if self.mode == RateControl::Quantizer {
            return Ok(Vec::new());
        }
        let frame = frame_bits(self.bits_per_second, self.frame_rate);
        let mut rate: VAEncMiscParameterRateControl = zeroed();
        rate.bits_per_second = self.bits_per_second;
        rate.target_percentage = 100;
        rate.window_size = milliseconds(self.frame_rate);
        // A picture that is left out is a picture that nobody answers for, and bits
        // that fill a frame up cost as much as others.
        flags::DISABLE_FRAME_SKIP.set(&mut rate.rc_flags, 1);
        flags::DISABLE_BIT_STUFFING.set(&mut rate.rc_flags, 1);
        // Every frame fits the wire in its own interval.
        let mut buffering: VAEncMiscParameterHRD = zeroed();
        (buffering.initial_buffer_fullness, buffering.buffer_size) = (frame, frame);
        Ok(vec![Buffer::misc(context, &rate)?, Buffer::misc(context, &buffering)?, self.frames(context)?])
    }
}

/// Bits that a frame interval carries.
fn frame_bits(bits_per_second: u32, frame_rate: FrameRate) -> u32 {
    let bits = u64::from(bits_per_second) * 1000 / u64::from(frame_rate.millihertz());
    u32::try_from(bits).unwrap_or(u32::MAX)
}

/// A frame interval, rounded up.
const fn milliseconds(frame_rate: FrameRate) -> u32 {
    1_000_000_u32.div_ceil(frame_rate.millihertz())
}

/// Numerator in the lower half, denominator in the upper: as exact as they can be.
fn packed(frame_rate: FrameRate) -> u32 {
    let (mut frames, mut seconds) = (frame_rate.millihertz(), 1000);
    for prime in [2, 2, 2, 5, 5, 5] {
        if frames % prime == 0 && seconds % prime == 0 {
            (frames, seconds) = (frames / prime, seconds / prime);
        }
    }
    while frames > u16::MAX.into() {
        (frames, seconds) = (frames.div_ceil(2), (seconds / 2).max(1));
        if seconds == 1 {
            frames = frames.min(u16::MAX.into());
        }
    }
    frames | seconds << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_rates_are_fractions_of_sixteen_bits() {
        for (millihertz, frames, seconds) in [
            (60_000, 60, 1),
            (59_940, 2997, 50),
            (119_880, 2997, 25),
            (23_976, 2997, 125),
            (59_999, 59_999, 1000),
            (240_001, 60_001, 250),
            (1, 1, 1000),
        ] {
            let packed = packed(FrameRate::from_millihertz(millihertz));
            assert_eq!((packed & 0xFFFF, packed >> 16), (frames, seconds), "{millihertz}");
        }
    }

    #[test]
    fn a_buffer_holds_what_a_frame_interval_carries() {
        assert_eq!(frame_bits(20_000_000, FrameRate::from_hz(60)), 333_333);
        assert_eq!(frame_bits(u32::MAX, FrameRate::from_millihertz(1)), u32::MAX);
        assert_eq!(milliseconds(FrameRate::from_hz(60)), 17);
    }
}
