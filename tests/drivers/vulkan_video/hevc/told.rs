//! What a program says of a picture.

use ash::vk;
use ash::vk::native::{
    StdVideoEncodeH265PictureInfo, StdVideoEncodeH265ReferenceListsInfo, StdVideoEncodeH265SliceSegmentHeader,
    StdVideoH265ShortTermRefPicSet,
};

use crate::chain;
use crate::codec::Mark;
use crate::rules::{Result, require, require_equal, violation};

/// A picture.
pub(crate) struct Told {
    pub(super) info: StdVideoEncodeH265PictureInfo,
    /// How far before it the pictures are that are kept, nearest first, and whether it
    /// refers to them.
    pub(super) kept: Vec<(u32, bool)>,
    /// Slots of both lists.
    pub(super) lists: [Vec<u8>; 2],
    pub(super) slices: Vec<Slice>,
}

/// One slice.
pub(super) struct Slice {
    pub(super) header: StdVideoEncodeH265SliceSegmentHeader,
    pub(super) constant_quantizer: i32,
}

// SAFETY: pointers in it are null: `read` has followed them.
unsafe impl Send for Told {}

impl Told {
    /// # Safety
    /// As `vkCmdEncodeVideoKHR` takes it.
    pub(crate) unsafe fn read(told: &vk::VideoEncodeH265PictureInfoKHR<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        unsafe {
            let mut info = *told.p_std_picture_info.as_ref().ok_or_else(|| violation("no picture of the standard"))?;
            let slice = |entry: &vk::VideoEncodeH265NaluSliceSegmentInfoKHR<'_>| {
                chain::check("a slice", entry.p_next, &[])?;
                let header = entry.p_std_slice_segment_header.as_ref().ok_or_else(|| violation("no slice header"))?;
                require(header.pWeightTable.is_null(), || "weights".to_owned())?;
                Ok(Slice { header: *header, constant_quantizer: entry.constant_qp })
            };
            let entries = chain::array(told.p_nalu_slice_segment_entries, told.nalu_slice_segment_entry_count);
            require(info.pLongTermRefPics.is_null(), || "pictures kept for long".to_owned())?;
            let lists = std::mem::replace(&mut info.pRefLists, std::ptr::null());
            let kept = std::mem::replace(&mut info.pShortTermRefPicSet, std::ptr::null());
            let kept = read_kept(kept.as_ref().ok_or_else(|| violation("nobody says what is kept"))?)?;
            let lists = read_lists(lists.as_ref(), info.pic_type == B)?;
            Ok(Self { info, kept, lists, slices: entries.iter().map(slice).collect::<Result<_>>()? })
        }
    }

    pub(crate) fn is_idr(&self) -> bool {
        self.info.flags.IrapPicFlag() == 1
    }
}

/// By what a picture in a slot is known.
///
/// # Safety
/// As in `vkCmdEncodeVideoKHR`.
pub(crate) unsafe fn mark(slot: &vk::VideoEncodeH265DpbSlotInfoKHR<'_>) -> Result<Mark> {
    // SAFETY: the caller's contract.
    let info = unsafe { slot.p_std_reference_info.as_ref() };
    let info = info.ok_or_else(|| violation("a slot of which the standard knows nothing"))?;
    let others = (info.flags.used_for_long_term_reference(), info.flags.unused_for_reference(), info.TemporalId);
    require_equal("a slot for long, for nothing, of a layer", others, (0, 0, 0))?;
    Ok(Mark { kind: info.pic_type, number: 0, order: info.PicOrderCntVal })
}

fn read_kept(set: &StdVideoH265ShortTermRefPicSet) -> Result<Vec<(u32, bool)>> {
    let predicted = (set.flags.inter_ref_pic_set_prediction_flag(), set.flags.delta_rps_sign());
    require_equal("prediction of what is kept", predicted, (0, 0))?;
    let unused = (set.delta_idx_minus1, set.use_delta_flag, set.abs_delta_rps_minus1, set.used_by_curr_pic_flag);
    require_equal("what predicts what is kept", unused, (0, 0, 0, 0))?;
    let after = (set.num_positive_pics, set.used_by_curr_pic_s1_flag);
    require_equal("pictures after", after, (0, 0))?;
    require_equal("reserved members", (set.reserved1, set.reserved2, set.reserved3), (0, 0, 0))?;
    let count = usize::from(set.num_negative_pics);
    require(count <= 16 && u32::from(set.used_by_curr_pic_s0_flag) < 1 << count, || format!("{count} pictures"))?;
    let mut distance = 0;
    let kept = set.delta_poc_s0_minus1[..count].iter().enumerate().map(|(index, delta)| {
        distance += u32::from(*delta) + 1;
        (distance, set.used_by_curr_pic_s0_flag >> index & 1 == 1)
    });
    Ok(kept.collect())
}

fn read_lists(lists: Option<&StdVideoEncodeH265ReferenceListsInfo>, has_both: bool) -> Result<[Vec<u8>; 2]> {
    let Some(lists) = lists else { return Ok([Vec::new(), Vec::new()]) };
    let flags = (lists.flags.ref_pic_list_modification_flag_l0(), lists.flags.ref_pic_list_modification_flag_l1());
    require_equal("changed lists", flags, (0, 0))?;
    require_equal("entries of lists", (lists.list_entry_l0, lists.list_entry_l1), ([0; 15], [0; 15]))?;
    let of = |list: &[u8; 15], active: usize| {
        require(list[active..].iter().all(|slot| *slot == 0xFF), || format!("a longer list: {list:?}"))?;
        Ok(list[..active].to_vec())
    };
    let counts = (lists.num_ref_idx_l0_active_minus1, lists.num_ref_idx_l1_active_minus1);
    let second = if has_both { usize::from(counts.1) + 1 } else { 0 };
    Ok([of(&lists.RefPicList0, usize::from(counts.0) + 1)?, of(&lists.RefPicList1, second)?])
}

/// `StdVideoH265PictureType`.
pub(super) const P: u32 = 0;
pub(super) const B: u32 = 1;
pub(super) const IDR: u32 = 3;
