//! What an engine says that it can.

use ash::{khr, vk};

use super::av1_sys::VideoEncodeAV1CapabilitiesKHR;
use super::error::OpenVideoError;
use super::profile::Profile;
use super::rate::RateMode;
use super::{av1, h264, hevc};
use crate::vulkan::device::PhysicalDevice;
use crate::vulkan::error::{Named, OpenVulkanError, VulkanError};
use crate::vulkan::instance::Instance;

/// What one profile can have on a device.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Sides of the smallest picture.
    pub least: (u32, u32),
    /// Sides of the largest picture.
    pub most: (u32, u32),
    /// Pictures that it keeps at a time, the one that is encoded included.
    pub slots: u32,
    /// Slices of a picture at most.
    pub slices: u32,
    /// How it spends bits, at best.
    pub rate_mode: RateMode,
    /// Levels of how hard it tries; the first one is the fastest.
    pub quality_levels: u32,
    /// Bits per second at most.
    pub(super) most_bits_per_second: u64,
    /// Pictures begin and end at multiples of it.
    pub(super) granularity: (u32, u32),
    pub(super) bitstream_alignment: u64,
    /// It has to be told how many pictures are left until the next IDR picture.
    pub(super) wants_remaining: bool,
    pub(super) std_header: vk::ExtensionProperties,
    pub(super) codec: CodecCapabilities,
}

/// What differs from codec to codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodecCapabilities {
    H264(h264::Capabilities),
    Hevc(hevc::Capabilities),
    Av1(av1::Capabilities),
}

impl CodecCapabilities {
    /// Pictures that one may refer to.
    const fn references(&self) -> u32 {
        match self {
            Self::H264(can) => can.references,
            Self::Hevc(can) => can.references,
            Self::Av1(can) => can.references,
        }
    }

    /// Sides of pictures are multiples of this.
    const fn block(&self) -> u32 {
        match self {
            Self::H264(_) => h264::MACROBLOCK,
            Self::Hevc(can) => can.block(),
            // Frames have any size; chroma has half of it.
            Self::Av1(_) => 2,
        }
    }
}

impl PhysicalDevice {
    /// Whether it has an engine that encodes at all.
    #[must_use]
    pub const fn encodes(&self) -> bool {
        self.video.is_some()
    }
}

impl Capabilities {
    /// The first of some profiles that a device has, and what it can.
    ///
    /// # Errors
    /// [`OpenVideoError`].
    pub fn first(
        instance: &Instance,
        physical: &PhysicalDevice,
        profiles: &[Profile],
    ) -> Result<(Profile, Self), OpenVideoError> {
        let mut refused = None;
        for &profile in profiles {
            match Self::probe(instance, physical, profile) {
                Err(OpenVideoError::Vulkan(OpenVulkanError::Vulkan(error))) if error.is_of_profile() => {
                    refused = Some(error);
                }
                answer => return answer.map(|can| (profile, can)),
            }
        }
        Err(refused.unwrap_or(VulkanError::of(CALL, vk::Result::ERROR_UNKNOWN)).into())
    }

    /// What a profile can have.
    ///
    /// # Errors
    /// [`OpenVideoError`].
    pub fn probe(instance: &Instance, physical: &PhysicalDevice, profile: Profile) -> Result<Self, OpenVideoError> {
        let encodes = physical.video.as_ref().is_some_and(|video| video.operations.contains(profile.operation()));
        if !encodes {
            return Err(lacks(physical, "queue that encodes this codec"));
        }
        let mut encode = vk::VideoEncodeCapabilitiesKHR::default();
        let mut h264 = vk::VideoEncodeH264CapabilitiesKHR::default();
        let mut hevc = vk::VideoEncodeH265CapabilitiesKHR::default();
        let mut av1 = VideoEncodeAV1CapabilitiesKHR::default();
        let mut common = vk::VideoCapabilitiesKHR::default().push_next(&mut encode);
        common = match profile {
            Profile::H264(_) => common.push_next(&mut h264),
            Profile::Hevc(_) => common.push_next(&mut hevc),
            Profile::Av1(_) => common.push_next(&mut av1),
        };
        let functions = khr::video_queue::Instance::new(instance.entry(), instance.raw());
        let ask = functions.fp().get_physical_device_video_capabilities_khr;
        // SAFETY: the device is of the instance, and has the extensions of all structures,
        // as its queue says.
        profile.with(|profile| unsafe { ask(physical.raw, profile, &mut common) }.result()).named(CALL)?;
        let (least, most) = (common.min_coded_extent, common.max_coded_extent);
        let access = common.picture_access_granularity;
        let size_alignment = common.min_bitstream_buffer_size_alignment;
        let (slots, references) = (common.max_dpb_slots, common.max_active_reference_pictures);
        let std_header = common.std_header_version;
        let (codec, slices, quantizers, wants_remaining) = match profile {
            Profile::H264(profile) => {
                let can = CodecCapabilities::H264(h264::Capabilities::of(profile, &h264));
                (can, h264.max_slice_count, (h264.min_qp, h264.max_qp), h264.requires_gop_remaining_frames)
            }
            Profile::Hevc(profile) => {
                let can = CodecCapabilities::Hevc(hevc::Capabilities::of(profile, &hevc));
                (can, hevc.max_slice_segment_count, (hevc.min_qp, hevc.max_qp), hevc.requires_gop_remaining_frames)
            }
            Profile::Av1(depth) => {
                let can = CodecCapabilities::Av1(av1::Capabilities::of(depth, &av1));
                let index = |index: u32| i32::try_from(index).unwrap_or(i32::MAX);
                (can, 1, (index(av1.min_q_index), index(av1.max_q_index)), av1.requires_gop_remaining_frames)
            }
        };
        if slots < 2 || references == 0 || codec.references() == 0 {
            return Err(lacks(physical, "pictures that refer to others when it encodes"));
        }
        let feedback = vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BUFFER_OFFSET
            | vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BYTES_WRITTEN;
        if !encode.supported_encode_feedback_flags.contains(feedback) {
            return Err(lacks(physical, "way to say how long a coded picture is"));
        }
        let input = encode.encode_input_picture_granularity;
        let block = codec.block();
        let granularity = |access: u32, input: u32| multiple(multiple(access, input), block);
        Ok(Self {
            least: (least.width, least.height),
            most: (most.width, most.height),
            slots,
            slices,
            rate_mode: RateMode::best(profile, encode.rate_control_modes, quantizers),
            quality_levels: encode.max_quality_levels,
            most_bits_per_second: encode.max_bitrate,
            granularity: (granularity(access.width, input.width), granularity(access.height, input.height)),
            bitstream_alignment: size_alignment,
            wants_remaining: wants_remaining == vk::TRUE,
            std_header,
            codec,
        })
    }

