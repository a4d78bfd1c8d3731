//! How bits are to be spent, as the program said last.

use earthshine_drivers::ledger;
use earthshine_ffi::vaapi::sys::*;

use crate::capabilities;
use crate::config::Config;
use crate::driver::{Result, require};
use crate::parameters::Others;

/// All of it.
#[derive(Default, Clone, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) bits_per_second: Option<u32>,
    buffer: Option<u32>,
    frames: Option<u32>,
    quality: Option<u32>,
}

impl Rate {
    /// All before the first picture, and changes later.
    pub(crate) fn spend(&mut self, config: &Config, parameters: &Others, pictures: u64, is_idr: bool) -> Result {
        let Others { rate, buffering, frames, quality, .. } = parameters;
        let is_spent = config.rate_control != VA_RC_CQP;
        require(is_spent || (rate.is_none() && buffering.is_none()), || "rate control without a rate".to_owned())?;
        let now = Self {
            bits_per_second: rate.map(|rate| rate.bits_per_second).or(self.bits_per_second),
            buffer: buffering.map(|buffering| buffering.buffer_size).or(self.buffer),
            frames: frames.map(|frames| frames.framerate).or(self.frames),
            quality: quality.map(|quality| quality.quality_level).or(self.quality),
        };
        if is_idr && pictures == 0 {
            let complete = now.bits_per_second.is_some() && now.buffer.is_some();
            require(complete || !is_spent, || "no rate, or no buffer, before the first picture".to_owned())?;
            require(now.frames.is_some(), || "no frame rate before the first picture".to_owned())?;
        }
        if let Some(rate) = rate {
            require(rate.bits_per_second > 0 && rate.target_percentage == 100, || "no bits".to_owned())?;
            require(rate.va_reserved == [0; 4], || "reserved words are not zero".to_owned())?;
        }
        if let Some(buffering) = buffering {
            let fits = buffering.buffer_size > 0 && buffering.initial_buffer_fullness <= buffering.buffer_size;
            require(fits && rate.is_some(), || "a buffer that cannot be, or comes alone".to_owned())?;
        }
        if let Some(frames) = frames {
            require(frames.framerate & 0xffff > 0, || "no frames".to_owned())?;
        }
        if let Some(level) = quality.map(|quality| quality.quality_level) {
            let most = capabilities::get("EncQualityRange");
            require(i64::from(level) <= most.into() && level > 0, || format!("quality level {level} of {most}"))?;
        }
        if pictures > 0 && now.bits_per_second != self.bits_per_second {
            ledger::event(&format!("bitrate {} idr={}", now.bits_per_second.unwrap_or(0), u8::from(is_idr)));
        }
        *self = now;
        Ok(())
    }
}
