//! Where the headers' bit fields lie in their words.

pub use crate::nvenc::bits::Bits;

/// Of `VAEncMiscParameterRateControl::rc_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod rate_control {
    use super::Bits;

    pub const RESET: Bits = Bits::new(0, 1);
    pub const DISABLE_FRAME_SKIP: Bits = Bits::new(1, 1);
    pub const DISABLE_BIT_STUFFING: Bits = Bits::new(2, 1);
    pub const MB_RATE_CONTROL: Bits = Bits::new(3, 4);
    pub const TEMPORAL_ID: Bits = Bits::new(7, 8);
    pub const CFS_I_FRAMES: Bits = Bits::new(15, 1);
    pub const ENABLE_PARALLEL_BRC: Bits = Bits::new(16, 1);
    pub const ENABLE_DYNAMIC_SCALING: Bits = Bits::new(17, 1);
    pub const FRAME_TOLERANCE_MODE: Bits = Bits::new(18, 2);
}

/// Of `VAEncSequenceParameterBufferH264::seq_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod h264_sequence {
    use super::Bits;

    pub const CHROMA_FORMAT_IDC: Bits = Bits::new(0, 2);
    pub const FRAME_MBS_ONLY_FLAG: Bits = Bits::new(2, 1);
    pub const MB_ADAPTIVE_FRAME_FIELD_FLAG: Bits = Bits::new(3, 1);
    pub const SEQ_SCALING_MATRIX_PRESENT_FLAG: Bits = Bits::new(4, 1);
    pub const DIRECT_8X8_INFERENCE_FLAG: Bits = Bits::new(5, 1);
    pub const LOG2_MAX_FRAME_NUM_MINUS4: Bits = Bits::new(6, 4);
    pub const PIC_ORDER_CNT_TYPE: Bits = Bits::new(10, 2);
    pub const LOG2_MAX_PIC_ORDER_CNT_LSB_MINUS4: Bits = Bits::new(12, 4);
    pub const DELTA_PIC_ORDER_ALWAYS_ZERO_FLAG: Bits = Bits::new(16, 1);
}

/// Of `VAEncSequenceParameterBufferH264::vui_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod h264_vui {
    use super::Bits;

    pub const ASPECT_RATIO_INFO_PRESENT_FLAG: Bits = Bits::new(0, 1);
    pub const TIMING_INFO_PRESENT_FLAG: Bits = Bits::new(1, 1);
    pub const BITSTREAM_RESTRICTION_FLAG: Bits = Bits::new(2, 1);
    pub const LOG2_MAX_MV_LENGTH_HORIZONTAL: Bits = Bits::new(3, 5);
    pub const LOG2_MAX_MV_LENGTH_VERTICAL: Bits = Bits::new(8, 5);
    pub const FIXED_FRAME_RATE_FLAG: Bits = Bits::new(13, 1);
    pub const LOW_DELAY_HRD_FLAG: Bits = Bits::new(14, 1);
    pub const MOTION_VECTORS_OVER_PIC_BOUNDARIES_FLAG: Bits = Bits::new(15, 1);
}

/// Of `VAEncPictureParameterBufferH264::pic_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod h264_picture {
    use super::Bits;

    pub const IDR_PIC_FLAG: Bits = Bits::new(0, 1);
    pub const REFERENCE_PIC_FLAG: Bits = Bits::new(1, 2);
    pub const ENTROPY_CODING_MODE_FLAG: Bits = Bits::new(3, 1);
    pub const WEIGHTED_PRED_FLAG: Bits = Bits::new(4, 1);
    pub const WEIGHTED_BIPRED_IDC: Bits = Bits::new(5, 2);
    pub const CONSTRAINED_INTRA_PRED_FLAG: Bits = Bits::new(7, 1);
    pub const TRANSFORM_8X8_MODE_FLAG: Bits = Bits::new(8, 1);
    pub const DEBLOCKING_FILTER_CONTROL_PRESENT_FLAG: Bits = Bits::new(9, 1);
    pub const REDUNDANT_PIC_CNT_PRESENT_FLAG: Bits = Bits::new(10, 1);
    pub const PIC_ORDER_PRESENT_FLAG: Bits = Bits::new(11, 1);
    pub const PIC_SCALING_MATRIX_PRESENT_FLAG: Bits = Bits::new(12, 1);
}

