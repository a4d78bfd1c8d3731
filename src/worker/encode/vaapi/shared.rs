//! Memory that Vulkan converts pictures into and the encoder reads, without a copy by the
//! CPU.
//!
//! Best is Vulkan's, in plain rows, which the encoder imports: nothing is copied at all. Not
//! every driver makes such memory, and not every one encodes from it. The other way round is
//! what their own programs do: the encoder's surface, in its own tiling, is exported, and
//! each picture copied into it on the GPU when it is converted (1.5 bytes a pixel in 8 bits).

use std::os::fd::AsFd;
use std::path::Path;
use std::rc::Rc;

use earthshine_ffi::vaapi::sys::{VA_FOURCC_NV12, VA_FOURCC_P010};
use earthshine_ffi::vaapi::{Display, DmaBuf, DmaBufObject, DmaBufPlane, ExportedSurface, Surface, VaError};
use earthshine_ffi::vulkan::{
    self, Dmabuf, DmabufPlane, ForeignSurface, Handle, ImportDmabufError, OpenVulkanError, Selection, SurfaceFormat,
    VulkanError,
};
use tracing::info;

use super::choice::Profile;
use super::source::Wanted;
use crate::worker::convert::vulkan::{PICTURE_DEADLINE, Target, VulkanPicture};

/// A picture that Vulkan converts, and what the encoder reads of it.
#[derive(Debug)]
pub(super) struct Shared {
    // Given back in this order.
    pub(super) picture: VulkanPicture,
    pub(super) surface: Rc<Surface>,
}

