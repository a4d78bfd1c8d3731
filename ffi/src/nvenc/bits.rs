//! Where the header's bit fields lie in their words.

/// Some bits of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits {
    shift: u32,
    width: u32,
}

impl Bits {
    pub(crate) const fn new(shift: u32, width: u32) -> Self {
        Self { shift, width }
    }

    const fn mask(self) -> u32 {
        ((1 << self.width) - 1) << self.shift
    }

    /// Writes `value`, of which no more bits count than there are.
    pub const fn set(self, word: &mut u32, value: u32) {
        *word = (*word & !self.mask()) | ((value << self.shift) & self.mask());
    }

    /// Reads them.
    #[must_use]
    pub const fn get(self, word: u32) -> u32 {
        (word & self.mask()) >> self.shift
    }
}

/// Of `NV_ENC_RC_PARAMS`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod rate_control {
    use super::Bits;

    pub const ENABLE_MIN_QP: Bits = Bits::new(0, 1);
    pub const ENABLE_MAX_QP: Bits = Bits::new(1, 1);
    pub const ENABLE_INITIAL_RCQP: Bits = Bits::new(2, 1);
    pub const ENABLE_AQ: Bits = Bits::new(3, 1);
    pub const ENABLE_LOOKAHEAD: Bits = Bits::new(5, 1);
    pub const DISABLE_IADAPT: Bits = Bits::new(6, 1);
    pub const DISABLE_BADAPT: Bits = Bits::new(7, 1);
    pub const ENABLE_TEMPORAL_AQ: Bits = Bits::new(8, 1);
    pub const ZERO_REORDER_DELAY: Bits = Bits::new(9, 1);
    pub const ENABLE_NON_REF_P: Bits = Bits::new(10, 1);
    pub const STRICT_GOP_TARGET: Bits = Bits::new(11, 1);
    pub const AQ_STRENGTH: Bits = Bits::new(12, 4);
    pub const ENABLE_EXT_LOOKAHEAD: Bits = Bits::new(16, 1);
}

/// Of `NV_ENC_CONFIG_H264`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod h264 {
    use super::Bits;

    pub const ENABLE_TEMPORAL_SVC: Bits = Bits::new(0, 1);
    pub const ENABLE_STEREO_MVC: Bits = Bits::new(1, 1);
    pub const HIERARCHICAL_P_FRAMES: Bits = Bits::new(2, 1);
    pub const HIERARCHICAL_B_FRAMES: Bits = Bits::new(3, 1);
    pub const OUTPUT_BUFFERING_PERIOD_SEI: Bits = Bits::new(4, 1);
    pub const OUTPUT_PICTURE_TIMING_SEI: Bits = Bits::new(5, 1);
    pub const OUTPUT_AUD: Bits = Bits::new(6, 1);
    pub const DISABLE_SPSPPS: Bits = Bits::new(7, 1);
    pub const OUTPUT_FRAME_PACKING_SEI: Bits = Bits::new(8, 1);
    pub const OUTPUT_RECOVERY_POINT_SEI: Bits = Bits::new(9, 1);
    pub const ENABLE_INTRA_REFRESH: Bits = Bits::new(10, 1);
    pub const ENABLE_CONSTRAINED_ENCODING: Bits = Bits::new(11, 1);
    pub const REPEAT_SPSPPS: Bits = Bits::new(12, 1);
    pub const ENABLE_VFR: Bits = Bits::new(13, 1);
    pub const ENABLE_LTR: Bits = Bits::new(14, 1);
    pub const QP_PRIME_Y_ZERO_TRANSFORM_BYPASS_FLAG: Bits = Bits::new(15, 1);
    pub const USE_CONSTRAINED_INTRA_PRED: Bits = Bits::new(16, 1);
    pub const ENABLE_FILLER_DATA_INSERTION: Bits = Bits::new(17, 1);
    pub const DISABLE_SVC_PREFIX_NALU: Bits = Bits::new(18, 1);
    pub const ENABLE_SCALABILITY_INFO_SEI: Bits = Bits::new(19, 1);
    pub const SINGLE_SLICE_INTRA_REFRESH: Bits = Bits::new(20, 1);
    pub const ENABLE_TIME_CODE: Bits = Bits::new(21, 1);
}

