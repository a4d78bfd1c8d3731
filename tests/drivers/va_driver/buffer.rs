//! Buffers: parameters, headers, pixels of images, and coded pictures.

use std::ffi::{c_uint, c_void};

use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::driver::{Driver, Result, give_back, put, require, violation, with};
use crate::image;

/// A buffer.
pub(crate) struct Buffer {
    /// Whose it is; images' are nobody's.
    pub(crate) context: Option<VAContextID>,
    pub(crate) content: Content,
    pub(crate) is_mapped: bool,
}

/// What is in it.
pub(crate) enum Content {
    /// What a picture is encoded by.
    Parameter { kind: VABufferType, bytes: Vec<u8>, is_used: bool },
    /// Pixels; without memory it is the surface's.
    Image { image: VAImageID, memory: Vec<u8>, is_written: bool },
    /// Where pictures are written.
    Coded(Coded),
}

/// Where pictures are written.
#[derive(Default)]
pub(crate) struct Coded {
    pub(crate) size: usize,
    /// The picture that is in it, and the surface that it is of.
    picture: Option<(VASurfaceID, Vec<u8>)>,
    /// What a program sees of it: two segments, because drivers may make several.
    segments: Vec<VACodedBufferSegment>,
    bytes: Vec<u8>,
}

impl Buffer {
    pub(crate) const fn new(context: Option<VAContextID>, content: Content) -> Self {
        Self { context, content, is_mapped: false }
    }

    pub(crate) fn require_unmapped(&self) -> Result {
        require(!self.is_mapped, || "the buffer is mapped".to_owned())
    }
}

impl Coded {
    /// A picture may come in.
    pub(crate) fn require_empty(&self) -> Result {
        require(self.picture.is_none(), || "the coded buffer holds a picture that was not fetched".to_owned())
    }

    /// A picture comes in.
    pub(crate) fn fill(&mut self, surface: VASurfaceID, picture: Vec<u8>) -> Result {
        if picture.len() > self.size {
            let text = format!("{} bytes do not fit in the coded buffer's {}", picture.len(), self.size);
            return Err(violation(VA_STATUS_ERROR_NOT_ENOUGH_BUFFER, text));
        }
        self.picture = Some((surface, picture));
        Ok(())
    }

    fn show(&mut self) -> *mut c_void {
        self.bytes = self.picture.take().map(|(_, bytes)| bytes).unwrap_or_default();
        let middle = self.bytes.len() / 2;
        let (first, second) = self.bytes.split_at_mut(middle);
        let segment = |bytes: &mut [u8]| VACodedBufferSegment {
            size: u32::try_from(bytes.len()).unwrap_or(0),
            bit_offset: 0,
            status: 26,
            reserved: 0,
            buf: bytes.as_mut_ptr().cast(),
            next: std::ptr::null_mut(),
            va_reserved: [0; 4],
        };
        self.segments = vec![segment(first), segment(second)];
        let second: *mut VACodedBufferSegment = &raw mut self.segments[1];
        self.segments[0].next = second.cast();
        self.segments.as_mut_ptr().cast()
    }
}

fn create(
    driver: &mut Driver,
    context: VAContextID,
    kind: VABufferType,
    (size, count): (usize, c_uint),
    data: *const u8,
) -> Result<VABufferID> {
    driver.context(context)?;
    require(count == 1 && size > 0, || format!("{count} elements of {size} bytes"))?;
    let content = if kind == VABufferType::VAEncCodedBufferType {
        Content::Coded(Coded { size, ..Coded::default() })
    } else {
        if !PARAMETERS.contains(&kind) {
            let text = format!("buffers of type {} are not for encoders", kind.0);
            return Err(violation(VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE, text));
        }
        require(!data.is_null(), || "a parameter without its data".to_owned())?;
        // SAFETY: the header: so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts(data, size) }.to_vec();
        Content::Parameter { kind, bytes, is_used: false }
    };
    let id = driver.new_id();
    driver.buffers.insert(id, Buffer::new(Some(context), content));
    Ok(id)
}

