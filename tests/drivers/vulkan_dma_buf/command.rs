//! Commands about pictures that are kept here, and when queues do them.

use ash::vk;

use crate::image::{self, Image};
use crate::next;
use crate::rules::{Result, note, ordered, require, require_equal};

/// Barriers of pictures that are kept here end here: bytes need none but those of memory.
pub(crate) unsafe extern "system" fn barrier(
    list: vk::CommandBuffer,
    from: vk::PipelineStageFlags,
    to: vk::PipelineStageFlags,
    flags: vk::DependencyFlags,
    count: u32,
    all: *const vk::MemoryBarrier<'_>,
    buffer_count: u32,
    buffers: *const vk::BufferMemoryBarrier<'_>,
    image_count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    // SAFETY: the function of that name; the caller's contract: as many as were said.
    unsafe {
        let told: Vec<_> = (0..image_count as usize).map(|index| *images.add(index)).collect();
        let (ours, theirs): (Vec<_>, Vec<_>) = told.into_iter().partition(|barrier| image::is_ours(barrier.image));
        note("vkCmdPipelineBarrier", || {
            ours.iter().try_for_each(|barrier| image::with(barrier.image, |image| image.transition(barrier)))
        });
        // What else uses the bytes is ordered by this.
        let memory = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::MEMORY_WRITE)
            .dst_access_mask(vk::AccessFlags::MEMORY_WRITE)];
        let mut memories: Vec<_> = (0..count as usize).map(|index| *all.add(index)).collect();
        memories.extend(memory.iter().filter(|_| !ours.is_empty()));
        let Some(next) = next::function::<_, vk::PFN_vkCmdPipelineBarrier>(list, c"vkCmdPipelineBarrier") else {
            return;
        };
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        next(
            list,
            from,
            to,
            flags,
            number(memories.len()),
            memories.as_ptr(),
            buffer_count,
            buffers,
            number(theirs.len()),
            theirs.as_ptr(),
        );
    }
}

pub(crate) unsafe extern "system" fn copy(
    list: vk::CommandBuffer,
    buffer: vk::Buffer,
    image: vk::Image,
    layout: vk::ImageLayout,
    count: u32,
    regions: *const vk::BufferImageCopy,
) {
    let name = c"vkCmdCopyBufferToImage";
    // It may hang; without an answer it cannot fail.
    let _ = ordered("vkCmdCopyBufferToImage");
    // SAFETY: functions of these names; the caller's contract: as many as were said.
    unsafe {
        if !image::is_ours(image) {
            if let Some(next) = next::function::<_, vk::PFN_vkCmdCopyBufferToImage>(list, name) {
                next(list, buffer, image, layout, count, regions);
            }
            return;
        }
        note("vkCmdCopyBufferToImage", || {
            let (bytes, rows) = image::with(image, |image| {
                require_equal("layout of what is copied to", layout, vk::ImageLayout::TRANSFER_DST_OPTIMAL)?;
                require_equal("layout that it has", image.layout, layout)?;
                require(image.is_taken, || "it is somebody else's still".to_owned())?;
                let regions = (0..count as usize).map(|index| rows(image, &*regions.add(index)));
                Ok((image.bytes, regions.collect::<Result<Vec<_>>>()?.concat()))
            })?;
            if let Some(next) = next::function::<_, vk::PFN_vkCmdCopyBuffer>(list, c"vkCmdCopyBuffer") {
                next(list, buffer, bytes, u32::try_from(rows.len()).unwrap_or(u32::MAX), rows.as_ptr());
            }
            Ok(())
        });
    }
}

/// A region as bytes, row by row.
fn rows(image: &Image, region: &vk::BufferImageCopy) -> Result<Vec<vk::BufferCopy>> {
    let (at, extent, layers) = (region.image_offset, region.image_extent, region.image_subresource);
    require_equal("aspect", layers.aspect_mask, vk::ImageAspectFlags::COLOR)?;
    require_equal("layers and depth", (layers.layer_count, extent.depth, at.z), (1, 1, 0))?;
    require(at.x >= 0 && at.y >= 0, || format!("a copy to {at:?}"))?;
    let (left, top) = (at.x.cast_unsigned(), at.y.cast_unsigned());
    let ends = (left + extent.width, top + extent.height);
    require(ends.0 <= image.width && ends.1 <= image.height, || format!("a copy up to {ends:?}"))?;
    require(region.buffer_offset.is_multiple_of(image.texel), || format!("texels at byte {}", region.buffer_offset))?;
    require(region.buffer_row_length == 0 || region.buffer_row_length >= extent.width, || "short rows".to_owned())?;
    let stride = u64::from(region.buffer_row_length.max(extent.width)) * image.texel;
    let row = |row: u32| vk::BufferCopy {
        src_offset: region.buffer_offset + u64::from(row) * stride,
        dst_offset: image.offset + u64::from(top + row) * image.pitch + u64::from(left) * image.texel,
        size: u64::from(extent.width) * image.texel,
    };
    Ok((0..extent.height).map(row).collect())
}

pub(crate) unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    // SAFETY: the function of that name; the caller's contract.
    let next = unsafe { next::function::<_, vk::PFN_vkQueueSubmit>(queue, c"vkQueueSubmit") };
    match (ordered("vkQueueSubmit"), next) {
        (Some(code), _) => code,
        // SAFETY: as above.
        (None, Some(next)) => unsafe { next(queue, count, submits, fence) },
        (None, None) => vk::Result::ERROR_INITIALIZATION_FAILED,
    }
}

pub(crate) unsafe extern "system" fn wait(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    all: vk::Bool32,
    nanoseconds: u64,
) -> vk::Result {
    // SAFETY: the function of that name; the caller's contract.
    let next = unsafe { next::function::<_, vk::PFN_vkWaitForFences>(device, c"vkWaitForFences") };
    match (ordered("vkWaitForFences"), next) {
        (Some(code), _) => code,
        // SAFETY: as above.
        (None, Some(next)) => unsafe { next(device, count, fences, all, nanoseconds) },
        (None, None) => vk::Result::ERROR_INITIALIZATION_FAILED,
    }
}