/// Vulkan and the encoder share no memory.
#[derive(Debug, thiserror::Error)]
pub enum OpenSharedError {
    /// Vulkan does not convert pictures there.
    #[error(transparent)]
    Vulkan(#[from] OpenVulkanError),
    /// The encoder makes no surface.
    #[error(transparent)]
    Va(#[from] VaError),
    /// What is converted cannot be handed to the encoder.
    #[error("the encoder does not read what Vulkan wrote: {0}")]
    Import(VaError),
    /// The encoder keeps its own memory to itself.
    #[error("the encoder does not hand out its surface: {0}")]
    Export(VaError),
    /// Vulkan does not take the encoder's memory in.
    #[error("Vulkan does not write to the encoder's surface: {0}")]
    Foreign(#[from] ImportDmabufError),
    /// The one's memory is of no use to the other.
    #[error("{import}; and {export}")]
    Neither {
        /// Why not Vulkan's.
        import: Box<Self>,
        /// Why not the encoder's.
        export: Box<Self>,
    },
    /// Whose GPU the encoder is cannot be told.
    #[error("the GPU of the encoder is not known: {0}")]
    Node(std::io::Error),
}

impl From<VulkanError> for OpenSharedError {
    fn from(error: VulkanError) -> Self {
        Self::Vulkan(error.into())
    }
}

impl Shared {
    /// On the GPU of a render node, by whatever way both drivers know.
    pub(super) fn open(display: &Rc<Display>, node: &Path, wanted: &Wanted<'_>) -> Result<Self, OpenSharedError> {
        let device = device(node)?;
        Self::of_vulkan(&device, display, wanted).or_else(|import| {
            info!(reason = %import, "the encoder's own surface is tried");
            Self::of_encoder(&device, display, wanted)
                .map_err(|export| OpenSharedError::Neither { import: Box::new(import), export: Box::new(export) })
        })
    }

    /// Vulkan's memory, imported by the encoder.
    fn of_vulkan(
        device: &Rc<vulkan::Device>,
        display: &Rc<Display>,
        wanted: &Wanted<'_>,
    ) -> Result<Self, OpenSharedError> {
        let picture = VulkanPicture::open_padded(device, &target(wanted, Handle::Dmabuf), wanted.coded)?;
        let surface = import(display, wanted.profile, &picture)?;
        Ok(Self { picture, surface })
    }

    /// The encoder's memory, exported to Vulkan.
    fn of_encoder(
        device: &Rc<vulkan::Device>,
        display: &Rc<Display>,
        wanted: &Wanted<'_>,
    ) -> Result<Self, OpenSharedError> {
        let Wanted { profile, coded, .. } = *wanted;
        let size = (coded.width, coded.height);
        let surface = Surface::create_to_export(display, profile.format(), profile.fourcc(), size)?;
        let exported = surface.export().map_err(OpenSharedError::Export)?;
        let foreign = take_in(device, wanted, &exported)?;
        let mut picture = VulkanPicture::open_padded(device, &target(wanted, Handle::None), coded)?;
        picture.copy_to(foreign);
        info!(
            modifier = format!("{:#x}", exported.objects[0].modifier),
            "pictures are copied to the encoder's surface"
        );
        Ok(Self { picture, surface })
    }
}

/// Vulkan's device of a render node.
fn device(node: &Path) -> Result<Rc<vulkan::Device>, OpenSharedError> {
    let node = rustix::fs::stat(node).map_err(|error| OpenSharedError::Node(error.into()))?.st_rdev;
    let (major, minor) = (rustix::fs::major(node).into(), rustix::fs::minor(node).into());
    let instance = vulkan::Instance::open()?;
    let physical = instance.device(Selection::RenderNode(major, minor))?;
    Ok(vulkan::Device::open(&instance, physical)?)
}

fn target(wanted: &Wanted<'_>, handle: Handle) -> Target {
    Target {
        visible: wanted.plan.size,
        colorimetry: wanted.plan.colorimetry,
        format: surface_format(wanted.profile),
        handle,
        deadline: PICTURE_DEADLINE,
    }
}

/// The memory of a picture as a surface: two planes of plain rows.
fn import(display: &Rc<Display>, profile: Profile, picture: &VulkanPicture) -> Result<Rc<Surface>, OpenSharedError> {
    let samples = picture.surface();
    let exported = samples.export()?;
    let word = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
    let plane = |offset: u64| DmaBufPlane { object: 0, offset: word(offset), pitch: samples.pitch() };
    let (width, height) = samples.size();
    let dma_buf = DmaBuf {
        // The same letters in both lists.
        fourcc: profile.fourcc(),
        drm_format: profile.fourcc(),
        width,
        height,
        objects: vec![DmaBufObject { descriptor: exported.fd.as_fd(), size: word(exported.length), modifier: LINEAR }],
        planes: vec![plane(0), plane(samples.plane())],
    };
    Surface::import(display, profile.format(), &dma_buf).map_err(OpenSharedError::Import)
}

/// The memory of a surface as pictures of luma and chroma.
fn take_in(
    device: &Rc<vulkan::Device>,
    wanted: &Wanted<'_>,
    exported: &ExportedSurface,
) -> Result<ForeignSurface, OpenSharedError> {
    let ExportedSurface { width, height, objects, layers, .. } = exported;
    let (width, height) = (*width, *height);
    let shape = |what| ImportDmabufError::Shape { width, height, what };
    let [luma, chroma] = layers.as_slice() else { return Err(shape("not luma and chroma").into()) };
    if width < wanted.coded.width || height < wanted.coded.height {
        return Err(shape("smaller than what was asked for").into());
    }
    let planes = [luma, chroma].map(|layer| {
        let plane = |plane: &DmaBufPlane| DmabufPlane {
            fd: objects[plane.object as usize].descriptor.as_fd(),
            offset: plane.offset,
            stride: plane.pitch,
        };
        layer.planes.iter().map(plane).collect::<Vec<_>>()
    });
    let picture = |layer: usize, (width, height): (u32, u32)| Dmabuf {
        planes: &planes[layer],
        modifier: objects[layers[layer].planes[0].object as usize].modifier,
        fourcc: layers[layer].drm_format,
        width,
        height,
    };
    let (luma, chroma) = (picture(0, (width, height)), picture(1, (width.div_ceil(2), height.div_ceil(2))));
    Ok(ForeignSurface::import(device, surface_format(wanted.profile), [&luma, &chroma])?)
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