/// Of `NV_ENC_CONFIG_HEVC`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod hevc {
    use super::Bits;

    pub const USE_CONSTRAINED_INTRA_PRED: Bits = Bits::new(0, 1);
    pub const DISABLE_DEBLOCK_ACROSS_SLICE_BOUNDARY: Bits = Bits::new(1, 1);
    pub const OUTPUT_BUFFERING_PERIOD_SEI: Bits = Bits::new(2, 1);
    pub const OUTPUT_PICTURE_TIMING_SEI: Bits = Bits::new(3, 1);
    pub const OUTPUT_AUD: Bits = Bits::new(4, 1);
    pub const ENABLE_LTR: Bits = Bits::new(5, 1);
    pub const DISABLE_SPSPPS: Bits = Bits::new(6, 1);
    pub const REPEAT_SPSPPS: Bits = Bits::new(7, 1);
    pub const ENABLE_INTRA_REFRESH: Bits = Bits::new(8, 1);
    pub const CHROMA_FORMAT_IDC: Bits = Bits::new(9, 2);
    pub const PIXEL_BIT_DEPTH_MINUS8: Bits = Bits::new(11, 3);
    pub const ENABLE_FILLER_DATA_INSERTION: Bits = Bits::new(14, 1);
    pub const ENABLE_CONSTRAINED_ENCODING: Bits = Bits::new(15, 1);
    pub const ENABLE_ALPHA_LAYER_ENCODING: Bits = Bits::new(16, 1);
    pub const SINGLE_SLICE_INTRA_REFRESH: Bits = Bits::new(17, 1);
    pub const OUTPUT_RECOVERY_POINT_SEI: Bits = Bits::new(18, 1);
    pub const OUTPUT_TIME_CODE_SEI: Bits = Bits::new(19, 1);
}

/// Of `NV_ENC_CONFIG_AV1`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod av1 {
    use super::Bits;

    pub const OUTPUT_ANNEX_B_FORMAT: Bits = Bits::new(0, 1);
    pub const ENABLE_TIMING_INFO: Bits = Bits::new(1, 1);
    pub const ENABLE_DECODER_MODEL_INFO: Bits = Bits::new(2, 1);
    pub const ENABLE_FRAME_ID_NUMBERS: Bits = Bits::new(3, 1);
    pub const DISABLE_SEQ_HDR: Bits = Bits::new(4, 1);
    pub const REPEAT_SEQ_HDR: Bits = Bits::new(5, 1);
    pub const ENABLE_INTRA_REFRESH: Bits = Bits::new(6, 1);
    pub const CHROMA_FORMAT_IDC: Bits = Bits::new(7, 2);
    pub const ENABLE_BITSTREAM_PADDING: Bits = Bits::new(9, 1);
    pub const ENABLE_CUSTOM_TILE_CONFIG: Bits = Bits::new(10, 1);
    pub const ENABLE_FILM_GRAIN_PARAMS: Bits = Bits::new(11, 1);
    pub const INPUT_PIXEL_BIT_DEPTH_MINUS8: Bits = Bits::new(12, 3);
    pub const PIXEL_BIT_DEPTH_MINUS8: Bits = Bits::new(15, 3);
}

/// Of `NV_ENC_INITIALIZE_PARAMS`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod initialize {
    use super::Bits;

    pub const REPORT_SLICE_OFFSETS: Bits = Bits::new(0, 1);
    pub const ENABLE_SUB_FRAME_WRITE: Bits = Bits::new(1, 1);
    pub const ENABLE_EXTERNAL_ME_HINTS: Bits = Bits::new(2, 1);
    pub const ENABLE_ME_ONLY_MODE: Bits = Bits::new(3, 1);
    pub const ENABLE_WEIGHTED_PREDICTION: Bits = Bits::new(4, 1);
    pub const SPLIT_ENCODE_MODE: Bits = Bits::new(5, 4);
    pub const ENABLE_OUTPUT_IN_VIDMEM: Bits = Bits::new(9, 1);
    pub const ENABLE_RECON_FRAME_OUTPUT: Bits = Bits::new(10, 1);
    pub const ENABLE_OUTPUT_STATS: Bits = Bits::new(11, 1);
}

/// Of `NV_ENC_RECONFIGURE_PARAMS`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod reconfigure {
    use super::Bits;

    pub const RESET_ENCODER: Bits = Bits::new(0, 1);
    pub const FORCE_IDR: Bits = Bits::new(1, 1);
}

/// Of `NV_ENC_LOCK_BITSTREAM`.
#[allow(missing_docs, reason = "named as in the header")]
pub mod lock {
    use super::Bits;

    pub const DO_NOT_WAIT: Bits = Bits::new(0, 1);
    pub const LTR_FRAME: Bits = Bits::new(1, 1);
    pub const GET_RC_STATS: Bits = Bits::new(2, 1);
}
