//! Commands that are ours to do, as they were written down: whatever they point to may be
//! gone when a queue gets them.

use std::ffi::c_void;

use ash::vk;
use ash::vk::native::{StdVideoEncodeH264PictureInfo, StdVideoEncodeH264ReferenceInfo};

use crate::chain;
use crate::rules::{Result, require, require_equal, violation};
use crate::session::Rate;
use crate::slice::{Common, Slice};

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
    pub(crate) info: StdVideoEncodeH264PictureInfo,
    pub(crate) common: Common,
    /// Slots of list 0.
    pub(crate) list: Vec<u8>,
    pub(crate) slices: Vec<Slice>,
}

// SAFETY: pointers in it are null: `read` has followed them.
unsafe impl Send for Encode {}

/// A slot with what the standard says of its picture.
pub(crate) struct Named {
    pub(crate) slot: i32,
    pub(crate) resource: Resource,
    pub(crate) info: StdVideoEncodeH264ReferenceInfo,
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
            chain::check("the beginning", told.p_next, &RATE)?;
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
            })
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
            chain::check("a slot", slot.p_next, &[vk::StructureType::VIDEO_ENCODE_H264_DPB_SLOT_INFO_KHR])?;
            let info = chain::find::<vk::VideoEncodeH264DpbSlotInfoKHR<'_>>(slot.p_next);
            let info = info.and_then(|info| info.p_std_reference_info.as_ref());
            let info = *info.ok_or_else(|| violation("a slot of which the standard knows nothing"))?;
            Ok(Self { slot: slot.slot_index, resource: Resource::read(slot.p_picture_resource)?, info })
        }
    }
}

impl Encode {
    /// # Safety
    /// As `vkCmdEncodeVideoKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoEncodeInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            chain::check("the picture", told.p_next, &[vk::StructureType::VIDEO_ENCODE_H264_PICTURE_INFO_KHR])?;
            let h264 = chain::find::<vk::VideoEncodeH264PictureInfoKHR<'_>>(told.p_next);
            let h264 = h264.ok_or_else(|| violation("no picture of the codec"))?;
            require_equal("prefix", h264.generate_prefix_nalu, vk::FALSE)?;
            require_equal(
                "flags, and bytes before",
                (told.flags.as_raw(), told.preceding_externally_encoded_bytes),
                (0, 0),
            )?;
            let mut info = *h264.p_std_picture_info.as_ref().ok_or_else(|| violation("no picture of the standard"))?;
            let slice = |entry: &vk::VideoEncodeH264NaluSliceInfoKHR<'_>| {
                chain::check("a slice", entry.p_next, &[])?;
                let header = entry.p_std_slice_header.as_ref().ok_or_else(|| violation("no slice header"))?;
                require(header.pWeightTable.is_null(), || "weights".to_owned())?;
                Ok(Slice { header: *header, constant_quantizer: entry.constant_qp })
            };
            let entries = chain::array(h264.p_nalu_slice_entries, h264.nalu_slice_entry_count);
            let lists = std::mem::replace(&mut info.pRefLists, std::ptr::null());
            let (list, steps) = Self::read_lists(lists.cast())?;
            let is_idr = info.flags.IdrPicFlag() == 1;
            let setup = told.p_setup_reference_slot.as_ref().ok_or_else(|| violation("no slot for the picture"))?;
            let references = chain::array(told.p_reference_slots, told.reference_slot_count);
            Ok(Self {
                buffer: told.dst_buffer,
                offset: told.dst_buffer_offset,
                range: told.dst_buffer_range,
                source: Resource::read(&told.src_picture_resource)?,
                setup: Named::read(setup)?,
                references: references.iter().map(|slot| Named::read(slot)).collect::<Result<_>>()?,
                info,
                common: Common {
                    frame_number: info.frame_num,
                    order: info.PicOrderCnt,
                    idr: is_idr.then_some(info.idr_pic_id),
                    steps,
                },
                list,
                slices: entries.iter().map(slice).collect::<Result<_>>()?,
            })
        }
    }

    /// Slots of list 0, and the steps that change it.
    unsafe fn read_lists(
        lists: *const c_void,
    ) -> Result<(Vec<u8>, Vec<vk::native::StdVideoEncodeH264RefListModEntry>)> {
        // SAFETY: the caller's contract.
        unsafe {
            let Some(lists) = lists.cast::<vk::native::StdVideoEncodeH264ReferenceListsInfo>().as_ref() else {
                return Ok((Vec::new(), Vec::new()));
            };
            let active = usize::from(lists.num_ref_idx_l0_active_minus1) + 1;
            require(lists.RefPicList0[active..].iter().all(|slot| *slot == 0xFF), || "a longer list 0".to_owned())?;
            require(lists.RefPicList1 == [0xFF; 32], || "a list 1 for a P picture".to_owned())?;
            let others = (lists.refList1ModOpCount, lists.refPicMarkingOpCount, lists.reserved1);
            require_equal("list 1 and marking", others, (0, 0, [0; 7]))?;
            let steps = chain::array(lists.pRefList0ModOperations, lists.refList0ModOpCount.into()).to_vec();
            let flag = lists.flags.ref_pic_list_modification_flag_l0() == 1;
            require_equal("ref_pic_list_modification_flag_l0", flag, !steps.is_empty())?;
            Ok((lists.RefPicList0[..active].to_vec(), steps))
        }
    }
}

const RATE: [vk::StructureType; 2] =
    [vk::StructureType::VIDEO_ENCODE_RATE_CONTROL_INFO_KHR, vk::StructureType::VIDEO_ENCODE_H264_RATE_CONTROL_INFO_KHR];
