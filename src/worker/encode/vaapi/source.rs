//! The newest picture, and where it is converted: on the GPU, into memory that the
//! encoder reads where it is, or on the CPU, with a copy.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use earthshine_ffi::vaapi::sys::{VA_FOURCC_NV12, VA_FOURCC_P010};
use earthshine_ffi::vaapi::{Display, DmaBuf, DmaBufObject, DmaBufPlane, Surface, VaError};
use earthshine_ffi::vulkan::{self, Handle, OpenVulkanError, Selection, SurfaceFormat, VulkanError};
use tracing::{info, warn};

use super::choice::Profile;
use super::input::{Input, LoadError};
use crate::color::Colorimetry;
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{Conversion, VideoPlan};
use crate::units::Size;
use crate::worker::convert::cpu::ConvertError;
use crate::worker::convert::picture::Picture;
use crate::worker::convert::vulkan::{Target, VulkanConvertError, VulkanPicture};
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
    /// Converted on the encoder's GPU, where the encoder reads it.
    Gpu {
        /// As it was converted.
        picture: Box<VulkanPicture>,
        /// The same memory.
        surface: Rc<Surface>,
    },
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
    Vulkan(#[from] OpenVulkanError),
    /// What is converted on the GPU cannot be handed to the encoder.
    #[error("conversion on the GPU: the encoder does not read what Vulkan wrote: {0}")]
    Import(VaError),
    /// Whose GPU the encoder is cannot be told.
    #[error("conversion on the GPU: {0}")]
    Node(std::io::Error),
}

impl From<VulkanError> for OpenSourceError {
    fn from(error: VulkanError) -> Self {
        Self::Vulkan(error.into())
    }
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

    /// One memory, which Vulkan makes and writes, and the encoder reads.
    fn with_shared_memory(display: &Rc<Display>, node: &Path, wanted: &Wanted<'_>) -> Result<Self, OpenSourceError> {
        let Wanted { plan, profile, coded } = *wanted;
        let node = rustix::fs::stat(node).map_err(|error| OpenSourceError::Node(error.into()))?.st_rdev;
        let (major, minor) = (rustix::fs::major(node).into(), rustix::fs::minor(node).into());
        let instance = vulkan::Instance::open()?;
        let physical = instance.device(Selection::RenderNode(major, minor))?;
        let device = vulkan::Device::open(&instance, physical)?;
        let target = Target {
            visible: plan.size,
            colorimetry: plan.colorimetry,
            format: surface_format(profile),
            handle: Handle::Dmabuf,
            deadline: CONVERSION_DEADLINE,
        };
        let picture = VulkanPicture::open_padded(&device, &target, coded)?;
        let surface = import(display, profile, &picture)?;
        Ok(Self::Gpu { picture: Box::new(picture), surface })
    }

    /// What the encoder reads.
    pub(super) fn surface(&self) -> &Surface {
        match self {
            Self::Cpu { input, .. } => input.surface(),
            Self::Gpu { surface, .. } => surface,
        }
    }

    /// Where pictures are converted.
    pub(super) fn conversion(&self) -> &str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Gpu { picture, .. } => &picture.device().physical().name,
        }
    }

    /// Takes a picture in.
    pub(super) fn show(&mut self, frame: &Frame) -> Result<(), ShowError> {
        match self {
            Self::Cpu { picture, input } => {
                picture.show(frame)?;
                input.load(picture.planes())?;
            }
            Self::Gpu { picture, .. } => {
                picture.show(frame)?;
            }
        }
        Ok(())
    }

    /// Pictures of a compositor's device that are read where they are.
    pub(super) fn imports(&self) -> Option<Importable> {
        match self {
            Self::Cpu { .. } => None,
            Self::Gpu { picture, .. } => picture.importable().cloned(),
        }
    }

    /// A copy.
    pub(super) fn copy(&self, colorimetry: Colorimetry) -> Option<RawPicture> {
        match self {
            Self::Cpu { picture, .. } => Some(screenshot::copy(picture.planes(), colorimetry)),
            Self::Gpu { picture, .. } => match picture.fetch() {
                Ok(fetched) => Some(fetched.to_raw(colorimetry)),
                Err(error) => {
                    warn!(%error, "no picture for a screenshot");
                    None
                }
            },
        }
    }
}

/// The memory of a picture as a surface: two planes of plain rows.
fn import(display: &Rc<Display>, profile: Profile, picture: &VulkanPicture) -> Result<Rc<Surface>, OpenSourceError> {
    let samples = picture.surface();
    let exported = samples.export()?;
    let word = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    let plane = |offset: u64| DmaBufPlane { object: 0, offset: word(offset), pitch: samples.pitch() };
    let (width, height) = samples.size();
    let descriptor = std::os::fd::AsFd::as_fd(&exported.fd);
    let dma_buf = DmaBuf {
        // The same letters in both lists.
        fourcc: profile.fourcc(),
        drm_format: profile.fourcc(),
        width,
        height,
        objects: vec![DmaBufObject { descriptor, size: word(exported.length), modifier: LINEAR }],
        planes: vec![plane(0), plane(samples.plane())],
    };
    Surface::import(display, profile.format(), &dma_buf).map_err(OpenSourceError::Import)
}

/// Samples as Vulkan writes them.
const fn surface_format(profile: Profile) -> SurfaceFormat {
    match profile.fourcc() {
        VA_FOURCC_P010 => SurfaceFormat::P010,
        _ => SurfaceFormat::Nv12,
    }
}

const _: () = assert!(VA_FOURCC_NV12 == u32::from_le_bytes(*b"NV12") && VA_FOURCC_P010 == u32::from_le_bytes(*b"P010"));

/// `DRM_FORMAT_MOD_LINEAR`.
const LINEAR: u64 = 0;

/// Longest time for one picture: less than what a worker's heart may stand still for, so
/// that it ends with a reason.
const CONVERSION_DEADLINE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::encode::bitstream::h264;

    #[test]
    fn samples_are_those_of_the_profile() {
        let high = Profile::H264(h264::Profile::High);
        assert_eq!(surface_format(high), SurfaceFormat::Nv12);
        assert_eq!(surface_format(Profile::Hevc { ten_bit: false }), SurfaceFormat::Nv12);
        assert_eq!(surface_format(Profile::Hevc { ten_bit: true }), SurfaceFormat::P010);
    }
}