    /// What is coded of a picture with whole blocks.
    pub(super) const fn coded_part(&self, visible: (u32, u32)) -> (u32, u32) {
        match self.codec {
            CodecCapabilities::Av1(_) => visible,
            CodecCapabilities::H264(_) | CodecCapabilities::Hevc(_) => self.coded_size(visible),
        }
    }

    /// Sides of a picture with whole blocks, whatever the engine reads at once.
    pub(super) const fn coded_size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.next_multiple_of(self.granularity.0), height.next_multiple_of(self.granularity.1))
    }
}

impl VulkanError {
    /// The profile is not there, as opposed to: something went wrong.
    fn is_of_profile(&self) -> bool {
        matches!(
            vk::Result::from_raw(self.code),
            vk::Result::ERROR_VIDEO_PROFILE_OPERATION_NOT_SUPPORTED_KHR
                | vk::Result::ERROR_VIDEO_PROFILE_CODEC_NOT_SUPPORTED_KHR
                | vk::Result::ERROR_VIDEO_PROFILE_FORMAT_NOT_SUPPORTED_KHR
                | vk::Result::ERROR_VIDEO_PICTURE_LAYOUT_NOT_SUPPORTED_KHR
        )
    }
}

/// Pictures of a profile for a use: how the device makes them.
pub(super) fn picture_format<'a>(
    instance: &Instance,
    physical: &PhysicalDevice,
    profile: Profile,
    usage: vk::ImageUsageFlags,
) -> Result<vk::VideoFormatPropertiesKHR<'a>, OpenVideoError> {
    const CALL: &str = "vkGetPhysicalDeviceVideoFormatPropertiesKHR";
    let functions = khr::video_queue::Instance::new(instance.entry(), instance.raw());
    let ask = functions.fp().get_physical_device_video_format_properties_khr;
    let found = profile.with(|info| {
        let mut list = vk::VideoProfileListInfoKHR::default().profiles(std::slice::from_ref(info));
        let question = vk::PhysicalDeviceVideoFormatInfoKHR::default().image_usage(usage).push_next(&mut list);
        let mut count = 0;
        // SAFETY: the device is of the instance, and has the extensions of all structures;
        // a count is written, and then as many answers at most.
        unsafe { ask(physical.raw, &question, &mut count, std::ptr::null_mut()) }.result().named(CALL)?;
        let mut found = vec![vk::VideoFormatPropertiesKHR::default(); count as usize];
        // SAFETY: as above.
        unsafe { ask(physical.raw, &question, &mut count, found.as_mut_ptr()) }.result().named(CALL)?;
        found.truncate(count as usize);
        Ok::<_, VulkanError>(found)
    })?;
    let fits = |found: &vk::VideoFormatPropertiesKHR<'_>| {
        found.format == profile.format() && found.image_usage_flags.contains(usage)
    };
    let found = found
        .into_iter()
        .find(fits)
        .map(|found| vk::VideoFormatPropertiesKHR { p_next: std::ptr::null_mut(), ..found });
    found.ok_or_else(|| lacks(physical, "pictures in two planes that it encodes from"))
}

/// The least multiple of both.
fn multiple(first: u32, second: u32) -> u32 {
    let (first, second) = (first.max(1), second.max(1));
    let (mut greatest, mut rest) = (first, second);
    while rest > 0 {
        (greatest, rest) = (rest, greatest % rest);
    }
    first / greatest * second
}

pub(super) fn lacks(physical: &PhysicalDevice, what: &'static str) -> OpenVideoError {
    OpenVulkanError::Lacks { device: physical.name.clone(), what }.into()
}

const CALL: &str = "vkGetPhysicalDeviceVideoCapabilitiesKHR";

#[cfg(test)]
mod tests {
    #[test]
    fn the_least_common_multiple_is_found() {
        for (first, second, multiple) in [(16, 16, 16), (1, 16, 16), (64, 16, 64), (12, 16, 48), (0, 0, 1)] {
            assert_eq!(super::multiple(first, second), multiple);
        }
    }
}
