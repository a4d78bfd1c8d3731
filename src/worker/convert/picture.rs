//! The picture in the encoder's format, kept up to date from frame to frame.

use std::ops::Range;

use crate::codec::Chroma;
use crate::color::Colorimetry;
use crate::units::Size;
use crate::worker::convert::cpu::{ConvertError, CpuConverter};
use crate::worker::convert::planes::Planes;
use crate::worker::frame::Frame;

/// The newest picture, converted. Of a frame that follows the one it shows,
/// only the rows that changed are converted.
#[derive(Debug)]
pub struct Picture {
    converter: CpuConverter,
    planes: Planes,
    shown: Shown,
}

/// The frame that a picture shows, if it shows one.
#[derive(Debug, Default)]
pub(super) struct Shown(Option<u64>);

impl Shown {
    /// Rows of a frame outside of which the picture is the same; `None` if that is
    /// not known. It shows nothing until it is told.
    pub(super) fn outdated(&mut self, frame: &Frame) -> Option<Range<u32>> {
        let follows = self.0.take().is_some_and(|shown| shown.checked_add(1) == Some(frame.number));
        frame.changed.clone().filter(|_| follows)
    }

    pub(super) const fn set(&mut self, frame: &Frame) {
        self.0 = Some(frame.number);
    }
}

impl Picture {
    /// A black picture of `visible` pixels.
    #[must_use]
    pub fn new(visible: Size, chroma: Chroma, colorimetry: Colorimetry) -> Self {
        let converter = CpuConverter::new(visible, chroma, colorimetry);
        Self { planes: converter.planes(), converter, shown: Shown::default() }
    }

    /// Its samples.
    #[must_use]
    pub const fn planes(&self) -> &Planes {
        &self.planes
    }

    /// Shows a frame. Returns the rows outside of which nothing changed.
    ///
    /// # Errors
    /// [`ConvertError`]; what the picture shows then is undefined until the next
    /// frame.
    pub fn show(&mut self, frame: &Frame) -> Result<Range<u32>, ConvertError> {
        let changed = self.shown.outdated(frame);
        let written = self.converter.convert(frame, changed, &mut self.planes)?;
        self.shown.set(frame);
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Micros;
    use crate::color::{ColorRange, ColorSpace};
    use crate::worker::frame::{PixelFormat, Pixels};

    const COLORIMETRY: Colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };

    /// A compositor: it draws each picture whole into the buffer whose turn it
    /// is, and tells what changed since the last picture, wherever that was.
    struct Compositor {
        size: Size,
        screen: Vec<u8>,
        buffers: [Vec<u8>; 2],
        frames: u64,
    }

    /// A rectangle (left, top, width, height) that takes another colour.
    type Change = (usize, usize, usize, usize, [u8; 3]);

    impl Compositor {
        fn new(size: Size) -> Self {
            let len = (size.width as usize * 4 + PADDING) * size.height as usize;
            Self { size, screen: vec![0; len], buffers: [vec![0xAA; len], vec![0x55; len]], frames: 0 }
        }

        fn draw(&mut self, changes: &[Change], tells: bool) -> Frame {
            let (width, height) = (self.size.width as usize, self.size.height as usize);
            let stride = width * 4 + PADDING;
            let mut rows: Option<Range<usize>> = None;
            for &(left, top, columns, count, [red, green, blue]) in changes {
                let (left, top) = (left % width, top % height);
                let (right, bottom) = ((left + columns).min(width), (top + count).min(height));
                for row in self.screen.chunks_exact_mut(stride).skip(top).take(bottom - top) {
                    for (x, pixel) in row[left * 4..right * 4].chunks_exact_mut(4).enumerate() {
                        let grain = u8::try_from(x % 7).unwrap();
                        pixel.copy_from_slice(&[blue ^ grain, green, red, 0xFF]);
                    }
                }
                let before = rows.take().unwrap_or(top..bottom);
                rows = Some(before.start.min(top)..before.end.max(bottom));
            }
            self.frames += 1;
            let buffer = &mut self.buffers[usize::try_from(self.frames % 2).unwrap()];
            buffer.copy_from_slice(&self.screen);
            let row = |row: usize| u32::try_from(row).unwrap();
            let rows = rows.map_or(0..0, |rows| row(rows.start)..row(rows.end));
            Frame {
                pixels: Pixels::Owned(Arc::from(buffer.as_slice())),
                size: self.size,
                stride,
                format: PixelFormat::Bgrx,
                bottom_up: false,
                number: self.frames,
                changed: tells.then_some(rows),
                presented: Micros(0),
                captured: Micros(0),
            }
        }
    }

    fn change() -> impl Strategy<Value = Change> {
        (0..400_usize, 0..400_usize, 1..200_usize, 1..60_usize, any::<[u8; 3]>())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Frames may be replaced before they are read, and may not tell what
        /// changed; the source's size may be the stream's or not.
        #[test]
        fn converting_what_changed_gives_what_converting_all_gives(
            size in (17_u32..260, 17_u32..140),
            other_size in prop::bool::weighted(0.15),
            steps in vec((vec(change(), 0..3), prop::bool::weighted(0.8), prop::bool::weighted(0.9)), 1..16),
        ) {
            let size = Size::new(size.0, size.1);
            let shown = if other_size { Size::new(128, 96) } else { size };
            let mut compositor = Compositor::new(size);
            let mut picture = Picture::new(shown, Chroma::Yuv420, COLORIMETRY);
            for (changes, read, tells) in steps {
                let frame = compositor.draw(&changes, tells);
                if !read {
                    continue;
                }
                let before = picture.planes().clone();
                let rows = picture.show(&frame).unwrap();
                let mut whole = Picture::new(shown, Chroma::Yuv420, COLORIMETRY);
                whole.show(&frame).unwrap();
                let (partly, whole) = (picture.planes(), whole.planes());
                prop_assert!(visible(partly) == visible(whole));
                for row in (0..partly.size().height).filter(|row| !rows.contains(row)) {
                    prop_assert_eq!(partly.luma_row(row as usize), before.luma_row(row as usize));
                }
            }
        }
    }

    /// All samples without the padding of rows, which nobody reads.
    fn visible(planes: &Planes) -> Vec<u8> {
        let (width, height) = (planes.size().width as usize, planes.size().height as usize);
        let rows = |plane: &[u8], stride: usize, width: usize, height: usize| -> Vec<u8> {
            plane.chunks_exact(stride).take(height).flat_map(|row| row[..width].to_vec()).collect()
        };
        [
            rows(&planes.y, planes.y_stride, width, height),
            rows(&planes.u, planes.uv_stride, width / 2, height / 2),
            rows(&planes.v, planes.uv_stride, width / 2, height / 2),
        ]
        .concat()
    }

    const PADDING: usize = 8;
}
