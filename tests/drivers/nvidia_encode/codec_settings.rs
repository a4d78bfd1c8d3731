//! The part of a configuration that each codec has in a structure of its own.

use earthshine_ffi::nvenc::bits;
use earthshine_ffi::nvenc::sys::*;

use crate::capabilities::Capabilities;
use crate::codec::Codec;
use crate::colour::Colour;
use crate::words::{Result, require, require_blank};

/// What the codecs have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CodecSettings {
    pub(crate) idr_period: u32,
    /// 0: macroblocks, 1: bytes, 2: rows, 3: slices in a picture.
    pub(crate) slice_mode: u32,
    pub(crate) slice_data: u32,
    /// Pictures kept to refer to; 0 leaves it to the driver.
    pub(crate) references: u32,
    /// References of one picture; 0 leaves it to the driver.
    pub(crate) list_0: u32,
    /// Frames from one wave of intra blocks to the next, and of a wave.
    pub(crate) intra_refresh: Option<(u32, u32)>,
    /// Waves leave a picture in one slice.
    single_slice: bool,
    /// A wave says when a decoder has the whole picture again.
    pub(crate) recovery_point: bool,
    pub(crate) repeat_headers: bool,
    /// 1: 4:2:0, 3: 4:4:4.
    pub(crate) chroma: u32,
    pub(crate) depth: u32,
    pub(crate) colour: Colour,
    long_term: u32,
}

impl CodecSettings {
    pub(crate) fn of(codec: Codec, config: &NV_ENC_CODEC_CONFIG) -> Result<Self> {
        // SAFETY: the codec says which member the program filled; each is made of
        // integers and pointers, of which all bits are values.
        unsafe {
            match codec {
                Codec::H264 => Self::of_h264(&config.h264Config),
                Codec::Hevc => Self::of_hevc(&config.hevcConfig),
                Codec::Av1 => Self::of_av1(&config.av1Config),
            }
        }
    }

    fn of_h264(config: &NV_ENC_CONFIG_H264) -> Result<Self> {
        use bits::h264::*;
        require_blank!(config, reserved1, reserved2);
        require_known_bits(config.bitFields, 22)?;
        let refreshes = ENABLE_INTRA_REFRESH.get(config.bitFields) == 1;
        let wave = (config.intraRefreshPeriod, config.intraRefreshCnt);
        require(refreshes || wave == (0, 0), INVALID, || "waves of intra blocks without their switch".to_owned())?;
        let has_headers = DISABLE_SPSPPS.get(config.bitFields) == 0;
        require(has_headers, INVALID, || "without parameter sets no client can decode".to_owned())?;
        Ok(Self {
            idr_period: config.idrPeriod,
            slice_mode: config.sliceMode,
            slice_data: config.sliceModeData,
            references: config.maxNumRefFrames,
            list_0: config.numRefL0.0,
            intra_refresh: refreshes.then_some(wave),
            single_slice: SINGLE_SLICE_INTRA_REFRESH.get(config.bitFields) == 1,
            recovery_point: OUTPUT_RECOVERY_POINT_SEI.get(config.bitFields) == 1,
            repeat_headers: REPEAT_SPSPPS.get(config.bitFields) == 1,
            chroma: config.chromaFormatIDC,
            depth: 8,
            colour: Colour::of_vui(&config.h264VUIParameters)?,
            long_term: config.ltrNumFrames,
        })
    }

    fn of_hevc(config: &NV_ENC_CONFIG_HEVC) -> Result<Self> {
        use bits::hevc::*;
        require_blank!(config, reserved1, reserved2);
        require_known_bits(config.bitFields, 20)?;
        let refreshes = ENABLE_INTRA_REFRESH.get(config.bitFields) == 1;
        let wave = (config.intraRefreshPeriod, config.intraRefreshCnt);
        require(refreshes || wave == (0, 0), INVALID, || "waves of intra blocks without their switch".to_owned())?;
        let has_headers = DISABLE_SPSPPS.get(config.bitFields) == 0;
        require(has_headers, INVALID, || "without parameter sets no client can decode".to_owned())?;
        Ok(Self {
            idr_period: config.idrPeriod,
            slice_mode: config.sliceMode,
            slice_data: config.sliceModeData,
            references: config.maxNumRefFramesInDPB,
            list_0: config.numRefL0.0,
            intra_refresh: refreshes.then_some(wave),
            single_slice: SINGLE_SLICE_INTRA_REFRESH.get(config.bitFields) == 1,
            recovery_point: OUTPUT_RECOVERY_POINT_SEI.get(config.bitFields) == 1,
            repeat_headers: REPEAT_SPSPPS.get(config.bitFields) == 1,
            chroma: CHROMA_FORMAT_IDC.get(config.bitFields),
            depth: 8 + PIXEL_BIT_DEPTH_MINUS8.get(config.bitFields),
            colour: Colour::of_vui(&config.hevcVUIParameters)?,
            long_term: config.ltrNumFrames,
        })
    }

