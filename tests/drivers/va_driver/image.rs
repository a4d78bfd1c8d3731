//! Images: pictures where the program writes to them.

use std::ffi::{c_int, c_uint};

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::zeroed;

use crate::buffer::{Buffer, Content};
use crate::capabilities;
use crate::driver::{Driver, Result, give_back, put, require, require_equal, violation, with};
use crate::pixels::Format;

/// An image.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    pub(crate) buffer: VABufferID,
    /// Whose memory it is, if it has none of its own.
    pub(crate) surface: Option<VASurfaceID>,
    format: Format,
    width: u32,
    height: u32,
}

fn described(format: Format) -> VAImageFormat {
    let bits = 12 * u32::try_from(format.bytes()).unwrap_or(0);
    let mut described: VAImageFormat = zeroed();
    (described.fourcc, described.byte_order, described.bits_per_pixel) = (format.fourcc(), VA_LSB_FIRST, bits);
    described
}

/// Describes memory and keeps it.
fn own(
    driver: &mut Driver,
    surface: Option<VASurfaceID>,
    format: Format,
    (width, height): (u32, u32),
    (pitch, chroma): (usize, usize),
) -> VAImage {
    let (image, buffer) = (driver.new_id(), driver.new_id());
    let length = chroma + pitch * height as usize / 2;
    let memory = if surface.is_some() { Vec::new() } else { vec![0xa5; length] };
    driver.buffers.insert(buffer, Buffer::new(None, Content::Image { image, memory, is_written: false }));
    driver.images.insert(image, Image { buffer, surface, format, width, height });
    let word = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut answer: VAImage = zeroed();
    (answer.image_id, answer.buf, answer.format) = (image, buffer, described(format));
    (answer.width, answer.height) = (u16::try_from(width).unwrap_or(0), u16::try_from(height).unwrap_or(0));
    (answer.data_size, answer.num_planes) = (word(length), 2);
    (answer.pitches, answer.offsets) = ([word(pitch), word(pitch), 0], [0, word(chroma), 0]);
    answer
}

fn derive(driver: &mut Driver, id: VASurfaceID) -> Result<VAImage> {
    if capabilities::get("derive") == 0 {
        return Err(Refusal::excusable(VA_STATUS_ERROR_OPERATION_FAILED, "surfaces are tiled"));
    }
    let surface = driver.surface(id)?;
    surface.require_idle(id)?;
    surface.derived += 1;
    let (size, layout) = ((surface.width, surface.height), (surface.pitch(), surface.chroma_offset()));
    let format = surface.format;
    Ok(own(driver, Some(id), format, size, layout))
}

fn create(driver: &mut Driver, format: &VAImageFormat, (width, height): (c_int, c_int)) -> Result<VAImage> {
    let format = Format::of_image(format.fourcc)?;
    require(width > 0 && height > 0, || format!("{width}x{height}"))?;
    let (width, height) = (width.cast_unsigned(), height.cast_unsigned());
    let pitch = pitch(format, width);
    Ok(own(driver, None, format, (width, height), (pitch, pitch * (height as usize + 2))))
}

/// Another than that of surfaces.
const fn pitch(format: Format, width: u32) -> usize {
    (width as usize * format.bytes()).next_multiple_of(16) + 16
}

fn destroy(driver: &mut Driver, id: VAImageID) -> Result {
    let (buffer, surface) = driver.image(id).map(|image| (image.buffer, image.surface))?;
    driver.images.remove(&id);
    let mapped = driver.buffers.remove(&buffer).is_some_and(|buffer| buffer.is_mapped);
    if let Some(surface) = surface {
        driver.surface(surface)?.derived -= 1;
    }
    require(!mapped || driver.is_lost, || "the image is mapped".to_owned())
}

