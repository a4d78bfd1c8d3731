//! Input: device memory that is registered, and mapped while it is encoded.

use std::collections::HashMap;
use std::ffi::c_void;

use earthshine_drivers::calls::Refusal;
use earthshine_ffi::nvenc::sys::*;

use crate::cuda;
use crate::session::{Session, give_back, with};
use crate::words::{Result, record, require, require_blank, require_version, violation};

/// Memory of a session's input.
#[derive(Default)]
pub(crate) struct Surfaces {
    registered: HashMap<usize, Surface>,
    /// Registered resource of each mapped one.
    mapped: HashMap<usize, usize>,
}

/// Registered device memory.
#[derive(Clone, Copy)]
pub(crate) struct Surface {
    pub(crate) address: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bytes from one row to the next.
    pub(crate) pitch: u32,
    pub(crate) format: NV_ENC_BUFFER_FORMAT,
}

impl Surfaces {
    pub(crate) fn registered(&self) -> usize {
        self.registered.len()
    }

    pub(crate) fn mapped(&self) -> usize {
        self.mapped.len()
    }

    pub(crate) fn find_mapped(&self, handle: usize) -> Result<Surface> {
        let surface = self.mapped.get(&handle).and_then(|resource| self.registered.get(resource));
        let missing = || violation(NVENCSTATUS::NV_ENC_ERR_RESOURCE_NOT_MAPPED, "the input is not mapped");
        surface.copied().ok_or_else(missing)
    }
}

impl Surface {
    /// Bytes of all planes.
    pub(crate) fn size(&self) -> usize {
        let plane = self.pitch as usize * self.height as usize;
        match self.format {
            NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444
            | NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444_10BIT => plane * 3,
            _ if self.is_packed() => plane,
            _ => plane + self.pitch as usize * (self.height as usize).div_ceil(2),
        }
    }

    /// The samples of a picture without gaps, planes behind each other, 10 bits in the
    /// lower part of 16.
    pub(crate) fn planes(&self, input: &[u8], (width, height): (usize, usize)) -> Result<Vec<u8>> {
        use NV_ENC_BUFFER_FORMAT as Format;
        let pitch = self.pitch as usize;
        let mut out = Vec::new();
        match self.format {
            Format::NV_ENC_BUFFER_FORMAT_IYUV => {
                let (luma, chroma) = input.split_at(pitch * self.height as usize);
                let (blue, red) = chroma.split_at(chroma.len() / 2);
                out.extend(rows(luma, pitch, width, height));
                out.extend(rows(blue, pitch / 2, width / 2, height / 2));
                out.extend(rows(red, pitch / 2, width / 2, height / 2));
            }
            Format::NV_ENC_BUFFER_FORMAT_NV12 => {
                let (luma, chroma) = input.split_at(pitch * self.height as usize);
                out.extend(rows(luma, pitch, width, height));
                let both: Vec<u8> = rows(chroma, pitch, width, height / 2).collect();
                for first in [0, 1] {
                    out.extend(both.chunks_exact(2).map(|pair| pair[first]));
                }
            }
            Format::NV_ENC_BUFFER_FORMAT_YUV444 => {
                for plane in input.chunks(pitch * self.height as usize) {
                    out.extend(rows(plane, pitch, width, height));
                }
            }
            Format::NV_ENC_BUFFER_FORMAT_YUV420_10BIT => {
                let (luma, chroma) = input.split_at(pitch * self.height as usize);
                out.extend(lowered(rows(luma, pitch, width * 2, height)));
                let both: Vec<u8> = lowered(rows(chroma, pitch, width * 2, height / 2)).collect();
                for first in [0, 2] {
                    out.extend(both.chunks_exact(4).flat_map(|pair| [pair[first], pair[first + 1]]));
                }
            }
            Format::NV_ENC_BUFFER_FORMAT_YUV444_10BIT => {
                for plane in input.chunks(pitch * self.height as usize) {
                    out.extend(lowered(rows(plane, pitch, width * 2, height)));
                }
            }
            other => {
                let text = format!("nobody encodes format {:#x} here", other.0);
                return Err(Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED.0, text));
            }
        }
        Ok(out)
    }

    fn is_packed(&self) -> bool {
        use NV_ENC_BUFFER_FORMAT as Format;
        [Format::NV_ENC_BUFFER_FORMAT_ARGB, Format::NV_ENC_BUFFER_FORMAT_ABGR, Format::NV_ENC_BUFFER_FORMAT_AYUV]
            .contains(&self.format)
    }

    fn bytes_per_pixel(&self) -> u32 {
        use NV_ENC_BUFFER_FORMAT as Format;
        match self.format {
            Format::NV_ENC_BUFFER_FORMAT_YUV420_10BIT | Format::NV_ENC_BUFFER_FORMAT_YUV444_10BIT => 2,
            _ if self.is_packed() => 4,
            _ => 1,
        }
    }
}

/// Bytes of rows that lie `pitch` apart.
fn rows(plane: &[u8], pitch: usize, width: usize, height: usize) -> impl Iterator<Item = u8> {
    plane.chunks(pitch).take(height).flat_map(move |row| row[..width].iter().copied())
}

/// Samples from the upper 10 of their 16 bits in the lower.
fn lowered(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let bytes: Vec<u8> = bytes.collect();
    let samples: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]) >> 6).collect();
    samples.into_iter().flat_map(u16::to_le_bytes)
}

