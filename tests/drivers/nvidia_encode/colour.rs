//! How the decoder is told what the numbers mean: ISO/IEC 23091-2.

use earthshine_ffi::nvenc::sys::{NV_ENC_CONFIG_AV1, NV_ENC_CONFIG_H264_VUI_PARAMETERS, NVENCSTATUS};

use crate::words::{Result, require, require_blank};

/// Colour description of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour {
    pub(crate) primaries: u8,
    pub(crate) transfer: u8,
    pub(crate) matrix: u8,
    pub(crate) full_range: bool,
}

impl Colour {
    /// Of H.264 and HEVC. The header: the description counts only with its flag, and
    /// that only with the signal type's.
    pub(crate) fn of_vui(vui: &NV_ENC_CONFIG_H264_VUI_PARAMETERS) -> Result<Self> {
        require_blank!(vui, reserved);
        let (signal, described) = (vui.videoSignalTypePresentFlag, vui.colourDescriptionPresentFlag);
        let invalid = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
        let is_flag = signal <= 1 && described <= 1 && vui.videoFullRangeFlag <= 1;
        require(is_flag, invalid, || "a flag of the VUI is neither 0 nor 1".to_owned())?;
        require(described <= signal, invalid, || "colours are described without a video signal type".to_owned())?;
        let has_more = (vui.colourPrimaries.0, vui.transferCharacteristics.0, vui.colourMatrix.0) != (0, 0, 0);
        require(described == 1 || !has_more, invalid, || "colours are given without their flag".to_owned())?;
        if described == 0 {
            return Ok(Self { full_range: signal == 1 && vui.videoFullRangeFlag == 1, ..Self::UNSPECIFIED });
        }
        Self::new([vui.colourPrimaries.0, vui.transferCharacteristics.0, vui.colourMatrix.0], vui.videoFullRangeFlag)
    }

    pub(crate) fn of_av1(config: &NV_ENC_CONFIG_AV1) -> Result<Self> {
        let codes = [config.colorPrimaries.0, config.transferCharacteristics.0, config.matrixCoefficients.0];
        Self::new(codes, config.colorRange)
    }

    fn new(codes: [u32; 3], range: u32) -> Result<Self> {
        let known = codes.iter().all(|&code| code <= 22) && range <= 1;
        require(known, NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || format!("colour codes {codes:?}, range {range}"))?;
        let [primaries, transfer, matrix] = codes.map(|code| u8::try_from(code).unwrap_or(UNSPECIFIED));
        Ok(Self { primaries, transfer, matrix, full_range: range == 1 })
    }

    const UNSPECIFIED: Self =
        Self { primaries: UNSPECIFIED, transfer: UNSPECIFIED, matrix: UNSPECIFIED, full_range: false };
}

const UNSPECIFIED: u8 = 2;
