//! HEVC, as drivers are told.

use std::ops::Range;
use std::rc::Rc;

use earthshine_ffi::vaapi::bits::{hevc_block_sizes, hevc_features, hevc_picture, hevc_sequence, hevc_slice, hevc_vui};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Capabilities, Context, VaError, zeroed};

use super::choice::RateControl;
use super::syntax::{Coding, NO_PERIOD, Reference, Syntax};
use crate::units::Size;
use crate::worker::encode::bitstream::hevc::{IDR, Sequence, Slice, TRAIL, Tools};
use crate::worker::encode::bitstream::nal::Packed;

/// An HEVC stream.
#[derive(Debug)]
pub(super) struct Hevc {
    sequence: Sequence,
}

impl Hevc {
    pub(super) const fn new(sequence: Sequence) -> Self {
        Self { sequence }
    }

    fn slice_of(&self, coding: &Coding, rows: &Range<u32>) -> Slice {
        let before = |kept: &Reference| (coding.order - kept.order, Some(*kept) == coding.reference);
        let (columns, _) = self.sequence.blocks();
        Slice { address: rows.start * columns, order: coding.order, kept: coding.kept.iter().map(before).collect() }
    }

    fn kind(&self, coding: &Coding) -> u32 {
        if coding.reference.is_some() { self.sequence.predicted() } else { I }
    }
}

impl Syntax for Hevc {
    fn coded_size(&self) -> Size {
        self.sequence.coded_size()
    }

    fn rows(&self) -> u32 {
        self.sequence.blocks().1
    }

    fn keeps_lost(&self) -> bool {
        // Each picture says what is kept, and a decoder misses what it is told to keep.
        false
    }

    fn sequence(&self, context: &Rc<Context>, bits_per_second: u32) -> Result<Buffer, VaError> {
        let Sequence { ten_bit, level, tools, .. } = self.sequence;
        let size = self.sequence.coded_size();
        let mut parameters: VAEncSequenceParameterBufferHEVC = zeroed();
        (parameters.general_profile_idc, parameters.general_level_idc) = (if ten_bit { 2 } else { 1 }, level);
        (parameters.intra_period, parameters.intra_idr_period, parameters.ip_period) = (NO_PERIOD, NO_PERIOD, 1);
        parameters.bits_per_second = bits_per_second;
        parameters.pic_width_in_luma_samples = word(size.width);
        parameters.pic_height_in_luma_samples = word(size.height);
        let fields = &mut parameters.seq_fields;
        let depth = if ten_bit { 2 } else { 0 };
        hevc_sequence::CHROMA_FORMAT_IDC.set(fields, 1);
        hevc_sequence::BIT_DEPTH_LUMA_MINUS8.set(fields, depth);
        hevc_sequence::BIT_DEPTH_CHROMA_MINUS8.set(fields, depth);
        hevc_sequence::STRONG_INTRA_SMOOTHING_ENABLED_FLAG.set(fields, tools.strong_smoothing.into());
        hevc_sequence::AMP_ENABLED_FLAG.set(fields, tools.asymmetric_motion.into());
        hevc_sequence::SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG.set(fields, tools.adaptive_offset.into());
        hevc_sequence::LOW_DELAY_SEQ.set(fields, 1);
        parameters.log2_min_luma_coding_block_size_minus3 = byte(tools.smallest_block - 3);
        parameters.log2_diff_max_min_luma_coding_block_size = byte(tools.largest_block - tools.smallest_block);
        parameters.log2_min_transform_block_size_minus2 = byte(tools.transforms.0 - 2);
        parameters.log2_diff_max_min_transform_block_size = byte(tools.transforms.1 - tools.transforms.0);
        parameters.max_transform_hierarchy_depth_inter = byte(tools.transform_depths.0);
        parameters.max_transform_hierarchy_depth_intra = byte(tools.transform_depths.1);
        // Colours have no place here: only our own headers say them.
        parameters.vui_parameters_present_flag = 1;
        hevc_vui::MOTION_VECTORS_OVER_PIC_BOUNDARIES_FLAG.set(&mut parameters.vui_fields, 1);
        Buffer::parameter(context, &parameters)
    }