/// Of `VAEncSequenceParameterBufferHEVC::seq_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_sequence {
    use super::Bits;

    pub const CHROMA_FORMAT_IDC: Bits = Bits::new(0, 2);
    pub const SEPARATE_COLOUR_PLANE_FLAG: Bits = Bits::new(2, 1);
    pub const BIT_DEPTH_LUMA_MINUS8: Bits = Bits::new(3, 3);
    pub const BIT_DEPTH_CHROMA_MINUS8: Bits = Bits::new(6, 3);
    pub const SCALING_LIST_ENABLED_FLAG: Bits = Bits::new(9, 1);
    pub const STRONG_INTRA_SMOOTHING_ENABLED_FLAG: Bits = Bits::new(10, 1);
    pub const AMP_ENABLED_FLAG: Bits = Bits::new(11, 1);
    pub const SAMPLE_ADAPTIVE_OFFSET_ENABLED_FLAG: Bits = Bits::new(12, 1);
    pub const PCM_ENABLED_FLAG: Bits = Bits::new(13, 1);
    pub const PCM_LOOP_FILTER_DISABLED_FLAG: Bits = Bits::new(14, 1);
    pub const SPS_TEMPORAL_MVP_ENABLED_FLAG: Bits = Bits::new(15, 1);
    pub const LOW_DELAY_SEQ: Bits = Bits::new(16, 1);
    pub const HIERACHICAL_FLAG: Bits = Bits::new(17, 1);
}

/// Of `VAEncSequenceParameterBufferHEVC::vui_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_vui {
    use super::Bits;

    pub const ASPECT_RATIO_INFO_PRESENT_FLAG: Bits = Bits::new(0, 1);
    pub const NEUTRAL_CHROMA_INDICATION_FLAG: Bits = Bits::new(1, 1);
    pub const FIELD_SEQ_FLAG: Bits = Bits::new(2, 1);
    pub const VUI_TIMING_INFO_PRESENT_FLAG: Bits = Bits::new(3, 1);
    pub const BITSTREAM_RESTRICTION_FLAG: Bits = Bits::new(4, 1);
    pub const TILES_FIXED_STRUCTURE_FLAG: Bits = Bits::new(5, 1);
    pub const MOTION_VECTORS_OVER_PIC_BOUNDARIES_FLAG: Bits = Bits::new(6, 1);
    pub const RESTRICTED_REF_PIC_LISTS_FLAG: Bits = Bits::new(7, 1);
    pub const LOG2_MAX_MV_LENGTH_HORIZONTAL: Bits = Bits::new(8, 5);
    pub const LOG2_MAX_MV_LENGTH_VERTICAL: Bits = Bits::new(13, 5);
}

/// Of `VAEncPictureParameterBufferHEVC::pic_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_picture {
    use super::Bits;

    pub const IDR_PIC_FLAG: Bits = Bits::new(0, 1);
    pub const CODING_TYPE: Bits = Bits::new(1, 3);
    pub const REFERENCE_PIC_FLAG: Bits = Bits::new(4, 1);
    pub const DEPENDENT_SLICE_SEGMENTS_ENABLED_FLAG: Bits = Bits::new(5, 1);
    pub const SIGN_DATA_HIDING_ENABLED_FLAG: Bits = Bits::new(6, 1);
    pub const CONSTRAINED_INTRA_PRED_FLAG: Bits = Bits::new(7, 1);
    pub const TRANSFORM_SKIP_ENABLED_FLAG: Bits = Bits::new(8, 1);
    pub const CU_QP_DELTA_ENABLED_FLAG: Bits = Bits::new(9, 1);
    pub const WEIGHTED_PRED_FLAG: Bits = Bits::new(10, 1);
    pub const WEIGHTED_BIPRED_FLAG: Bits = Bits::new(11, 1);
    pub const TRANSQUANT_BYPASS_ENABLED_FLAG: Bits = Bits::new(12, 1);
    pub const TILES_ENABLED_FLAG: Bits = Bits::new(13, 1);
    pub const ENTROPY_CODING_SYNC_ENABLED_FLAG: Bits = Bits::new(14, 1);
    pub const LOOP_FILTER_ACROSS_TILES_ENABLED_FLAG: Bits = Bits::new(15, 1);
    pub const PPS_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG: Bits = Bits::new(16, 1);
    pub const SCALING_LIST_DATA_PRESENT_FLAG: Bits = Bits::new(17, 1);
    pub const SCREEN_CONTENT_FLAG: Bits = Bits::new(18, 1);
    pub const ENABLE_GPU_WEIGHTED_PREDICTION: Bits = Bits::new(19, 1);
    pub const NO_OUTPUT_OF_PRIOR_PICS_FLAG: Bits = Bits::new(20, 1);
}

