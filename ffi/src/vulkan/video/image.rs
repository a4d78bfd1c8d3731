//! Pictures of the engine's own: one that goes in, and those that are kept.

use std::rc::Rc;

use ash::vk;

use super::capabilities::picture_format;
use super::error::OpenVideoError;
use super::profile::Profile;
use crate::vulkan::device::Device;
use crate::vulkan::error::Named;

/// An image with a view of each layer.
pub(super) struct VideoImage {
    device: Rc<Device>,
    pub(super) raw: vk::Image,
    memory: vk::DeviceMemory,
    views: Vec<vk::ImageView>,
    pub(super) size: (u32, u32),
    /// What is coded of it.
    part: (u32, u32),
}

impl VideoImage {
    /// `layers` pictures of a size, for a use.
    ///
    /// Pictures that are kept are layers of one image: every engine takes that, and only
    /// some take images of their own.
    pub(super) fn allocate(
        device: &Rc<Device>,
        profile: Profile,
        usage: vk::ImageUsageFlags,
        (width, height): (u32, u32),
        layers: u32,
    ) -> Result<Self, OpenVideoError> {
        let format = picture_format(device.instance(), device.physical(), profile, usage)?;
        let mut families = vec![device.queue_family()];
        families.extend(device.video.as_ref().map(|video| video.family));
        families.dedup();
        // What is written on one queue and read on another. Pictures that are kept never
        // leave theirs.
        let shared = usage.contains(vk::ImageUsageFlags::TRANSFER_DST) && families.len() > 1;
        let raw = profile.with(|info| {
            let mut list = vk::VideoProfileListInfoKHR::default().profiles(std::slice::from_ref(info));
            let mut information = vk::ImageCreateInfo::default()
                .flags(format.image_create_flags)
                .image_type(format.image_type)
                .format(format.format)
                .extent(vk::Extent3D { width, height, depth: 1 })
                .mip_levels(1)
                .array_layers(layers)
                .samples(vk::SampleCountFlags::TYPE_1)
                .tiling(format.image_tiling)
                .usage(usage)
                .sharing_mode(vk::SharingMode::EXCLUSIVE)
                .initial_layout(vk::ImageLayout::UNDEFINED)
                .push_next(&mut list);
            if shared {
                information = information.sharing_mode(vk::SharingMode::CONCURRENT).queue_family_indices(&families);
            }
            // SAFETY: the device lives, and said that it makes such images.
            unsafe { device.raw.create_image(&information, None) }.named("vkCreateImage")
        })?;
        let memory = vk::DeviceMemory::null();
        let mut image = Self {
            device: Rc::clone(device),
            raw,
            memory,
            views: Vec::new(),
            size: (width, height),
            part: (width, height),
        };
        image.bind()?;
        for layer in 0..layers {
            let information = vk::ImageViewCreateInfo::default()
                .image(raw)
                .view_type(vk::ImageViewType::TYPE_2D)
                .format(format.format)
                .components(format.component_mapping)
                .subresource_range(layers_of(layer, 1));
            // SAFETY: the image is bound, and has the layer.
            let view = unsafe { device.raw.create_image_view(&information, None) }.named("vkCreateImageView")?;
            image.views.push(view);
        }
        Ok(image)
    }

    fn bind(&mut self) -> Result<(), OpenVideoError> {
        let device = &self.device;
        // SAFETY: the image is the device's.
        let wants = unsafe { device.raw.get_image_memory_requirements(self.raw) };
        let local = vk::MemoryPropertyFlags::DEVICE_LOCAL;
        let memory_type = device.memory_type(wants.memory_type_bits, vk::MemoryPropertyFlags::empty(), local)?;
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(self.raw);
        let allocation = vk::MemoryAllocateInfo::default()
            .allocation_size(wants.size)
            .memory_type_index(memory_type)
            .push_next(&mut dedicated);
        // SAFETY: what is pointed to outlives the call.
        self.memory = unsafe { device.raw.allocate_memory(&allocation, None) }.named("vkAllocateMemory")?;
        // SAFETY: memory of a type and size that the image takes, bound once.
        Ok(unsafe { device.raw.bind_image_memory(self.raw, self.memory, 0) }.named("vkBindImageMemory")?)
    }

    /// The same, of which only so many pixels are coded.
    pub(super) fn coding(self, part: (u32, u32)) -> Self {
        let mut image = self;
        image.part = part;
        image
    }

    /// A layer, as the engine is told.
    pub(super) fn resource(&self, layer: u8) -> vk::VideoPictureResourceInfoKHR<'static> {
        vk::VideoPictureResourceInfoKHR::default()
            .coded_extent(vk::Extent2D { width: self.part.0, height: self.part.1 })
            .image_view_binding(self.views[usize::from(layer)])
    }

    /// All layers.
    pub(super) fn all(&self) -> vk::ImageSubresourceRange {
        layers_of(0, u32::try_from(self.views.len()).unwrap_or(u32::MAX))
    }
}

const fn layers_of(first: u32, count: u32) -> vk::ImageSubresourceRange {
    vk::ImageSubresourceRange {
        aspect_mask: vk::ImageAspectFlags::COLOR,
        base_mip_level: 0,
        level_count: 1,
        base_array_layer: first,
        layer_count: count,
    }
}

impl Drop for VideoImage {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once, each may be null; the GPU does not use them,
            // because all that it does is waited for.
            unsafe {
                for view in &self.views {
                    self.device.raw.destroy_image_view(*view, None);
                }
                self.device.raw.destroy_image(self.raw, None);
                self.device.raw.free_memory(self.memory, None);
            }
        }
    }
}
