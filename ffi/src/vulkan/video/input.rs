//! The picture that the engine reads: copied, on the device, from what was converted.
//!
//! The engine's own tiling is not one that a shader of ours writes, so each picture is
//! copied once (3 MB at 1920x1080 in 8 bits). Blocks that are not whole are filled up with
//! the last column and row: what an engine finds there costs bits, and is for it to say
//! otherwise.

use std::rc::Rc;
use std::time::Duration;

use ash::vk;

use super::error::OpenVideoError;
use super::image::VideoImage;
use super::profile::Profile;
use crate::vulkan::barrier::{self, SAME};
use crate::vulkan::commands::Commands;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Named, VulkanError};
use crate::vulkan::surface::{Surface, SurfaceFormat};

/// The picture, and how it comes there.
pub(super) struct Input {
    device: Rc<Device>,
    pub(super) image: VideoImage,
    visible: (u32, u32),
    samples: SurfaceFormat,
    commands: Commands,
    copied: vk::Semaphore,
}

impl Input {
    /// A picture of whole blocks and of what is coded of it, of which `visible` pixels are
    /// converted.
    pub(super) fn make(
        device: &Rc<Device>,
        profile: Profile,
        visible: (u32, u32),
        (whole, coded): ((u32, u32), (u32, u32)),
        deadline: Duration,
    ) -> Result<Self, OpenVideoError> {
        let usage = vk::ImageUsageFlags::VIDEO_ENCODE_SRC_KHR | vk::ImageUsageFlags::TRANSFER_DST;
        let image = VideoImage::allocate(device, profile, usage, whole, 1)?.coding(coded);
        let commands = Commands::make(device, deadline)?;
        let information = vk::SemaphoreCreateInfo::default();
        // SAFETY: the device lives.
        let copied = unsafe { device.raw.create_semaphore(&information, None) }.named("vkCreateSemaphore")?;
        Ok(Self { device: Rc::clone(device), image, visible, samples: profile.samples(), commands, copied })
    }

    /// Begins to copy a picture, and says what signals when that is done.
    ///
    /// # Safety
    /// The surface is not written to or dropped before whoever waits for the signal is done.
    ///
    /// # Panics
    /// If the surface is another device's, or of another size.
    pub(super) unsafe fn begin(&self, surface: &Surface) -> Result<vk::Semaphore, VulkanError> {
        assert!(Rc::ptr_eq(&self.device, &surface.buffer.device), "another device");
        assert!(surface.size() == self.visible && surface.format() == self.samples, "another kind of picture");
        let regions = regions(surface, self.image.size);
        let all = (self.image.raw, self.image.all());
        let (nobody, written) = (vk::AccessFlags::empty(), vk::AccessFlags::TRANSFER_WRITE);
        let (target, encoded) = (vk::ImageLayout::TRANSFER_DST_OPTIMAL, vk::ImageLayout::VIDEO_ENCODE_SRC_KHR);
        let before = [barrier::of_image(all, SAME, (vk::ImageLayout::UNDEFINED, target), (nobody, written))];
        // Whoever waits for the signal sees what is written, and reads it.
        let after = [barrier::of_image(all, SAME, (target, encoded), (written, nobody))];
        let samples = [barrier::before_copy(&surface.buffer)];
        let (raw, none) = (&self.device.raw, vk::DependencyFlags::empty());
        let (shader, copy) = (vk::PipelineStageFlags::COMPUTE_SHADER, vk::PipelineStageFlags::TRANSFER);
        let end = vk::PipelineStageFlags::BOTTOM_OF_PIPE;
        // SAFETY: the image is ours and whole, the surface is as large as the regions say,
        // and the caller vouches for how long it lives.
        unsafe {
            self.commands.begin(self.copied, |list| {
                raw.cmd_pipeline_barrier(list, shader | copy, copy, none, &[], &samples, &before);
                raw.cmd_copy_buffer_to_image(list, surface.buffer.raw, self.image.raw, target, &regions);
                raw.cmd_pipeline_barrier(list, copy, end, none, &[], &[], &after);
            })?;
        }
        Ok(self.copied)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once; nobody waits for it.
            unsafe { self.device.raw.destroy_semaphore(self.copied, None) };
        }
    }
}

