//! Conversion on the CPU, with the SIMD kernels of the `yuv` crate.
//!
//! 1080p takes about twice as long as copying the frame (`benches/convert.rs`).

use std::ops::Range;

use yuv::{BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix};

use crate::codec::Chroma;
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::units::Size;
use crate::worker::convert::color_matrix;
use crate::worker::convert::planes::Planes;
use crate::worker::convert::scaler::{Placement, Scaler};
use crate::worker::frame::{Frame, PixelFormat, Rows};

/// Turns frames of any size into planes of one size.
#[derive(Debug)]
pub struct CpuConverter {
    visible: Size,
    chroma: Chroma,
    colorimetry: Colorimetry,
    // What the bars of the planes in use fit to.
    placement: Option<Placement>,
    scaler: Option<Scaler>,
}

impl CpuConverter {
    /// A converter to pictures of `visible` pixels.
    #[must_use]
    pub const fn new(visible: Size, chroma: Chroma, colorimetry: Colorimetry) -> Self {
        Self { visible, chroma, colorimetry, placement: None, scaler: None }
    }

    /// Planes that this converter can write to, black.
    #[must_use]
    pub fn planes(&self) -> Planes {
        Planes::new(self.visible, self.chroma, color_matrix::black(self.colorimetry.range))
    }

    /// Converts a frame into `planes`, scaled and with bars if its size is not
    /// the target's. Returns the rows of `planes` that were written.
    ///
    /// `changed` are the frame's rows outside of which `planes` hold it
    /// already; `None` converts all of it, and so does what is not as simple
    /// as row by row.
    ///
    /// # Errors
    /// [`ConvertError`]; the planes may be half written.
    pub fn convert(
        &mut self,
        frame: &Frame,
        changed: Option<Range<u32>>,
        planes: &mut Planes,
    ) -> Result<Range<u32>, ConvertError> {
        let rows = frame.read().map_err(|error| ConvertError::Read { what: error.to_string() })?;
        check(frame, &rows)?;
        let all = 0..planes.size().height;
        if frame.size != self.visible {
            self.convert_scaled(frame, &rows, planes)?;
            return Ok(all);
        }
        let fits_already = self.placement.take().is_none();
        match changed {
            Some(changed) if fits_already && !frame.bottom_up => self.convert_rows(frame, &rows, changed, planes),
            _ => self.convert_whole(frame, &rows, planes).map(|()| all),
        }
    }

    fn convert_whole(&self, frame: &Frame, rows: &Rows<'_>, planes: &mut Planes) -> Result<(), ConvertError> {
        let whole = Placement { left: 0, top: 0, size: self.visible };
        self.convert_pixels(rows, rows.stride(), frame.format, whole, planes)?;
        if frame.bottom_up {
            // With an odd height the chroma lands half a row off; no known
            // compositor has both.
            planes.flip_rows(0, self.visible.height as usize);
        }
        planes.repeat_odd_edges(self.visible);
        Ok(())
    }

    /// Chroma takes rows in pairs, so pairs are converted.
    fn convert_rows(
        &self,
        frame: &Frame,
        rows: &Rows<'_>,
        changed: Range<u32>,
        planes: &mut Planes,
    ) -> Result<Range<u32>, ConvertError> {
        let height = self.visible.height;
        let (from, to) = (changed.start.min(height) / 2 * 2, changed.end.min(height).next_multiple_of(2).min(height));
        if from >= to {
            return Ok(0..0);
        }
        let part = Placement { left: 0, top: from, size: Size::new(self.visible.width, to - from) };
        let stride = rows.stride();
        let bytes = &rows[from as usize * stride..to as usize * stride];
        self.convert_pixels(bytes, stride, frame.format, part, planes)?;
        planes.repeat_odd_edges(self.visible);
        Ok(from..to.next_multiple_of(2))
    }

    fn convert_scaled(&mut self, frame: &Frame, rows: &Rows<'_>, planes: &mut Planes) -> Result<(), ConvertError> {
        let placement = Placement::fit(frame.size, planes.size());
        if self.placement != Some(placement) {
            self.placement = Some(placement);
            self.scaler = None;
        }
        // Two sets of planes take turns, so bars are drawn every time; beside
        // scaling they cost nothing.
        fill_bars(planes, placement, color_matrix::black(self.colorimetry.range));
        let mut scaler = self.scaler.take().unwrap_or_else(|| Scaler::new(placement.size));
        let pixels = scaler.scale(rows, frame.size)?;
        self.convert_pixels(pixels, placement.size.width as usize * 4, frame.format, placement, planes)?;
        self.scaler = Some(scaler);
        if frame.bottom_up {
            planes.flip_rows(placement.top as usize, placement.size.height as usize);
        }
        Ok(())
    }

