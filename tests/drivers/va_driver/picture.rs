//! Pictures: begun, rendered, ended. What is wrong with one is found when it ends.

use std::ffi::c_int;

use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::buffer::Content;
use crate::coder;
use crate::driver::{Driver, Result, array, require, violation, with};

/// A picture that was begun and not ended.
pub(crate) struct Begun {
    pub(crate) input: VASurfaceID,
    buffers: Vec<VABufferID>,
}

impl Begun {
    pub(crate) fn has(&self, buffer: VABufferID) -> bool {
        self.buffers.contains(&buffer)
    }
}

fn begin(driver: &mut Driver, context: VAContextID, input: VASurfaceID) -> Result {
    let surface = driver.surface(input)?;
    surface.require_idle(input)?;
    let size = (surface.width, surface.height);
    let mapped = driver.images.values().any(|image| {
        image.surface == Some(input) && driver.buffers.get(&image.buffer).is_some_and(|buffer| buffer.is_mapped)
    });
    require(!mapped, || "the program writes to the surface still".to_owned())?;
    let context = driver.context(context)?;
    require(context.begun.is_none(), || "the picture before was not ended".to_owned())?;
    require(context.size == size, || format!("a picture of {size:?} for {:?}", context.size))?;
    context.begun = Some(Begun { input, buffers: Vec::new() });
    Ok(())
}

fn render(driver: &mut Driver, context: VAContextID, buffers: &[VABufferID]) -> Result {
    for &id in buffers {
        let buffer = driver.buffer(id)?;
        buffer.require_unmapped()?;
        require(buffer.context == Some(context), || format!("buffer {id:#x} is another context's"))?;
        let Content::Parameter { is_used, .. } = &mut buffer.content else {
            return Err(violation(VA_STATUS_ERROR_INVALID_BUFFER, format!("buffer {id:#x} is no parameter")));
        };
        require(!std::mem::replace(is_used, true), || format!("buffer {id:#x} was rendered before"))?;
    }
    let begun = driver.context(context)?.begun.as_mut();
    let begun = begun.ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no picture was begun"))?;
    begun.buffers.extend_from_slice(buffers);
    Ok(())
}

fn end(driver: &mut Driver, id: VAContextID) -> Result {
    let begun = driver.context(id)?.begun.take();
    let begun = begun.ok_or_else(|| violation(VA_STATUS_ERROR_OPERATION_FAILED, "no picture was begun"))?;
    // A program that failed to render its picture ends it all the same.
    if begun.buffers.is_empty() && driver.is_lost {
        return Ok(());
    }
    let mut buffers = Vec::new();
    for &id in &begun.buffers {
        let gone = || violation(VA_STATUS_ERROR_INVALID_BUFFER, "a buffer was destroyed before the picture ended");
        match &driver.buffers.get(&id).ok_or_else(gone)?.content {
            Content::Parameter { kind, bytes, .. } => buffers.push((*kind, bytes.clone())),
            Content::Image { .. } | Content::Coded(_) => return Err(gone()),
        }
    }
    coder::encode(driver, id, begun.input, &buffers)
}

pub(crate) unsafe extern "C" fn begin_picture(
    driver: VADriverContextP,
    context: VAContextID,
    input: VASurfaceID,
) -> VAStatus {
    with("vaBeginPicture", driver, |driver| begin(driver, context, input))
}

pub(crate) unsafe extern "C" fn render_picture(
    driver: VADriverContextP,
    context: VAContextID,
    buffers: *mut VABufferID,
    count: c_int,
) -> VAStatus {
    // SAFETY: the caller's contract.
    with("vaRenderPicture", driver, |driver| render(driver, context, unsafe { array(buffers, count)? }))
}

pub(crate) unsafe extern "C" fn end_picture(driver: VADriverContextP, context: VAContextID) -> VAStatus {
    with("vaEndPicture", driver, |driver| end(driver, context))
}
