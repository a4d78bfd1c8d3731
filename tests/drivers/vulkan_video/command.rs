//! Commands that are ours to do, as they were written down: whatever they point to may be
//! gone when a queue gets them.

use std::ffi::c_void;

use ash::vk::{self, TaggedStructure};
use earthshine_ffi::vulkan::video::av1_sys as sys;

use crate::chain;
use crate::codec::{Mark, Told};
use crate::rules::{Result, require_equal, violation};
use crate::session::Rate;

/// A command.
pub(crate) enum Command {
    Copy { buffer: vk::Buffer, image: vk::Image, regions: Vec<vk::BufferImageCopy> },
    Transition { image: vk::Image, range: vk::ImageSubresourceRange, layouts: (vk::ImageLayout, vk::ImageLayout) },
    ResetQuery { pool: vk::QueryPool, first: u32, count: u32 },
    BeginQuery { pool: vk::QueryPool, index: u32 },
    EndQuery { pool: vk::QueryPool, index: u32 },
    Begin(Begin),
    Control(Control),
    Encode(Box<Encode>),
    End,
}

/// The session's scope begins.
pub(crate) struct Begin {
    pub(crate) session: vk::VideoSessionKHR,
    pub(crate) parameters: vk::VideoSessionParametersKHR,
    pub(crate) slots: Vec<(i32, Resource)>,
    pub(crate) rate: Option<Rate>,
    pub(crate) remaining: Option<Remaining>,
}

/// Pictures that are left until the next IDR picture.
#[derive(Clone, Copy)]
pub(crate) struct Remaining {
    pub(crate) codec: vk::VideoCodecOperationFlagsKHR,
    /// I, P and B.
    pub(crate) pictures: [u32; 3],
}

/// A session is told something.
pub(crate) struct Control {
    pub(crate) flags: vk::VideoCodingControlFlagsKHR,
    pub(crate) rate: Option<Rate>,
    pub(crate) quality: Option<u32>,
}

/// A picture.
pub(crate) struct Encode {
    pub(crate) buffer: vk::Buffer,
    pub(crate) offset: u64,
    pub(crate) range: u64,
    pub(crate) source: Resource,
    pub(crate) setup: Named,
    pub(crate) references: Vec<Named>,
    pub(crate) told: Told,
}

/// A slot with what the standard says of its picture.
pub(crate) struct Named {
    pub(crate) slot: i32,
    pub(crate) resource: Resource,
    pub(crate) mark: Mark,
}

/// A picture's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Resource {
    pub(crate) view: vk::ImageView,
    pub(crate) layer: u32,
    pub(crate) extent: vk::Extent2D,
}

impl Resource {
    /// # Safety
    /// The pointer is null, or one of the interface's.
    unsafe fn read(resource: *const vk::VideoPictureResourceInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        let resource = unsafe { resource.as_ref() }.ok_or_else(|| violation("a slot without a picture"))?;
        require_equal("sType", resource.s_type, vk::StructureType::VIDEO_PICTURE_RESOURCE_INFO_KHR)?;
        let offset = resource.coded_offset;
        require_equal("coded offset", (offset.x, offset.y), (0, 0))?;
        let (view, layer) = (resource.image_view_binding, resource.base_array_layer);
        Ok(Self { view, layer, extent: resource.coded_extent })
    }
}

impl Begin {
    /// # Safety
    /// As `vkCmdBeginVideoCodingKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoBeginCodingInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            let known: Vec<_> = RATE.into_iter().chain(REMAINING).collect();
            chain::check("the beginning", told.p_next, &known)?;
            let slots = chain::array(told.p_reference_slots, told.reference_slot_count);
            let slot = |slot: &vk::VideoReferenceSlotInfoKHR<'_>| {
                chain::check("a slot", slot.p_next, &[])?;
                Ok((slot.slot_index, Resource::read(slot.p_picture_resource)?))
            };
            Ok(Self {
                session: told.video_session,
                parameters: told.video_session_parameters,
                slots: slots.iter().map(slot).collect::<Result<_>>()?,
                rate: Rate::read(told.p_next),
                remaining: Remaining::read(told.p_next),
            })
        }
    }
}

