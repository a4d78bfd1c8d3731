//! What an encoder is asked for, and how the driver is told.
//!
//! Low latency: no frame waits for another, every frame fits the wire in its own
//! interval (one frame of VBV), and IDR frames come when they are asked for.

use super::bits;
use super::constants::{
    AV1_PROFILE_MAIN, CODEC_AV1, CODEC_H264, CODEC_HEVC, H264_PROFILE_HIGH, H264_PROFILE_HIGH_444, HEVC_PROFILE_FREXT,
    HEVC_PROFILE_MAIN, HEVC_PROFILE_MAIN10, PRESET_P1, PRESET_P2, PRESET_P3, PRESET_P4, PRESET_P5, PRESET_P6,
    PRESET_P7,
};
use super::sys::*;

/// What it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264.
    H264,
    /// HEVC.
    Hevc,
    /// AV1.
    Av1,
}

impl Codec {
    pub(crate) const fn guid(self) -> GUID {
        match self {
            Self::H264 => CODEC_H264,
            Self::Hevc => CODEC_HEVC,
            Self::Av1 => CODEC_AV1,
        }
    }

    /// The smallest profile that has such samples.
    const fn profile(self, samples: Samples) -> GUID {
        match (self, samples.yuv444, samples.ten_bit) {
            (Self::H264, false, _) => H264_PROFILE_HIGH,
            (Self::H264, true, _) => H264_PROFILE_HIGH_444,
            (Self::Hevc, false, false) => HEVC_PROFILE_MAIN,
            (Self::Hevc, false, true) => HEVC_PROFILE_MAIN10,
            (Self::Hevc, true, _) => HEVC_PROFILE_FREXT,
            (Self::Av1, ..) => AV1_PROFILE_MAIN,
        }
    }
}

/// What a picture consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Samples {
    /// 10 bits instead of 8.
    pub ten_bit: bool,
    /// Chroma of full size (4:4:4) instead of half the width and height (4:2:0).
    pub yuv444: bool,
}

impl Samples {
    /// `chroma_format_idc`.
    const fn chroma_format(self) -> u32 {
        if self.yuv444 { 3 } else { 1 }
    }

    const fn depth_minus_8(self) -> u32 {
        if self.ten_bit { 2 } else { 0 }
    }
}

/// What an encoder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What it makes.
    pub codec: Codec,
    /// Of what.
    pub samples: Samples,
    /// Pixels in a row, even.
    pub width: u32,
    /// Rows, even.
    pub height: u32,
    /// Frames per second: numerator and denominator.
    pub frame_rate: (u32, u32),
    /// Bits per second.
    pub bitrate: u32,
    /// P1 (fastest) to P7.
    pub preset: u8,
    /// Slices per picture, H.264 and HEVC.
    pub slices: u32,
    /// Pictures that one may refer to; with more than one, lost ones can be avoided.
    pub references: u32,
    /// Spends more bits where a picture is flat.
    pub spatial_aq: bool,
    /// Looks at each picture twice, first at a quarter of its size.
    pub two_pass: bool,
    /// Colours of the picture.
    pub colour: Colour,
}

/// Colour description, in the code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Samples use all of 0 to 255.
    pub full_range: bool,
}

impl Settings {
    pub(crate) const fn preset_guid(&self) -> GUID {
        match self.preset {
            0 | 1 => PRESET_P1,
            2 => PRESET_P2,
            3 => PRESET_P3,
            4 => PRESET_P4,
            5 => PRESET_P5,
            6 => PRESET_P6,
            _ => PRESET_P7,
        }
    }