/// Of `VAEncSliceParameterBufferHEVC::slice_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_slice {
    use super::Bits;

    pub const LAST_SLICE_OF_PIC_FLAG: Bits = Bits::new(0, 1);
    pub const DEPENDENT_SLICE_SEGMENT_FLAG: Bits = Bits::new(1, 1);
    pub const COLOUR_PLANE_ID: Bits = Bits::new(2, 2);
    pub const SLICE_TEMPORAL_MVP_ENABLED_FLAG: Bits = Bits::new(4, 1);
    pub const SLICE_SAO_LUMA_FLAG: Bits = Bits::new(5, 1);
    pub const SLICE_SAO_CHROMA_FLAG: Bits = Bits::new(6, 1);
    pub const NUM_REF_IDX_ACTIVE_OVERRIDE_FLAG: Bits = Bits::new(7, 1);
    pub const MVD_L1_ZERO_FLAG: Bits = Bits::new(8, 1);
    pub const CABAC_INIT_FLAG: Bits = Bits::new(9, 1);
    pub const SLICE_DEBLOCKING_FILTER_DISABLED_FLAG: Bits = Bits::new(10, 2);
    pub const SLICE_LOOP_FILTER_ACROSS_SLICES_ENABLED_FLAG: Bits = Bits::new(12, 1);
    pub const COLLOCATED_FROM_L0_FLAG: Bits = Bits::new(13, 1);
}

/// Of `VAEncSequenceParameterBufferAV1::seq_fields`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_sequence {
    use super::Bits;

    pub const STILL_PICTURE: Bits = Bits::new(0, 1);
    pub const USE_128X128_SUPERBLOCK: Bits = Bits::new(1, 1);
    pub const ENABLE_FILTER_INTRA: Bits = Bits::new(2, 1);
    pub const ENABLE_INTRA_EDGE_FILTER: Bits = Bits::new(3, 1);
    pub const ENABLE_INTERINTRA_COMPOUND: Bits = Bits::new(4, 1);
    pub const ENABLE_MASKED_COMPOUND: Bits = Bits::new(5, 1);
    pub const ENABLE_WARPED_MOTION: Bits = Bits::new(6, 1);
    pub const ENABLE_DUAL_FILTER: Bits = Bits::new(7, 1);
    pub const ENABLE_ORDER_HINT: Bits = Bits::new(8, 1);
    pub const ENABLE_JNT_COMP: Bits = Bits::new(9, 1);
    pub const ENABLE_REF_FRAME_MVS: Bits = Bits::new(10, 1);
    pub const ENABLE_SUPERRES: Bits = Bits::new(11, 1);
    pub const ENABLE_CDEF: Bits = Bits::new(12, 1);
    pub const ENABLE_RESTORATION: Bits = Bits::new(13, 1);
    pub const BIT_DEPTH_MINUS8: Bits = Bits::new(14, 3);
    pub const SUBSAMPLING_X: Bits = Bits::new(17, 1);
    pub const SUBSAMPLING_Y: Bits = Bits::new(18, 1);
}

/// Of `VAEncPictureParameterBufferAV1::picture_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_picture {
    use super::Bits;

    pub const FRAME_TYPE: Bits = Bits::new(0, 2);
    pub const ERROR_RESILIENT_MODE: Bits = Bits::new(2, 1);
    pub const DISABLE_CDF_UPDATE: Bits = Bits::new(3, 1);
    pub const USE_SUPERRES: Bits = Bits::new(4, 1);
    pub const ALLOW_HIGH_PRECISION_MV: Bits = Bits::new(5, 1);
    pub const USE_REF_FRAME_MVS: Bits = Bits::new(6, 1);
    pub const DISABLE_FRAME_END_UPDATE_CDF: Bits = Bits::new(7, 1);
    pub const REDUCED_TX_SET: Bits = Bits::new(8, 1);
    pub const ENABLE_FRAME_OBU: Bits = Bits::new(9, 1);
    pub const LONG_TERM_REFERENCE: Bits = Bits::new(10, 1);
    pub const DISABLE_FRAME_RECON: Bits = Bits::new(11, 1);
    pub const ALLOW_INTRABC: Bits = Bits::new(12, 1);
    pub const PALETTE_MODE_ENABLE: Bits = Bits::new(13, 1);
}