    fn parameter_sets(&self) -> Packed {
        self.sequence.parameter_sets()
    }

    fn picture(&self, context: &Rc<Context>, coding: &Coding) -> Result<Buffer, VaError> {
        let tools = &self.sequence.tools;
        let mut parameters: VAEncPictureParameterBufferHEVC = zeroed();
        parameters.decoded_curr_pic = picture(Reference { order: coding.order, surface: coding.target }, 0);
        parameters.reference_frames = [nothing(); 15];
        for (place, kept) in parameters.reference_frames.iter_mut().zip(&coding.kept) {
            let referred = Some(*kept) == coding.reference;
            *place = picture(*kept, if referred { VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE } else { 0 });
        }
        parameters.coded_buf = coding.coded;
        parameters.collocated_ref_pic_index = 0xFF;
        parameters.pic_init_qp = INITIAL_QUANTIZER;
        parameters.nal_unit_type = if coding.reference.is_some() { TRAIL } else { IDR };
        let fields = &mut parameters.pic_fields;
        hevc_picture::IDR_PIC_FLAG.set(fields, coding.reference.is_none().into());
        // I, P, B are 1, 2, 3, where slices count down.
        hevc_picture::CODING_TYPE.set(fields, 3 - self.kind(coding));
        hevc_picture::REFERENCE_PIC_FLAG.set(fields, 1);
        hevc_picture::SIGN_DATA_HIDING_ENABLED_FLAG.set(fields, tools.sign_hiding.into());
        hevc_picture::TRANSFORM_SKIP_ENABLED_FLAG.set(fields, tools.transform_skip.into());
        hevc_picture::CU_QP_DELTA_ENABLED_FLAG.set(fields, tools.quantizer_varies.into());
        hevc_picture::PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG.set(fields, 1);
        Buffer::parameter(context, &parameters)
    }

    fn slice(&self, context: &Rc<Context>, coding: &Coding, rows: Range<u32>) -> Result<Buffer, VaError> {
        let (columns, all) = self.sequence.blocks();
        let mut parameters: VAEncSliceParameterBufferHEVC = zeroed();
        parameters.slice_segment_address = rows.start * columns;
        parameters.num_ctu_in_slice = (rows.end - rows.start) * columns;
        parameters.slice_type = byte(self.kind(coding));
        (parameters.ref_pic_list0, parameters.ref_pic_list1) = ([nothing(); 15], [nothing(); 15]);
        if let Some(reference) = coding.reference {
            let named = picture(reference, VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE);
            parameters.ref_pic_list0[0] = named;
            if self.sequence.tools.both_lists {
                parameters.ref_pic_list1[0] = named;
            }
        }
        parameters.max_num_merge_cand = 5;
        let (fields, offset) = (&mut parameters.slice_fields, self.sequence.tools.adaptive_offset);
        hevc_slice::LAST_SLICE_OF_PIC_FLAG.set(fields, (rows.end == all).into());
        hevc_slice::SLICE_SAO_LUMA_FLAG.set(fields, offset.into());
        hevc_slice::SLICE_SAO_CHROMA_FLAG.set(fields, offset.into());
        hevc_slice::SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG.set(fields, 1);
        hevc_slice::COLLOCATED_FROM_L0_FLAG.set(fields, 1);
        Buffer::parameter(context, &parameters)
    }

    fn slice_header(&self, coding: &Coding, rows: Range<u32>) -> Packed {
        self.sequence.slice_header(&self.slice_of(coding, &rows))
    }
}