    /// Changes the preset's configuration to ours.
    pub(crate) fn fill(&self, config: &mut NV_ENC_CONFIG) {
        config.profileGUID = self.codec.profile(self.samples);
        config.gopLength = NVENC_INFINITE_GOPLENGTH;
        // Every frame refers to the one before; none waits for the next.
        config.frameIntervalP = 1;
        config.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE::NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
        config.monoChromeEncoding = 0;
        self.fill_rate_control(&mut config.rcParams);
        let union = &mut config.encodeCodecConfig;
        // SAFETY: the preset's configuration is of the codec that it was asked for,
        // so this member of the union is the one that was written.
        unsafe {
            match self.codec {
                Codec::H264 => self.fill_h264(&mut union.h264Config),
                Codec::Hevc => self.fill_hevc(&mut union.hevcConfig),
                Codec::Av1 => self.fill_av1(&mut union.av1Config),
            }
        }
    }

    pub(crate) fn fill_rate_control(&self, rate: &mut NV_ENC_RC_PARAMS) {
        let (frames, seconds) = self.frame_rate;
        let frame = u64::from(self.bitrate) * u64::from(seconds) / u64::from(frames.max(1));
        let frame = u32::try_from(frame).unwrap_or(u32::MAX);
        rate.rateControlMode = NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_CBR;
        rate.averageBitRate = self.bitrate;
        rate.maxBitRate = self.bitrate;
        rate.vbvBufferSize = frame;
        rate.vbvInitialDelay = frame;
        rate.multiPass = if self.two_pass {
            NV_ENC_MULTI_PASS::NV_ENC_TWO_PASS_QUARTER_RESOLUTION
        } else {
            NV_ENC_MULTI_PASS::NV_ENC_MULTI_PASS_DISABLED
        };
        rate.lookaheadDepth = 0;
        let word = &mut rate.bitFields;
        bits::rate_control::ENABLE_LOOKAHEAD.set(word, 0);
        bits::rate_control::ENABLE_AQ.set(word, self.spatial_aq.into());
        bits::rate_control::ENABLE_TEMPORAL_AQ.set(word, 0);
        bits::rate_control::ZERO_REORDER_DELAY.set(word, 1);
    }

    fn fill_h264(&self, config: &mut NV_ENC_CONFIG_H264) {
        bits::h264::REPEAT_SPSPPS.set(&mut config.bitFields, 1);
        bits::h264::OUTPUT_AUD.set(&mut config.bitFields, 0);
        bits::h264::ENABLE_FILLER_DATA_INSERTION.set(&mut config.bitFields, 0);
        config.idrPeriod = NVENC_INFINITE_GOPLENGTH;
        config.entropyCodingMode = NV_ENC_H264_ENTROPY_CODING_MODE::NV_ENC_H264_ENTROPY_CODING_MODE_CABAC;
        config.maxNumRefFrames = self.references;
        config.numRefL0 = NV_ENC_NUM_REF_FRAMES::NV_ENC_NUM_REF_FRAMES_1;
        config.sliceMode = SLICES_PER_PICTURE;
        config.sliceModeData = self.slices.max(1);
        config.chromaFormatIDC = self.samples.chroma_format();
        self.fill_vui(&mut config.h264VUIParameters);
    }

    fn fill_hevc(&self, config: &mut NV_ENC_CONFIG_HEVC) {
        bits::hevc::REPEAT_SPSPPS.set(&mut config.bitFields, 1);
        bits::hevc::OUTPUT_AUD.set(&mut config.bitFields, 0);
        bits::hevc::ENABLE_FILLER_DATA_INSERTION.set(&mut config.bitFields, 0);
        bits::hevc::CHROMA_FORMAT_IDC.set(&mut config.bitFields, self.samples.chroma_format());
        bits::hevc::PIXEL_BIT_DEPTH_MINUS8.set(&mut config.bitFields, self.samples.depth_minus_8());
        config.idrPeriod = NVENC_INFINITE_GOPLENGTH;
        config.maxNumRefFramesInDPB = self.references;
        config.numRefL0 = NV_ENC_NUM_REF_FRAMES::NV_ENC_NUM_REF_FRAMES_1;
        config.sliceMode = SLICES_PER_PICTURE;
        config.sliceModeData = self.slices.max(1);
        self.fill_vui(&mut config.hevcVUIParameters);
    }