/// Both planes, and what fills their blocks up.
fn regions(surface: &Surface, coded: (u32, u32)) -> Vec<vk::BufferImageCopy> {
    let luma = Plane {
        aspect: vk::ImageAspectFlags::PLANE_0,
        offset: 0,
        pitch: surface.pitch(),
        bytes: surface.format().sample_bytes(),
        visible: surface.size(),
        coded,
    };
    let half = |(width, height): (u32, u32)| (width / 2, height / 2);
    let chroma = Plane {
        aspect: vk::ImageAspectFlags::PLANE_1,
        offset: surface.plane(),
        bytes: 2 * luma.bytes,
        visible: half(luma.visible),
        coded: half(coded),
        ..luma
    };
    [luma, chroma].iter().flat_map(Plane::regions).collect()
}

/// A plane of texels.
#[derive(Clone, Copy)]
struct Plane {
    aspect: vk::ImageAspectFlags,
    /// Where it begins in the buffer, and bytes from row to row and of a texel.
    offset: u64,
    pitch: u32,
    bytes: u32,
    visible: (u32, u32),
    coded: (u32, u32),
}

impl Plane {
    fn regions(&self) -> Vec<vk::BufferImageCopy> {
        let ((width, height), (columns, rows)) = (self.visible, self.coded);
        let mut regions = vec![self.region((0, 0), (0, 0), (width, height))];
        regions.extend((width..columns).map(|x| self.region((width - 1, 0), (x, 0), (1, height))));
        for y in height..rows {
            regions.push(self.region((0, height - 1), (0, y), (width, 1)));
            regions.extend((width..columns).map(|x| self.region((width - 1, height - 1), (x, y), (1, 1))));
        }
        regions
    }

    fn region(&self, from: (u32, u32), to: (u32, u32), size: (u32, u32)) -> vk::BufferImageCopy {
        let place = |place: u32| i32::try_from(place).unwrap_or(i32::MAX);
        let layers = vk::ImageSubresourceLayers::default().aspect_mask(self.aspect).layer_count(1);
        vk::BufferImageCopy::default()
            .buffer_offset(self.offset + u64::from(from.1) * u64::from(self.pitch) + u64::from(from.0 * self.bytes))
            .buffer_row_length(self.pitch / self.bytes)
            .image_subresource(layers)
            .image_offset(vk::Offset3D { x: place(to.0), y: place(to.1), z: 0 })
            .image_extent(vk::Extent3D { width: size.0, height: size.1, depth: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_texel_of_whole_blocks_is_written_once() {
        for visible in [(6, 4), (8, 8), (7, 8), (8, 5)] {
            let plane = Plane {
                aspect: vk::ImageAspectFlags::PLANE_1,
                offset: 4096,
                pitch: 256,
                bytes: 2,
                visible,
                coded: (8, 8),
            };
            let mut written = [[0_u8; 8]; 8];
            for region in plane.regions() {
                let from = usize::try_from(region.buffer_offset - 4096).unwrap();
                let (row, column) = (from / 256, from % 256 / 2);
                for y in 0..region.image_extent.height as usize {
                    for x in 0..region.image_extent.width as usize {
                        assert!(column + x < visible.0 as usize && row + y < visible.1 as usize, "not converted");
                        let place = |offset: i32, step: usize| usize::try_from(offset).unwrap() + step;
                        written[place(region.image_offset.y, y)][place(region.image_offset.x, x)] += 1;
                    }
                }
            }
            assert_eq!(written, [[1; 8]; 8], "{visible:?}");
        }
    }
}
