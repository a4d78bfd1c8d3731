//! What is encoded, and for what: all that the engine must know before it says what it can.

use ash::vk;
use ash::vk::native as std_video;

use super::av1_sys as sys;
use crate::vulkan::surface::SurfaceFormat;

/// A codec with its profile, 4:2:0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// H.264, 8 bits.
    H264(H264Profile),
    /// HEVC, 8 or 10 bits.
    Hevc(HevcProfile),
    /// AV1 in its Main profile.
    Av1(Depth),
}

/// Bits of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// 8.
    Eight,
    /// 10.
    Ten,
}

impl Depth {
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::Eight => 8,
            Self::Ten => 10,
        }
    }
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

/// Profiles of HEVC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HevcProfile {
    /// Main: 8 bits.
    Main,
    /// Main 10: 10 bits.
    Main10,
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

impl HevcProfile {
    pub(super) const fn raw(self) -> std_video::StdVideoH265ProfileIdc {
        match self {
            Self::Main => std_video::StdVideoH265ProfileIdc_STD_VIDEO_H265_PROFILE_IDC_MAIN,
            Self::Main10 => std_video::StdVideoH265ProfileIdc_STD_VIDEO_H265_PROFILE_IDC_MAIN_10,
        }
    }
}

impl Profile {
    /// What encodes it.
    pub(super) const fn operation(self) -> vk::VideoCodecOperationFlagsKHR {
        match self {
            Self::H264(_) => vk::VideoCodecOperationFlagsKHR::ENCODE_H264,
            Self::Hevc(_) => vk::VideoCodecOperationFlagsKHR::ENCODE_H265,
            Self::Av1(_) => sys::ENCODE_AV1,
        }
    }

    const fn is_ten_bit(self) -> bool {
        match self {
            Self::H264(_) => false,
            Self::Hevc(profile) => matches!(profile, HevcProfile::Main10),
            Self::Av1(depth) => matches!(depth, Depth::Ten),
        }
    }

    /// Pictures that go in, and those that are kept.
    pub(super) const fn format(self) -> vk::Format {
        match self.is_ten_bit() {
            false => vk::Format::G8_B8R8_2PLANE_420_UNORM,
            true => vk::Format::G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16,
        }
    }

    /// The samples that are copied there.
    pub(super) const fn samples(self) -> SurfaceFormat {
        match self.is_ten_bit() {
            false => SurfaceFormat::Nv12,
            true => SurfaceFormat::P010,
        }
    }

    /// The profile, as calls take it.
    pub(super) fn with<R>(self, use_it: impl FnOnce(&mut vk::VideoProfileInfoKHR<'_>) -> R) -> R {
        let mut usage = vk::VideoEncodeUsageInfoKHR::default()
            .video_usage_hints(vk::VideoEncodeUsageFlagsKHR::STREAMING)
            .video_content_hints(vk::VideoEncodeContentFlagsKHR::RENDERED | vk::VideoEncodeContentFlagsKHR::DESKTOP)
            .tuning_mode(vk::VideoEncodeTuningModeKHR::ULTRA_LOW_LATENCY);
        let depth = match self.is_ten_bit() {
            false => vk::VideoComponentBitDepthFlagsKHR::TYPE_8,
            true => vk::VideoComponentBitDepthFlagsKHR::TYPE_10,
        };
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
            Self::Hevc(hevc) => {
                let mut codec = vk::VideoEncodeH265ProfileInfoKHR::default().std_profile_idc(hevc.raw());
                use_it(&mut profile.push_next(&mut codec))
            }
            Self::Av1(_) => {
                let std_profile = std_video::StdVideoAV1Profile_STD_VIDEO_AV1_PROFILE_MAIN;
                let mut codec = sys::VideoEncodeAV1ProfileInfoKHR { std_profile, ..Default::default() };
                use_it(&mut profile.push_next(&mut codec))
            }
        }
    }
}
