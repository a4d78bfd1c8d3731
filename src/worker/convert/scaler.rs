//! Brings a picture to another size: aspect kept, bars around the rest.
//!
//! Scaling happens in RGB, before the chroma is thinned out, so that text
//! keeps its edges.

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::units::Size;
use crate::worker::convert::cpu::ConvertError;
use crate::worker::frame::Rows;

/// Where a scaled picture lies in the target; all four numbers are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Columns left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its size.
    pub size: Size,
}

impl Placement {
    /// Places `source` as large as it fits in the middle of `target`.
    ///
    /// Even numbers only, because 4:2:0 samples come in pairs: the aspect is
    /// kept to within a pixel.
    #[must_use]
    pub fn fit(source: Size, target: Size) -> Self {
        let (sw, sh) = (u64::from(source.width.max(1)), u64::from(source.height.max(1)));
        let (tw, th) = (u64::from(target.width), u64::from(target.height));
        let size = if tw * sh <= th * sw {
            Size::new(target.width, rounded_even(tw * sh, sw, target.height))
        } else {
            Size::new(rounded_even(th * sw, sh, target.width), target.height)
        };
        let margin = |outer: u32, inner: u32| (outer - inner) / 2 / 2 * 2;
        Self { left: margin(target.width, size.width), top: margin(target.height, size.height), size }
    }
}

/// Scales frames; keeps its buffers between frames.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
    scaled: Image<'static>,
}

impl Scaler {
    /// A scaler to `size` pixels.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { resizer: Resizer::new(), scaled: Image::new(size.width, size.height, PixelType::U8x4) }
    }

    /// Size of what comes out.
    #[must_use]
    pub fn size(&self) -> Size {
        Size::new(self.scaled.width(), self.scaled.height())
    }

    /// Scales a frame's rows. The result has their byte order and row order and
    /// no padding between rows.
    ///
    /// # Errors
    /// [`ConvertError::Stride`] for rows that are no whole number of pixels
    /// apart, [`ConvertError::Library`] for what the library refuses.
    pub fn scale(&mut self, rows: &Rows<'_>, size: Size) -> Result<&[u8], ConvertError> {
        let stride = rows.stride();
        let row_pixels = u32::try_from(stride / 4).map_err(|_| ConvertError::Stride { stride })?;
        if !stride.is_multiple_of(4) {
            return Err(ConvertError::Stride { stride });
        }
        // The library knows no stride: padding becomes pixels outside a view,
        // which the filter does not reach (it would with a crop option).
        let library = |error: &dyn std::fmt::Display| ConvertError::Library { what: error.to_string() };
        let source = ImageRef::new(row_pixels, size.height, rows, PixelType::U8x4).map_err(|error| library(&error))?;
        let source = CroppedImage::new(&source, 0, 0, size.width, size.height).map_err(|error| library(&error))?;
        let options = ResizeOptions::new().use_alpha(false).resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize(&source, &mut self.scaled, &options).map_err(|error| library(&error))?;
        Ok(self.scaled.buffer())
    }
}

/// `numerator / denominator` to the nearest even number, 2 at least, `limit` at
/// most.
fn rounded_even(numerator: u64, denominator: u64, limit: u32) -> u32 {
    let halves = (numerator + denominator) / (denominator * 2);
    u32::try_from(halves * 2).unwrap_or(limit).clamp(2, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(source: (u32, u32), target: (u32, u32)) -> (u32, u32, u32, u32) {
        let placement = Placement::fit(Size::new(source.0, source.1), Size::new(target.0, target.1));
        (placement.left, placement.top, placement.size.width, placement.size.height)
    }

    #[test]
    fn the_aspect_is_kept_and_bars_are_centred() {
        assert_eq!(fit((1920, 1080), (1280, 720)), (0, 0, 1280, 720));
        assert_eq!(fit((1024, 768), (1920, 1080)), (240, 0, 1440, 1080));
        assert_eq!(fit((2560, 1080), (1920, 1080)), (0, 134, 1920, 810));
        assert_eq!(fit((1080, 1920), (1920, 1080)), (656, 0, 608, 1080));
    }

    #[test]
    fn extreme_shapes_keep_something_visible_inside_the_target() {
        for source in [(1, 4000), (4000, 1), (1, 1), (0, 0), (3, 2)] {
            for target in [(16, 16), (854, 480), (1366, 768), (2340, 1080)] {
                let (left, top, width, height) = fit(source, target);
                assert!(width >= 2 && height >= 2, "{source:?} {target:?}");
                assert!(left + width <= target.0 && top + height <= target.1, "{source:?} {target:?}");
                assert!([left, top, width, height].iter().all(|side| side % 2 == 0), "{source:?} {target:?}");
            }
        }
    }
}
