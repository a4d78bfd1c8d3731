//! A picture that a GPU has converted, back on the host: for screenshots and tests.

use earthshine_ffi::vulkan::SurfaceFormat;

use crate::color::Colorimetry;
use crate::ipc::picture::RawPicture;
use crate::units::Size;

/// Samples in one of the formats that encoders on GPUs take.
#[derive(Debug)]
pub struct Fetched {
    /// Samples.
    pub format: SurfaceFormat,
    /// Pixels, both sides even.
    pub size: Size,
    /// Rows of luma in memory: those, or more.
    pub rows: usize,
    /// Bytes from one row to the next.
    pub pitch: usize,
    /// All planes.
    pub bytes: Vec<u8>,
}

impl Fetched {
    /// A sample of luma (0), blue (1) or red difference (2) in its code values.
    /// `x` and `y` are of the plane: in 4:2:0, chroma has half of both.
    #[must_use]
    pub fn sample(&self, part: usize, x: usize, y: usize) -> u16 {
        let plane = self.pitch * self.rows;
        let (from, column) = match (part, self.format.is_444()) {
            (0, _) => (0, x),
            (part, true) => (plane * part, x),
            (part, false) => (plane, 2 * x + part - 1),
        };
        let row = &self.bytes[from + y * self.pitch..][..self.pitch];
        match self.format.bits() {
            8 => row[column].into(),
            _ => u16::from_le_bytes([row[2 * column], row[2 * column + 1]]) >> 6,
        }
    }

    /// The same in I420 of 8 bits. Of 4:4:4, each other sample of chroma is left.
    #[must_use]
    pub fn to_raw(&self, colorimetry: Colorimetry) -> RawPicture {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let mut samples = Vec::with_capacity(RawPicture::len_of(self.size));
        let step = if self.format.is_444() { 2 } else { 1 };
        let bits = self.format.bits();
        for (part, (width, height, step)) in
            [(width, height, 1), (width / 2, height / 2, step), (width / 2, height / 2, step)].into_iter().enumerate()
        {
            let row = |y: usize| (0..width).map(move |x| self.sample(part, x * step, y * step));
            samples.extend((0..height).flat_map(row).map(|sample| u8::try_from(sample >> (bits - 8)).unwrap_or(255)));
        }
        RawPicture { size: self.size, colorimetry, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{ColorRange, ColorSpace};

    const COLORIMETRY: Colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Full };

    #[test]
    fn every_format_becomes_planes_of_8_bits() {
        let size = Size::new(2, 2);
        let fetched = |format, pitch, bytes: &[u8]| Fetched { format, size, rows: 2, pitch, bytes: bytes.to_vec() };
        let nv12 = fetched(SurfaceFormat::Nv12, 4, &[1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0]);
        assert_eq!(nv12.to_raw(COLORIMETRY).samples, [1, 2, 3, 4, 5, 6]);
        let p010 = fetched(SurfaceFormat::P010, 4, &[0, 1, 0xC0, 2, 0, 3, 0, 4, 0x40, 5, 0, 6]);
        assert_eq!((p010.sample(0, 1, 0), p010.sample(1, 0, 0)), (4 * 2 + 3, 4 * 5 + 1));
        assert_eq!(p010.to_raw(COLORIMETRY).samples, [1, 2, 3, 4, 5, 6]);
        let planes = fetched(SurfaceFormat::Yuv444, 2, &[1, 2, 3, 4, 5, 9, 9, 9, 6, 9, 9, 9]);
        assert_eq!(planes.to_raw(COLORIMETRY).samples, [1, 2, 3, 4, 5, 6]);
    }
}
