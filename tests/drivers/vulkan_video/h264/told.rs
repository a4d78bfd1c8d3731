//! What a program says of a picture.

use ash::vk;
use ash::vk::native::{
    StdVideoEncodeH264PictureInfo, StdVideoEncodeH264RefListModEntry, StdVideoEncodeH264ReferenceListsInfo,
};

use super::slice::{Common, Slice};
use crate::chain;
use crate::codec::Mark;
use crate::rules::{Result, require, require_equal, violation};

/// A picture.
pub(crate) struct Told {
    pub(super) info: StdVideoEncodeH264PictureInfo,
    pub(super) common: Common,
    /// Slots of list 0.
    pub(super) list: Vec<u8>,
    pub(super) slices: Vec<Slice>,
}

// SAFETY: pointers in it are null: `read` has followed them.
unsafe impl Send for Told {}

impl Told {
    /// # Safety
    /// As `vkCmdEncodeVideoKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoEncodeH264PictureInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            require_equal("prefix", told.generate_prefix_nalu, vk::FALSE)?;
            let mut info = *told.p_std_picture_info.as_ref().ok_or_else(|| violation("no picture of the standard"))?;
            let slice = |entry: &vk::VideoEncodeH264NaluSliceInfoKHR<'_>| {
                chain::check("a slice", entry.p_next, &[])?;
                let header = entry.p_std_slice_header.as_ref().ok_or_else(|| violation("no slice header"))?;
                require(header.pWeightTable.is_null(), || "weights".to_owned())?;
                Ok(Slice { header: *header, constant_quantizer: entry.constant_qp })
            };
            let entries = chain::array(told.p_nalu_slice_entries, told.nalu_slice_entry_count);
            let lists = std::mem::replace(&mut info.pRefLists, std::ptr::null());
            let (list, steps) = read_lists(lists)?;
            let is_idr = info.flags.IdrPicFlag() == 1;
            let common = Common {
                frame_number: info.frame_num,
                order: info.PicOrderCnt,
                idr: is_idr.then_some(info.idr_pic_id),
                steps,
            };
            Ok(Self { info, common, list, slices: entries.iter().map(slice).collect::<Result<_>>()? })
        }
    }

    pub(crate) const fn is_idr(&self) -> bool {
        self.common.idr.is_some()
    }
}

/// By what a picture in a slot is known.
///
/// # Safety
/// As in `vkCmdEncodeVideoKHR`.
pub(crate) unsafe fn mark(slot: &vk::VideoEncodeH264DpbSlotInfoKHR<'_>) -> Result<Mark> {
    // SAFETY: the caller's contract.
    let info = unsafe { slot.p_std_reference_info.as_ref() };
    let info = info.ok_or_else(|| violation("a slot of which the standard knows nothing"))?;
    Ok(Mark { kind: info.primary_pic_type, number: info.FrameNum, order: info.PicOrderCnt })
}

/// Slots of list 0, and the steps that change it.
unsafe fn read_lists(
    lists: *const StdVideoEncodeH264ReferenceListsInfo,
) -> Result<(Vec<u8>, Vec<StdVideoEncodeH264RefListModEntry>)> {
    // SAFETY: the caller's contract.
    unsafe {
        let Some(lists) = lists.as_ref() else {
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
