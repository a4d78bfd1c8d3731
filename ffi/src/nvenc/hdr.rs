//! What an HDR picture was mastered on, as the stream says it: SEI messages of HEVC
//! (ITU-T H.265, D.3.28 and D.3.35), metadata OBUs of AV1 (6.7.3 and 6.7.4).
//!
//! Interface 12.1 has no members for them, so they are written here and handed over as
//! payloads, which the driver wraps. They go with IDR frames only, where a decoder
//! begins; together they are 28 bytes, because clients look for the parameter sets and
//! the slice in the first packet.

use super::settings::Codec;

/// Mastering display and content, in the units of the HEVC messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hdr {
    /// Chromaticity of red, green and blue, x and y in 1/50000.
    pub primaries: [(u16, u16); 3],
    /// Chromaticity of white.
    pub white: (u16, u16),
    /// Brightest and darkest, in 1/10000 cd/m².
    pub luminance: (u32, u32),
    /// Brightest pixel, in cd/m²; 0 is not known.
    pub brightest_pixel: u16,
    /// Brightest average of a picture, in cd/m²; 0 is not known.
    pub brightest_average: u16,
}

impl Hdr {
    /// A display of BT.2020 with 1000 cd/m², and content that nobody has measured: what
    /// can be said of a desktop.
    pub const BT2020_1000: Self = Self {
        primaries: [(35_400, 14_600), (8500, 39_850), (6550, 2300)],
        white: (15_635, 16_450),
        luminance: (10_000_000, 1),
        brightest_pixel: 0,
        brightest_average: 0,
    };

    /// Payloads for an IDR frame, and their types; none in H.264, of which these engines
    /// make no 10 bits.
    pub(crate) fn payloads(&self, codec: Codec) -> Vec<(u32, Vec<u8>)> {
        match codec {
            Codec::H264 => Vec::new(),
            Codec::Hevc => vec![
                (SEI_MASTERING_DISPLAY, self.mastering_of_hevc().to_vec()),
                (SEI_CONTENT_LIGHT, self.content().to_vec()),
            ],
            Codec::Av1 => vec![
                (OBU_CONTENT_LIGHT, self.content().to_vec()),
                (OBU_MASTERING_DISPLAY, self.mastering_of_av1().to_vec()),
            ],
        }
    }

    fn mastering_of_hevc(&self) -> [u8; 24] {
        let [red, green, blue] = self.primaries;
        let points = [green, blue, red, self.white].map(|(x, y)| [x, y]);
        mastering(points, [self.luminance.0, self.luminance.1])
    }

    /// Fractions of 16 bits; 24.8 bits for the brightest and 18.14 for the darkest.
    fn mastering_of_av1(&self) -> [u8; 24] {
        let [red, green, blue] = self.primaries;
        let fraction = |value: u16| u16::try_from(scaled(value.into(), 1 << 16, 50_000)).unwrap_or(u16::MAX);
        let points = [red, green, blue, self.white].map(|(x, y)| [fraction(x), fraction(y)]);
        mastering(points, [scaled(self.luminance.0, 1 << 8, 10_000), scaled(self.luminance.1, 1 << 14, 10_000)])
    }

    fn content(&self) -> [u8; 4] {
        let [[a, b], [c, d]] = [self.brightest_pixel, self.brightest_average].map(u16::to_be_bytes);
        [a, b, c, d]
    }
}

fn mastering(points: [[u16; 2]; 4], luminance: [u32; 2]) -> [u8; 24] {
    let mut bytes = [0; 24];
    for (place, value) in bytes.chunks_exact_mut(2).zip(points.into_iter().flatten()) {
        place.copy_from_slice(&value.to_be_bytes());
    }
    for (place, value) in bytes[16..].chunks_exact_mut(4).zip(luminance) {
        place.copy_from_slice(&value.to_be_bytes());
    }
    bytes
}

fn scaled(value: u32, factor: u64, unit: u64) -> u32 {
    u32::try_from((u64::from(value) * factor + unit / 2) / unit).unwrap_or(u32::MAX)
}

/// `payloadType` of HEVC.
const SEI_MASTERING_DISPLAY: u32 = 137;
const SEI_CONTENT_LIGHT: u32 = 144;
/// `metadata_type` of AV1.
const OBU_CONTENT_LIGHT: u32 = 1;
const OBU_MASTERING_DISPLAY: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hevc_says_green_first_and_ten_thousandths() {
        let bytes = Hdr::BT2020_1000.mastering_of_hevc();
        assert_eq!(bytes[..4], [0x21, 0x34, 0x9B, 0xAA], "green is 0.170, 0.797");
        assert_eq!(bytes[8..10], [0x8A, 0x48], "red comes third");
        assert_eq!(bytes[16..], [0x00, 0x98, 0x96, 0x80, 0, 0, 0, 1]);
    }

    #[test]
    fn av1_says_red_first_and_binary_fractions() {
        let bytes = Hdr::BT2020_1000.mastering_of_av1();
        assert_eq!(bytes[..2], 46_399_u16.to_be_bytes(), "0.708 of 65536");
        assert_eq!(bytes[16..20], (1000_u32 << 8).to_be_bytes());
        assert_eq!(bytes[20..], 2_u32.to_be_bytes(), "0.0001 of 16384");
    }

    #[test]
    fn content_is_its_pixel_and_its_average() {
        let hdr = Hdr { brightest_pixel: 800, brightest_average: 200, ..Hdr::BT2020_1000 };
        assert_eq!(hdr.content(), [3, 32, 0, 200]);
    }
}
