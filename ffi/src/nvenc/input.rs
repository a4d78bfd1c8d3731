//! The picture on the device, known to the session.

use std::rc::Rc;

use super::api::{Handle, zeroed};
use super::encoder::EncoderError;
use super::error::NvencError;
use super::session::{Session, call};
use super::settings::Settings;
use super::sys::*;
use crate::cuda::{CudaError, DeviceMemory, HostMemory, Plane, Stream};

/// A picture in I420: luma, then chroma of half the width and height.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Luma, blue difference and red difference: rows, and bytes from row to row.
    pub planes: [(&'a [u8], usize); 3],
}

/// Memory that the engine reads, with what it takes to fill it.
#[derive(Debug)]
pub(crate) struct Input {
    registration: Registration,
    // After the registration is given back.
    memory: DeviceMemory,
    staging: HostMemory,
    stream: Stream,
    width: usize,
    height: usize,
}

impl Input {
    pub(crate) fn register(session: &Rc<Session>, settings: &Settings) -> Result<Self, EncoderError> {
        let context = session.context();
        let stream = Stream::with_highest_priority(context)?;
        let (width, height) = (settings.width as usize, settings.height as usize);
        // Chroma follows luma, in rows of half the pitch.
        let memory = DeviceMemory::allocate(context, width, height + height / 2)?;
        let staging = HostMemory::allocate(context, width * height * 3 / 2)?;
        let pitch = u32::try_from(memory.pitch()).unwrap_or(u32::MAX);
        let format = NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV;
        let registration = Registration::of(session, settings, memory.pointer(), pitch, format)?;
        Ok(Self { registration, memory, staging, stream, width, height })
    }

    /// Takes a picture to the device, and waits until it is there.
    ///
    /// # Panics
    /// If a plane is smaller than the encoder's picture.
    pub(crate) fn load(&mut self, picture: &Picture<'_>) -> Result<(), CudaError> {
        let (width, height) = (self.width, self.height);
        let pitch = self.memory.pitch();
        let (luma, chroma) = (pitch * height, pitch / 2 * (height / 2));
        let plane = |from, divisor, to| Plane {
            width: width / divisor,
            rows: height / divisor,
            from,
            from_pitch: width / divisor,
            to,
            to_pitch: pitch / divisor,
        };
        let planes = [plane(0, 1, 0), plane(width * height, 2, luma), plane(width * height * 5 / 4, 2, luma + chroma)];
        for (plane, (bytes, stride)) in planes.iter().zip(picture.planes) {
            let rows = self.staging.bytes()[plane.from..][..plane.width * plane.rows].chunks_exact_mut(plane.width);
            for (row, bytes) in rows.zip(bytes.chunks(stride)) {
                row.copy_from_slice(&bytes[..plane.width]);
            }
        }
        self.memory.upload(&planes, &self.staging, &self.stream)
    }

    pub(crate) const fn registration(&self) -> &Registration {
        &self.registration
    }
}

/// Device memory, known to the session as a picture of its size.
#[derive(Debug)]
pub(crate) struct Registration {
    session: Rc<Session>,
    resource: Handle,
    pub(crate) pitch: u32,
}

impl Registration {
    /// The memory must stay until this is dropped.
    pub(crate) fn of(
        session: &Rc<Session>,
        settings: &Settings,
        pointer: u64,
        pitch: u32,
        format: NV_ENC_BUFFER_FORMAT,
    ) -> Result<Self, NvencError> {
        let mut parameters: NV_ENC_REGISTER_RESOURCE = zeroed();
        parameters.resourceType = NV_ENC_INPUT_RESOURCE_TYPE::NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR;
        (parameters.width, parameters.height) = (settings.width, settings.height);
        parameters.pitch = pitch;
        parameters.resourceToRegister = pointer as Handle;
        parameters.bufferFormat = format;
        parameters.bufferUsage = NV_ENC_BUFFER_USAGE::NV_ENC_INPUT_IMAGE;
        call!(session, nvEncRegisterResource(&raw mut parameters))?;
        Ok(Self { session: Rc::clone(session), resource: parameters.registeredResource, pitch })
    }

    /// Lets the engine have it until that is dropped.
    pub(crate) fn map(&self) -> Result<Mapped<'_>, NvencError> {
        let mut parameters: NV_ENC_MAP_INPUT_RESOURCE = zeroed();
        parameters.registeredResource = self.resource;
        call!(&self.session, nvEncMapInputResource(&raw mut parameters))?;
        Ok(Mapped { session: &self.session, resource: parameters.mappedResource, format: parameters.mappedBufferFmt })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = call!(&self.session, nvEncUnregisterResource(self.resource));
    }
}

/// The picture while the engine reads it.
pub(crate) struct Mapped<'a> {
    session: &'a Session,
    pub(crate) resource: Handle,
    pub(crate) format: NV_ENC_BUFFER_FORMAT,
}

impl Mapped<'_> {
    pub(crate) fn unmap(self) -> Result<(), NvencError> {
        let unmapped = call!(self.session, nvEncUnmapInputResource(self.resource));
        std::mem::forget(self);
        unmapped
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        let _ = call!(self.session, nvEncUnmapInputResource(self.resource));
    }
}
