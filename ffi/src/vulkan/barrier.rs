//! What a command list waits for before it goes on (Vulkan 1.3, 7.6).

use ash::vk;

use super::buffer::Buffer;

/// From and to: what is here stays with its queue.
pub(super) const SAME: (u32, u32) = (vk::QUEUE_FAMILY_IGNORED, vk::QUEUE_FAMILY_IGNORED);

/// A part of an image: its layout before and after, and the accesses that are done before
/// and those that come after.
pub(super) fn of_image(
    (image, range): (vk::Image, vk::ImageSubresourceRange),
    families: (u32, u32),
    layouts: (vk::ImageLayout, vk::ImageLayout),
    access: (vk::AccessFlags, vk::AccessFlags),
) -> vk::ImageMemoryBarrier<'static> {
    vk::ImageMemoryBarrier::default()
        .image(image)
        .subresource_range(range)
        .src_queue_family_index(families.0)
        .dst_queue_family_index(families.1)
        .old_layout(layouts.0)
        .new_layout(layouts.1)
        .src_access_mask(access.0)
        .dst_access_mask(access.1)
}

/// Samples that a shader wrote are copied.
pub(super) fn before_copy(samples: &Buffer) -> vk::BufferMemoryBarrier<'static> {
    vk::BufferMemoryBarrier::default()
        .buffer(samples.raw)
        .size(vk::WHOLE_SIZE)
        .src_queue_family_index(SAME.0)
        .dst_queue_family_index(SAME.1)
        .src_access_mask(vk::AccessFlags::SHADER_WRITE)
        .dst_access_mask(vk::AccessFlags::TRANSFER_READ)
}