/// Of `VAEncPictureParameterBufferAV1::loop_filter_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_loop_filter {
    use super::Bits;

    pub const SHARPNESS_LEVEL: Bits = Bits::new(0, 3);
    pub const MODE_REF_DELTA_ENABLED: Bits = Bits::new(3, 1);
    pub const MODE_REF_DELTA_UPDATE: Bits = Bits::new(4, 1);
}

/// Of `VAEncPictureParameterBufferAV1::qmatrix_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_qmatrix {
    use super::Bits;

    pub const USING_QMATRIX: Bits = Bits::new(0, 1);
    pub const QM_Y: Bits = Bits::new(1, 4);
    pub const QM_U: Bits = Bits::new(5, 4);
    pub const QM_V: Bits = Bits::new(9, 4);
}

/// Of `VAEncPictureParameterBufferAV1::mode_control_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_mode_control {
    use super::Bits;

    pub const DELTA_Q_PRESENT: Bits = Bits::new(0, 1);
    pub const DELTA_Q_RES: Bits = Bits::new(1, 2);
    pub const DELTA_LF_PRESENT: Bits = Bits::new(3, 1);
    pub const DELTA_LF_RES: Bits = Bits::new(4, 2);
    pub const DELTA_LF_MULTI: Bits = Bits::new(6, 1);
    pub const TX_MODE: Bits = Bits::new(7, 2);
    pub const REFERENCE_MODE: Bits = Bits::new(9, 2);
    pub const SKIP_MODE_PRESENT: Bits = Bits::new(11, 1);
}

/// Of `VAEncPictureParameterBufferAV1::tile_group_obu_hdr_info`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_tile_group {
    use super::Bits;

    pub const OBU_EXTENSION_FLAG: Bits = Bits::new(0, 1);
    pub const OBU_HAS_SIZE_FIELD: Bits = Bits::new(1, 1);
    pub const TEMPORAL_ID: Bits = Bits::new(2, 3);
    pub const SPATIAL_ID: Bits = Bits::new(5, 2);
}

/// Of `VAEncPictureParameterBufferAV1::loop_restoration_flags`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_loop_restoration {
    use super::Bits;

    pub const YFRAME_RESTORATION_TYPE: Bits = Bits::new(0, 2);
    pub const CBFRAME_RESTORATION_TYPE: Bits = Bits::new(2, 2);
    pub const CRFRAME_RESTORATION_TYPE: Bits = Bits::new(4, 2);
    pub const LR_UNIT_SHIFT: Bits = Bits::new(6, 2);
    pub const LR_UV_SHIFT: Bits = Bits::new(8, 1);
}

/// Of `VAConfigAttribValEncHEVCFeatures`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_features {
    use super::Bits;

    pub const SEPARATE_COLOUR_PLANES: Bits = Bits::new(0, 2);
    pub const SCALING_LISTS: Bits = Bits::new(2, 2);
    pub const AMP: Bits = Bits::new(4, 2);
    pub const SAO: Bits = Bits::new(6, 2);
    pub const PCM: Bits = Bits::new(8, 2);
    pub const TEMPORAL_MVP: Bits = Bits::new(10, 2);
    pub const STRONG_INTRA_SMOOTHING: Bits = Bits::new(12, 2);
    pub const DEPENDENT_SLICES: Bits = Bits::new(14, 2);
    pub const SIGN_DATA_HIDING: Bits = Bits::new(16, 2);
    pub const CONSTRAINED_INTRA_PRED: Bits = Bits::new(18, 2);
    pub const TRANSFORM_SKIP: Bits = Bits::new(20, 2);
    pub const CU_QP_DELTA: Bits = Bits::new(22, 2);
    pub const WEIGHTED_PREDICTION: Bits = Bits::new(24, 2);
    pub const TRANSQUANT_BYPASS: Bits = Bits::new(26, 2);
    pub const DEBLOCKING_FILTER_DISABLE: Bits = Bits::new(28, 2);
}

