//! Slice headers, as a driver writes them (ITU-T H.264, 7.3.3), and what a decoder makes of
//! their lists of references (8.2.4).

use ash::vk::native::{StdVideoEncodeH264RefListModEntry, StdVideoEncodeH264SliceHeader};

use super::sets::Sets;
use super::stream::Kept;
use crate::bits::Writer;
use crate::rules::{Result, require, require_equal, violation};

/// What all slices of a picture have.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) frame_number: u32,
    pub(super) order: i32,
    /// IDR pictures have it.
    pub(super) idr: Option<u16>,
    /// Steps that change list 0.
    pub(super) steps: Vec<StdVideoEncodeH264RefListModEntry>,
}

/// One slice.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub(super) header: StdVideoEncodeH264SliceHeader,
    pub(super) constant_quantizer: i32,
}

impl Common {
    /// How far back list 0 begins, where the header says so.
    pub(super) fn distance(&self) -> Result<Option<u32>> {
        let Some((last, steps)) = self.steps.split_last() else { return Ok(None) };
        require_equal("last step", last.modification_of_pic_nums_idc, 3)?;
        let [step] = steps else { return Err(violation(format!("{} steps for one picture", steps.len()))) };
        require_equal("step", step.modification_of_pic_nums_idc, 0)?;
        Ok(Some(u32::from(step.abs_diff_pic_num_minus1) + 1))
    }

    /// What list 0 begins with for a decoder that reads the header.
    pub(super) fn referred<'a>(&self, kept: &'a [Kept], sets: &Sets) -> Result<&'a Kept> {
        let span = 1 << sets.frame_number_bits;
        let distance = self.distance()?;
        let wanted = distance.map(|distance| (self.frame_number + span - distance % span) % span);
        let found = match wanted {
            // The highest PicNum: the newest.
            None => kept.first(),
            Some(wanted) => kept.iter().find(|kept| kept.frame_number == wanted),
        };
        found.ok_or_else(|| violation(format!("no picture is {distance:?} before {}", self.frame_number)))
    }
}

impl Slice {
    pub(super) fn check(&self, is_idr: bool, sets: &Sets) -> Result {
        let header = &self.header;
        require_equal("slice_type", header.slice_type, if is_idr { 2 } else { 0 })?;
        require(header.first_mb_in_slice.is_multiple_of(sets.columns), || "a slice within a row".to_owned())?;
        let offsets = (header.slice_alpha_c0_offset_div2, header.slice_beta_offset_div2);
        require_equal("deblocking", (offsets, header.disable_deblocking_filter_idc), ((0, 0), 0))?;
        require_equal("override", header.flags.num_ref_idx_active_override_flag(), 0)?;
        require_equal("cabac_init_idc", header.cabac_init_idc, 0)
    }

    /// The header, for a quantizer.
    pub(super) fn write(&self, common: &Common, sets: &Sets, quantizer: i32) -> (u8, Writer) {
        let mut bits = Writer::default();
        let is_predicted = common.idr.is_none();
        bits.ue(self.header.first_mb_in_slice);
        bits.ue(if is_predicted { 5 } else { 7 });
        bits.ue(0);
        bits.put(common.frame_number, sets.frame_number_bits);
        if let Some(id) = common.idr {
            bits.ue(id.into());
        }
        bits.put(common.order.cast_unsigned() % (1 << sets.order_bits), sets.order_bits);
        if is_predicted {
            bits.bit(false);
            bits.bit(!common.steps.is_empty());
            for step in &common.steps {
                bits.ue(step.modification_of_pic_nums_idc);
                if step.modification_of_pic_nums_idc < 2 {
                    bits.ue(step.abs_diff_pic_num_minus1.into());
                }
            }
        }
        bits.put(0, if is_predicted { 1 } else { 2 });
        if sets.has_cabac && is_predicted {
            bits.ue(0);
        }
        bits.se(quantizer - sets.quantizer);
        if sets.deblocking_control {
            bits.put(0b111, 3);
        }
        (if is_predicted { 0x61 } else { 0x65 }, bits)
    }
}
