//! What parameters say, as the headers that say the same.

use earthshine_ffi::vaapi::bits::{hevc_picture, hevc_sequence, hevc_slice};
use earthshine_ffi::vaapi::sys::*;

use super::profile::Profile;
use super::sets::Sets;
use super::slice::Header;
use crate::driver::{Result, require, require_equal};

/// Parameter sets. What parameters have no place for is as a driver has it.
pub(super) fn sets(
    sequence: &VAEncSequenceParameterBufferHEVC,
    picture: &VAEncPictureParameterBufferHEVC,
) -> Result<Sets> {
    let (fields, picture_fields) = (sequence.seq_fields, picture.pic_fields);
    check_unused(sequence, picture)?;
    let depth = hevc_sequence::BIT_DEPTH_LUMA_MINUS8.get(fields) + 8;
    require_equal("chroma's depth", hevc_sequence::BIT_DEPTH_CHROMA_MINUS8.get(fields) + 8, depth)?;
    require_equal("chroma_format_idc", hevc_sequence::CHROMA_FORMAT_IDC.get(fields), 1)?;
    let from = |start: u8, base: u32, more: u8| {
        let start = u32::from(start) + base;
        (start, start + u32::from(more))
    };
    Ok(Sets {
        profile: Profile { number: sequence.general_profile_idc.into(), level: sequence.general_level_idc.into() },
        size: (sequence.pic_width_in_luma_samples.into(), sequence.pic_height_in_luma_samples.into()),
        cropping: [0; 2],
        depth,
        order_bits: 8,
        references: 5,
        blocks: from(
            sequence.log2_min_luma_coding_block_size_minus3,
            3,
            sequence.log2_diff_max_min_luma_coding_block_size,
        ),
        transforms: from(
            sequence.log2_min_transform_block_size_minus2,
            2,
            sequence.log2_diff_max_min_transform_block_size,
        ),
        depths: (
            sequence.max_transform_hierarchy_depth_inter.into(),
            sequence.max_transform_hierarchy_depth_intra.into(),
        ),
        asymmetric_motion: hevc_sequence::AMP_ENABLED_FLAG.get(fields) == 1,
        offsets: hevc_sequence::SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG.get(fields) == 1,
        strong_smoothing: hevc_sequence::STRONG_INTRA_SMOOTHING_ENABLED_FLAG.get(fields) == 1,
        sign_hiding: hevc_picture::SIGN_DATA_HIDING_ENABLED_FLAG.get(picture_fields) == 1,
        transform_skip: hevc_picture::TRANSFORM_SKIP_ENABLED_FLAG.get(picture_fields) == 1,
        quantizer: picture.pic_init_qp.into(),
        quantizer_varies: hevc_picture::CU_QP_DELTA_ENABLED_FLAG.get(picture_fields) == 1,
        filter_across: hevc_picture::PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG.get(picture_fields) == 1,
    })
}

/// A slice's header.
pub(super) fn header(
    picture: &VAEncPictureParameterBufferHEVC,
    slice: &VAEncSliceParameterBufferHEVC,
    sets: &Sets,
) -> Header {
    let order = picture.decoded_curr_pic.pic_order_cnt;
    let mut kept: Vec<_> = picture
        .reference_frames
        .iter()
        .filter(|reference| reference.flags & VA_PICTURE_HEVC_INVALID == 0)
        .map(|reference| {
            let distance = (order - reference.pic_order_cnt).cast_unsigned();
            (distance, reference.flags & VA_PICTURE_HEVC_RPS_ST_CURR_BEFORE != 0)
        })
        .collect();
    kept.sort_unstable();
    let fields = slice.slice_fields;
    Header {
        unit: picture.nal_unit_type.into(),
        first: slice.slice_segment_address,
        kind: slice.slice_type.into(),
        order: order.cast_unsigned() % (1 << sets.order_bits),
        kept,
        offsets: (hevc_slice::SLICE_SAO_LUMA_FLAG.get(fields) == 1, hevc_slice::SLICE_SAO_CHROMA_FLAG.get(fields) == 1),
        quantizer_delta: slice.slice_qp_delta.into(),
        filter_across: hevc_slice::SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG.get(fields) == 1,
    }
}

/// Whether a picture is an IDR picture.
pub(super) fn is_idr(picture: &VAEncPictureParameterBufferHEVC) -> bool {
    hevc_picture::IDR_PIC_FLAG.get(picture.pic_fields) == 1
}

/// What is not looked into here is off.
fn check_unused(sequence: &VAEncSequenceParameterBufferHEVC, picture: &VAEncPictureParameterBufferHEVC) -> Result {
    for (name, bits) in [
        ("separate_colour_plane_flag", hevc_sequence::SEPARATE_COLOUR_PLANE_FLAG),
        ("scaling_list_enabled_flag", hevc_sequence::SCALING_LIST_ENABLED_FLAG),
        ("pcm_enabled_flag", hevc_sequence::PCM_ENABLED_FLAG),
        ("sps_temporal_mvp_enabled_flag", hevc_sequence::SPS_TEMPORAL_MVP_ENABLED_FLAG),
        ("hierachical_flag", hevc_sequence::HIERACHICAL_FLAG),
    ] {
        require_equal(name, bits.get(sequence.seq_fields), 0)?;
    }
    for (name, bits) in [
        ("dependent_slice_segments_enabled_flag", hevc_picture::DEPENDENT_SLICE_SEGMENTS_ENABLED_FLAG),
        ("constrained_intra_pred_flag", hevc_picture::CONSTRAINED_INTRA_PRED_FLAG),
        ("weighted_pred_flag", hevc_picture::WEIGHTED_PRED_FLAG),
        ("weighted_bipred_flag", hevc_picture::WEIGHTED_BIPRED_FLAG),
        ("transquant_bypass_enabled_flag", hevc_picture::TRANSQUANT_BYPASS_ENABLED_FLAG),
        ("tiles_enabled_flag", hevc_picture::TILES_ENABLED_FLAG),
        ("entropy_coding_sync_enabled_flag", hevc_picture::ENTROPY_CODING_SYNC_ENABLED_FLAG),
        ("scaling_list_data_present_flag", hevc_picture::SCALING_LIST_DATA_PRESENT_FLAG),
        ("screen_content_flag", hevc_picture::SCREEN_CONTENT_FLAG),
    ] {
        require_equal(name, bits.get(picture.pic_fields), 0)?;
    }
    require_equal("general_tier_flag", sequence.general_tier_flag, 0)?;
    require_equal("ip_period", sequence.ip_period, 1)?;
    require(sequence.va_reserved == [0; 7], || "reserved words are not zero".to_owned())
}
