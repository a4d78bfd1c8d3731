//! The picture that is encoded next, on the GPU.
//!
//! Written where the GPU reads it, if the driver hands that memory out as we write
//! pictures, and otherwise by a copy of the driver's.

use std::rc::Rc;

use earthshine_ffi::vaapi::sys::VA_FOURCC_P010;
use earthshine_ffi::vaapi::{Display, Image, Layout, Surface, VaError};

use super::choice::Profile;
use crate::units::Size;
use crate::worker::convert::planes::Planes;

/// The surface with the picture.
#[derive(Debug)]
pub(super) struct Input {
    surface: Rc<Surface>,
    size: Size,
    fourcc: u32,
    // None where it is written directly.
    copied: Option<Image>,
}

impl Input {
    /// A surface of the coded size, whole blocks both ways.
    pub(super) fn create(display: &Rc<Display>, profile: Profile, size: Size) -> Result<Self, VaError> {
        let (dimensions, fourcc) = ((size.width, size.height), profile.fourcc());
        let surface = Surface::create(display, profile.format(), fourcc, dimensions)?;
        let direct = surface.derive().is_ok_and(|image| fits(image.layout(), fourcc, size));
        let copied = if direct { None } else { Some(Image::create(display, fourcc, dimensions)?) };
        Ok(Self { surface, size, fourcc, copied })
    }

    pub(super) fn surface(&self) -> &Surface {
        &self.surface
    }

    /// Takes a picture in.
    pub(super) fn load(&mut self, planes: &Planes) -> Result<(), LoadError> {
        if let Some(image) = &mut self.copied {
            write(image, planes, self.fourcc, self.size)?;
            image.put(&self.surface)?;
        } else {
            write(&mut self.surface.derive()?, planes, self.fourcc, self.size)?;
        }
        Ok(())
    }
}

/// A picture could not be taken to the GPU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LoadError {
    /// The driver refused.
    #[error(transparent)]
    Va(#[from] VaError),
    /// The driver says now what it did not when it was asked first.
    #[error("the driver's memory for the picture is {0:?}, which has no place for it")]
    Layout(Layout),
}

fn write(image: &mut Image, planes: &Planes, fourcc: u32, size: Size) -> Result<(), LoadError> {
    let layout = *image.layout();
    if !fits(&layout, fourcc, size) {
        return Err(LoadError::Layout(layout));
    }
    let mut mapping = image.map()?;
    if fourcc == VA_FOURCC_P010 {
        fill(mapping.bytes(), &layout, planes, size, widened);
    } else {
        fill(mapping.bytes(), &layout, planes, size, |sample| [sample]);
    }
    mapping.unmap()?;
    Ok(())
}

/// A picture of this format and size can be written there as we write it.
fn fits(layout: &Layout, fourcc: u32, size: Size) -> bool {
    let sample = if fourcc == VA_FOURCC_P010 { 2 } else { 1 };
    let (width, height) = (size.width as usize * sample, size.height as usize);
    let ends = |plane: usize, rows: usize| {
        let rows_before = layout.pitches[plane].checked_mul(rows.saturating_sub(1))?;
        layout.offsets[plane].checked_add(rows_before)?.checked_add(width)
    };
    let inside = |plane, rows| ends(plane, rows).is_some_and(|end| end <= layout.size);
    layout.fourcc == fourcc
        && layout.pitches[..2].iter().all(|&pitch| pitch >= width)
        && inside(0, height)
        && inside(1, height / 2)
}

/// A sample of 8 bits as one of 10, in the upper bits of a word, least byte first: white
/// stays white.
const fn widened(sample: u8) -> [u8; 2] {
    [sample & 0xC0, sample]
}