/// What the engine has to have, as far as its driver says; otherwise what the first
/// engines had.
pub(super) fn tools(capabilities: &Capabilities, rate_control: RateControl) -> Tools {
    let mut tools = Tools {
        largest_block: 5,
        smallest_block: 4,
        transforms: (2, 5),
        transform_depths: (3, 3),
        asymmetric_motion: true,
        adaptive_offset: false,
        strong_smoothing: false,
        sign_hiding: false,
        transform_skip: false,
        quantizer_varies: rate_control != RateControl::Quantizer,
        both_lists: capabilities.needs_both_lists,
    };
    if let Some(features) = capabilities.hevc_features {
        tools.asymmetric_motion = hevc_features::AMP.get(features) != 0;
        tools.adaptive_offset = hevc_features::SAO.get(features) != 0;
        tools.strong_smoothing = hevc_features::STRONG_INTRA_SMOOTHING.get(features) != 0;
        tools.sign_hiding = hevc_features::SIGN_DATA_HIDING.get(features) != 0;
        tools.transform_skip = hevc_features::TRANSFORM_SKIP.get(features) != 0;
        tools.quantizer_varies = hevc_features::CU_QP_DELTA.get(features) != 0;
    }
    if let Some(sizes) = capabilities.hevc_block_sizes {
        tools.largest_block = hevc_block_sizes::LOG2_MAX_CODING_TREE_BLOCK_SIZE_MINUS3.get(sizes) + 3;
        let smallest = hevc_block_sizes::LOG2_MIN_LUMA_CODING_BLOCK_SIZE_MINUS3.get(sizes) + 3;
        tools.smallest_block = smallest.min(tools.largest_block);
        let least = hevc_block_sizes::LOG2_MIN_LUMA_TRANSFORM_BLOCK_SIZE_MINUS2.get(sizes) + 2;
        let most = hevc_block_sizes::LOG2_MAX_LUMA_TRANSFORM_BLOCK_SIZE_MINUS2.get(sizes) + 2;
        tools.transforms = (least.min(most), most);
        tools.transform_depths = (
            hevc_block_sizes::MAX_MAX_TRANSFORM_HIERARCHY_DEPTH_INTER.get(sizes),
            hevc_block_sizes::MAX_MAX_TRANSFORM_HIERARCHY_DEPTH_INTRA.get(sizes),
        );
    }
    tools
}

fn picture(reference: Reference, flags: u32) -> VAPictureHEVC {
    let mut picture: VAPictureHEVC = zeroed();
    (picture.picture_id, picture.pic_order_cnt) = (reference.surface, reference.order.cast_signed());
    picture.flags = flags;
    picture
}

/// A place for a picture without one.
fn nothing() -> VAPictureHEVC {
    let mut picture: VAPictureHEVC = zeroed();
    (picture.picture_id, picture.flags) = (VA_INVALID_ID, VA_PICTURE_HEVC_INVALID);
    picture
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn word(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// `init_qp_minus26` is nought.
const INITIAL_QUANTIZER: u8 = 26;
/// `slice_type`.
const I: u32 = 2;

#[cfg(test)]
mod tests {
    use super::super::testing::capabilities;
    use super::*;

    #[test]
    fn an_engine_says_what_it_has_to_have() {
        let guessed = tools(&capabilities(), RateControl::Constant);
        assert_eq!((guessed.largest_block, guessed.smallest_block), (5, 4));
        assert!(guessed.quantizer_varies && !tools(&capabilities(), RateControl::Quantizer).quantizer_varies);
        let (mut features, mut sizes) = (0, 0);
        hevc_features::SAO.set(&mut features, 2);
        hevc_block_sizes::LOG2_MAX_CODING_TREE_BLOCK_SIZE_MINUS3.set(&mut sizes, 3);
        hevc_block_sizes::LOG2_MAX_LUMA_TRANSFORM_BLOCK_SIZE_MINUS2.set(&mut sizes, 3);
        hevc_block_sizes::MAX_MAX_TRANSFORM_HIERARCHY_DEPTH_INTER.set(&mut sizes, 2);
        let (hevc_features, hevc_block_sizes) = (Some(features), Some(sizes));
        let said = Capabilities { hevc_features, hevc_block_sizes, ..capabilities() };
        let said = tools(&said, RateControl::Constant);
        assert!(said.adaptive_offset && !said.asymmetric_motion && !said.quantizer_varies);
        assert_eq!((said.largest_block, said.smallest_block, said.transforms), (6, 3, (2, 5)));
        assert_eq!(said.transform_depths, (2, 0));
    }
}