fn copy(driver: &mut Driver, id: VASurfaceID, image: VAImageID, rectangles: [[u32; 4]; 2]) -> Result {
    let Image { buffer, surface, format, width, height } = *driver.image(image)?;
    require(surface.is_none(), || "the image is a surface itself".to_owned())?;
    let whole = [0, 0, width, height];
    require(rectangles == [whole; 2], || format!("rectangles {rectangles:?} of {width}x{height}"))?;
    driver.buffer(buffer)?.require_unmapped()?;
    let Content::Image { memory, is_written, .. } = &driver.buffer(buffer)?.content else {
        return Err(violation(VA_STATUS_ERROR_INVALID_IMAGE, "no image's memory"));
    };
    require(*is_written, || "nobody wrote anything into the image".to_owned())?;
    let memory = memory.clone();
    require_free(driver, id)?;
    let surface = driver.surface(id)?;
    require((surface.width, surface.height) == (width, height), || "the surface has another size".to_owned())?;
    require_equal("the surface's format", surface.format, format)?;
    let (from, to, row_length) = (pitch(format, width), surface.pitch(), surface.row_length());
    let rows = height as usize;
    let planes = [(0, 0, rows), (from * (rows + 2), surface.chroma_offset(), rows / 2)];
    for (source, target, rows) in planes {
        for row in 0..rows {
            let pixels = &memory[source + row * from..][..row_length];
            surface.pixels[target + row * to..][..row_length].copy_from_slice(pixels);
        }
    }
    surface.is_drawn = true;
    Ok(())
}

/// A surface that may be drawn into: nothing is encoded from it, and nothing refers to it.
pub(crate) fn require_free(driver: &mut Driver, id: VASurfaceID) -> Result {
    driver.surface(id)?.require_idle(id)?;
    let referred = driver.contexts.values().any(|context| context.coder.keeps(id));
    require(!referred, || format!("surface {id:#x} is a reference"))
}

pub(crate) unsafe extern "C" fn query_formats(
    context: VADriverContextP,
    formats: *mut VAImageFormat,
    count: *mut c_int,
) -> VAStatus {
    with("vaQueryImageFormats", context, |_| {
        for (index, format) in Format::ALL.into_iter().enumerate() {
            // SAFETY: the table says how long lists may be, and this is shorter.
            unsafe { put(formats.wrapping_add(index), described(format))? };
        }
        // SAFETY: the caller's contract.
        unsafe { put(count, c_int::try_from(Format::ALL.len()).unwrap_or(0)) }
    })
}

pub(crate) unsafe extern "C" fn create_image(
    context: VADriverContextP,
    format: *mut VAImageFormat,
    width: c_int,
    height: c_int,
    image: *mut VAImage,
) -> VAStatus {
    with("vaCreateImage", context, |driver| {
        require(!format.is_null(), || "no format".to_owned())?;
        // SAFETY: the caller's contract.
        unsafe { put(image, create(driver, &*format, (width, height))?) }
    })
}

pub(crate) unsafe extern "C" fn derive_image(
    context: VADriverContextP,
    surface: VASurfaceID,
    image: *mut VAImage,
) -> VAStatus {
    // SAFETY: the caller's contract.
    with("vaDeriveImage", context, |driver| unsafe { put(image, derive(driver, surface)?) })
}

pub(crate) unsafe extern "C" fn destroy_image(context: VADriverContextP, image: VAImageID) -> VAStatus {
    give_back("vaDestroyImage", context, |driver| destroy(driver, image))
}

#[allow(clippy::too_many_arguments, reason = "as in the driver's table")]
pub(crate) unsafe extern "C" fn put_image(
    context: VADriverContextP,
    surface: VASurfaceID,
    image: VAImageID,
    from_x: c_int,
    from_y: c_int,
    from_width: c_uint,
    from_height: c_uint,
    to_x: c_int,
    to_y: c_int,
    to_width: c_uint,
    to_height: c_uint,
) -> VAStatus {
    with("vaPutImage", context, |driver| {
        let from = [from_x.cast_unsigned(), from_y.cast_unsigned(), from_width, from_height];
        let to = [to_x.cast_unsigned(), to_y.cast_unsigned(), to_width, to_height];
        copy(driver, surface, image, [from, to])
    })
}
