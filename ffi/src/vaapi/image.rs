//! Pictures where the CPU can write to them.

use std::ffi::c_void;
use std::rc::Rc;

use super::buffer::zeroed;
use super::display::{Display, call};
use super::error::VaError;
use super::surface::Surface;
use super::sys::*;

/// Memory of a picture: a surface's own, or the driver's, to be copied from.
#[derive(Debug)]
pub struct Image {
    display: Rc<Display>,
    raw: VAImageID,
    buffer: VABufferID,
    layout: Layout,
}

/// Where the planes of an image lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// `VA_FOURCC_*`.
    pub fourcc: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes of all of it.
    pub size: usize,
    /// First byte of each plane.
    pub offsets: [usize; 3],
    /// Bytes from row to row of each plane.
    pub pitches: [usize; 3],
}

impl Image {
    /// The memory of a surface itself.
    pub(crate) fn derive(display: &Rc<Display>, surface: VASurfaceID) -> Result<Self, VaError> {
        let mut image: VAImage = zeroed();
        call!(display, vaDeriveImage(surface, &raw mut image))?;
        Ok(Self::own(display, &image))
    }

    /// Memory for a picture of a format (`VA_FOURCC_*`).
    ///
    /// # Errors
    /// [`VaError`]; nothing stays.
    pub fn create(display: &Rc<Display>, fourcc: u32, (width, height): (u32, u32)) -> Result<Self, VaError> {
        let mut format = format(display, fourcc)?;
        let mut image: VAImage = zeroed();
        call!(display, vaCreateImage(&raw mut format, signed(width), signed(height), &raw mut image))?;
        Ok(Self::own(display, &image))
    }

    fn own(display: &Rc<Display>, image: &VAImage) -> Self {
        let layout = Layout {
            fourcc: image.format.fourcc,
            width: image.width.into(),
            height: image.height.into(),
            size: image.data_size as usize,
            offsets: image.offsets.map(|offset| offset as usize),
            pitches: image.pitches.map(|pitch| pitch as usize),
        };
        Self { display: Rc::clone(display), raw: image.image_id, buffer: image.buf, layout }
    }

    /// Where its planes lie.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Lets the CPU write to it.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn map(&mut self) -> Result<Mapping<'_>, VaError> {
        let mut data: *mut c_void = std::ptr::null_mut();
        call!(&self.display, vaMapBuffer(self.buffer, &raw mut data))?;
        let mapping = Mapping { image: self, data: data.cast() };
        if mapping.data.is_null() {
            return Err(VaError::broken("vaMapBuffer", "no memory and no error"));
        }
        Ok(mapping)
    }

    /// Copies it to a surface of its size.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn put(&self, surface: &Surface) -> Result<(), VaError> {
        let (width, height) = (self.layout.width, self.layout.height);
        call!(&self.display, vaPutImage(surface.id(), self.raw, 0, 0, width, height, 0, 0, width, height))
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = call!(&self.display, vaDestroyImage(self.raw));
    }
}

/// An image while the CPU writes to it.
#[derive(Debug)]
pub struct Mapping<'a> {
    image: &'a Image,
    data: *mut u8,
}

impl Mapping<'_> {
    /// All of it; [`Layout`] says what is where.
    #[must_use]
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped, not null, and so large as the driver said; nobody else has it
        // while it is mapped.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.image.layout.size) }
    }

    /// Gives it back to the driver.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn unmap(self) -> Result<(), VaError> {
        let unmapped = call!(&self.image.display, vaUnmapBuffer(self.image.buffer));
        std::mem::forget(self);
        unmapped
    }
}

impl Drop for Mapping<'_> {
    fn drop(&mut self) {
        let _ = call!(&self.image.display, vaUnmapBuffer(self.image.buffer));
    }
}

/// The format, as the driver describes it.
fn format(display: &Display, fourcc: u32) -> Result<VAImageFormat, VaError> {
    // SAFETY: the display is initialized.
    let most = unsafe { (display.functions().vaMaxNumImageFormats)(display.raw()) };
    let mut formats = vec![zeroed::<VAImageFormat>(); usize::try_from(most).unwrap_or(0)];
    let mut count = 0;
    call!(display, vaQueryImageFormats(formats.as_mut_ptr(), &raw mut count))?;
    let formats = formats.into_iter().take(usize::try_from(count).unwrap_or(0));
    let mut wanted = formats.filter(|format| format.fourcc == fourcc);
    wanted.next().ok_or_else(|| VaError::broken("vaQueryImageFormats", "the driver lacks the format of the picture"))
}

fn signed(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
