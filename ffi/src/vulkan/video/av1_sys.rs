//! VK_KHR_video_encode_av1, as `vulkan_core.h` (header version 1.4) and
//! `vulkan_video_codec_av1std_encode.h` (1.0.0) declare it: ash 0.38 is older than that.
//! Types of AV1 that decoders share are ash's own. Bit fields are one word each, with the
//! places of their members in [`picture`].

#![allow(missing_docs, missing_debug_implementations, unreachable_pub)]
#![allow(non_snake_case)]

use std::ffi::{CStr, c_void};

use ash::vk;
use ash::vk::native::*;
use vk::{Bool32, Extent2D, StructureType, TaggedStructure};

pub const NAME: &CStr = c"VK_KHR_video_encode_av1";
pub const STD_NAME: &CStr = c"VK_STD_vulkan_video_codec_av1_encode";
pub const ENCODE_AV1: vk::VideoCodecOperationFlagsKHR = vk::VideoCodecOperationFlagsKHR::from_raw(0x0004_0000);

/// `VkVideoEncodeAV1StdFlagBitsKHR`.
pub const STD_UNIFORM_TILE_SPACING_FLAG_SET: u32 = 1;
pub const STD_SKIP_MODE_PRESENT_UNSET: u32 = 2;
pub const STD_PRIMARY_REF_FRAME: u32 = 4;
pub const STD_DELTA_Q: u32 = 8;

/// `VkVideoEncodeAV1SuperblockSizeFlagBitsKHR`.
pub const SUPERBLOCK_SIZE_64: u32 = 1;
pub const SUPERBLOCK_SIZE_128: u32 = 2;

/// `VkVideoEncodeAV1RateControlFlagBitsKHR`.
pub const RATE_CONTROL_REGULAR_GOP: u32 = 1;
pub const RATE_CONTROL_REFERENCE_PATTERN_FLAT: u32 = 4;

/// `VkVideoEncodeAV1PredictionModeKHR`.
pub const PREDICTION_MODE_INTRA_ONLY: u32 = 0;
pub const PREDICTION_MODE_SINGLE_REFERENCE: u32 = 1;

/// `VkVideoEncodeAV1RateControlGroupKHR`.
pub const RATE_CONTROL_GROUP_INTRA: u32 = 0;
pub const RATE_CONTROL_GROUP_PREDICTIVE: u32 = 1;

/// Places in the flags of a picture.
pub mod picture {
    pub const ERROR_RESILIENT_MODE: u32 = 1 << 0;
    pub const DISABLE_FRAME_END_UPDATE_CDF: u32 = 1 << 14;
    pub const SHOW_FRAME: u32 = 1 << 27;
    pub const SHOWABLE_FRAME: u32 = 1 << 28;
}

/// Structures that are chained to others: their types, and to which.
macro_rules! tagged {
    ($($name:ident = $number:literal: $($base:ident)*;)*) => {$(
        // SAFETY: it begins with its type, and with a pointer to what is chained to it.
        unsafe impl TaggedStructure for $name {
            const STRUCTURE_TYPE: StructureType = StructureType::from_raw($number);
        }
        $(
            // SAFETY: as the interface says.
            unsafe impl vk::$base for $name {}
        )*
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: numbers and pointers, for which zero is a value.
                let zeroed: Self = unsafe { std::mem::zeroed() };
                Self { s_type: Self::STRUCTURE_TYPE, ..zeroed }
            }
        }
    )*};
}

