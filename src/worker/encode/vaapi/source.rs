//! The newest picture, and where it is converted: on the GPU, into memory that both have
//! ([`Shared`]), or on the CPU, with a copy.

use std::path::Path;
use std::rc::Rc;

use earthshine_ffi::vaapi::{Display, Surface, VaError};
use tracing::info;

use super::choice::Profile;
use super::input::{Input, LoadError};
use super::shared::{OpenSharedError, Shared};
use crate::color::Colorimetry;
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{Conversion, VideoPlan};
use crate::units::Size;
use crate::worker::convert::cpu::ConvertError;
use crate::worker::convert::picture::Picture;
use crate::worker::convert::vulkan::VulkanConvertError;
use crate::worker::frame::Frame;
use crate::worker::imports::Importable;
use crate::worker::screenshot;

/// The newest picture.
#[derive(Debug)]
pub(super) enum Source {
    /// Converted on the CPU; the encoder has a copy.
    Cpu {
        /// As it was converted.
        picture: Box<Picture>,
        /// Where the encoder reads it.
        input: Input,
    },
    /// Converted on the encoder's GPU, into what the encoder reads.
    Gpu(Box<Shared>),
}

/// What a picture is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) plan: &'a VideoPlan,
    pub(super) profile: Profile,
    /// Whole blocks both ways.
    pub(super) coded: Size,
}

/// There is no place for pictures.
#[derive(Debug, thiserror::Error)]
pub enum OpenSourceError {
    /// The driver refused.
    #[error(transparent)]
    Va(#[from] VaError),
    /// Pictures cannot be converted on its GPU, and shall be.
    #[error("conversion on the GPU: {0}")]
    Shared(#[from] OpenSharedError),
}

/// A picture could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShowError {
    /// It is not as it says.
    #[error(transparent)]
    Cpu(#[from] ConvertError),
    /// It did not get to the GPU.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The GPU did not convert it.
    #[error(transparent)]
    Gpu(#[from] VulkanConvertError),
}

impl Source {
    /// As the plan says; the CPU converts where it leaves that open and the GPU cannot.
    pub(super) fn open(display: &Rc<Display>, node: &Path, wanted: &Wanted<'_>) -> Result<Self, OpenSourceError> {
        match wanted.plan.conversion {
            Conversion::Cpu => Self::with_copies(display, wanted),
            Conversion::Vulkan => Self::with_shared_memory(display, node, wanted),
            Conversion::Auto => Self::with_shared_memory(display, node, wanted).or_else(|reason| {
                info!(%reason, "pictures are converted on the CPU");
                Self::with_copies(display, wanted)
            }),
        }
    }

    fn with_copies(display: &Rc<Display>, wanted: &Wanted<'_>) -> Result<Self, OpenSourceError> {
        let Wanted { plan, profile, coded } = *wanted;
        let input = Input::create(display, profile, coded)?;
        let picture = Box::new(Picture::new(plan.size, plan.profile.chroma, plan.colorimetry));
        Ok(Self::Cpu { picture, input })
    }

    /// One memory, which Vulkan writes and the encoder reads.
    fn with_shared_memory(display: &Rc<Display>, node: &Path, wanted: &Wanted<'_>) -> Result<Self, OpenSourceError> {
        Ok(Self::Gpu(Box::new(Shared::open(display, node, wanted)?)))
    }

    /// What the encoder reads.
    pub(super) fn surface(&self) -> &Surface {
        match self {
            Self::Cpu { input, .. } => input.surface(),
            Self::Gpu(shared) => &shared.surface,
        }
    }

    /// Where pictures are converted.
    pub(super) fn conversion(&self) -> &str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Gpu(shared) => &shared.picture.device().physical().name,
        }
    }

    /// Takes a picture in.
    pub(super) fn show(&mut self, frame: &Frame) -> Result<(), ShowError> {
        match self {
            Self::Cpu { picture, input } => {
                picture.show(frame)?;
                input.load(picture.planes())?;
            }
            Self::Gpu(shared) => {
                shared.picture.show(frame)?;
            }
        }
        Ok(())
    }

    /// Pictures of a compositor's device that are read where they are.
    pub(super) fn imports(&self) -> Option<Importable> {
        match self {
            Self::Cpu { .. } => None,
            Self::Gpu(shared) => shared.picture.importable().cloned(),
        }
    }

    /// A copy.
    pub(super) fn copy(&self, colorimetry: Colorimetry) -> Option<RawPicture> {
        match self {
            Self::Cpu { picture, .. } => Some(screenshot::copy(picture.planes(), colorimetry)),
            Self::Gpu(shared) => shared.picture.raw(colorimetry),
        }
    }
}
