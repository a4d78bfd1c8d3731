//! What the engine can do, unless the test orders otherwise (`cap`).
//!
//! Names: `video` (0: it encodes nothing), `node` (minor number of its render node),
//! `rates` (`VkVideoEncodeRateControlModeFlagBitsKHR`, together), `slices`, `slots`,
//! `references`, `most_width`, `granularity`, `memories` (of a session), `overrides` (1: the
//! driver switches large transforms of H.264 and offsets of HEVC off), `remaining` (1: it
//! wants to know how many pictures are left), `status` (`VkQueryResultStatusKHR` of a
//! picture), `stalls` (1: the engine never finishes).
//!
//! Of H.264: `profiles` (1 Constrained Baseline, 2 Main, 4 High, together), `cabac`,
//! `transforms`, `level` (`StdVideoH264LevelIdc`). Of HEVC: `hevc` (1 Main, 2 Main 10,
//! together), `hevc_level` (`StdVideoH265LevelIdc`), `trees` and `tree_transforms`
//! (`VkVideoEncodeH265CtbSizeFlagBitsKHR`, `..TransformBlockSizeFlagBitsKHR`, together),
//! `offsets`, `signs`, `transform_skip` (1 can be, 2 can be not, together), `both_lists` (1:
//! no P pictures). Of AV1: `av1` (1 8 bits, 2 10 bits, together), `av1_level`
//! (`StdVideoAV1Level`), `superblocks` (`VkVideoEncodeAV1SuperblockSizeFlagBitsKHR`,
//! together), `names` (of a reference, together), `cdef` (0: the driver switches it off).

use ash::vk::{self, TaggedStructure};
use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;
use earthshine_ffi::vulkan::video::av1_sys as sys;

use crate::chain;
use crate::pixels::{NV12, P010};
use crate::rules::{Result, answer, ordered, require, require_equal, violation};

/// What the test ordered of a capability, or what it is.
pub(crate) fn get(name: &str) -> i32 {
    let mut value = DEFAULTS.iter().find(|(known, _)| *known == name).map_or(-1, |(_, value)| *value);
    for (ordered, other) in Orders::read().capabilities {
        if DEFAULTS.iter().all(|(known, _)| *known != ordered) {
            ledger::violation(&format!("the test ordered a capability that nobody knows: {ordered}"));
        }
        if ordered == name {
            value = other;
        }
    }
    value
}

/// A capability that counts.
pub(crate) fn count(name: &str) -> u32 {
    get(name).cast_unsigned()
}

/// What a profile says, found in its chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Profile {
    /// `profile_idc`.
    H264 { number: u32 },
    /// Main, or Main 10.
    Hevc { is_ten_bit: bool },
    /// Main, in 8 or 10 bits.
    Av1 { is_ten_bit: bool },
}

impl Profile {
    /// # Safety
    /// `profile` is one of the interface's.
    pub(crate) unsafe fn read(profile: *const vk::VideoProfileInfoKHR<'_>) -> Result<Self> {
        use vk::StructureType as Type;
        // SAFETY: the caller's contract.
        unsafe {
            require(!profile.is_null(), || "no profile".to_owned())?;
            let profile = &*profile;
            require_equal("sType", profile.s_type, Type::VIDEO_PROFILE_INFO_KHR)?;
            let (own, found) = match profile.video_codec_operation {
                vk::VideoCodecOperationFlagsKHR::ENCODE_H264 => {
                    let h264 = chain::find::<vk::VideoEncodeH264ProfileInfoKHR<'_>>(profile.p_next);
                    let found = h264.map(|h264| Self::H264 { number: h264.std_profile_idc });
                    (Type::VIDEO_ENCODE_H264_PROFILE_INFO_KHR, found)
                }
                vk::VideoCodecOperationFlagsKHR::ENCODE_H265 => {
                    let hevc = chain::find::<vk::VideoEncodeH265ProfileInfoKHR<'_>>(profile.p_next);
                    let number = hevc.map_or(0, |hevc| hevc.std_profile_idc);
                    let found = (1..=2).contains(&number).then_some(Self::Hevc { is_ten_bit: number == 2 });
                    (Type::VIDEO_ENCODE_H265_PROFILE_INFO_KHR, found)
                }
                sys::ENCODE_AV1 => {
                    let av1 = chain::find::<sys::VideoEncodeAV1ProfileInfoKHR>(profile.p_next);
                    let is_ten_bit = profile.luma_bit_depth == vk::VideoComponentBitDepthFlagsKHR::TYPE_10;
                    let found = av1.is_some_and(|av1| av1.std_profile == 0).then_some(Self::Av1 { is_ten_bit });
                    (sys::VideoEncodeAV1ProfileInfoKHR::STRUCTURE_TYPE, found)
                }
                other => return Err(violation(format!("a profile of {other:?}"))),
            };
            chain::check("a profile", profile.p_next, &[own, Type::VIDEO_ENCODE_USAGE_INFO_KHR])?;
            let found = found.ok_or_else(|| violation("a profile without that of its codec"))?;
            let depth = match found.sample() {
                1 => vk::VideoComponentBitDepthFlagsKHR::TYPE_8,
                _ => vk::VideoComponentBitDepthFlagsKHR::TYPE_10,
            };
            require_equal("bit depths", (profile.luma_bit_depth, profile.chroma_bit_depth), (depth, depth))?;
            require_equal("chroma", profile.chroma_subsampling, vk::VideoChromaSubsamplingFlagsKHR::TYPE_420)?;
            Ok(found)
        }
    }