    fn convert_pixels(
        &self,
        pixels: &[u8],
        stride: usize,
        format: PixelFormat,
        placement: Placement,
        planes: &mut Planes,
    ) -> Result<(), ConvertError> {
        let stride = u32::try_from(stride).map_err(|_| ConvertError::Stride { stride })?;
        let mut target = part(planes, placement);
        let range = match self.colorimetry.range {
            ColorRange::Limited => YuvRange::Limited,
            ColorRange::Full => YuvRange::Full,
        };
        let matrix = match self.colorimetry.space {
            ColorSpace::Bt601 => YuvStandardMatrix::Bt601,
            ColorSpace::Bt709 => YuvStandardMatrix::Bt709,
            ColorSpace::Bt2020 => YuvStandardMatrix::Bt2020,
        };
        let convert = match (format, self.chroma) {
            (PixelFormat::Bgrx, Chroma::Yuv420) => yuv::bgra_to_yuv420,
            (PixelFormat::Rgbx, Chroma::Yuv420) => yuv::rgba_to_yuv420,
            (PixelFormat::Bgrx, Chroma::Yuv444) => yuv::bgra_to_yuv444,
            (PixelFormat::Rgbx, Chroma::Yuv444) => yuv::rgba_to_yuv444,
        };
        convert(&mut target, pixels, stride, range, matrix, YuvConversionMode::Balanced)
            .map_err(|error| ConvertError::Library { what: error.to_string() })
    }
}

/// A frame cannot be converted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConvertError {
    /// No pixels.
    #[error("the frame is empty: {size}")]
    Empty {
        /// Its size.
        size: Size,
    },
    /// The bytes end before the last row does.
    #[error("the frame has {got} bytes and needs {needed}")]
    Short {
        /// Bytes there.
        got: usize,
        /// Bytes that size and stride ask for.
        needed: usize,
    },
    /// Rows overlap, or are no whole number of pixels apart.
    #[error("rows {stride} bytes apart")]
    Stride {
        /// Bytes from row to row.
        stride: usize,
    },
    /// They cannot be got at.
    #[error("{what}")]
    Read {
        /// Why.
        what: String,
    },
    /// The conversion library refused.
    #[error("conversion failed: {what}")]
    Library {
        /// What it said.
        what: String,
    },
}

/// A frame is as large as it says.
pub(super) fn check(frame: &Frame, rows: &Rows<'_>) -> Result<(), ConvertError> {
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    if width == 0 || height == 0 {
        return Err(ConvertError::Empty { size: frame.size });
    }
    let stride = rows.stride();
    if stride < width * 4 || !stride.is_multiple_of(4) {
        return Err(ConvertError::Stride { stride });
    }
    let (got, needed) = (rows.len(), stride * height);
    if got < needed { Err(ConvertError::Short { got, needed }) } else { Ok(()) }
}

fn part(planes: &mut Planes, placement: Placement) -> YuvPlanarImageMut<'_, u8> {
    let (left, top) = (placement.left as usize, placement.top as usize);
    let height = placement.size.height as usize;
    let (y_stride, uv_stride, step) = (planes.y_stride, planes.uv_stride, planes.chroma_step());
    // Exactly as many rows as the part has: the library takes what is behind
    // an odd number of rows for the last one.
    let luma = top * y_stride + left..(top + height) * y_stride + left;
    let (chroma_top, chroma_left) = (top / step, left / step);
    let chroma = chroma_top * uv_stride + chroma_left..(chroma_top + height.div_ceil(step)) * uv_stride + chroma_left;
    #[allow(clippy::cast_possible_truncation, reason = "strides are rounded up from 32-bit widths")]
    let (y_step, uv_step) = (y_stride as u32, uv_stride as u32);
    YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut planes.y[luma]),
        y_stride: y_step,
        u_plane: BufferStoreMut::Borrowed(&mut planes.u[chroma.clone()]),
        u_stride: uv_step,
        v_plane: BufferStoreMut::Borrowed(&mut planes.v[chroma]),
        v_stride: uv_step,
        width: placement.size.width,
        height: placement.size.height,
    }
}

