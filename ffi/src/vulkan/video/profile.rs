//! What is encoded, and for what: all that the engine must know before it says what it can.

use ash::vk;
use ash::vk::native as std_video;

/// A codec with its profile, 4:2:0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// H.264, 8 bits.
    H264(H264Profile),
}

/// Profiles of H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum H264Profile {
    /// Constrained Baseline: variable-length codes.
    ConstrainedBaseline,
    /// Main: arithmetic codes.
    Main,
    /// High: large transforms.
    High,
}

impl H264Profile {
    pub(super) const fn raw(self) -> std_video::StdVideoH264ProfileIdc {
        match self {
            Self::ConstrainedBaseline => std_video::StdVideoH264ProfileIdc_STD_VIDEO_H264_PROFILE_IDC_BASELINE,
            Self::Main => std_video::StdVideoH264ProfileIdc_STD_VIDEO_H264_PROFILE_IDC_MAIN,
            Self::High => std_video::StdVideoH264ProfileIdc_STD_VIDEO_H264_PROFILE_IDC_HIGH,
        }
    }
}

impl Profile {
    /// What encodes it.
    pub(super) const fn operation(self) -> vk::VideoCodecOperationFlagsKHR {
        match self {
            Self::H264(_) => vk::VideoCodecOperationFlagsKHR::ENCODE_H264,
        }
    }

    /// Pictures that go in, and those that are kept.
    pub(super) const fn format(self) -> vk::Format {
        match self {
            Self::H264(_) => vk::Format::G8_B8R8_2PLANE_420_UNORM,
        }
    }

    /// Sides of pictures are multiples of this.
    pub(super) const fn block(self) -> u32 {
        match self {
            Self::H264(_) => 16,
        }
    }

    /// The profile, as calls take it.
    pub(super) fn with<R>(self, use_it: impl FnOnce(&mut vk::VideoProfileInfoKHR<'_>) -> R) -> R {
        let mut usage = vk::VideoEncodeUsageInfoKHR::default()
            .video_usage_hints(vk::VideoEncodeUsageFlagsKHR::STREAMING)
            .video_content_hints(vk::VideoEncodeContentFlagsKHR::RENDERED | vk::VideoEncodeContentFlagsKHR::DESKTOP)
            .tuning_mode(vk::VideoEncodeTuningModeKHR::ULTRA_LOW_LATENCY);
        let depth = vk::VideoComponentBitDepthFlagsKHR::TYPE_8;
        let profile = vk::VideoProfileInfoKHR::default()
            .video_codec_operation(self.operation())
            .chroma_subsampling(vk::VideoChromaSubsamplingFlagsKHR::TYPE_420)
            .luma_bit_depth(depth)
            .chroma_bit_depth(depth)
            .push_next(&mut usage);
        match self {
            Self::H264(h264) => {
                let mut codec = vk::VideoEncodeH264ProfileInfoKHR::default().std_profile_idc(h264.raw());
                use_it(&mut profile.push_next(&mut codec))
            }
        }
    }
}
