//! AV1, as drivers are told. A picture is one group of tiles.

use std::ops::Range;
use std::rc::Rc;

use earthshine_ffi::vaapi::bits::{
    av1_features, av1_features_2, av1_mode_control, av1_picture, av1_reference_control, av1_sequence, av1_tile_group,
};
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Capabilities, Context, VaError, zeroed};

use super::choice::{Headers, RateControl};
use super::syntax::{Coding, NO_PERIOD, Reference, Syntax};
use crate::units::Size;
use crate::worker::encode::bitstream::av1::{
    FILTER_LEVEL, FrameHeader, ORDER_BITS, PLACES, REFERENCES_OF_A_FRAME, Sequence, TEMPORAL_DELIMITER, Tools,
    order_hint,
};
use crate::worker::encode::bitstream::nal::Packed;

/// An AV1 stream.
#[derive(Debug)]
pub(super) struct Av1 {
    sequence: Sequence,
    /// The engine writes into our frame headers.
    is_written_into: bool,
}

impl Av1 {
    pub(super) fn new(sequence: Sequence, rate_control: RateControl, headers: Headers) -> Self {
        Self { sequence, is_written_into: headers.slice && rate_control != RateControl::Quantizer }
    }

    fn frame(coding: &Coding) -> FrameHeader {
        let reference = coding.reference.map_or(0, |reference| place(reference.order));
        FrameHeader { order: coding.order, reference, place: place(coding.order), quantizer: QUANTIZER }
    }

    fn set_tiles(&self, parameters: &mut VAEncPictureParameterBufferAV1) {
        let ((columns, rows), (across, down)) = (self.sequence.blocks(), self.sequence.tiles());
        let split = |blocks: u32, parts: u32, sizes: &mut [u16]| -> u8 {
            let each = blocks.div_ceil(1 << parts);
            let count = blocks.div_ceil(each);
            for (index, size) in (0..count).zip(sizes) {
                *size = u16::try_from(each.min(blocks - index * each) - 1).unwrap_or(u16::MAX);
            }
            byte(count)
        };
        parameters.tile_cols = split(columns, across, &mut parameters.width_in_sbs_minus_1);
        parameters.tile_rows = split(rows, down, &mut parameters.height_in_sbs_minus_1);
    }

    /// Where the engine writes over our header what it finds out: without rate control
    /// nothing, and never segments, which are not asked for.
    fn set_offsets(&self, coding: &Coding, parameters: &mut VAEncPictureParameterBufferAV1) {
        if !self.is_written_into {
            return;
        }
        let (_, offsets) = self.sequence.frame_header(&Self::frame(coding));
        parameters.bit_offset_qindex = offsets.quantizer;
        parameters.bit_offset_loopfilter_params = offsets.loop_filter;
        parameters.bit_offset_cdef_params = offsets.directional;
        parameters.size_in_bits_cdef_params = offsets.directional_bits;
        parameters.byte_offset_frame_hdr_obu_size = offsets.size;
        parameters.size_in_bits_frame_hdr_obu = offsets.all;
    }
}

impl Syntax for Av1 {
    fn coded_size(&self) -> Size {
        // Frames may have any size; engines work in blocks.
        let Size { width, height } = self.sequence.size;
        Size::new(width.next_multiple_of(16), height.next_multiple_of(16))
    }

    fn rows(&self) -> u32 {
        // Slices there are none.
        1
    }

    fn sequence(&self, context: &Rc<Context>, bits_per_second: u32) -> Result<Buffer, VaError> {
        let Sequence { ten_bit, level, tools, .. } = self.sequence;
        let mut parameters: VAEncSequenceParameterBufferAV1 = zeroed();
        (parameters.seq_level_idx, parameters.intra_period, parameters.ip_period) = (level, NO_PERIOD, 1);
        parameters.bits_per_second = bits_per_second;
        parameters.order_hint_bits_minus_1 = byte(ORDER_BITS - 1);
        let fields = &mut parameters.seq_fields;
        av1_sequence::USE_128X128_SUPERBLOCK.set(fields, tools.large_blocks.into());
        av1_sequence::ENABLE_FILTER_INTRA.set(fields, tools.filter_intra.into());
        av1_sequence::ENABLE_INTRA_EDGE_FILTER.set(fields, tools.intra_edge.into());
        av1_sequence::ENABLE_ORDER_HINT.set(fields, 1);
        av1_sequence::ENABLE_CDEF.set(fields, tools.directional.into());
        av1_sequence::BIT_DEPTH_MINUS8.set(fields, if ten_bit { 2 } else { 0 });
        av1_sequence::SUBSAMPLING_X.set(fields, 1);
        av1_sequence::SUBSAMPLING_Y.set(fields, 1);
        Buffer::parameter(context, &parameters)
    }

    fn parameter_sets(&self) -> Packed {
        self.sequence.header()
    }

