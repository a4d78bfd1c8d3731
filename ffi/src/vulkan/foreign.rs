//! A surface that an encoder's driver allocated, in a tiling of its own, which samples are
//! copied into: for encoders that read no memory but theirs.
//!
//! Its planes are taken in as pictures of one and of two samples a texel. What they show
//! is somebody else's between two conversions, which hand the planes over and back
//! (`VK_EXT_queue_family_foreign`).

use std::ops::Range;
use std::rc::Rc;

use ash::vk;

use super::barrier;
use super::device::Device;
use super::dmabuf::{Dmabuf, ImportDmabufError, fourcc};
use super::image::{COLOR, Image};
use super::modifiers::Purpose;
use super::surface::{Surface, SurfaceFormat};

/// A surface of somebody else's, in 4:2:0.
#[derive(Debug)]
pub struct ForeignSurface {
    device: Rc<Device>,
    format: SurfaceFormat,
    luma: Image,
    /// Half as wide and high; a texel is a pair of samples.
    chroma: Image,
}

impl ForeignSurface {
    /// Takes luma and chroma in; the descriptors are still the caller's. What is in it is
    /// undefined from now on.
    ///
    /// # Errors
    /// [`ImportDmabufError`], above all for tilings that the device does not write.
    ///
    /// # Panics
    /// If the format is 4:4:4.
    pub fn import(
        device: &Rc<Device>,
        format: SurfaceFormat,
        [luma, chroma]: [&Dmabuf<'_>; 2],
    ) -> Result<Self, ImportDmabufError> {
        assert!(!format.is_444(), "{format:?} has no plane of pairs");
        if (chroma.width, chroma.height) != (luma.width.div_ceil(2), luma.height.div_ceil(2)) {
            return Err(chroma.shape("chroma is not half of luma both ways"));
        }
        let [of_luma, of_chroma] = planes(format);
        let import = |plane: &Dmabuf<'_>, (fourccs, texels): (&[u32], vk::Format)| {
            if !fourccs.contains(&plane.fourcc) {
                return Err(ImportDmabufError::Plane { fourcc: plane.fourcc, wanted: format });
            }
            Image::import_for(device, plane, texels, Purpose::WRITE)
        };
        let (luma, chroma) = (import(luma, of_luma)?, import(chroma, of_chroma)?);
        Ok(Self { device: Rc::clone(device), format, luma, chroma })
    }

    /// # Panics
    /// If it has no room for what the other has.
    pub(super) fn check(&self, surface: &Surface) {
        assert!(Rc::ptr_eq(&self.device, &surface.buffer.device), "another device");
        assert_eq!(surface.format(), self.format, "a surface of another format");
        let ((width, height), room) = (surface.size(), (self.luma.width, self.luma.height));
        assert!(width <= room.0 && height <= room.1, "{width}x{height} pixels into {room:?}");
    }

    /// Writes a copy of rows down, which a shader has written before in the same list.
    ///
    /// # Safety
    /// The list is being written, and both surfaces live until it is done; the other one was
    /// found to fit by [`check`](Self::check), and has the rows.
    pub(super) unsafe fn write(&self, list: vk::CommandBuffer, surface: &Surface, rows: &Range<u32>) {
        let bytes = surface.format().sample_bytes();
        let half = rows.start / 2..rows.end / 2;
        let width = surface.size().0;
        let regions = [
            (&self.luma, region(surface, (0, bytes), width, rows)),
            (&self.chroma, region(surface, (surface.plane(), 2 * bytes), width / 2, &half)),
        ];
        let target = vk::ImageLayout::TRANSFER_DST_OPTIMAL;
        let (nobody, written) = (vk::AccessFlags::empty(), vk::AccessFlags::TRANSFER_WRITE);
        let before = if self.is_known() { vk::ImageLayout::GENERAL } else { vk::ImageLayout::UNDEFINED };
        let (ours, theirs) = (self.device.queue_family(), self.device.foreign_family());
        let taken = self.barriers((theirs, ours), (before, target), (nobody, written));
        let given = self.barriers((ours, theirs), (target, vk::ImageLayout::GENERAL), (written, nobody));
        let samples = [barrier::before_copy(&surface.buffer)];
        let (raw, none) = (&self.device.raw, vk::DependencyFlags::empty());
        let (shader, copy) = (vk::PipelineStageFlags::COMPUTE_SHADER, vk::PipelineStageFlags::TRANSFER);
        // SAFETY: the caller's contract; the images are ours and as large as the regions say.
        unsafe {
            raw.cmd_pipeline_barrier(list, shader, copy, none, &[], &samples, &taken);
            for (image, region) in regions {
                raw.cmd_copy_buffer_to_image(list, surface.buffer.raw, image.raw, target, &[region]);
            }
            raw.cmd_pipeline_barrier(list, copy, vk::PipelineStageFlags::BOTTOM_OF_PIPE, none, &[], &[], &given);
        }
    }

    /// It was written to, so that its layout is known.
    pub(super) fn is_known(&self) -> bool {
        self.luma.is_known.get()
    }

    pub(super) fn know(&self) {
        self.luma.is_known.set(true);
    }

    fn barriers(
        &self,
        families: (u32, u32),
        layouts: (vk::ImageLayout, vk::ImageLayout),
        access: (vk::AccessFlags, vk::AccessFlags),
    ) -> [vk::ImageMemoryBarrier<'static>; 2] {
        [&self.luma, &self.chroma].map(|image| barrier::of_image((image.raw, COLOR), families, layouts, access))
    }
}

/// Rows of a plane that begins at `offset` and has texels of so many bytes.
fn region(surface: &Surface, (offset, texel): (u64, u32), width: u32, rows: &Range<u32>) -> vk::BufferImageCopy {
    let layers = vk::ImageSubresourceLayers::default().aspect_mask(vk::ImageAspectFlags::COLOR).layer_count(1);
    vk::BufferImageCopy::default()
        .buffer_offset(offset + u64::from(rows.start) * u64::from(surface.pitch()))
        .buffer_row_length(surface.pitch() / texel)
        .image_subresource(layers)
        .image_offset(vk::Offset3D { x: 0, y: i32::try_from(rows.start).unwrap_or(i32::MAX), z: 0 })
        .image_extent(vk::Extent3D { width, height: rows.end - rows.start, depth: 1 })
}

/// What luma and chroma are called, and what they are to Vulkan.
const fn planes(format: SurfaceFormat) -> [(&'static [u32], vk::Format); 2] {
    match format.sample_bytes() {
        1 => [(SAMPLES, vk::Format::R8_UNORM), (PAIRS, vk::Format::R8G8_UNORM)],
        _ => [(WIDE_SAMPLES, vk::Format::R16_UNORM), (WIDE_PAIRS, vk::Format::R16G16_UNORM)],
    }
}

/// `DRM_FORMAT_R8`, `GR88` and `RG88`, `R16`, `GR1616` and `RG1616`: drivers do not agree on
/// the names of pairs, whose bytes are the same.
const SAMPLES: &[u32] = &[fourcc(*b"R8  ")];
const PAIRS: &[u32] = &[fourcc(*b"GR88"), fourcc(*b"RG88")];
const WIDE_SAMPLES: &[u32] = &[fourcc(*b"R16 ")];
const WIDE_PAIRS: &[u32] = &[fourcc(*b"GR32"), fourcc(*b"RG32")];