fn fill_bars(planes: &mut Planes, placement: Placement, [y, u, v]: [u8; 3]) {
    let (left, top) = (placement.left as usize, placement.top as usize);
    let (width, height) = (placement.size.width as usize, placement.size.height as usize);
    fill_around(&mut planes.y, planes.y_stride, (left, top, width, height), y);
    let step = planes.chroma_step();
    let chroma = (left / step, top / step, width / step, height / step);
    fill_around(&mut planes.u, planes.uv_stride, chroma, u);
    fill_around(&mut planes.v, planes.uv_stride, chroma, v);
}

fn fill_around(plane: &mut [u8], stride: usize, (left, top, width, height): (usize, usize, usize, usize), value: u8) {
    for (index, row) in plane.chunks_exact_mut(stride).enumerate() {
        if index < top || index >= top + height {
            row.fill(value);
        } else {
            row[..left].fill(value);
            row[left + width..].fill(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::Micros;
    use crate::worker::frame::Pixels;

    const LIMITED_709: Colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };

    fn frame(size: Size, padding: usize, format: PixelFormat, color: impl Fn(usize, usize) -> [u8; 3]) -> Frame {
        let (width, height) = (size.width as usize, size.height as usize);
        let stride = width * 4 + padding;
        let mut bytes = vec![0xaa; stride * height];
        for y in 0..height {
            for x in 0..width {
                let [red, green, blue] = color(x, y);
                let pixel = match format {
                    PixelFormat::Bgrx => [blue, green, red, 0x55],
                    PixelFormat::Rgbx => [red, green, blue, 0x55],
                };
                bytes[y * stride + x * 4..][..4].copy_from_slice(&pixel);
            }
        }
        Frame {
            pixels: Pixels::Owned(Arc::from(bytes)),
            size,
            stride,
            format,
            bottom_up: false,
            number: 0,
            changed: None,
            presented: Micros(0),
            captured: Micros(0),
        }
    }

    fn converted(frame: &Frame, size: Size, colorimetry: Colorimetry) -> Planes {
        converted_to(Chroma::Yuv420, frame, size, colorimetry)
    }

    fn converted_to(chroma: Chroma, frame: &Frame, size: Size, colorimetry: Colorimetry) -> Planes {
        let mut converter = CpuConverter::new(size, chroma, colorimetry);
        let mut planes = converter.planes();
        converter.convert(frame, None, &mut planes).unwrap();
        planes
    }

    fn sample(planes: &Planes, x: usize, y: usize) -> [u8; 3] {
        let step = planes.chroma_step();
        let chroma = y / step * planes.uv_stride + x / step;
        [planes.y[y * planes.y_stride + x], planes.u[chroma], planes.v[chroma]]
    }

    /// A colour per 2x2 block, walking through the cube.
    fn cube(x: usize, y: usize) -> [u8; 3] {
        let block = x / 2 + y / 2 * 64;
        [block % 16 * 17, block / 16 % 16 * 17, block / 256 % 16 * 17].map(|value| u8::try_from(value).unwrap())
    }

    #[test]
    fn every_matrix_and_range_is_within_one_and_a_half_of_the_reference() {
        let size = Size::new(128, 128);
        for space in [ColorSpace::Bt601, ColorSpace::Bt709, ColorSpace::Bt2020] {
            for range in [ColorRange::Limited, ColorRange::Full] {
                for (format, chroma) in [
                    (PixelFormat::Bgrx, Chroma::Yuv420),
                    (PixelFormat::Rgbx, Chroma::Yuv420),
                    (PixelFormat::Bgrx, Chroma::Yuv444),
                    (PixelFormat::Rgbx, Chroma::Yuv444),
                ] {
                    let colorimetry = Colorimetry { space, range };
                    let planes = converted_to(chroma, &frame(size, 0, format, cube), size, colorimetry);
                    let mut largest = 0.0_f64;
                    for (x, y) in (0..128).flat_map(|y| (0..128).map(move |x| (x, y))) {
                        let exact = color_matrix::exact(cube(x, y), colorimetry);
                        for (got, exact) in sample(&planes, x, y).into_iter().zip(exact) {
                            largest = largest.max((f64::from(got) - exact).abs());
                        }
                    }
                    assert!(largest <= 1.5, "{colorimetry:?} {format:?} {chroma:?}: {largest}");
                }
            }
        }
    }

    #[test]
    fn padding_between_rows_is_skipped() {
        let size = Size::new(66, 34);
        let tight = converted(&frame(size, 0, PixelFormat::Bgrx, cube), size, LIMITED_709);
        let padded = converted(&frame(size, 52, PixelFormat::Bgrx, cube), size, LIMITED_709);
        assert_eq!((tight.y, tight.u, tight.v), (padded.y, padded.u, padded.v));
    }

    #[test]
    fn a_bottom_up_frame_comes_out_upright() {
        let size = Size::new(64, 32);
        let upright = converted(&frame(size, 0, PixelFormat::Bgrx, cube), size, LIMITED_709);
        let mut turned = frame(size, 0, PixelFormat::Bgrx, |x, y| cube(x, 31 - y));
        turned.bottom_up = true;
        let turned = converted(&turned, size, LIMITED_709);
        assert_eq!((upright.y, upright.u, upright.v), (turned.y, turned.u, turned.v));
    }

    #[test]
    fn odd_sizes_convert_to_the_last_pixel() {
        let size = Size::new(853, 479);
        for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
            let red = frame(size, 0, PixelFormat::Bgrx, |_, _| [255, 0, 0]);
            let planes = converted_to(chroma, &red, size, LIMITED_709);
            assert_eq!(planes.size(), Size::new(854, 480));
            let inside = sample(&planes, 100, 100);
            for (x, y) in [(852, 478), (853, 479), (853, 0), (0, 479)] {
                assert_eq!(sample(&planes, x, y), inside, "{chroma:?} {x},{y}");
            }
        }
    }

    #[test]
    fn another_aspect_is_letterboxed_in_black_of_the_range() {
        for (range, black) in [(ColorRange::Limited, [16, 128, 128]), (ColorRange::Full, [0, 128, 128])] {
            let colorimetry = Colorimetry { space: ColorSpace::Bt709, range };
            let source = frame(Size::new(400, 300), 16, PixelFormat::Rgbx, |_, _| [0, 255, 0]);
            let green = color_matrix::exact([0, 255, 0], colorimetry);
            for chroma in [Chroma::Yuv420, Chroma::Yuv444] {
                let planes = converted_to(chroma, &source, Size::new(640, 360), colorimetry);
                for (x, y) in [(0, 0), (79, 180), (560, 180), (639, 359)] {
                    assert_eq!(sample(&planes, x, y), black, "{x},{y}");
                }
                for (x, y) in [(80, 0), (320, 180), (559, 359)] {
                    for (got, exact) in sample(&planes, x, y).into_iter().zip(green) {
                        assert!((f64::from(got) - exact).abs() <= 1.5, "{x},{y}: {got} {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_source_that_changes_size_leaves_nothing_of_the_old_one() {
        let mut converter = CpuConverter::new(Size::new(640, 360), Chroma::Yuv420, LIMITED_709);
        let mut planes = converter.planes();
        let wide = frame(Size::new(640, 360), 0, PixelFormat::Bgrx, |_, _| [255; 3]);
        let tall = frame(Size::new(360, 640), 0, PixelFormat::Bgrx, |_, _| [255; 3]);
        converter.convert(&wide, None, &mut planes).unwrap();
        assert_eq!(sample(&planes, 0, 0)[0], 235);
        converter.convert(&tall, Some(0..2), &mut planes).unwrap();
        assert_eq!(sample(&planes, 0, 0)[0], 16);
        assert_eq!(sample(&planes, 320, 180)[0], 235);
        converter.convert(&wide, Some(0..2), &mut planes).unwrap();
        assert_eq!(sample(&planes, 0, 359)[0], 235, "where bars were, nothing of the picture is there already");
    }

    #[test]
    fn broken_frames_are_refused() {
        let size = Size::new(64, 64);
        let mut converter = CpuConverter::new(size, Chroma::Yuv420, LIMITED_709);
        let mut planes = converter.planes();
        let good = || frame(size, 0, PixelFormat::Bgrx, cube);
        let short = Frame { pixels: Pixels::Owned(Arc::from(vec![0; 100])), ..good() };
        let error = converter.convert(&short, Some(0..64), &mut planes).unwrap_err();
        assert_eq!(error, ConvertError::Short { got: 100, needed: 64 * 64 * 4 });
        let narrow = Frame { stride: 64, ..good() };
        assert_eq!(converter.convert(&narrow, None, &mut planes).unwrap_err(), ConvertError::Stride { stride: 64 });
        let empty = Frame { size: Size::new(0, 64), ..good() };
        assert!(matches!(converter.convert(&empty, None, &mut planes), Err(ConvertError::Empty { .. })));
    }
}