    /// # Safety
    /// The chain is one of the interface's.
    pub(crate) unsafe fn of_list(chain: *const std::ffi::c_void) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            let list = chain::find::<vk::VideoProfileListInfoKHR<'_>>(chain);
            let list = list.map_or(&[][..], |list| chain::array(list.p_profiles, list.profile_count));
            require(list.len() == 1, || format!("{} profiles for what is of one", list.len()))?;
            Self::read(&list[0])
        }
    }

    pub(crate) fn is_offered(self) -> bool {
        match self {
            Self::H264 { number: 66 } => get("profiles") & 1 != 0,
            Self::H264 { number: 77 } => get("profiles") & 2 != 0,
            Self::H264 { number: 100 } => get("profiles") & 4 != 0,
            Self::H264 { .. } => false,
            Self::Hevc { is_ten_bit: false } => get("hevc") & 1 != 0,
            Self::Hevc { is_ten_bit: true } => get("hevc") & 2 != 0,
            Self::Av1 { is_ten_bit: false } => get("av1") & 1 != 0,
            Self::Av1 { is_ten_bit: true } => get("av1") & 2 != 0,
        }
    }

    /// Bytes of a sample.
    pub(crate) const fn sample(self) -> usize {
        match self {
            Self::Hevc { is_ten_bit: true } | Self::Av1 { is_ten_bit: true } => 2,
            Self::H264 { .. } | Self::Hevc { .. } | Self::Av1 { .. } => 1,
        }
    }

    /// The only one that is encoded.
    pub(crate) const fn format(self) -> vk::Format {
        if self.sample() == 1 { NV12 } else { P010 }
    }

    pub(crate) const fn operation(self) -> vk::VideoCodecOperationFlagsKHR {
        match self {
            Self::H264 { .. } => vk::VideoCodecOperationFlagsKHR::ENCODE_H264,
            Self::Hevc { .. } => vk::VideoCodecOperationFlagsKHR::ENCODE_H265,
            Self::Av1 { .. } => sys::ENCODE_AV1,
        }
    }

    /// What is chained when a session is created.
    pub(crate) const fn session(self) -> vk::StructureType {
        match self {
            Self::H264 { .. } => vk::StructureType::VIDEO_ENCODE_H264_SESSION_CREATE_INFO_KHR,
            Self::Hevc { .. } => vk::StructureType::VIDEO_ENCODE_H265_SESSION_CREATE_INFO_KHR,
            Self::Av1 { .. } => sys::VideoEncodeAV1SessionCreateInfoKHR::STRUCTURE_TYPE,
        }
    }

    /// The version of the standard's structures.
    pub(crate) fn std_header(self) -> vk::ExtensionProperties {
        let name = match self {
            Self::H264 { .. } => c"VK_STD_vulkan_video_codec_h264_encode",
            Self::Hevc { .. } => c"VK_STD_vulkan_video_codec_h265_encode",
            Self::Av1 { .. } => sys::STD_NAME,
        };
        let mut header = vk::ExtensionProperties::default().spec_version(1 << 22);
        for (place, byte) in header.extension_name.iter_mut().zip(name.to_bytes()) {
            *place = byte.cast_signed();
        }
        header
    }
}

/// Sides of pictures, least and most.
pub(crate) fn sizes() -> (vk::Extent2D, vk::Extent2D) {
    (vk::Extent2D { width: 16, height: 16 }, vk::Extent2D { width: count("most_width"), height: 4096 })
}

