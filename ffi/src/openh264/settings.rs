//! What an encoder is opened with, and how the library wants to hear it.

use std::ffi::{c_int, c_ushort};

use openh264_sys2::{
    CAMERA_VIDEO_REAL_TIME, CONSTANT_ID, LOW_COMPLEXITY, PRO_HIGH, RC_OFF_MODE, SEncParamExt, SM_FIXEDSLCNUM_SLICE,
    SM_SINGLE_SLICE,
};

use super::OpenError;

/// Slices per picture at most (`MAX_SLICES_NUM`).
pub const MAX_SLICES: u8 = 35;

/// What an encoder is opened with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Pixels in a row, even. Coded as a multiple of 16 and cropped.
    pub width: u32,
    /// Rows, even. Coded as a multiple of 16 and cropped.
    pub height: u32,
    /// Frames per second, for the level.
    pub frame_rate: f32,
    /// Bits per second, for the level.
    pub bitrate: u32,
    /// Slices per picture, 1..=[`MAX_SLICES`].
    pub slices: u8,
    /// Threads; no more than slices help.
    pub threads: u8,
    /// ISO/IEC 23091-2 colour primaries.
    pub primaries: u8,
    /// ISO/IEC 23091-2 transfer characteristics.
    pub transfer: u8,
    /// ISO/IEC 23091-2 matrix coefficients.
    pub matrix: u8,
    /// Luma 0..=255 instead of 16..=235.
    pub full_range: bool,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), OpenError> {
        let (width, height) = (self.width, self.height);
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        let macroblocks = u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16));
        if even && width >= 16 && height >= 16 && macroblocks <= MAX_MACROBLOCKS {
            Ok(())
        } else {
            Err(OpenError::Size { width, height })
        }
    }

    /// Puts the settings over the library's defaults.
    ///
    /// Camera mode: screen mode caps the quantizer and is slower and worse on
    /// desktops (measured). One reference, one layer, no periodic IDR. CABAC
    /// saves about a tenth of the bits over CAVLC. Background detection and
    /// scene-change detection cost time and would code IDR frames unasked.
    pub(super) fn fill(&self, parameters: &mut SEncParamExt) {
        let int = |value: u32| c_int::try_from(value).unwrap_or(c_int::MAX);
        parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
        parameters.iPicWidth = int(self.width);
        parameters.iPicHeight = int(self.height);
        parameters.iTargetBitrate = int(self.bitrate);
        parameters.iRCMode = RC_OFF_MODE;
        parameters.fMaxFrameRate = self.frame_rate;
        parameters.iTemporalLayerNum = 1;
        parameters.iSpatialLayerNum = 1;
        parameters.iComplexityMode = LOW_COMPLEXITY;
        parameters.uiIntraPeriod = 0;
        parameters.iNumRefFrame = 1;
        parameters.eSpsPpsIdStrategy = CONSTANT_ID;
        parameters.bPrefixNalAddingCtrl = false;
        parameters.iEntropyCodingModeFlag = 1;
        parameters.bEnableFrameSkip = false;
        parameters.bEnableLongTermReference = false;
        parameters.iMultipleThreadIdc = c_ushort::from(self.threads.max(1));
        parameters.bUseLoadBalancing = false;
        parameters.bEnableDenoise = false;
        parameters.bEnableBackgroundDetection = false;
        parameters.bEnableAdaptiveQuant = false;
        parameters.bEnableFrameCroppingFlag = true;
        parameters.bEnableSceneChangeDetect = false;
        self.fill_layer(parameters);
    }

    fn fill_layer(&self, parameters: &mut SEncParamExt) {
        let layer = &mut parameters.sSpatialLayers[0];
        layer.iVideoWidth = parameters.iPicWidth;
        layer.iVideoHeight = parameters.iPicHeight;
        layer.fFrameRate = self.frame_rate;
        layer.iSpatialBitrate = parameters.iTargetBitrate;
        layer.uiProfileIdc = PRO_HIGH;
        layer.sSliceArgument.uiSliceMode = if self.slices > 1 { SM_FIXEDSLCNUM_SLICE } else { SM_SINGLE_SLICE };
        layer.sSliceArgument.uiSliceNum = u32::from(self.slices.clamp(1, MAX_SLICES));
        layer.bVideoSignalTypePresent = true;
        layer.uiVideoFormat = UNSPECIFIED_VIDEO_FORMAT;
        layer.bFullRange = self.full_range;
        layer.bColorDescriptionPresent = true;
        layer.uiColorPrimaries = self.primaries;
        layer.uiTransferCharacteristics = self.transfer;
        layer.uiColorMatrix = self.matrix;
    }
}

/// `MAX_MBS_PER_FRAME`: level 5.2, e.g. 4096x2304.
const MAX_MACROBLOCKS: u64 = 36_864;
/// H.264 table E-2.
const UNSPECIFIED_VIDEO_FORMAT: u8 = 5;
