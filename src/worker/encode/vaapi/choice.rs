//! Which of a driver's encoders is used, and how.

use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Capabilities, Display, VaError};

use crate::codec::{VideoCodec, VideoProfile};
use crate::worker::encode::bitstream::h264;

/// An encoder of a driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// What it makes.
    pub(super) profile: Profile,
    /// The way in to it.
    pub(super) entrypoint: VAEntrypoint,
    /// What it can do.
    pub(super) capabilities: Capabilities,
    /// How it spends bits.
    pub(super) rate_control: RateControl,
    /// Headers that we write.
    pub(super) headers: Headers,
}

/// What a driver makes, and we write headers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// H.264.
    H264(h264::Profile),
    /// HEVC.
    Hevc {
        /// Main 10 instead of Main.
        ten_bit: bool,
    },
    /// AV1 in its main profile.
    Av1 {
        /// 10 bits instead of 8.
        ten_bit: bool,
    },
}

/// How bits are spent, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RateControl {
    /// As many in each frame interval.
    Constant,
    /// So many in the long run.
    Variable,
    /// None: always the same quantizer.
    Quantizer,
}

/// Headers that the driver takes from us; the others it writes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Headers {
    /// Parameter sets.
    pub(super) sequence: bool,
    /// Slice headers, or those of pictures in codecs without slices.
    pub(super) slice: bool,
}

/// No encoder of the driver's will do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// It does not make the codec.
    #[error("{vendor} encodes no {codec} of {depth} bits; ask for another codec or use another encoder")]
    Codec {
        /// What the driver calls itself.
        vendor: String,
        /// What was asked for.
        codec: &'static str,
        /// Bits of a sample.
        depth: u8,
    },
    /// It does not make pictures of the size.
    #[error("{vendor} encodes pictures of at most {}x{}, not {}x{}; ask for a smaller one", .most.0, .most.1, .asked.0, .asked.1)]
    Size {
        /// What the driver calls itself.
        vendor: String,
        /// What was asked for.
        asked: (u32, u32),
        /// What there is.
        most: (u32, u32),
    },
    /// It refused to say.
    #[error(transparent)]
    Va(#[from] VaError),
}

impl Profile {
    /// As the driver calls it.
    pub(super) const fn raw(self) -> VAProfile {
        match self {
            Self::H264(h264::Profile::ConstrainedBaseline) => VAProfile::VAProfileH264ConstrainedBaseline,
            Self::H264(h264::Profile::Main) => VAProfile::VAProfileH264Main,
            Self::H264(h264::Profile::High) => VAProfile::VAProfileH264High,
            Self::Hevc { ten_bit: false } => VAProfile::VAProfileHEVCMain,
            Self::Hevc { ten_bit: true } => VAProfile::VAProfileHEVCMain10,
            Self::Av1 { .. } => VAProfile::VAProfileAV1Profile0,
        }
    }

    /// Format of its pictures.
    pub(super) const fn format(self) -> u32 {
        match self {
            Self::Hevc { ten_bit: true } | Self::Av1 { ten_bit: true } => VA_RT_FORMAT_YUV420_10,
            Self::H264(_) | Self::Hevc { .. } | Self::Av1 { .. } => VA_RT_FORMAT_YUV420,
        }
    }

    /// How they lie in memory.
    pub(super) const fn fourcc(self) -> u32 {
        match self {
            Self::Hevc { ten_bit: true } | Self::Av1 { ten_bit: true } => VA_FOURCC_P010,
            Self::H264(_) | Self::Hevc { .. } | Self::Av1 { .. } => VA_FOURCC_NV12,
        }
    }

    /// What will do for a profile, best first.
    const fn candidates(profile: VideoProfile) -> &'static [Self] {
        match (profile.codec, profile.ten_bit) {
            (VideoCodec::H264, false) => &[
                Self::H264(h264::Profile::High),
                Self::H264(h264::Profile::Main),
                Self::H264(h264::Profile::ConstrainedBaseline),
            ],
            (VideoCodec::Hevc, false) => &[Self::Hevc { ten_bit: false }],
            (VideoCodec::Hevc, true) => &[Self::Hevc { ten_bit: true }],
            (VideoCodec::Av1, false) => &[Self::Av1 { ten_bit: false }],
            (VideoCodec::Av1, true) => &[Self::Av1 { ten_bit: true }],
            (VideoCodec::H264, true) => &[],
        }
    }
}

impl RateControl {
    /// As the driver calls it.
    pub(super) const fn raw(self) -> u32 {
        match self {
            Self::Constant => VA_RC_CBR,
            Self::Variable => VA_RC_VBR,
            Self::Quantizer => VA_RC_CQP,
        }
    }

    fn best(modes: u32) -> Option<Self> {
        [Self::Constant, Self::Variable, Self::Quantizer].into_iter().find(|mode| modes & mode.raw() != 0)
    }
}

