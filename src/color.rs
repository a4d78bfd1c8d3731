//! Colour spaces and ranges as the client asks for them.

use serde::{Deserialize, Serialize};

/// Matrix, primaries and transfer (`encoderCscMode >> 1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColorSpace {
    /// Rec. ITU-R BT.601 (525 lines), the protocol's default.
    Bt601,
    /// Rec. ITU-R BT.709.
    Bt709,
    /// Rec. ITU-R BT.2020, non-constant luminance.
    Bt2020,
}

/// Sample range (`encoderCscMode & 1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColorRange {
    /// Luma 16..235.
    Limited,
    /// Luma 0..255.
    Full,
}

/// How pixels become samples and what the bitstream says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Colorimetry {
    /// Matrix, primaries and transfer.
    pub space: ColorSpace,
    /// Sample range.
    pub range: ColorRange,
}

impl Colorimetry {
    /// From `x-nv-video[0].encoderCscMode`; `None` for an unknown colour space.
    #[must_use]
    pub const fn from_csc_mode(mode: u32) -> Option<Self> {
        let space = match mode >> 1 {
            0 => ColorSpace::Bt601,
            1 => ColorSpace::Bt709,
            2 => ColorSpace::Bt2020,
            _ => return None,
        };
        let range = if mode & 1 == 1 { ColorRange::Full } else { ColorRange::Limited };
        Some(Self { space, range })
    }

    /// Value of `x-nv-video[0].encoderCscMode`.
    #[must_use]
    pub const fn to_csc_mode(self) -> u32 {
        let space = match self.space {
            ColorSpace::Bt601 => 0,
            ColorSpace::Bt709 => 1,
            ColorSpace::Bt2020 => 2,
        };
        let range = match self.range {
            ColorRange::Limited => 0,
            ColorRange::Full => 1,
        };
        space << 1 | range
    }
}
