//! What the engine can do, unless the test orders otherwise (`cap`).
//!
//! Names: `video` (0: it encodes nothing), `node` (minor number of its render node),
//! `profiles` (1 Constrained Baseline, 2 Main, 4 High, together), `rates`
//! (`VkVideoEncodeRateControlModeFlagBitsKHR`, together), `slices`, `slots`, `references`,
//! `cabac`, `transforms`, `level` (`StdVideoH264LevelIdc`), `most_width`, `granularity`,
//! `memories` (of a session), `overrides` (1: the driver switches large transforms off),
//! `status` (`VkQueryResultStatusKHR` of a picture), `stalls` (1: the engine never
//! finishes).

use ash::vk;
use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;

use crate::chain;
use crate::rules::{Result, answer, ordered, require, require_equal};

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
pub(crate) struct Profile {
    pub(crate) h264: u32,
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
            let known = [Type::VIDEO_ENCODE_H264_PROFILE_INFO_KHR, Type::VIDEO_ENCODE_USAGE_INFO_KHR];
            chain::check("a profile", profile.p_next, &known)?;
            let h264 = chain::find::<vk::VideoEncodeH264ProfileInfoKHR<'_>>(profile.p_next);
            let is_h264 = profile.video_codec_operation == vk::VideoCodecOperationFlagsKHR::ENCODE_H264;
            require(is_h264 && h264.is_some(), || "a profile of another codec".to_owned())?;
            let depth = vk::VideoComponentBitDepthFlagsKHR::TYPE_8;
            require_equal("bit depths", (profile.luma_bit_depth, profile.chroma_bit_depth), (depth, depth))?;
            require_equal("chroma", profile.chroma_subsampling, vk::VideoChromaSubsamplingFlagsKHR::TYPE_420)?;
            Ok(Self { h264: h264.map_or(0, |h264| h264.std_profile_idc) })
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
        let bit = match self.h264 {
            66 => 1,
            77 => 2,
            100 => 4,
            _ => 0,
        };
        get("profiles") & bit != 0
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
            let (Some(encode), Some(h264)) = (encode, h264) else {
                return require(false, || "capabilities without those of the codec".to_owned());
            };
            fill_common(into);
            fill_encode(encode);
            fill_h264(h264, profile);
            Ok(())
        }
    })
}

fn fill_common(into: &mut vk::VideoCapabilitiesKHR<'_>) {
    let (least, most) = sizes();
    let side = count("granularity");
    into.flags = vk::VideoCapabilityFlagsKHR::empty();
    into.min_bitstream_buffer_offset_alignment = 256;
    into.min_bitstream_buffer_size_alignment = ALIGNMENT;
    into.picture_access_granularity = vk::Extent2D { width: side, height: side };
    (into.min_coded_extent, into.max_coded_extent) = (least, most);
    into.max_dpb_slots = count("slots");
    into.max_active_reference_pictures = count("references");
    into.std_header_version = std_header();
}

/// The version of the standard's structures.
pub(crate) fn std_header() -> vk::ExtensionProperties {
    let mut header = vk::ExtensionProperties::default().spec_version(1 << 22);
    for (place, byte) in header.extension_name.iter_mut().zip(b"VK_STD_vulkan_video_codec_h264_encode") {
        *place = byte.cast_signed();
    }
    header
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

fn fill_h264(into: &mut vk::VideoEncodeH264CapabilitiesKHR<'_>, profile: Profile) {
    use vk::VideoEncodeH264StdFlagsKHR as Flags;
    into.max_level_idc = count("level");
    into.max_slice_count = count("slices");
    into.max_p_picture_l0_reference_count = count("references");
    into.max_temporal_layer_count = 1;
    (into.min_qp, into.max_qp) = (0, 51);
    let mut flags = Flags::ENTROPY_CODING_MODE_FLAG_UNSET | Flags::DEBLOCKING_FILTER_DISABLED;
    if get("cabac") == 1 && profile.h264 != 66 {
        flags |= Flags::ENTROPY_CODING_MODE_FLAG_SET;
    }
    if get("transforms") == 1 && profile.h264 == 100 {
        flags |= Flags::TRANSFORM_8X8_MODE_FLAG_SET;
    }
    into.std_syntax_flags = flags;
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
        let formats = [vk::Format::G8_B8_R8_3PLANE_420_UNORM, FORMAT];
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

/// The only one that is encoded.
pub(crate) const FORMAT: vk::Format = vk::Format::G8_B8R8_2PLANE_420_UNORM;

pub(crate) const MOST_BITRATE: u64 = 800_000_000;
pub(crate) const QUALITY_LEVELS: u32 = 4;

/// Of ranges in buffers.
pub(crate) const ALIGNMENT: u64 = 4096;

const DEFAULTS: &[(&str, i32)] = &[
    ("video", 1),
    ("node", 3),
    ("profiles", 7),
    ("rates", 7),
    ("slices", 8),
    ("slots", 17),
    ("references", 1),
    ("cabac", 1),
    ("transforms", 1),
    ("level", 18),
    ("most_width", 4096),
    ("granularity", 16),
    ("memories", 2),
    ("overrides", 0),
    ("status", 1),
    ("stalls", 0),
];
