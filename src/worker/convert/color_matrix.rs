//! What a colour is in each colorimetry: the reference, in f64.
//!
//! Constants from ITU-R BT.601-7, BT.709-6 and BT.2020-2; code points from
//! ITU-T H.273 (ISO/IEC 23091-2). The fast conversion is checked against this.

use crate::color::{ColorRange, ColorSpace, Colorimetry};

/// Luma and chroma samples (Y', Cb, Cr), 8 bits, not rounded, of an RGB colour.
#[must_use]
pub fn exact(rgb: [u8; 3], colorimetry: Colorimetry) -> [f64; 3] {
    let [red, green, blue] = rgb.map(|value| f64::from(value) / 255.0);
    let (kr, kb) = luma_weights(colorimetry.space);
    let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
    let cb = (blue - luma) / (2.0 * (1.0 - kb));
    let cr = (red - luma) / (2.0 * (1.0 - kr));
    match colorimetry.range {
        ColorRange::Full => [255.0 * luma, 128.0 + 255.0 * cb, 128.0 + 255.0 * cr].map(|value| value.min(255.0)),
        ColorRange::Limited => [16.0 + 219.0 * luma, 128.0 + 224.0 * cb, 128.0 + 224.0 * cr],
    }
}

/// What red, green and blue (0 to 1) count for in samples of `bits`, and the offset:
/// a row each for Y', Cb and Cr.
#[must_use]
pub fn coefficients(colorimetry: Colorimetry, bits: u32) -> [[f64; 4]; 3] {
    let (kr, kb) = luma_weights(colorimetry.space);
    let scale = f64::from(1_u32 << (bits - 8));
    let (luma, floor, chroma) = match colorimetry.range {
        ColorRange::Full => (256.0 * scale - 1.0, 0.0, 256.0 * scale - 1.0),
        ColorRange::Limited => (219.0 * scale, 16.0 * scale, 224.0 * scale),
    };
    let weights = [kr, 1.0 - kr - kb, kb];
    let difference = |part: usize, weight: f64| {
        let factor = chroma / (2.0 * (1.0 - weight));
        let at = |index: usize| factor * (f64::from(u8::from(index == part)) - weights[index]);
        [at(0), at(1), at(2), 128.0 * scale]
    };
    [[luma * weights[0], luma * weights[1], luma * weights[2], floor], difference(2, kb), difference(0, kr)]
}

/// Black in samples (Y', Cb, Cr), 8 bits.
#[must_use]
pub const fn black(range: ColorRange) -> [u8; 3] {
    match range {
        ColorRange::Limited => [16, 128, 128],
        ColorRange::Full => [0, 128, 128],
    }
}

/// How a bitstream names a colour space (H.273).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePoints {
    /// ColourPrimaries.
    pub primaries: u8,
    /// TransferCharacteristics.
    pub transfer: u8,
    /// MatrixCoefficients.
    pub matrix: u8,
}

/// Code points of a colour space.
#[must_use]
pub const fn code_points(space: ColorSpace) -> CodePoints {
    let (primaries, transfer, matrix) = match space {
        ColorSpace::Bt601 => (6, 6, 6),
        ColorSpace::Bt709 => (1, 1, 1),
        // SDR in a wide gamut at 8 bits; HDR will have its own transfer.
        ColorSpace::Bt2020 => (9, 14, 9),
    };
    CodePoints { primaries, transfer, matrix }
}

const fn luma_weights(space: ColorSpace) -> (f64, f64) {
    match space {
        ColorSpace::Bt601 => (0.299, 0.114),
        ColorSpace::Bt709 => (0.2126, 0.0722),
        ColorSpace::Bt2020 => (0.2627, 0.0593),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_and_black_sit_at_the_ends_of_the_range() {
        for space in [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020] {
            for (range, white) in [(ColorRange::Limited, 235.0), (ColorRange::Full, 255.0)] {
                let colorimetry = Colorimetry { space, range };
                let samples = exact([255; 3], colorimetry);
                assert!((samples[0] - white).abs() < 1e-9 && (samples[1] - 128.0).abs() < 1e-9, "{colorimetry:?}");
                assert_eq!(exact([0; 3], colorimetry), black(range).map(f64::from), "{colorimetry:?}");
            }
        }
    }

    #[test]
    fn coefficients_say_the_same_in_8_bits() {
        for space in [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020] {
            for range in [ColorRange::Limited, ColorRange::Full] {
                let colorimetry = Colorimetry { space, range };
                let rgb = [200_u8, 30, 90];
                let parts = rgb.map(|value| f64::from(value) / 255.0);
                for (row, exact) in coefficients(colorimetry, 8).iter().zip(exact(rgb, colorimetry)) {
                    let found = row[0] * parts[0] + row[1] * parts[1] + row[2] * parts[2] + row[3];
                    assert!((found - exact).abs() < 1e-9, "{colorimetry:?}: {found} {exact}");
                }
            }
        }
    }

    #[test]
    fn colour_bars_match_the_published_values() {
        // 100 % bars, BT.709 limited range, rounded: SMPTE RP 219 arithmetic.
        let limited = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
        let rounded = |rgb| exact(rgb, limited).map(f64::round);
        assert_eq!(rounded([255, 0, 0]), [63.0, 102.0, 240.0]);
        assert_eq!(rounded([0, 255, 0]), [173.0, 42.0, 26.0]);
        assert_eq!(rounded([0, 0, 255]), [32.0, 240.0, 118.0]);
        // BT.601 limited: the well-known 81, 145, 41.
        let limited = Colorimetry { space: ColorSpace::Bt601, range: ColorRange::Limited };
        let luma = [[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(|rgb| exact(rgb, limited)[0].round());
        assert_eq!(luma, [81.0, 145.0, 41.0]);
    }
}
