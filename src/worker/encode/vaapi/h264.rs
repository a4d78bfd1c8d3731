//! H.264, as drivers are told.

use std::ops::Range;
use std::rc::Rc;

use earthshine_ffi::vaapi::bits::{h264_picture, h264_sequence, h264_vui};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Context, VaError, zeroed};

use super::syntax::{Coding, NO_PERIOD, Reference, Syntax};
use crate::units::Size;
use crate::worker::encode::bitstream::h264::{
    FRAME_NUMBER_BITS, ORDER_BITS, Sequence, Slice, SliceKind, frame_number, order_bits, order_count,
};
use crate::worker::encode::bitstream::nal::Packed;

/// An H.264 stream.
#[derive(Debug)]
pub(super) struct H264 {
    sequence: Sequence,
}

impl H264 {
    pub(super) const fn new(sequence: Sequence) -> Self {
        Self { sequence }
    }

    fn slice_of(&self, coding: &Coding, rows: &Range<u32>) -> Slice {
        let kind = match coding.reference {
            None => SliceKind::Idr { id: coding.idr },
            Some(reference) => SliceKind::Predicted { distance: coding.order - reference.order },
        };
        let (columns, _) = self.sequence.macroblocks();
        Slice { first_macroblock: rows.start * columns, kind, order: coding.order, quantizer_delta: 0 }
    }
}

impl Syntax for H264 {
    fn coded_size(&self) -> Size {
        let (columns, rows) = self.sequence.macroblocks();
        Size::new(columns * 16, rows * 16)
    }

    fn rows(&self) -> u32 {
        self.sequence.macroblocks().1
    }

    fn sequence(&self, context: &Rc<Context>, bits_per_second: u32) -> Result<Buffer, VaError> {
        let mut parameters: VAEncSequenceParameterBufferH264 = zeroed();
        let (columns, rows) = self.sequence.macroblocks();
        parameters.level_idc = self.sequence.level;
        (parameters.intra_period, parameters.intra_idr_period, parameters.ip_period) = (NO_PERIOD, NO_PERIOD, 1);
        parameters.bits_per_second = bits_per_second;
        parameters.max_num_ref_frames = self.sequence.references.into();
        parameters.picture_width_in_mbs = u16::try_from(columns).unwrap_or(u16::MAX);
        parameters.picture_height_in_mbs = u16::try_from(rows).unwrap_or(u16::MAX);
        let fields = &mut parameters.seq_fields;
        h264_sequence::CHROMA_FORMAT_IDC.set(fields, 1);
        h264_sequence::FRAME_MBS_ONLY_FLAG.set(fields, 1);
        h264_sequence::DIRECT_8X8_INFERENCE_FLAG.set(fields, 1);
        h264_sequence::LOG2_MAX_FRAME_NUM_MINUS4.set(fields, FRAME_NUMBER_BITS - 4);
        h264_sequence::PIC_ORDER_CNT_TYPE.set(fields, 0);
        h264_sequence::LOG2_MAX_PIC_ORDER_CNT_LSB_MINUS4.set(fields, ORDER_BITS - 4);
        let [right, bottom] = self.sequence.cropping();
        parameters.frame_cropping_flag = (right + bottom > 0).into();
        (parameters.frame_crop_right_offset, parameters.frame_crop_bottom_offset) = (right, bottom);
        // Colours have no place here: only our own headers say them.
        parameters.vui_parameters_present_flag = 1;
        let fields = &mut parameters.vui_fields;
        h264_vui::BITSTREAM_RESTRICTION_FLAG.set(fields, 1);
        h264_vui::MOTION_VECTORS_OVER_PIC_BOUNDARIES_FLAG.set(fields, 1);
        h264_vui::LOG2_MAX_MV_LENGTH_HORIZONTAL.set(fields, 15);
        h264_vui::LOG2_MAX_MV_LENGTH_VERTICAL.set(fields, 15);
        Buffer::parameter(context, &parameters)
    }

    fn parameter_sets(&self) -> Packed {
        self.sequence.parameter_sets()
    }

    fn picture(&self, context: &Rc<Context>, coding: &Coding) -> Result<Buffer, VaError> {
        let mut parameters: VAEncPictureParameterBufferH264 = zeroed();
        parameters.CurrPic = picture(Reference { order: coding.order, surface: coding.target }, 0);
        parameters.ReferenceFrames = [nothing(); 16];
        for (place, kept) in parameters.ReferenceFrames.iter_mut().zip(&coding.kept) {
            *place = picture(*kept, VA_PICTURE_H264_SHORT_TERM_REFERENCE);
        }
        parameters.coded_buf = coding.coded;
        parameters.frame_num = frame_number(coding.order);
        parameters.pic_init_qp = INITIAL_QUANTIZER;
        let fields = &mut parameters.pic_fields;
        h264_picture::IDR_PIC_FLAG.set(fields, coding.reference.is_none().into());
        h264_picture::REFERENCE_PIC_FLAG.set(fields, 1);
        h264_picture::ENTROPY_CODING_MODE_FLAG.set(fields, self.sequence.profile.has_cabac().into());
        h264_picture::TRANSFORM_8X8_MODE_FLAG.set(fields, self.sequence.profile.has_large_transforms().into());
        h264_picture::DEBLOCKING_FILTER_CONTROL_PRESENT_FLAG.set(fields, 1);
        Buffer::parameter(context, &parameters)
    }

    fn slice(&self, context: &Rc<Context>, coding: &Coding, rows: Range<u32>) -> Result<Buffer, VaError> {
        let slice = self.slice_of(coding, &rows);
        let mut parameters: VAEncSliceParameterBufferH264 = zeroed();
        let (columns, _) = self.sequence.macroblocks();
        parameters.macroblock_address = slice.first_macroblock;
        parameters.num_macroblocks = (rows.end - rows.start) * columns;
        parameters.macroblock_info = VA_INVALID_ID;
        parameters.slice_type = if coding.reference.is_some() { P } else { I };
        parameters.idr_pic_id = coding.idr;
        parameters.pic_order_cnt_lsb = order_bits(coding.order);
        (parameters.RefPicList0, parameters.RefPicList1) = ([nothing(); 32], [nothing(); 32]);
        if let Some(reference) = coding.reference {
            parameters.RefPicList0[0] = picture(reference, VA_PICTURE_H264_SHORT_TERM_REFERENCE);
        }
        Buffer::parameter(context, &parameters)
    }

    fn slice_header(&self, coding: &Coding, rows: Range<u32>) -> Packed {
        self.sequence.slice_header(&self.slice_of(coding, &rows))
    }
}

fn picture(reference: Reference, flags: u32) -> VAPictureH264 {
    let mut picture: VAPictureH264 = zeroed();
    picture.picture_id = reference.surface;
    picture.frame_idx = frame_number(reference.order).into();
    picture.flags = flags;
    let count = order_count(reference.order);
    (picture.TopFieldOrderCnt, picture.BottomFieldOrderCnt) = (count, count);
    picture
}

/// A place for a picture without one.
fn nothing() -> VAPictureH264 {
    let mut picture: VAPictureH264 = zeroed();
    (picture.picture_id, picture.flags) = (VA_INVALID_ID, VA_PICTURE_H264_INVALID);
    picture
}

/// `pic_init_qp`, as our picture parameter set has it.
const INITIAL_QUANTIZER: u8 = 26;
/// `slice_type`.
const P: u8 = 0;
const I: u8 = 2;
