//! Input that somebody else writes: Vulkan, in memory that CUDA has imported.

use std::rc::Rc;

use super::encoder::EncoderError;
use super::error::NvencError;
use super::input::{Input, Mapped, Registration, buffer_format, rows};
use super::session::Session;
use super::settings::{Samples, Settings};
use super::sys::NV_ENC_BUFFER_FORMAT;
use crate::cuda::ExternalMemory;

/// Planes one behind the other in imported memory, rows equally far apart: those of the
/// encoder's samples, with both kinds of chroma interleaved in 4:2:0.
#[derive(Debug)]
pub struct SharedPicture {
    /// Where they are, from its first byte on.
    pub memory: ExternalMemory,
    /// Bytes from one row to the next.
    pub pitch: u32,
}

/// The shared picture, known to the session once and for all.
#[derive(Debug)]
pub(crate) struct SharedInput {
    registration: Registration,
    // After the registration is given back.
    _memory: ExternalMemory,
}

impl SharedInput {
    pub(crate) fn register(
        session: &Rc<Session>,
        settings: &Settings,
        picture: SharedPicture,
    ) -> Result<Self, EncoderError> {
        let SharedPicture { memory, pitch } = picture;
        let needed = u64::from(pitch) * rows(settings.samples, settings.height as usize) as u64;
        assert!(memory.length() >= needed, "{} bytes for a picture of {needed}", memory.length());
        let registration = Registration::of(session, settings, memory.pointer(), pitch, format(settings.samples))?;
        Ok(Self { registration, _memory: memory })
    }
}

const fn format(samples: Samples) -> NV_ENC_BUFFER_FORMAT {
    match (samples.yuv444, samples.ten_bit) {
        (false, false) => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
        _ => buffer_format(samples),
    }
}

/// What an encoder reads.
#[derive(Debug)]
pub(crate) enum Source {
    /// Memory of its own.
    Own(Input),
    /// Somebody else's.
    Shared(SharedInput),
}

impl Source {
    pub(crate) fn map(&self) -> Result<Mapped<'_>, NvencError> {
        self.registration().map()
    }

    pub(crate) const fn pitch(&self) -> u32 {
        self.registration().pitch
    }

    const fn registration(&self) -> &Registration {
        match self {
            Self::Own(input) => input.registration(),
            Self::Shared(input) => &input.registration,
        }
    }
}