impl Headers {
    fn of(profile: Profile, packed: u32) -> Self {
        let sequence = packed & VA_ENC_PACKED_HEADER_SEQUENCE != 0;
        // Ours fit to our parameter sets.
        Self { sequence, slice: sequence && packed & Self::of_slices(profile) != 0 }
    }

    const fn of_slices(profile: Profile) -> u32 {
        match profile {
            Profile::H264(_) | Profile::Hevc { .. } => VA_ENC_PACKED_HEADER_SLICE,
            Profile::Av1 { .. } => VA_ENC_PACKED_HEADER_PICTURE,
        }
    }

    /// As the driver calls them.
    pub(super) const fn raw(self, profile: Profile) -> u32 {
        (if self.sequence { VA_ENC_PACKED_HEADER_SEQUENCE } else { 0 })
            | (if self.slice { Self::of_slices(profile) } else { 0 })
    }
}

/// Asks the driver what it has, and picks the best.
pub(super) fn choose(display: &Display, wanted: VideoProfile, size: (u32, u32)) -> Result<Choice, ChooseError> {
    let profiles = display.profiles()?;
    for &profile in Profile::candidates(wanted).iter().filter(|profile| profiles.contains(&profile.raw())) {
        let mut choices = Vec::new();
        for entrypoint in display.entrypoints(profile.raw())? {
            if ENTRYPOINTS.contains(&entrypoint) {
                choices.push((entrypoint, Capabilities::probe(display, profile.raw(), entrypoint)?));
            }
        }
        if let Some(choice) = best(profile, &choices) {
            let most = (choice.capabilities.most_width, choice.capabilities.most_height);
            // What is not said is not too small.
            if (most.0 != 0 && size.0 > most.0) || (most.1 != 0 && size.1 > most.1) {
                return Err(ChooseError::Size { vendor: display.vendor(), asked: size, most });
            }
            return Ok(choice);
        }
    }
    let depth = if wanted.ten_bit { 10 } else { 8 };
    Err(ChooseError::Codec { vendor: display.vendor(), codec: wanted.codec.name(), depth })
}

/// The one with the best rate control. Between equals the one that is not called low
/// power: on the GPUs of Intel's that have both, that one's rate control needs firmware
/// which may not be loaded.
fn best(profile: Profile, found: &[(VAEntrypoint, Capabilities)]) -> Option<Choice> {
    let choices = found.iter().filter_map(|&(entrypoint, capabilities)| {
        let rate_control = RateControl::best(capabilities.rate_control)?;
        let headers = Headers::of(profile, capabilities.packed_headers);
        let takes_pictures = capabilities.formats & profile.format() != 0;
        takes_pictures.then_some(Choice { profile, entrypoint, capabilities, rate_control, headers })
    });
    choices.min_by_key(|choice| (choice.rate_control, choice.entrypoint != ENTRYPOINTS[0]))
}

const ENTRYPOINTS: [VAEntrypoint; 2] = [VAEntrypoint::VAEntrypointEncSlice, VAEntrypoint::VAEntrypointEncSliceLP];

#[cfg(test)]
mod tests {
    use super::super::testing::capabilities;
    use super::*;

    const HIGH: Profile = Profile::H264(h264::Profile::High);

    #[test]
    fn better_rate_control_comes_before_the_way_in() {
        let [slice, low_power] = ENTRYPOINTS;
        let with = |rate_control| Capabilities { rate_control, ..capabilities() };
        let choose = |found: &[_]| best(HIGH, found).map(|choice| (choice.entrypoint, choice.rate_control));
        let both = [(low_power, with(VA_RC_CBR | VA_RC_CQP)), (slice, with(VA_RC_CBR | VA_RC_VBR))];
        assert_eq!(choose(&both), Some((slice, RateControl::Constant)));
        let differ = [(low_power, with(VA_RC_CBR)), (slice, with(VA_RC_VBR | VA_RC_CQP))];
        assert_eq!(choose(&differ), Some((low_power, RateControl::Constant)));
        assert_eq!(choose(&[(low_power, with(VA_RC_CQP))]), Some((low_power, RateControl::Quantizer)));
        assert_eq!(choose(&[(slice, with(VA_RC_ICQ))]), None);
        let other = Capabilities { formats: VA_RT_FORMAT_YUV420_10, ..capabilities() };
        assert_eq!(choose(&[(slice, other)]), None);
    }

    #[test]
    fn slice_headers_need_our_parameter_sets() {
        for (packed, sequence, slice) in [(0, false, false), (1, true, false), (4, false, false), (0x1f, true, true)] {
            let headers = Headers::of(HIGH, packed);
            assert_eq!(headers, Headers { sequence, slice });
            assert_eq!(headers.raw(HIGH) & !packed, 0);
        }
        let av1 = Profile::Av1 { ten_bit: false };
        assert_eq!(Headers::of(av1, 0b101), Headers { sequence: true, slice: false });
        assert_eq!(Headers::of(av1, 0b011).raw(av1), 0b011);
    }
}