    /// AV1 has tiles and no slices: mode 3, and as many as there are tiles.
    fn of_av1(config: &NV_ENC_CONFIG_AV1) -> Result<Self> {
        use bits::av1::*;
        require_blank!(config, reserved1, reserved2);
        require_known_bits(config.bitFields, 18)?;
        let refreshes = ENABLE_INTRA_REFRESH.get(config.bitFields) == 1;
        let wave = (config.intraRefreshPeriod, config.intraRefreshCnt);
        require(refreshes || wave == (0, 0), INVALID, || "waves of intra blocks without their switch".to_owned())?;
        Ok(Self {
            idr_period: config.idrPeriod,
            slice_mode: 3,
            slice_data: config.numTileColumns.max(1).saturating_mul(config.numTileRows.max(1)),
            references: config.maxNumRefFramesInDPB,
            list_0: config.numFwdRefs.0,
            intra_refresh: refreshes.then_some(wave),
            single_slice: false,
            recovery_point: false,
            repeat_headers: REPEAT_SEQ_HDR.get(config.bitFields) == 1,
            chroma: CHROMA_FORMAT_IDC.get(config.bitFields),
            depth: 8 + PIXEL_BIT_DEPTH_MINUS8.get(config.bitFields),
            colour: Colour::of_av1(config)?,
            long_term: 0,
        })
    }

    /// What the capabilities and the picture's size allow.
    pub(crate) fn check(&self, capabilities: &Capabilities, height: u32) -> Result {
        self.check_slices(capabilities, height)?;
        self.check_references(capabilities)?;
        if let Some((period, count)) = self.intra_refresh {
            let can = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH);
            require(can, UNSUPPORTED, || "intra refresh is not among the capabilities".to_owned())?;
            require(0 < count && count < period, INVALID, || format!("intra refresh of {count} frames in {period}"))?;
        }
        // The header: ignored without; then nobody gets what was asked for.
        let can = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SINGLE_SLICE_INTRA_REFRESH);
        require(!self.single_slice || (can && self.intra_refresh.is_some()), UNSUPPORTED, || {
            "intra refresh in one slice is not among the capabilities, or nothing is refreshed".to_owned()
        })?;
        let can_444 = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_YUV444_ENCODE);
        let is_known = self.chroma == 1 || (self.chroma == 3 && can_444);
        require(is_known, UNSUPPORTED, || format!("chroma format {} is not among the capabilities", self.chroma))?;
        let can_10 = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE);
        let is_known = self.depth == 8 || (self.depth == 10 && can_10);
        require(is_known, UNSUPPORTED, || format!("{} bits are not among the capabilities", self.depth))
    }

    fn check_slices(&self, capabilities: &Capabilities, height: u32) -> Result {
        let can_count_bytes = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYNAMIC_SLICE_MODE);
        let (mode, data) = (self.slice_mode, self.slice_data);
        require(mode <= 3, INVALID, || format!("slice mode {mode} is unknown"))?;
        require(mode != 1 || can_count_bytes, UNSUPPORTED, || "slices by bytes are not supported".to_owned())?;
        let most = height.div_ceil(16).min(MOST_SLICES);
        require(mode != 3 || (1..=most).contains(&data), INVALID, || format!("{data} slices in a picture"))?;
        require(mode == 0 || data > 0, INVALID, || format!("slice mode {mode} with nothing in a slice"))
    }

    fn check_references(&self, capabilities: &Capabilities) -> Result {
        let can_have_many = capabilities.has(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_MULTIPLE_REF_FRAMES);
        require(self.references <= 16, INVALID, || format!("{} reference frames", self.references))?;
        require(self.list_0 <= 7, INVALID, || format!("{} references of one picture", self.list_0))?;
        require(self.list_0 <= 1 || can_have_many, UNSUPPORTED, || {
            "several references are not among the capabilities".to_owned()
        })?;
        let long_term = capabilities.get(NV_ENC_CAPS::NV_ENC_CAPS_NUM_MAX_LTR_FRAMES);
        require(i64::from(self.long_term) <= i64::from(long_term), UNSUPPORTED, || {
            format!("{} long-term references, of which {long_term} can be", self.long_term)
        })
    }
}

fn require_known_bits(word: u32, known: u32) -> Result {
    require(word >> known == 0, INVALID, || format!("reserved bits are set in the codec's {word:#x}"))
}

/// What NVENC makes of a picture at most.
const MOST_SLICES: u32 = 32;
const INVALID: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
const UNSUPPORTED: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM;