/// Writes a picture as NV12, or wider. What it lacks to whole blocks repeats its edges,
/// which costs the fewest bits.
fn fill<const N: usize>(
    bytes: &mut [u8],
    layout: &Layout,
    planes: &Planes,
    size: Size,
    sample: impl Fn(u8) -> [u8; N],
) {
    let (width, height) = (size.width as usize, size.height as usize);
    let (shown_width, shown_height) = (planes.size().width as usize, planes.size().height as usize);
    for row in 0..height {
        let target = &mut bytes[layout.offsets[0] + row * layout.pitches[0]..][..width * N];
        let source = planes.luma_row(row.min(shown_height - 1));
        let (shown, rest) = target.split_at_mut(shown_width * N);
        for (target, source) in shown.as_chunks_mut::<N>().0.iter_mut().zip(source) {
            *target = sample(*source);
        }
        rest.as_chunks_mut::<N>().0.fill(sample(source[shown_width - 1]));
    }
    for row in 0..height / 2 {
        let target = &mut bytes[layout.offsets[1] + row * layout.pitches[1]..][..width * N];
        let from = row.min(shown_height / 2 - 1) * planes.uv_stride;
        let (blue, red) = (&planes.u[from..][..shown_width / 2], &planes.v[from..][..shown_width / 2]);
        let (samples, _) = target.as_chunks_mut::<N>();
        let (shown, rest) = samples.split_at_mut(shown_width);
        for ((pair, blue), red) in shown.as_chunks_mut::<2>().0.iter_mut().zip(blue).zip(red) {
            *pair = [sample(*blue), sample(*red)];
        }
        rest.as_chunks_mut::<2>().0.fill([sample(blue[blue.len() - 1]), sample(red[red.len() - 1])]);
    }
}

#[cfg(test)]
mod tests {
    use earthshine_ffi::vaapi::sys::VA_FOURCC_NV12;

    use super::*;
    use crate::codec::Chroma;

    fn layout(size: Size, pitch: usize) -> Layout {
        let rows = size.height as usize;
        Layout {
            fourcc: VA_FOURCC_NV12,
            width: size.width,
            height: size.height,
            size: pitch * rows * 3 / 2,
            offsets: [0, pitch * rows, 0],
            pitches: [pitch, pitch, 0],
        }
    }

    #[test]
    fn a_picture_is_padded_to_whole_blocks() {
        let mut planes = Planes::new(Size::new(4, 2), Chroma::Yuv420, [9, 8, 7]);
        planes.y[3] = 100;
        planes.v[1] = 50;
        let size = Size::new(8, 4);
        let layout = layout(size, 10);
        let mut bytes = vec![1; layout.size];
        fill(&mut bytes, &layout, &planes, size, |sample| [sample]);
        assert_eq!(bytes[..10], [9, 9, 9, 100, 100, 100, 100, 100, 1, 1]);
        assert_eq!(bytes[30..38], [9; 8]);
        for row in [40, 50] {
            assert_eq!(bytes[row..row + 10], [8, 7, 8, 50, 8, 50, 8, 50, 1, 1]);
        }
    }

    #[test]
    fn ten_bits_are_the_upper_ones_of_a_word() {
        let mut planes = Planes::new(Size::new(2, 2), Chroma::Yuv420, [255, 128, 7]);
        planes.y[1] = 0;
        let size = Size::new(4, 2);
        let layout = Layout { fourcc: VA_FOURCC_P010, ..layout(size, 8) };
        let mut bytes = vec![1; layout.size];
        fill(&mut bytes, &layout, &planes, size, widened);
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!([0, 2, 4, 16, 18, 20].map(word), [0xFFC0, 0, 0, 0x8080, 0x0700, 0x8080]);
        assert!(fits(&layout, VA_FOURCC_P010, size) && !fits(&layout, VA_FOURCC_NV12, size));
    }

    #[test]
    fn memory_without_place_is_refused() {
        let size = Size::new(16, 16);
        assert!(fits(&layout(size, 16), VA_FOURCC_NV12, size));
        for wrong in [
            layout(size, 15),
            layout(Size::new(16, 14), 16),
            Layout { fourcc: 0, ..layout(size, 16) },
            Layout { offsets: [usize::MAX; 3], ..layout(size, 16) },
        ] {
            assert!(!fits(&wrong, VA_FOURCC_NV12, size), "{wrong:?}");
        }
    }
}
