//! What a stream may cost.

use ash::vk;

use super::av1_sys as sys;
use super::profile::Profile;

/// Bits and frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How they are spent.
    pub mode: RateMode,
    /// Bits per second.
    pub bits_per_second: u64,
    /// Frames, in so many seconds.
    pub frame_rate: (u32, u32),
}

/// How an engine spends bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateMode {
    /// As many in every frame interval.
    Constant,
    /// At most as many.
    Variable,
    /// The quantizer is always the same.
    Quantizer(i32),
}

impl RateMode {
    /// The best of those that an engine has.
    pub(super) fn best(
        profile: Profile,
        modes: vk::VideoEncodeRateControlModeFlagsKHR,
        quantizers: (i32, i32),
    ) -> Self {
        let (least, most) = quantizers;
        if modes.contains(vk::VideoEncodeRateControlModeFlagsKHR::CBR) {
            Self::Constant
        } else if modes.contains(vk::VideoEncodeRateControlModeFlagsKHR::VBR) {
            Self::Variable
        } else {
            let quantizer = if matches!(profile, Profile::Av1(_)) { AV1_QUANTIZER } else { QUANTIZER };
            Self::Quantizer(quantizer.min(most).max(least))
        }
    }

    const fn raw(self) -> vk::VideoEncodeRateControlModeFlagsKHR {
        match self {
            Self::Constant => vk::VideoEncodeRateControlModeFlagsKHR::CBR,
            Self::Variable => vk::VideoEncodeRateControlModeFlagsKHR::VBR,
            Self::Quantizer(_) => vk::VideoEncodeRateControlModeFlagsKHR::DISABLED,
        }
    }
}

impl Rate {
    /// The quantizer of every slice; none where the engine decides.
    pub(super) const fn quantizer(&self) -> i32 {
        match self.mode {
            RateMode::Quantizer(quantizer) => quantizer,
            RateMode::Constant | RateMode::Variable => 0,
        }
    }

    /// The rate, as calls take it: every frame fits the wire in its own interval, and
    /// pictures come until they are not asked for any more, each after the one before.
    pub(super) fn with<R>(
        &self,
        profile: Profile,
        most_bits_per_second: u64,
        use_it: impl FnOnce(&mut vk::VideoEncodeRateControlInfoKHR<'_>) -> R,
    ) -> R {
        let bits = self.bits_per_second.clamp(1, most_bits_per_second.max(1));
        let layers = [vk::VideoEncodeRateControlLayerInfoKHR::default()
            .average_bitrate(bits)
            .max_bitrate(bits)
            .frame_rate_numerator(self.frame_rate.0)
            .frame_rate_denominator(self.frame_rate.1)];
        let h264 = vk::VideoEncodeH264RateControlInfoKHR::default()
            .flags(
                vk::VideoEncodeH264RateControlFlagsKHR::REGULAR_GOP
                    | vk::VideoEncodeH264RateControlFlagsKHR::REFERENCE_PATTERN_FLAT,
            )
            .gop_frame_count(u32::MAX)
            .idr_period(u32::MAX)
            .temporal_layer_count(1);
        let hevc = vk::VideoEncodeH265RateControlInfoKHR::default()
            .flags(
                vk::VideoEncodeH265RateControlFlagsKHR::REGULAR_GOP
                    | vk::VideoEncodeH265RateControlFlagsKHR::REFERENCE_PATTERN_FLAT,
            )
            .gop_frame_count(u32::MAX)
            .idr_period(u32::MAX)
            .sub_layer_count(1);
        let av1 = sys::VideoEncodeAV1RateControlInfoKHR {
            flags: sys::RATE_CONTROL_REGULAR_GOP | sys::RATE_CONTROL_REFERENCE_PATTERN_FLAT,
            gop_frame_count: u32::MAX,
            key_frame_period: u32::MAX,
            temporal_layer_count: 1,
            ..Default::default()
        };
        let mut information = vk::VideoEncodeRateControlInfoKHR::default().rate_control_mode(self.mode.raw());
        if !matches!(self.mode, RateMode::Quantizer(_)) {
            let interval = self.milliseconds();
            information = information
                .layers(&layers)
                .virtual_buffer_size_in_ms(interval)
                .initial_virtual_buffer_size_in_ms(interval);
            // Whatever the rate is chained to, this is too.
            information.p_next = match profile {
                Profile::H264(_) => std::ptr::from_ref(&h264).cast(),
                Profile::Hevc(_) => std::ptr::from_ref(&hevc).cast(),
                Profile::Av1(_) => std::ptr::from_ref(&av1).cast(),
            };
        }
        use_it(&mut information)
    }

    /// A frame interval, rounded up: the buffer's size has no finer unit.
    fn milliseconds(&self) -> u32 {
        let (frames, seconds) = (u64::from(self.frame_rate.0.max(1)), u64::from(self.frame_rate.1));
        u32::try_from((seconds * 1000).div_ceil(frames)).unwrap_or(u32::MAX).max(1)
    }
}

/// Where there is no rate control: pictures that can be looked at, and streamed over a
/// network of a building.
const QUANTIZER: i32 = 26;
/// The same as `base_q_idx`.
const AV1_QUANTIZER: i32 = 110;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulkan::video::HevcProfile;
    use vk::VideoEncodeRateControlModeFlagsKHR as Modes;

    #[test]
    fn a_constant_rate_comes_before_a_variable_one() {
        let (profile, quantizers) = (Profile::Hevc(HevcProfile::Main), (0, 51));
        assert_eq!(RateMode::best(profile, Modes::CBR | Modes::VBR | Modes::DISABLED, quantizers), RateMode::Constant);
        assert_eq!(RateMode::best(profile, Modes::VBR | Modes::DISABLED, quantizers), RateMode::Variable);
        assert_eq!(RateMode::best(profile, Modes::DISABLED, quantizers), RateMode::Quantizer(26));
        assert_eq!(RateMode::best(profile, Modes::DISABLED, (30, 51)), RateMode::Quantizer(30));
    }

    #[test]
    fn the_buffer_holds_a_frame_interval() {
        let rate = |frame_rate| Rate { mode: RateMode::Constant, bits_per_second: 1, frame_rate };
        assert_eq!(rate((60_000, 1000)).milliseconds(), 17);
        assert_eq!(rate((240, 1)).milliseconds(), 5);
        assert_eq!(rate((1, 0)).milliseconds(), 1);
        let profile = Profile::Hevc(HevcProfile::Main);
        rate((60, 1)).with(profile, u64::MAX, |told| {
            assert_eq!((told.virtual_buffer_size_in_ms, told.layer_count), (17, 1));
        });
        let fixed = Rate { mode: RateMode::Quantizer(26), ..rate((60, 1)) };
        fixed.with(profile, u64::MAX, |told| assert_eq!((told.layer_count, told.p_next.is_null()), (0, true)));
        assert_eq!(fixed.quantizer(), 26);
    }
}