fn map(driver: &mut Driver, id: VABufferID) -> Result<*mut c_void> {
    driver.buffer(id)?.require_unmapped()?;
    let (waits_for, image) = match &driver.buffer(id)?.content {
        Content::Coded(coded) => {
            let nothing = || violation(VA_STATUS_ERROR_OPERATION_FAILED, "no picture was encoded into the buffer");
            (Some(coded.picture.as_ref().ok_or_else(nothing)?.0), None)
        }
        Content::Image { image, .. } => (None, Some(*image)),
        Content::Parameter { .. } => (None, None),
    };
    if let Some(surface) = waits_for {
        driver.surface(surface)?.require_idle(surface)?;
    }
    let surface = image.map(|image| driver.image(image).map(|image| image.surface)).transpose()?.flatten();
    let pointer = if let Some(surface) = surface {
        image::require_free(driver, surface)?;
        driver.surface(surface)?.pixels.as_mut_ptr().cast()
    } else {
        match &mut driver.buffer(id)?.content {
            Content::Coded(coded) => coded.show(),
            Content::Image { memory, .. } => memory.as_mut_ptr().cast(),
            Content::Parameter { bytes, .. } => bytes.as_mut_ptr().cast(),
        }
    };
    driver.buffer(id)?.is_mapped = true;
    Ok(pointer)
}

fn unmap(driver: &mut Driver, id: VABufferID) -> Result {
    let buffer = driver.buffer(id)?;
    require(buffer.is_mapped, || "the buffer is not mapped".to_owned())?;
    buffer.is_mapped = false;
    let image = match &mut buffer.content {
        Content::Coded(coded) => {
            // Who reads on after this reads rubbish.
            coded.bytes.fill(0xa5);
            None
        }
        Content::Image { image, is_written, .. } => {
            *is_written = true;
            Some(*image)
        }
        Content::Parameter { .. } => None,
    };
    if let Some(image) = image
        && let Some(surface) = driver.image(image)?.surface
    {
        driver.surface(surface)?.is_drawn = true;
    }
    Ok(())
}

fn destroy(driver: &mut Driver, id: VABufferID) -> Result {
    let is_lost = driver.is_lost;
    let buffer = driver.buffer(id)?;
    let is_image = matches!(buffer.content, Content::Image { .. });
    require(!is_image, || "an image's buffer goes with the image".to_owned())?;
    let (mapped, waits_for) = (
        buffer.is_mapped,
        match &buffer.content {
            Content::Coded(coded) => coded.picture.as_ref().map(|picture| picture.0),
            _ => None,
        },
    );
    let rendered = driver.contexts.values().any(|context| context.begun.as_ref().is_some_and(|begun| begun.has(id)));
    driver.buffers.remove(&id);
    if is_lost {
        return Ok(());
    }
    require(!mapped, || "the buffer is mapped".to_owned())?;
    require(!rendered, || "the buffer is of a picture that was not ended".to_owned())?;
    if let Some(surface) = waits_for {
        driver.surface(surface)?.require_idle(surface)?;
    }
    Ok(())
}

pub(crate) unsafe extern "C" fn create_buffer(
    driver: VADriverContextP,
    context: VAContextID,
    kind: VABufferType,
    size: c_uint,
    count: c_uint,
    data: *mut c_void,
    buffer: *mut VABufferID,
) -> VAStatus {
    with("vaCreateBuffer", driver, |driver| {
        let id = create(driver, context, kind, (size as usize, count), data.cast())?;
        // SAFETY: the caller's contract.
        unsafe { put(buffer, id) }
    })
}

pub(crate) unsafe extern "C" fn map_buffer(
    context: VADriverContextP,
    buffer: VABufferID,
    data: *mut *mut c_void,
) -> VAStatus {
    // SAFETY: the caller's contract.
    with("vaMapBuffer", context, |driver| unsafe { put(data, map(driver, buffer)?) })
}

pub(crate) unsafe extern "C" fn unmap_buffer(context: VADriverContextP, buffer: VABufferID) -> VAStatus {
    give_back("vaUnmapBuffer", context, |driver| unmap(driver, buffer))
}

pub(crate) unsafe extern "C" fn destroy_buffer(context: VADriverContextP, buffer: VABufferID) -> VAStatus {
    give_back("vaDestroyBuffer", context, |driver| destroy(driver, buffer))
}

const PARAMETERS: [VABufferType; 6] = [
    VABufferType::VAEncSequenceParameterBufferType,
    VABufferType::VAEncPictureParameterBufferType,
    VABufferType::VAEncSliceParameterBufferType,
    VABufferType::VAEncMiscParameterBufferType,
    VABufferType::VAEncPackedHeaderParameterBufferType,
    VABufferType::VAEncPackedHeaderDataBufferType,
];