impl Remaining {
    unsafe fn read(chain: *const c_void) -> Option<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            if let Some(told) = chain::find::<vk::VideoEncodeH264GopRemainingFrameInfoKHR<'_>>(chain) {
                let codec = vk::VideoCodecOperationFlagsKHR::ENCODE_H264;
                let pictures = [told.gop_remaining_i, told.gop_remaining_p, told.gop_remaining_b];
                return (told.use_gop_remaining_frames == vk::TRUE).then_some(Self { codec, pictures });
            }
            if let Some(told) = chain::find::<sys::VideoEncodeAV1GopRemainingFrameInfoKHR>(chain) {
                let pictures =
                    [told.gop_remaining_intra, told.gop_remaining_predictive, told.gop_remaining_bipredictive];
                let codec = sys::ENCODE_AV1;
                return (told.use_gop_remaining_frames == vk::TRUE).then_some(Self { codec, pictures });
            }
            let told = chain::find::<vk::VideoEncodeH265GopRemainingFrameInfoKHR<'_>>(chain)?;
            let codec = vk::VideoCodecOperationFlagsKHR::ENCODE_H265;
            let pictures = [told.gop_remaining_i, told.gop_remaining_p, told.gop_remaining_b];
            (told.use_gop_remaining_frames == vk::TRUE).then_some(Self { codec, pictures })
        }
    }
}

impl Control {
    /// # Safety
    /// As `vkCmdControlVideoCodingKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoCodingControlInfoKHR<'_>) -> Result<Self> {
        use vk::VideoCodingControlFlagsKHR as Flags;
        let known: Vec<_> = RATE.into_iter().chain([vk::StructureType::VIDEO_ENCODE_QUALITY_LEVEL_INFO_KHR]).collect();
        // SAFETY: the caller's contract.
        let (rate, quality) = unsafe {
            chain::check("the control", told.p_next, &known)?;
            (Rate::read(told.p_next), chain::find::<vk::VideoEncodeQualityLevelInfoKHR<'_>>(told.p_next))
        };
        let has = |flag| told.flags.contains(flag);
        require_equal("rate control", rate.is_some(), has(Flags::ENCODE_RATE_CONTROL))?;
        require_equal("quality level", quality.is_some(), has(Flags::ENCODE_QUALITY_LEVEL))?;
        Ok(Self { flags: told.flags, rate, quality: quality.map(|quality| quality.quality_level) })
    }
}

impl Named {
    /// # Safety
    /// As in `vkCmdEncodeVideoKHR`.
    unsafe fn read(slot: &vk::VideoReferenceSlotInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            let mark = Mark::read(slot.p_next)?;
            Ok(Self { slot: slot.slot_index, resource: Resource::read(slot.p_picture_resource)?, mark })
        }
    }
}

impl Encode {
    /// # Safety
    /// As `vkCmdEncodeVideoKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoEncodeInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            require_equal(
                "flags, and bytes before",
                (told.flags.as_raw(), told.preceding_externally_encoded_bytes),
                (0, 0),
            )?;
            let setup = told.p_setup_reference_slot.as_ref().ok_or_else(|| violation("no slot for the picture"))?;
            let references = chain::array(told.p_reference_slots, told.reference_slot_count);
            Ok(Self {
                buffer: told.dst_buffer,
                offset: told.dst_buffer_offset,
                range: told.dst_buffer_range,
                source: Resource::read(&told.src_picture_resource)?,
                setup: Named::read(setup)?,
                references: references.iter().map(|slot| Named::read(slot)).collect::<Result<_>>()?,
                told: Told::read(told.p_next)?,
            })
        }
    }
}

const RATE: [vk::StructureType; 4] = [
    vk::StructureType::VIDEO_ENCODE_RATE_CONTROL_INFO_KHR,
    vk::StructureType::VIDEO_ENCODE_H264_RATE_CONTROL_INFO_KHR,
    vk::StructureType::VIDEO_ENCODE_H265_RATE_CONTROL_INFO_KHR,
    sys::VideoEncodeAV1RateControlInfoKHR::STRUCTURE_TYPE,
];

const REMAINING: [vk::StructureType; 3] = [
    vk::StructureType::VIDEO_ENCODE_H264_GOP_REMAINING_FRAME_INFO_KHR,
    vk::StructureType::VIDEO_ENCODE_H265_GOP_REMAINING_FRAME_INFO_KHR,
    sys::VideoEncodeAV1GopRemainingFrameInfoKHR::STRUCTURE_TYPE,
];
