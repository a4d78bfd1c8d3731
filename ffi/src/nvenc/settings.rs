//! What an encoder is asked for, and how the driver is told.
//!
//! Low latency: no frame waits for another, every frame fits the wire in its own
//! interval (one frame of VBV), and IDR frames come when they are asked for.

use super::bits;
use super::capabilities::Capabilities;
use super::constants::{
    AV1_PROFILE_MAIN, CODEC_AV1, CODEC_H264, CODEC_HEVC, H264_PROFILE_HIGH, H264_PROFILE_HIGH_444, HEVC_PROFILE_FREXT,
    HEVC_PROFILE_MAIN, HEVC_PROFILE_MAIN10, PRESET_P1, PRESET_P2, PRESET_P3, PRESET_P4, PRESET_P5, PRESET_P6,
    PRESET_P7,
};
use super::hdr::Hdr;
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
    /// What the picture was mastered on, said in each IDR frame. HEVC and AV1.
    pub hdr: Option<Hdr>,
    /// Frames in which a wave of intra blocks goes over the picture, one wave after the
    /// other, so that what was lost heals without an IDR frame. Where the engine has no
    /// such thing there are none.
    pub intra_refresh: Option<u32>,
    /// Whether several engines code a picture.
    pub split: Split,
}

/// Whether a picture is cut into strips that several engines code at a time. HEVC and
/// AV1 alone: the driver does not cut H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// One engine codes all of it.
    Never,
    /// As the driver likes: in the low-latency presets from 2112 rows of HEVC and 2048
    /// of AV1 on, whatever the frame rate (programming guide, implicit mode).
    Automatic,
    /// Always, in as many strips as the driver likes.
    Forced,
    /// In two strips.
    Two,
    /// In three strips, or two where there are no three engines.
    Three,
}

impl Split {
    const fn mode(self) -> NV_ENC_SPLIT_ENCODE_MODE {
        match self {
            Self::Never => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_DISABLE_MODE,
            Self::Automatic => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_AUTO_MODE,
            Self::Forced => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_AUTO_FORCED_MODE,
            Self::Two => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_TWO_FORCED_MODE,
            Self::Three => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_THREE_FORCED_MODE,
        }
    }
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

    /// Without what the engine cannot do and a stream can do without.
    pub(crate) fn within(self, capabilities: &Capabilities) -> Self {
        let intra_refresh = self.intra_refresh.filter(|_| capabilities.intra_refresh);
        Self { intra_refresh, ..self }
    }

    /// `splitEncodeMode`: nothing is asked for where there is nothing to split.
    pub(crate) const fn split_mode(&self, engines: u32) -> u32 {
        match (self.codec, engines) {
            (Codec::H264, _) | (_, 0 | 1) => NV_ENC_SPLIT_ENCODE_MODE::NV_ENC_SPLIT_AUTO_MODE.0,
            _ => self.split.mode().0,
        }
    }

    /// Changes the preset's configuration to ours.
    pub(crate) fn fill(&self, config: &mut NV_ENC_CONFIG, capabilities: &Capabilities) {
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
            self.fill_intra_refresh(union, capabilities);
        }
    }

    /// Waves follow each other: the period has to be longer than a wave.
    ///
    /// # Safety
    /// The union's member has to be the codec's.
    unsafe fn fill_intra_refresh(&self, union: &mut NV_ENC_CODEC_CONFIG, capabilities: &Capabilities) {
        let count = self.intra_refresh.unwrap_or(0);
        let (on, period) = (u32::from(count > 0), if count > 0 { count + 1 } else { 0 });
        let single = u32::from(count > 0 && capabilities.single_slice_intra_refresh);
        // SAFETY: the caller's contract.
        unsafe {
            match self.codec {
                Codec::H264 => {
                    let config = &mut union.h264Config;
                    bits::h264::ENABLE_INTRA_REFRESH.set(&mut config.bitFields, on);
                    bits::h264::OUTPUT_RECOVERY_POINT_SEI.set(&mut config.bitFields, on);
                    bits::h264::SINGLE_SLICE_INTRA_REFRESH.set(&mut config.bitFields, single);
                    (config.intraRefreshPeriod, config.intraRefreshCnt) = (period, count);
                }
                Codec::Hevc => {
                    let config = &mut union.hevcConfig;
                    bits::hevc::ENABLE_INTRA_REFRESH.set(&mut config.bitFields, on);
                    bits::hevc::OUTPUT_RECOVERY_POINT_SEI.set(&mut config.bitFields, on);
                    bits::hevc::SINGLE_SLICE_INTRA_REFRESH.set(&mut config.bitFields, single);
                    (config.intraRefreshPeriod, config.intraRefreshCnt) = (period, count);
                }
                Codec::Av1 => {
                    let config = &mut union.av1Config;
                    bits::av1::ENABLE_INTRA_REFRESH.set(&mut config.bitFields, on);
                    (config.intraRefreshPeriod, config.intraRefreshCnt) = (period, count);
                }
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

    fn settings(codec: Codec) -> Settings {
        Settings {
            codec,
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
            hdr: None,
            intra_refresh: None,
            split: Split::Never,
        }
    }

    fn capabilities() -> Capabilities {
        Capabilities {
            most_width: 4096,
            most_height: 4096,
            ten_bit: true,
            yuv444: true,
            reference_invalidation: true,
            intra_refresh: true,
            single_slice_intra_refresh: true,
            sub_frame_readback: true,
            bitrate_change: true,
            engines: 2,
        }
    }

    #[test]
    fn a_frame_of_vbv_is_what_a_frame_interval_carries() {
        let mut config: NV_ENC_CONFIG = zeroed();
        settings(Codec::H264).fill(&mut config, &capabilities());
        assert_eq!(config.rcParams.vbvBufferSize, 333_666);
        assert_eq!(bits::rate_control::ENABLE_AQ.get(config.rcParams.bitFields), 1);
        // SAFETY: written above.
        let h264 = unsafe { config.encodeCodecConfig.h264Config };
        assert_eq!((h264.sliceMode, h264.sliceModeData, h264.h264VUIParameters.colourMatrix.0), (3, 2, 1));
        assert_eq!(bits::h264::REPEAT_SPSPPS.get(h264.bitFields), 1);
        assert_eq!((h264.intraRefreshPeriod, bits::h264::ENABLE_INTRA_REFRESH.get(h264.bitFields)), (0, 0));
    }

    #[test]
    fn waves_of_intra_blocks_follow_each_other() {
        let mut config: NV_ENC_CONFIG = zeroed();
        let asked = Settings { intra_refresh: Some(60), ..settings(Codec::Hevc) };
        asked.fill(&mut config, &capabilities());
        // SAFETY: written above.
        let hevc = unsafe { config.encodeCodecConfig.hevcConfig };
        assert_eq!((hevc.intraRefreshPeriod, hevc.intraRefreshCnt), (61, 60));
        assert_eq!(bits::hevc::OUTPUT_RECOVERY_POINT_SEI.get(hevc.bitFields), 1);
        let cannot = Capabilities { intra_refresh: false, ..capabilities() };
        assert_eq!(asked.within(&cannot).intra_refresh, None);
    }

    #[test]
    fn only_what_can_be_split_is() {
        let forced = |codec| Settings { split: Split::Forced, ..settings(codec) };
        assert_eq!(forced(Codec::H264).split_mode(2), 0);
        assert_eq!(forced(Codec::Hevc).split_mode(1), 0);
        assert_eq!(forced(Codec::Av1).split_mode(3), 1);
        assert_eq!(settings(Codec::Hevc).split_mode(2), 15);
    }
}