tagged! {
    VideoEncodeAV1CapabilitiesKHR = 1_000_513_000: ExtendsVideoCapabilitiesKHR;
    VideoEncodeAV1SessionParametersCreateInfoKHR = 1_000_513_001: ExtendsVideoSessionParametersCreateInfoKHR;
    VideoEncodeAV1PictureInfoKHR = 1_000_513_002: ExtendsVideoEncodeInfoKHR;
    VideoEncodeAV1DpbSlotInfoKHR = 1_000_513_003: ExtendsVideoReferenceSlotInfoKHR;
    PhysicalDeviceVideoEncodeAV1FeaturesKHR = 1_000_513_004: ExtendsDeviceCreateInfo ExtendsPhysicalDeviceFeatures2;
    VideoEncodeAV1ProfileInfoKHR = 1_000_513_005: ExtendsVideoProfileInfoKHR;
    VideoEncodeAV1RateControlInfoKHR = 1_000_513_006: ExtendsVideoCodingControlInfoKHR;
    VideoEncodeAV1SessionCreateInfoKHR = 1_000_513_009: ExtendsVideoSessionCreateInfoKHR;
    VideoEncodeAV1GopRemainingFrameInfoKHR = 1_000_513_010: ExtendsVideoBeginCodingInfoKHR;
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct PhysicalDeviceVideoEncodeAV1FeaturesKHR {
    pub s_type: StructureType,
    pub p_next: *mut c_void,
    pub video_encode_av1: Bool32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1CapabilitiesKHR {
    pub s_type: StructureType,
    pub p_next: *mut c_void,
    pub flags: u32,
    pub max_level: StdVideoAV1Level,
    pub coded_picture_alignment: Extent2D,
    pub max_tiles: Extent2D,
    pub min_tile_size: Extent2D,
    pub max_tile_size: Extent2D,
    pub superblock_sizes: u32,
    pub max_single_reference_count: u32,
    pub single_reference_name_mask: u32,
    pub max_unidirectional_compound_reference_count: u32,
    pub max_unidirectional_compound_group1_reference_count: u32,
    pub unidirectional_compound_reference_name_mask: u32,
    pub max_bidirectional_compound_reference_count: u32,
    pub max_bidirectional_compound_group1_reference_count: u32,
    pub max_bidirectional_compound_group2_reference_count: u32,
    pub bidirectional_compound_reference_name_mask: u32,
    pub max_temporal_layer_count: u32,
    pub max_spatial_layer_count: u32,
    pub max_operating_points: u32,
    pub min_q_index: u32,
    pub max_q_index: u32,
    pub prefers_gop_remaining_frames: Bool32,
    pub requires_gop_remaining_frames: Bool32,
    pub std_syntax_flags: u32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1SessionCreateInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub use_max_level: Bool32,
    pub max_level: StdVideoAV1Level,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1SessionParametersCreateInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub p_std_sequence_header: *const StdVideoAV1SequenceHeader,
    /// `StdVideoEncodeAV1DecoderModelInfo`.
    pub p_std_decoder_model_info: *const c_void,
    pub std_operating_point_count: u32,
    pub p_std_operating_points: *const StdVideoEncodeAV1OperatingPointInfo,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1PictureInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub prediction_mode: u32,
    pub rate_control_group: u32,
    pub constant_q_index: u32,
    pub p_std_picture_info: *const StdVideoEncodeAV1PictureInfo,
    pub reference_name_slot_indices: [i32; vk::MAX_VIDEO_AV1_REFERENCES_PER_FRAME_KHR],
    pub primary_reference_cdf_only: Bool32,
    pub generate_obu_extension_header: Bool32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1DpbSlotInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub p_std_reference_info: *const StdVideoEncodeAV1ReferenceInfo,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1ProfileInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub std_profile: StdVideoAV1Profile,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1RateControlInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub flags: u32,
    pub gop_frame_count: u32,
    pub key_frame_period: u32,
    pub consecutive_bipredictive_frame_count: u32,
    pub temporal_layer_count: u32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct VideoEncodeAV1GopRemainingFrameInfoKHR {
    pub s_type: StructureType,
    pub p_next: *const c_void,
    pub use_gop_remaining_frames: Bool32,
    pub gop_remaining_intra: u32,
    pub gop_remaining_predictive: u32,
    pub gop_remaining_bipredictive: u32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct StdVideoEncodeAV1OperatingPointInfo {
    pub flags: u32,
    pub operating_point_idc: u16,
    pub seq_level_idx: u8,
    pub seq_tier: u8,
    pub decoder_buffer_delay: u32,
    pub encoder_buffer_delay: u32,
    pub initial_display_delay_minus_1: u8,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct StdVideoEncodeAV1PictureInfo {
    pub flags: u32,
    pub frame_type: StdVideoAV1FrameType,
    pub frame_presentation_time: u32,
    pub current_frame_id: u32,
    pub order_hint: u8,
    pub primary_ref_frame: u8,
    pub refresh_frame_flags: u8,
    pub coded_denom: u8,
    pub render_width_minus_1: u16,
    pub render_height_minus_1: u16,
    pub interpolation_filter: StdVideoAV1InterpolationFilter,
    pub TxMode: StdVideoAV1TxMode,
    pub delta_q_res: u8,
    pub delta_lf_res: u8,
    pub ref_order_hint: [u8; 8],
    pub ref_frame_idx: [i8; 7],
    pub reserved1: [u8; 3],
    pub delta_frame_id_minus_1: [u32; 7],
    pub pTileInfo: *const StdVideoAV1TileInfo,
    pub pQuantization: *const StdVideoAV1Quantization,
    pub pSegmentation: *const StdVideoAV1Segmentation,
    pub pLoopFilter: *const StdVideoAV1LoopFilter,
    pub pCDEF: *const StdVideoAV1CDEF,
    pub pLoopRestoration: *const StdVideoAV1LoopRestoration,
    pub pGlobalMotion: *const StdVideoAV1GlobalMotion,
    /// `StdVideoEncodeAV1ExtensionHeader`.
    pub pExtensionHeader: *const c_void,
    pub pBufferRemovalTimes: *const u32,
}

#[repr(C)]
#[derive(Copy, Clone)]
pub struct StdVideoEncodeAV1ReferenceInfo {
    pub flags: u32,
    pub RefFrameId: u32,
    pub frame_type: StdVideoAV1FrameType,
    pub OrderHint: u8,
    pub reserved1: [u8; 3],
    /// `StdVideoEncodeAV1ExtensionHeader`.
    pub pExtensionHeader: *const c_void,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    /// As a C compiler lays the headers' structures out on x86-64 and AArch64.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn structures_are_laid_out_as_the_headers_have_them() {
        let sizes = [
            (size_of::<PhysicalDeviceVideoEncodeAV1FeaturesKHR>(), 24),
            (size_of::<VideoEncodeAV1CapabilitiesKHR>(), 128),
            (size_of::<VideoEncodeAV1SessionCreateInfoKHR>(), 24),
            (size_of::<VideoEncodeAV1SessionParametersCreateInfoKHR>(), 48),
            (size_of::<VideoEncodeAV1PictureInfoKHR>(), 80),
            (size_of::<VideoEncodeAV1DpbSlotInfoKHR>(), 24),
            (size_of::<VideoEncodeAV1ProfileInfoKHR>(), 24),
            (size_of::<VideoEncodeAV1RateControlInfoKHR>(), 40),
            (size_of::<VideoEncodeAV1GopRemainingFrameInfoKHR>(), 32),
            (size_of::<StdVideoEncodeAV1OperatingPointInfo>(), 20),
            (size_of::<StdVideoEncodeAV1PictureInfo>(), 152),
            (size_of::<StdVideoEncodeAV1ReferenceInfo>(), 24),
            (size_of::<StdVideoAV1SequenceHeader>(), 40),
            (size_of::<StdVideoAV1ColorConfig>(), 24),
            (size_of::<StdVideoAV1TileInfo>(), 48),
            (offset_of!(VideoEncodeAV1CapabilitiesKHR, superblock_sizes), 56),
            (offset_of!(VideoEncodeAV1CapabilitiesKHR, max_temporal_layer_count), 96),
            (offset_of!(VideoEncodeAV1CapabilitiesKHR, std_syntax_flags), 124),
            (offset_of!(VideoEncodeAV1SessionParametersCreateInfoKHR, p_std_operating_points), 40),
            (offset_of!(VideoEncodeAV1PictureInfoKHR, p_std_picture_info), 32),
            (offset_of!(VideoEncodeAV1PictureInfoKHR, generate_obu_extension_header), 72),
            (offset_of!(StdVideoEncodeAV1PictureInfo, interpolation_filter), 24),
            (offset_of!(StdVideoEncodeAV1PictureInfo, ref_frame_idx), 42),
            (offset_of!(StdVideoEncodeAV1PictureInfo, delta_frame_id_minus_1), 52),
            (offset_of!(StdVideoEncodeAV1PictureInfo, pTileInfo), 80),
            (offset_of!(StdVideoEncodeAV1PictureInfo, pBufferRemovalTimes), 144),
            (offset_of!(StdVideoEncodeAV1ReferenceInfo, pExtensionHeader), 16),
            (offset_of!(StdVideoEncodeAV1OperatingPointInfo, decoder_buffer_delay), 8),
            (offset_of!(StdVideoAV1SequenceHeader, order_hint_bits_minus_1), 16),
        ];
        for (index, (found, expected)) in sizes.into_iter().enumerate() {
            assert_eq!(found, expected, "{index}");
        }
    }
}
