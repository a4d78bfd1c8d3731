//! Codecs, and what there is of each: profiles, presets, formats of input.

use earthshine_ffi::nvenc::constants::*;
use earthshine_ffi::nvenc::sys::{GUID, NV_ENC_BUFFER_FORMAT, NVENCSTATUS};

use crate::words::{Result, violation};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    H264,
    Hevc,
    Av1,
}

impl Codec {
    pub(crate) const ALL: [(Self, GUID); 3] =
        [(Self::H264, CODEC_H264), (Self::Hevc, CODEC_HEVC), (Self::Av1, CODEC_AV1)];

    pub(crate) fn of(guid: &GUID) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| same(known, guid));
        let unknown = || violation(NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, "the codec's GUID is unknown");
        Ok(found.ok_or_else(unknown)?.0)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }

    /// The first is what presets have.
    pub(crate) fn profiles(self) -> &'static [(GUID, &'static str)] {
        match self {
            Self::H264 => &[(H264_PROFILE_HIGH, "high"), (H264_PROFILE_HIGH_444, "high444")],
            Self::Hevc => {
                &[(HEVC_PROFILE_MAIN, "main"), (HEVC_PROFILE_MAIN10, "main10"), (HEVC_PROFILE_FREXT, "frext")]
            }
            Self::Av1 => &[(AV1_PROFILE_MAIN, "main")],
        }
    }

    pub(crate) fn profile(self, guid: &GUID) -> Result<&'static str> {
        let found = self.profiles().iter().find(|(known, _)| same(known, guid));
        let unknown = || violation(NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, "the profile is not one of the codec");
        Ok(found.ok_or_else(unknown)?.1)
    }

    pub(crate) fn formats(self) -> &'static [NV_ENC_BUFFER_FORMAT] {
        match self {
            Self::H264 => &FORMATS[..7],
            Self::Hevc => &FORMATS,
            Self::Av1 => &AV1_FORMATS,
        }
    }
}

/// Number of a preset: P1 is 1.
pub(crate) fn preset(guid: &GUID) -> Result<usize> {
    let found = PRESETS.iter().position(|known| same(known, guid));
    let unknown = || violation(NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, "the preset's GUID is unknown");
    Ok(found.ok_or_else(unknown)? + 1)
}

pub(crate) fn same(one: &GUID, other: &GUID) -> bool {
    (one.Data1, one.Data2, one.Data3, one.Data4) == (other.Data1, other.Data2, other.Data3, other.Data4)
}

pub(crate) const PRESETS: [GUID; 7] = [PRESET_P1, PRESET_P2, PRESET_P3, PRESET_P4, PRESET_P5, PRESET_P6, PRESET_P7];

const FORMATS: [NV_ENC_BUFFER_FORMAT; 9] = [
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YV12,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ARGB,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ABGR,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_AYUV,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444_10BIT,
];

const AV1_FORMATS: [NV_ENC_BUFFER_FORMAT; 6] = [
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YV12,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ARGB,
    NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_ABGR,
];