    fn picture(&self, context: &Rc<Context>, coding: &Coding) -> Result<Buffer, VaError> {
        let mut parameters: VAEncPictureParameterBufferAV1 = zeroed();
        let (size, frame) = (self.sequence.size, Self::frame(coding));
        (parameters.frame_width_minus_1, parameters.frame_height_minus_1) =
            (word(size.width - 1), word(size.height - 1));
        (parameters.reconstructed_frame, parameters.coded_buf) = (coding.target, coding.coded);
        parameters.reference_frames = [VA_INVALID_ID; PLACES as usize];
        for Reference { order, surface } in &coding.kept {
            parameters.reference_frames[usize::from(place(*order))] = *surface;
        }
        parameters.order_hint = order_hint(coding.order);
        let fields = &mut parameters.picture_flags;
        if coding.reference.is_some() {
            parameters.ref_frame_idx = [frame.reference; REFERENCES_OF_A_FRAME as usize];
            parameters.refresh_frame_flags = 1 << frame.place;
            av1_reference_control::SEARCH_IDX0.set(&mut parameters.ref_frame_ctrl_l0, LAST);
            av1_picture::FRAME_TYPE.set(fields, INTER);
        } else {
            parameters.primary_ref_frame = NONE;
            parameters.refresh_frame_flags = u8::MAX;
            av1_picture::ERROR_RESILIENT_MODE.set(fields, 1);
        }
        (parameters.filter_level, parameters.filter_level_u, parameters.filter_level_v) =
            ([FILTER_LEVEL; 2], FILTER_LEVEL, FILTER_LEVEL);
        (parameters.base_qindex, parameters.min_base_qindex, parameters.max_base_qindex) =
            (frame.quantizer, 1, u8::MAX);
        let transforms = if self.sequence.tools.transforms_vary { TX_MODE_SELECT } else { TX_MODE_LARGEST };
        av1_mode_control::TX_MODE.set(&mut parameters.mode_control_flags, transforms);
        let mut information = 0;
        av1_tile_group::OBU_HAS_SIZE_FIELD.set(&mut information, 1);
        parameters.tile_group_obu_hdr_info = byte(information);
        self.set_tiles(&mut parameters);
        self.set_offsets(coding, &mut parameters);
        Buffer::parameter(context, &parameters)
    }

    fn slice(&self, context: &Rc<Context>, _coding: &Coding, _rows: Range<u32>) -> Result<Buffer, VaError> {
        let mut parameters: VAEncTileGroupBufferAV1 = zeroed();
        let (across, down) = self.sequence.tiles();
        parameters.tg_end = byte((1 << (across + down)) - 1);
        Buffer::parameter(context, &parameters)
    }

    fn slice_header(&self, coding: &Coding, _rows: Range<u32>) -> Packed {
        self.sequence.frame_header(&Self::frame(coding)).0
    }

    fn slice_header_kind(&self) -> VAEncPackedHeaderType {
        VAEncPackedHeaderType::VAEncPackedHeaderPicture
    }

    fn beginning(&self) -> &'static [u8] {
        &TEMPORAL_DELIMITER
    }
}

/// What the engine has to have, as far as its driver says.
pub(super) fn tools(capabilities: &Capabilities) -> Tools {
    let features = capabilities.av1_features.unwrap_or(0);
    let sizes = capabilities.av1_sizes.unwrap_or(0);
    Tools {
        large_blocks: av1_features::SUPPORT_128X128_SUPERBLOCK.get(features) == REQUIRED,
        directional: av1_features::SUPPORT_CDEF_CHANNEL_STRENGTH.get(features) != 0,
        filter_intra: av1_features::SUPPORT_FILTER_INTRA.get(features) == REQUIRED,
        intra_edge: av1_features::SUPPORT_INTRA_EDGE_FILTER.get(features) == REQUIRED,
        transforms_vary: av1_features_2::TX_MODE_SUPPORT.get(sizes) & (1 << TX_MODE_SELECT) != 0,
        tile_size_bytes: av1_features_2::TILE_SIZE_BYTES_MINUS1.get(sizes) + 1,
    }
}

/// The place of a picture among those that a decoder keeps: fewer are kept than there are.
fn place(order: u32) -> u8 {
    byte(order % PLACES)
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn word(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// `base_q_idx` without rate control, and for the first guess with it: middling.
const QUANTIZER: u8 = 110;

/// `VA_FEATURE_REQUIRED`.
const REQUIRED: u32 = 2;

/// `frame_type`.
const INTER: u32 = 1;
/// `primary_ref_frame` of what begins with fresh symbols.
const NONE: u8 = 7;
/// The first name of a reference.
const LAST: u32 = 1;

/// `tx_mode`.
const TX_MODE_LARGEST: u32 = 1;
const TX_MODE_SELECT: u32 = 2;

#[cfg(test)]
mod tests {
    use super::super::testing::capabilities;
    use super::*;

    #[test]
    fn an_engine_says_what_it_has_to_have() {
        let (mut features, mut sizes) = (0, 0);
        av1_features::SUPPORT_128X128_SUPERBLOCK.set(&mut features, 1);
        av1_features::SUPPORT_CDEF_CHANNEL_STRENGTH.set(&mut features, 1);
        av1_features::SUPPORT_INTRA_EDGE_FILTER.set(&mut features, REQUIRED);
        av1_features_2::TX_MODE_SUPPORT.set(&mut sizes, 0b100);
        av1_features_2::TILE_SIZE_BYTES_MINUS1.set(&mut sizes, 3);
        let (av1_features, av1_sizes) = (Some(features), Some(sizes));
        let said = tools(&Capabilities { av1_features, av1_sizes, ..capabilities() });
        assert!(!said.large_blocks && said.directional && said.intra_edge && !said.filter_intra);
        assert!(said.transforms_vary && said.tile_size_bytes == 4);
        assert!(!tools(&capabilities()).transforms_vary);
    }

    #[test]
    fn pictures_that_are_kept_have_places_of_their_own() {
        for order in 0..40 {
            let kept: std::collections::HashSet<_> = (order..=order + 5).map(place).collect();
            assert_eq!(kept.len(), 6);
        }
    }
}