fn register(session: &mut Session, parameters: &NV_ENC_REGISTER_RESOURCE) -> Result<usize> {
    let invalid = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
    require_version::<NV_ENC_REGISTER_RESOURCE>(parameters.version)?;
    require_blank!(parameters, reserved1, reserved2, subResourceIndex);
    let settings = session.require_running()?.settings;
    let is_cuda = parameters.resourceType == NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR;
    require(is_cuda, NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, || "only CUDA's pointers are known".to_owned())?;
    let is_input = parameters.bufferUsage == NV_ENC_BUFFER_USAGE::NV_ENC_INPUT_IMAGE;
    require(is_input && parameters.pInputFencePoint.is_null(), invalid, || "only input, without fences".to_owned())?;
    let format = parameters.bufferFormat;
    require(settings.codec.formats().contains(&format), NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM, || {
        format!("format {:#x} is none of the codec's", format.0)
    })?;
    let address = parameters.resourceToRegister.addr() as u64;
    let (width, height, pitch) = (parameters.width, parameters.height, parameters.pitch);
    let surface = Surface { address, width, height, pitch, format };
    require(width >= settings.width && height >= settings.height, invalid, || {
        format!("{width}x{height} does not hold a picture of {}x{}", settings.width, settings.height)
    })?;
    let row = width.saturating_mul(surface.bytes_per_pixel());
    require(pitch >= row && pitch.is_multiple_of(PITCH), invalid, || {
        format!("a pitch of {pitch} for rows of {row} bytes; a multiple of {PITCH} is wanted")
    })?;
    cuda::require_memory(address, surface.size(), session.context)?;
    let handle = session.new_handle();
    session.surfaces.registered.insert(handle, surface);
    Ok(handle)
}

fn unregister(session: &mut Session, resource: usize) -> Result {
    let is_mapped = session.surfaces.mapped.values().any(|&mapped| mapped == resource);
    require(!is_mapped, NVENCSTATUS::NV_ENC_ERR_INVALID_CALL, || "the resource is mapped".to_owned())?;
    let missing = || violation(NVENCSTATUS::NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "the resource is not registered");
    let surface = session.surfaces.registered.remove(&resource).ok_or_else(missing)?;
    // The encoder held on to memory that was not there any more.
    cuda::require_memory(surface.address, surface.size(), session.context)
}

fn map(session: &mut Session, parameters: &NV_ENC_MAP_INPUT_RESOURCE) -> Result<(usize, NV_ENC_BUFFER_FORMAT)> {
    require_version::<NV_ENC_MAP_INPUT_RESOURCE>(parameters.version)?;
    require_blank!(parameters, reserved1, reserved2, subResourceIndex, inputResource);
    let resource = parameters.registeredResource.addr();
    let missing = || violation(NVENCSTATUS::NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "the resource is not registered");
    let format = session.surfaces.registered.get(&resource).ok_or_else(missing)?.format;
    let is_mapped = session.surfaces.mapped.values().any(|&mapped| mapped == resource);
    require(!is_mapped, NVENCSTATUS::NV_ENC_ERR_MAP_FAILED, || "the resource is mapped already".to_owned())?;
    let handle = session.new_handle();
    session.surfaces.mapped.insert(handle, resource);
    Ok((handle, format))
}

/// Only when the picture was fetched is it certain that the encoder has read it.
fn unmap(session: &mut Session, handle: usize) -> Result {
    session.surfaces.find_mapped(handle)?;
    session.surfaces.mapped.remove(&handle);
    let is_in_use = session.bitstreams.is_encoding(handle) && !session.is_lost;
    require(!is_in_use, NVENCSTATUS::NV_ENC_ERR_INVALID_CALL, || {
        "the picture that is encoded from the input was not fetched".to_owned()
    })
}

pub(crate) unsafe extern "C" fn register_resource(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_REGISTER_RESOURCE,
) -> NVENCSTATUS {
    with("nvEncRegisterResource", encoder, |session| {
        // SAFETY: the caller's contract.
        let parameters = unsafe { record(parameters) }?;
        parameters.registeredResource = std::ptr::without_provenance_mut(register(session, parameters)?);
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn unregister_resource(
    encoder: *mut c_void,
    resource: NV_ENC_REGISTERED_PTR,
) -> NVENCSTATUS {
    give_back("nvEncUnregisterResource", encoder, |session| unregister(session, resource.addr()))
}

pub(crate) unsafe extern "C" fn map_input_resource(
    encoder: *mut c_void,
    parameters: *mut NV_ENC_MAP_INPUT_RESOURCE,
) -> NVENCSTATUS {
    with("nvEncMapInputResource", encoder, |session| {
        // SAFETY: the caller's contract.
        let parameters = unsafe { record(parameters) }?;
        let (handle, format) = map(session, parameters)?;
        parameters.mappedResource = std::ptr::without_provenance_mut(handle);
        parameters.mappedBufferFmt = format;
        Ok(())
    })
}

pub(crate) unsafe extern "C" fn unmap_input_resource(encoder: *mut c_void, input: NV_ENC_INPUT_PTR) -> NVENCSTATUS {
    give_back("nvEncUnmapInputResource", encoder, |session| unmap(session, input.addr()))
}

/// Bytes that a row begins at a multiple of: chroma rows are half of it.
const PITCH: u32 = 4;