pub(crate) unsafe extern "system" fn video_capabilities(
    _device: vk::PhysicalDevice,
    profile: *const vk::VideoProfileInfoKHR<'_>,
    into: *mut vk::VideoCapabilitiesKHR<'_>,
) -> vk::Result {
    const CALL: &str = "vkGetPhysicalDeviceVideoCapabilitiesKHR";
    // SAFETY: the caller's contract.
    let profile = match unsafe { Profile::read(profile) } {
        Ok(profile) if profile.is_offered() => profile,
        Ok(_) => return ordered(CALL).unwrap_or(vk::Result::ERROR_VIDEO_PROFILE_OPERATION_NOT_SUPPORTED_KHR),
        Err(refusal) => return answer(CALL, || Err(refusal)),
    };
    answer(CALL, || {
        // SAFETY: the caller's contract.
        unsafe {
            // Of what it does not know, a driver says nothing.
            let into = &mut *into;
            let encode = chain::find_mut::<vk::VideoEncodeCapabilitiesKHR<'_>>(into.p_next);
            let h264 = chain::find_mut::<vk::VideoEncodeH264CapabilitiesKHR<'_>>(into.p_next);
            let hevc = chain::find_mut::<vk::VideoEncodeH265CapabilitiesKHR<'_>>(into.p_next);
            fill_encode(encode.ok_or_else(|| violation("capabilities without those of encoders"))?);
            let av1 = chain::find_mut::<sys::VideoEncodeAV1CapabilitiesKHR>(into.p_next);
            match (profile, h264, hevc, av1) {
                (Profile::H264 { number }, Some(h264), None, None) => fill_h264(h264, number),
                (Profile::Hevc { .. }, None, Some(hevc), None) => fill_hevc(hevc),
                (Profile::Av1 { .. }, None, None, Some(av1)) => fill_av1(av1),
                _ => return Err(violation("capabilities without those of the codec")),
            }
            fill_common(into, profile);
            Ok(())
        }
    })
}

fn fill_common(into: &mut vk::VideoCapabilitiesKHR<'_>, profile: Profile) {
    let (least, most) = sizes();
    let side = count("granularity");
    into.flags = vk::VideoCapabilityFlagsKHR::empty();
    into.min_bitstream_buffer_offset_alignment = 256;
    into.min_bitstream_buffer_size_alignment = ALIGNMENT;
    into.picture_access_granularity = vk::Extent2D { width: side, height: side };
    (into.min_coded_extent, into.max_coded_extent) = (least, most);
    into.max_dpb_slots = count("slots");
    into.max_active_reference_pictures = count("references");
    into.std_header_version = profile.std_header();
}

fn fill_encode(into: &mut vk::VideoEncodeCapabilitiesKHR<'_>) {
    let side = count("granularity");
    into.rate_control_modes = rates();
    into.max_rate_control_layers = 1;
    into.max_bitrate = MOST_BITRATE;
    into.max_quality_levels = QUALITY_LEVELS;
    into.encode_input_picture_granularity = vk::Extent2D { width: side, height: side };
    into.supported_encode_feedback_flags = vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BUFFER_OFFSET
        | vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BYTES_WRITTEN;
}

pub(crate) fn rates() -> vk::VideoEncodeRateControlModeFlagsKHR {
    vk::VideoEncodeRateControlModeFlagsKHR::from_raw(count("rates"))
}

fn fill_h264(into: &mut vk::VideoEncodeH264CapabilitiesKHR<'_>, profile: u32) {
    use vk::VideoEncodeH264StdFlagsKHR as Flags;
    into.max_level_idc = count("level");
    into.max_slice_count = count("slices");
    into.max_p_picture_l0_reference_count = count("references");
    into.max_temporal_layer_count = 1;
    (into.min_qp, into.max_qp) = (0, 51);
    let mut flags = Flags::ENTROPY_CODING_MODE_FLAG_UNSET | Flags::DEBLOCKING_FILTER_DISABLED;
    if get("cabac") == 1 && profile != 66 {
        flags |= Flags::ENTROPY_CODING_MODE_FLAG_SET;
    }
    if get("transforms") == 1 && profile == 100 {
        flags |= Flags::TRANSFORM_8X8_MODE_FLAG_SET;
    }
    into.std_syntax_flags = flags;
    into.requires_gop_remaining_frames = count("remaining");
}

fn fill_hevc(into: &mut vk::VideoEncodeH265CapabilitiesKHR<'_>) {
    use vk::VideoEncodeH265CapabilityFlagsKHR as Lists;
    use vk::VideoEncodeH265StdFlagsKHR as Flags;
    into.max_level_idc = count("hevc_level");
    into.max_slice_segment_count = count("slices");
    into.max_tiles = vk::Extent2D { width: 1, height: 1 };
    into.ctb_sizes = vk::VideoEncodeH265CtbSizeFlagsKHR::from_raw(count("trees"));
    into.transform_block_sizes = vk::VideoEncodeH265TransformBlockSizeFlagsKHR::from_raw(count("tree_transforms"));
    if get("both_lists") == 1 {
        into.flags = Lists::B_FRAME_IN_L0_LIST | Lists::B_FRAME_IN_L1_LIST;
        (into.max_b_picture_l0_reference_count, into.max_l1_reference_count) = (count("references"), 1);
    } else {
        into.max_p_picture_l0_reference_count = count("references");
    }
    into.max_sub_layer_count = 1;
    (into.min_qp, into.max_qp) = (0, 51);
    for (is_there, flag) in [
        (get("offsets") == 1, Flags::SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG_SET),
        (get("signs") == 1, Flags::SIGN_DATA_HIDING_ENABLED_FLAG_SET),
        (get("transform_skip") & 1 != 0, Flags::TRANSFORM_SKIP_ENABLED_FLAG_SET),
        (get("transform_skip") & 2 != 0, Flags::TRANSFORM_SKIP_ENABLED_FLAG_UNSET),
    ] {
        if is_there {
            into.std_syntax_flags |= flag;
        }
    }
    into.requires_gop_remaining_frames = count("remaining");
}