    fn fill_av1(&self, config: &mut NV_ENC_CONFIG_AV1) {
        bits::av1::REPEAT_SEQ_HDR.set(&mut config.bitFields, 1);
        bits::av1::OUTPUT_ANNEX_B_FORMAT.set(&mut config.bitFields, 0);
        bits::av1::ENABLE_BITSTREAM_PADDING.set(&mut config.bitFields, 0);
        bits::av1::CHROMA_FORMAT_IDC.set(&mut config.bitFields, self.samples.chroma_format());
        bits::av1::INPUT_PIXEL_BIT_DEPTH_MINUS8.set(&mut config.bitFields, self.samples.depth_minus_8());
        bits::av1::PIXEL_BIT_DEPTH_MINUS8.set(&mut config.bitFields, self.samples.depth_minus_8());
        config.idrPeriod = NVENC_INFINITE_GOPLENGTH;
        config.maxNumRefFramesInDPB = self.references;
        config.numFwdRefs = NV_ENC_NUM_REF_FRAMES::NV_ENC_NUM_REF_FRAMES_1;
        config.colorPrimaries = NV_ENC_VUI_COLOR_PRIMARIES(self.colour.primaries.into());
        config.transferCharacteristics = NV_ENC_VUI_TRANSFER_CHARACTERISTIC(self.colour.transfer.into());
        config.matrixCoefficients = NV_ENC_VUI_MATRIX_COEFFS(self.colour.matrix.into());
        config.colorRange = self.colour.full_range.into();
    }

    fn fill_vui(&self, vui: &mut NV_ENC_CONFIG_H264_VUI_PARAMETERS) {
        vui.videoSignalTypePresentFlag = 1;
        vui.videoFormat = NV_ENC_VUI_VIDEO_FORMAT::NV_ENC_VUI_VIDEO_FORMAT_UNSPECIFIED;
        vui.videoFullRangeFlag = self.colour.full_range.into();
        vui.colourDescriptionPresentFlag = 1;
        vui.colourPrimaries = NV_ENC_VUI_COLOR_PRIMARIES(self.colour.primaries.into());
        vui.transferCharacteristics = NV_ENC_VUI_TRANSFER_CHARACTERISTIC(self.colour.transfer.into());
        vui.colourMatrix = NV_ENC_VUI_MATRIX_COEFFS(self.colour.matrix.into());
        // Says that no frame is reordered, so that no decoder waits for one.
        vui.bitstreamRestrictionFlag = 1;
    }
}

/// `sliceMode`: `sliceModeData` is their number.
const SLICES_PER_PICTURE: u32 = 3;

#[cfg(test)]
mod tests {
    use super::super::api::zeroed;
    use super::*;

    #[test]
    fn a_frame_of_vbv_is_what_a_frame_interval_carries() {
        let settings = Settings {
            codec: Codec::H264,
            samples: Samples::default(),
            width: 1920,
            height: 1080,
            frame_rate: (60_000, 1001),
            bitrate: 20_000_000,
            preset: 1,
            slices: 2,
            references: 5,
            spatial_aq: true,
            two_pass: false,
            colour: Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false },
        };
        let mut config: NV_ENC_CONFIG = zeroed();
        settings.fill(&mut config);
        assert_eq!(config.rcParams.vbvBufferSize, 333_666);
        assert_eq!(bits::rate_control::ENABLE_AQ.get(config.rcParams.bitFields), 1);
        // SAFETY: written above.
        let h264 = unsafe { config.encodeCodecConfig.h264Config };
        assert_eq!((h264.sliceMode, h264.sliceModeData, h264.h264VUIParameters.colourMatrix.0), (3, 2, 1));
        assert_eq!(bits::h264::REPEAT_SPSPPS.get(h264.bitFields), 1);
    }
}
