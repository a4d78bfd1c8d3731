//! Profile, tier and level (ITU-T H.265, 7.3.3 and Annex A).

use crate::bits::{Reader, Writer};
use crate::driver::{Result, require, require_equal};

/// Of the whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile {
    /// `general_profile_idc`.
    pub(super) number: u32,
    /// `general_level_idc`.
    pub(super) level: u32,
}

impl Profile {
    pub(super) fn read(bits: &mut Reader<'_>) -> Result<Self> {
        require_equal("profile space and tier", (bits.bits(2)?, bits.bit()?), (0, false))?;
        let number = bits.bits(5)?;
        let compatible = bits.bits(32)?;
        let expected = compatibility(number);
        require_equal("profiles that it is compatible with", compatible, expected)?;
        require_equal("progressive frames", bits.bits(4)?, 0b1001)?;
        require_equal("constraints that are not of these profiles", (bits.bits(32)?, bits.bits(12)?), (0, 0))?;
        Ok(Self { number, level: bits.bits(8)? })
    }

    pub(super) fn write(self, bits: &mut Writer) {
        bits.put(self.number, 8);
        bits.put(compatibility(self.number), 32);
        bits.put(0b1001, 4);
        bits.put(0, 32);
        bits.put(0, 12);
        bits.put(self.level, 8);
    }

    /// A picture of so many samples, and so many pictures kept besides the current one.
    pub(super) fn check(self, samples: u32, kept: u32) -> Result {
        let most = LEVELS.iter().find(|level| level.0 == self.level).map_or(0, |level| level.1);
        require(samples <= most, || format!("{samples} samples in level {}", self.level))?;
        let pictures = match () {
            () if samples <= most / 4 => 16,
            () if samples <= most / 2 => 12,
            () if samples <= most / 4 * 3 => 8,
            () => 6,
        };
        require(kept < pictures, || format!("{kept} pictures besides the current one in level {}", self.level))
    }
}

/// Main streams are Main 10 streams, too.
const fn compatibility(profile: u32) -> u32 {
    if profile == 1 { 0b11 << 29 } else { 1 << (31 - profile) }
}

/// Table A.8: `general_level_idc`, and samples in a picture.
const LEVELS: [(u32, u32); 10] = [
    (90, 552_960),
    (93, 983_040),
    (120, 2_228_224),
    (123, 2_228_224),
    (150, 8_912_896),
    (153, 8_912_896),
    (156, 8_912_896),
    (180, 35_651_584),
    (183, 35_651_584),
    (186, 35_651_584),
];
