//! A picture is checked, and encoded: what is alike in all codecs.

use earthshine_ffi::vaapi::sys::*;

use crate::buffer::{Coded, Content};
use crate::capabilities;
use crate::config::Config;
use crate::driver::{Driver, Result, require, require_equal, violation};
use crate::pixels::Picture;
use crate::{av1, h264, hevc};

/// An open stream of a codec.
pub(crate) trait Coder: Send {
    /// A later picture may refer to a surface.
    fn keeps(&self, surface: VASurfaceID) -> bool;

    /// Where parameters have a picture reconstructed, and where they have it written.
    fn places(&self, buffers: &[(VABufferType, &[u8])]) -> Result<(VASurfaceID, VABufferID)>;

    /// Encodes a picture by what was rendered.
    fn encode(&mut self, config: &Config, buffers: &[(VABufferType, &[u8])], pixels: &Picture) -> Result<Vec<u8>>;
}

/// The coder of a profile, for pictures of a size.
pub(crate) fn of(profile: VAProfile, size: (u32, u32)) -> Box<dyn Coder> {
    if capabilities::H264.contains(&profile) {
        Box::new(h264::Stream::new(size))
    } else if profile == capabilities::AV1 {
        Box::new(av1::Stream::new(size))
    } else {
        Box::new(hevc::Stream::new(size))
    }
}

/// Encodes a picture of `input` by what was rendered.
pub(crate) fn encode(
    driver: &mut Driver,
    id: VAContextID,
    input: VASurfaceID,
    buffers: &[(VABufferType, Vec<u8>)],
) -> Result {
    let buffers: Vec<_> = buffers.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
    let (target, place) = driver.context(id)?.coder.places(&buffers)?;
    check_target(driver, id, input, target)?;
    let pixels = driver.surface(input)?.picture()?;
    coded(driver, id, place)?.require_empty()?;
    let context = driver.context(id)?;
    let config = context.config;
    let bytes = context.coder.encode(&config, &buffers, &pixels)?;
    coded(driver, id, place)?.fill(input, bytes)?;
    driver.surface(input)?.is_busy = true;
    Ok(())
}

/// Where a picture is reconstructed: in none that is kept, and not over its input.
fn check_target(driver: &mut Driver, id: VAContextID, input: VASurfaceID, target: VASurfaceID) -> Result {
    driver.surface(target)?.require_idle(target)?;
    let derived = driver.surface(target)?.derived;
    require(derived == 0 && target != input, || "the reconstruction is somebody else's surface".to_owned())?;
    let context = driver.context(id)?;
    require(context.targets.contains(&target), || format!("surface {target:#x} is not of the context"))
}

fn coded(driver: &mut Driver, id: VAContextID, buffer: VABufferID) -> Result<&mut Coded> {
    let buffer = driver.buffer(buffer)?;
    buffer.require_unmapped()?;
    require(buffer.context == Some(id), || "the coded buffer is another context's".to_owned())?;
    match &mut buffer.content {
        Content::Coded(coded) => Ok(coded),
        Content::Parameter { .. } | Content::Image { .. } => {
            Err(violation(VA_STATUS_ERROR_INVALID_BUFFER, "coded_buf is no coded buffer"))
        }
    }
}

/// Slices, by their first block and how many they have, are all of a picture, in whole
/// rows, in their order, and no more than may be.
pub(crate) fn check_cover(slices: &[(u32, u32)], (columns, rows): (u32, u32)) -> Result {
    let most = usize::try_from(capabilities::get("EncMaxSlices")).unwrap_or(1).max(1);
    require((1..=most).contains(&slices.len()), || format!("{} slices of {most}", slices.len()))?;
    let mut next = 0;
    for &(first, count) in slices {
        require_equal("first block of a slice", first, next)?;
        require(count > 0 && count % columns == 0, || format!("a slice of {count} blocks"))?;
        next = first + count;
    }
    require_equal("blocks in all slices", next, columns * rows)
}
