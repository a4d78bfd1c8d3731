//! What a driver can do with one profile by one way in.

use super::display::{Display, call};
use super::error::VaError;
use super::sys::*;

/// Of one profile and one way in to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// `VA_RT_FORMAT_*` of pictures that it takes.
    pub formats: u32,
    /// `VA_RC_*`.
    pub rate_control: u32,
    /// `VA_ENC_PACKED_HEADER_*`: headers that the program may write itself.
    pub packed_headers: u32,
    /// Pictures that list 0 may name, at least 1 where the driver says nothing.
    pub references: u32,
    /// Slices per picture at most.
    pub slices: u32,
    /// `VA_ENC_SLICE_STRUCTURE_*`.
    pub slice_structure: u32,
    /// Quality levels from 1, the best, to this, the fastest; 0 without a choice.
    pub quality_levels: u32,
    /// Pixels in a row at most; 0 where the driver says nothing.
    pub most_width: u32,
    /// Rows at most; 0 where the driver says nothing.
    pub most_height: u32,
    /// What refers to one picture has to do so by both lists: there are no P slices.
    pub needs_both_lists: bool,
    /// `VAConfigAttribValEncHEVCFeatures`, where the driver says it.
    pub hevc_features: Option<u32>,
    /// `VAConfigAttribValEncHEVCBlockSizes`, where the driver says it.
    pub hevc_block_sizes: Option<u32>,
    /// `VAConfigAttribValEncAV1`, where the driver says it.
    pub av1_features: Option<u32>,
    /// `VAConfigAttribValEncAV1Ext2`, where the driver says it.
    pub av1_sizes: Option<u32>,
}

impl Capabilities {
    /// Asks the driver.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn probe(display: &Display, profile: VAProfile, entrypoint: VAEntrypoint) -> Result<Self, VaError> {
        let mut asked = ASKED.map(|type_| VAConfigAttrib { type_, value: VA_ATTRIB_NOT_SUPPORTED });
        call!(display, vaGetConfigAttributes(profile, entrypoint, asked.as_mut_ptr(), COUNT))?;
        let [
            formats,
            rate_control,
            packed,
            references,
            slices,
            structure,
            quality,
            width,
            height,
            direction,
            features,
            blocks,
            av1_features,
            av1_sizes,
        ] = asked.map(|attribute| (attribute.value != VA_ATTRIB_NOT_SUPPORTED).then_some(attribute.value));
        Ok(Self {
            formats: formats.unwrap_or(0),
            rate_control: rate_control.unwrap_or(0),
            packed_headers: packed.unwrap_or(0),
            // The upper half is list 1, for which low latency has no use.
            references: references.map_or(1, |value| value & 0xFFFF).max(1),
            slices: slices.unwrap_or(1).max(1),
            slice_structure: structure.unwrap_or(0),
            quality_levels: quality.unwrap_or(0),
            most_width: width.unwrap_or(0),
            most_height: height.unwrap_or(0),
            needs_both_lists: direction.unwrap_or(0) & BOTH_LISTS != 0,
            hevc_features: features,
            hevc_block_sizes: blocks,
            av1_features,
            av1_sizes,
        })
    }
}

/// `VA_PREDICTION_DIRECTION_BI_NOT_EMPTY`.
const BOTH_LISTS: u32 = 4;

const COUNT: i32 = 14;

const ASKED: [VAConfigAttribType; COUNT as usize] = [
    VAConfigAttribType::VAConfigAttribRTFormat,
    VAConfigAttribType::VAConfigAttribRateControl,
    VAConfigAttribType::VAConfigAttribEncPackedHeaders,
    VAConfigAttribType::VAConfigAttribEncMaxRefFrames,
    VAConfigAttribType::VAConfigAttribEncMaxSlices,
    VAConfigAttribType::VAConfigAttribEncSliceStructure,
    VAConfigAttribType::VAConfigAttribEncQualityRange,
    VAConfigAttribType::VAConfigAttribMaxPictureWidth,
    VAConfigAttribType::VAConfigAttribMaxPictureHeight,
    VAConfigAttribType::VAConfigAttribPredictionDirection,
    VAConfigAttribType::VAConfigAttribEncHEVCFeatures,
    VAConfigAttribType::VAConfigAttribEncHEVCBlockSizes,
    VAConfigAttribType::VAConfigAttribEncAV1,
    VAConfigAttribType::VAConfigAttribEncAV1Ext2,
];