/// Of `VAConfigAttribValEncHEVCBlockSizes`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc_block_sizes {
    use super::Bits;

    pub const LOG2_MAX_CODING_TREE_BLOCK_SIZE_MINUS3: Bits = Bits::new(0, 2);
    pub const LOG2_MIN_CODING_TREE_BLOCK_SIZE_MINUS3: Bits = Bits::new(2, 2);
    pub const LOG2_MIN_LUMA_CODING_BLOCK_SIZE_MINUS3: Bits = Bits::new(4, 2);
    pub const LOG2_MAX_LUMA_TRANSFORM_BLOCK_SIZE_MINUS2: Bits = Bits::new(6, 2);
    pub const LOG2_MIN_LUMA_TRANSFORM_BLOCK_SIZE_MINUS2: Bits = Bits::new(8, 2);
    pub const MAX_MAX_TRANSFORM_HIERARCHY_DEPTH_INTER: Bits = Bits::new(10, 2);
    pub const MIN_MAX_TRANSFORM_HIERARCHY_DEPTH_INTER: Bits = Bits::new(12, 2);
    pub const MAX_MAX_TRANSFORM_HIERARCHY_DEPTH_INTRA: Bits = Bits::new(14, 2);
    pub const MIN_MAX_TRANSFORM_HIERARCHY_DEPTH_INTRA: Bits = Bits::new(16, 2);
    pub const LOG2_MAX_PCM_CODING_BLOCK_SIZE_MINUS3: Bits = Bits::new(18, 2);
    pub const LOG2_MIN_PCM_CODING_BLOCK_SIZE_MINUS3: Bits = Bits::new(20, 2);
}

/// Of `VAConfigAttribValEncAV1`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_features {
    use super::Bits;

    pub const SUPPORT_128X128_SUPERBLOCK: Bits = Bits::new(0, 2);
    pub const SUPPORT_FILTER_INTRA: Bits = Bits::new(2, 2);
    pub const SUPPORT_INTRA_EDGE_FILTER: Bits = Bits::new(4, 2);
    pub const SUPPORT_INTERINTRA_COMPOUND: Bits = Bits::new(6, 2);
    pub const SUPPORT_MASKED_COMPOUND: Bits = Bits::new(8, 2);
    pub const SUPPORT_WARPED_MOTION: Bits = Bits::new(10, 2);
    pub const SUPPORT_PALETTE_MODE: Bits = Bits::new(12, 2);
    pub const SUPPORT_DUAL_FILTER: Bits = Bits::new(14, 2);
    pub const SUPPORT_JNT_COMP: Bits = Bits::new(16, 2);
    pub const SUPPORT_REF_FRAME_MVS: Bits = Bits::new(18, 2);
    pub const SUPPORT_SUPERRES: Bits = Bits::new(20, 2);
    pub const SUPPORT_RESTORATION: Bits = Bits::new(22, 2);
    pub const SUPPORT_ALLOW_INTRABC: Bits = Bits::new(24, 2);
    pub const SUPPORT_CDEF_CHANNEL_STRENGTH: Bits = Bits::new(26, 2);
}

/// Of `VAConfigAttribValEncAV1Ext1`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_features_1 {
    use super::Bits;

    pub const INTERPOLATION_FILTER: Bits = Bits::new(0, 5);
    pub const MIN_SEGID_BLOCK_SIZE_ACCEPTED: Bits = Bits::new(5, 8);
    pub const SEGMENT_FEATURE_SUPPORT: Bits = Bits::new(13, 8);
}

/// Of `VAConfigAttribValEncAV1Ext2`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_features_2 {
    use super::Bits;

    pub const TILE_SIZE_BYTES_MINUS1: Bits = Bits::new(0, 2);
    pub const OBU_SIZE_BYTES_MINUS1: Bits = Bits::new(2, 2);
    pub const TX_MODE_SUPPORT: Bits = Bits::new(4, 3);
    pub const MAX_TILE_NUM_MINUS1: Bits = Bits::new(7, 13);
}

/// Of `VARefFrameCtrlAV1`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1_reference_control {
    use super::Bits;

    pub const SEARCH_IDX0: Bits = Bits::new(0, 3);
    pub const SEARCH_IDX1: Bits = Bits::new(3, 3);
    pub const SEARCH_IDX2: Bits = Bits::new(6, 3);
    pub const SEARCH_IDX3: Bits = Bits::new(9, 3);
    pub const SEARCH_IDX4: Bits = Bits::new(12, 3);
    pub const SEARCH_IDX5: Bits = Bits::new(15, 3);
    pub const SEARCH_IDX6: Bits = Bits::new(18, 3);
    pub const RESERVED: Bits = Bits::new(21, 11);
}
