//! Input that somebody else writes: Vulkan, in memory that CUDA has imported.

use std::rc::Rc;

use super::encoder::EncoderError;
use super::error::NvencError;
use super::input::{Input, Mapped, Registration};
use super::session::Session;
use super::settings::Settings;
use super::sys::NV_ENC_BUFFER_FORMAT;
use crate::cuda::ExternalMemory;

/// Planes one behind the other in imported memory, rows equally far apart.
#[derive(Debug)]
pub struct SharedPicture {
    /// Where they are, from its first byte on.
    pub memory: ExternalMemory,
    /// Bytes from one row to the next.
    pub pitch: u32,
    /// What they hold.
    pub format: SharedFormat,
}

/// Samples of a shared picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharedFormat {
    /// 4:2:0 of 8 bits: luma, then both differences interleaved.
    Nv12,
    /// The same with 10 bits, in the upper bits of 16.
    P010,
    /// 4:4:4 of 8 bits: three planes.
    Yuv444,
    /// The same with 10 bits, in the upper bits of 16.
    Yuv444Ten,
}

impl SharedFormat {
    const fn raw(self) -> NV_ENC_BUFFER_FORMAT {
        match self {
            Self::Nv12 => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12,
            Self::P010 => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV420_10BIT,
            Self::Yuv444 => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444,
            Self::Yuv444Ten => NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_YUV444_10BIT,
        }
    }

    /// Rows of all planes for so many of luma.
    const fn rows(self, height: u32) -> u32 {
        match self {
            Self::Nv12 | Self::P010 => height / 2 * 3,
            Self::Yuv444 | Self::Yuv444Ten => height * 3,
        }
    }
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
        let SharedPicture { memory, pitch, format } = picture;
        let needed = u64::from(pitch) * u64::from(format.rows(settings.height));
        assert!(memory.length() >= needed, "{} bytes for a picture of {needed}", memory.length());
        let registration = Registration::of(session, settings, memory.pointer(), pitch, format.raw())?;
        Ok(Self { registration, _memory: memory })
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