fn fill_av1(into: &mut sys::VideoEncodeAV1CapabilitiesKHR) {
    let tile = |side: u32| vk::Extent2D { width: side, height: side };
    into.max_level = count("av1_level");
    into.coded_picture_alignment = tile(8);
    (into.max_tiles, into.min_tile_size, into.max_tile_size) = (tile(1), tile(64), tile(4096));
    into.superblock_sizes = count("superblocks");
    into.max_single_reference_count = count("references");
    into.single_reference_name_mask = count("names");
    (into.max_temporal_layer_count, into.max_spatial_layer_count, into.max_operating_points) = (1, 1, 1);
    (into.min_q_index, into.max_q_index) = (1, 255);
    into.requires_gop_remaining_frames = count("remaining");
    into.std_syntax_flags = sys::STD_UNIFORM_TILE_SPACING_FLAG_SET | sys::STD_PRIMARY_REF_FRAME;
}

pub(crate) unsafe extern "system" fn video_formats(
    _device: vk::PhysicalDevice,
    information: *const vk::PhysicalDeviceVideoFormatInfoKHR<'_>,
    count: *mut u32,
    into: *mut vk::VideoFormatPropertiesKHR<'_>,
) -> vk::Result {
    const CALL: &str = "vkGetPhysicalDeviceVideoFormatPropertiesKHR";
    // SAFETY: the caller's contract.
    unsafe {
        let information = &*information;
        let profile = match Profile::of_list(information.p_next) {
            Ok(profile) => profile,
            Err(refusal) => return answer(CALL, || Err(refusal)),
        };
        if let Some(code) = ordered(CALL) {
            return code;
        }
        if !profile.is_offered() {
            return vk::Result::ERROR_VIDEO_PROFILE_OPERATION_NOT_SUPPORTED_KHR;
        }
        if !USAGES.contains(&information.image_usage) {
            return vk::Result::ERROR_IMAGE_USAGE_NOT_SUPPORTED_KHR;
        }
        // Another one first: the order says nothing.
        let formats = [vk::Format::G8_B8_R8_3PLANE_420_UNORM, profile.format()];
        chain::answer(count, into, formats.len(), |place, index| {
            place.format = formats[index];
            place.image_create_flags = vk::ImageCreateFlags::empty();
            place.image_type = vk::ImageType::TYPE_2D;
            place.image_tiling = vk::ImageTiling::OPTIMAL;
            place.image_usage_flags = information.image_usage;
            place.component_mapping = vk::ComponentMapping::default();
        })
    }
}

/// How pictures are used.
pub(crate) const USAGES: [vk::ImageUsageFlags; 3] = [
    vk::ImageUsageFlags::VIDEO_ENCODE_SRC_KHR,
    vk::ImageUsageFlags::from_raw(
        vk::ImageUsageFlags::VIDEO_ENCODE_SRC_KHR.as_raw() | vk::ImageUsageFlags::TRANSFER_DST.as_raw(),
    ),
    vk::ImageUsageFlags::VIDEO_ENCODE_DPB_KHR,
];

pub(crate) const MOST_BITRATE: u64 = 800_000_000;
pub(crate) const QUALITY_LEVELS: u32 = 4;

/// Of ranges in buffers.
pub(crate) const ALIGNMENT: u64 = 4096;

const DEFAULTS: &[(&str, i32)] = &[
    ("video", 1),
    ("node", 3),
    ("profiles", 7),
    ("hevc", 3),
    ("rates", 7),
    ("slices", 8),
    ("slots", 17),
    ("references", 1),
    ("cabac", 1),
    ("transforms", 1),
    ("level", 18),
    ("hevc_level", 12),
    ("trees", 7),
    ("tree_transforms", 15),
    ("offsets", 1),
    ("signs", 0),
    ("transform_skip", 3),
    ("both_lists", 0),
    ("remaining", 0),
    ("av1", 3),
    ("av1_level", 23),
    ("superblocks", 3),
    ("names", 127),
    ("cdef", 1),
    ("most_width", 4096),
    ("granularity", 16),
    ("memories", 2),
    ("overrides", 0),
    ("status", 1),
    ("stalls", 0),
];
