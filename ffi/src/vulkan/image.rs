//! A picture that a shader reads, uploaded or somebody else's; and somebody else's that
//! samples are copied into.

use std::cell::Cell;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::rc::Rc;

use ash::vk;

use super::device::Device;
use super::dmabuf::{Dmabuf, ImportDmabufError, duplicate, memory_types};
use super::error::{Named, VulkanError};
use super::modifiers::{Modifier, Purpose};

/// Order of a pixel's parts, of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelLayout {
    /// Bytes: blue, green, red, unused (`XRGB8888`).
    Bgrx8,
    /// Bytes: red, green, blue, unused (`XBGR8888`).
    Rgbx8,
    /// From the word's upper end: 2 bits unused, then red, green, blue (`XRGB2101010`).
    Xrgb10,
    /// From the word's upper end: 2 bits unused, then blue, green, red (`XBGR2101010`).
    Xbgr10,
}

impl PixelLayout {
    pub(super) const fn format(self) -> vk::Format {
        match self {
            Self::Bgrx8 => vk::Format::B8G8R8A8_UNORM,
            Self::Rgbx8 => vk::Format::R8G8B8A8_UNORM,
            Self::Xrgb10 => vk::Format::A2R10G10B10_UNORM_PACK32,
            Self::Xbgr10 => vk::Format::A2B10G10R10_UNORM_PACK32,
        }
    }
}

/// A picture on the device.
pub struct Image {
    pub(super) device: Rc<Device>,
    pub(super) raw: vk::Image,
    /// Null of one that no shader reads.
    pub(super) view: vk::ImageView,
    memory: vk::DeviceMemory,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_foreign: bool,
    /// It was read or written before: its layout is known, and so are its pixels.
    pub(super) is_known: Cell<bool>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = out.debug_struct("Image");
        out.field("width", &self.width).field("height", &self.height).field("is_foreign", &self.is_foreign);
        out.finish_non_exhaustive()
    }
}

impl Image {
    /// A picture to upload to.
    ///
    /// # Errors
    /// [`VulkanError`]; also for a size that the device has no pictures of.
    pub fn allocate(device: &Rc<Device>, layout: PixelLayout, width: u32, height: u32) -> Result<Self, VulkanError> {
        let usage = vk::ImageUsageFlags::SAMPLED | vk::ImageUsageFlags::TRANSFER_DST;
        let information = information(layout.format(), width, height, usage).tiling(vk::ImageTiling::OPTIMAL);
        check(device, &information)?;
        let mut image = Self::create(device, &information)?;
        // SAFETY: the image is the device's.
        let wants = unsafe { device.raw.get_image_memory_requirements(image.raw) };
        let local = vk::MemoryPropertyFlags::DEVICE_LOCAL;
        let memory_type = device.memory_type(wants.memory_type_bits, vk::MemoryPropertyFlags::empty(), local)?;
        let allocation = vk::MemoryAllocateInfo::default().allocation_size(wants.size).memory_type_index(memory_type);
        // SAFETY: what is pointed to outlives the call.
        image.memory = unsafe { device.raw.allocate_memory(&allocation, None) }.named("vkAllocateMemory")?;
        image.bind()?;
        image.show(information.format)?;
        Ok(image)
    }

    /// Takes a DMA-BUF in; its descriptors are still the caller's.
    ///
    /// # Errors
    /// [`ImportDmabufError`].
    pub fn import(device: &Rc<Device>, dmabuf: &Dmabuf<'_>) -> Result<Self, ImportDmabufError> {
        require_tiled(device)?;
        let format = dmabuf.layout()?.format();
        let mut image = Self::import_for(device, dmabuf, format, Purpose::READ)?;
        image.show(format)?;
        Ok(image)
    }

    /// Takes a DMA-BUF of a format in, for a purpose.
    pub(super) fn import_for(
        device: &Rc<Device>,
        dmabuf: &Dmabuf<'_>,
        format: vk::Format,
        purpose: Purpose,
    ) -> Result<Self, ImportDmabufError> {
        require_tiled(device)?;
        let known = Modifier::for_purpose(device, format, purpose, (dmabuf.width, dmabuf.height));
        let fits = |known: &Modifier| known.value == dmabuf.modifier && known.planes as usize == dmabuf.planes.len();
        if !known.iter().any(fits) {
            return Err(dmabuf.not_read());
        }
        if !dmabuf.is_one_buffer() {
            return Err(dmabuf.shape("its planes are in several buffers"));
        }
        let planes: Vec<_> = dmabuf
            .planes
            .iter()
            .map(|plane| {
                let (offset, row_pitch) = (plane.offset.into(), plane.stride.into());
                vk::SubresourceLayout::default().offset(offset).row_pitch(row_pitch)
            })
            .collect();
        let kind = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
        let mut external = vk::ExternalMemoryImageCreateInfo::default().handle_types(kind);
        let mut tiling = vk::ImageDrmFormatModifierExplicitCreateInfoEXT::default()
            .drm_format_modifier(dmabuf.modifier)
            .plane_layouts(&planes);
        let information = information(format, dmabuf.width, dmabuf.height, purpose.usage)
            .tiling(vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)
            .push_next(&mut external)
            .push_next(&mut tiling);
        let mut image = Self::create(device, &information)?;
        image.is_foreign = true;
        image.memory = image.take_in(dmabuf)?;
        image.bind()?;
        Ok(image)
    }

    /// It may be this DMA-BUF, taken in: it has the same size.
    #[must_use]
    pub const fn is_of(&self, dmabuf: &Dmabuf<'_>) -> bool {
        self.width == dmabuf.width && self.height == dmabuf.height
    }

    fn take_in(&self, dmabuf: &Dmabuf<'_>) -> Result<vk::DeviceMemory, ImportDmabufError> {
        let device = &self.device;
        // SAFETY: the image is the device's.
        let wants = unsafe { device.raw.get_image_memory_requirements(self.raw) };
        let fd = dmabuf.planes[0].fd;
        dmabuf.check_length(fd, wants.size)?;
        let allowed = wants.memory_type_bits & memory_types(device, fd)?;
        let any = vk::MemoryPropertyFlags::empty();
        let memory_type = device.memory_type(allowed, any, any)?;
        let fd = duplicate(fd)?;
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().image(self.raw);
        let mut import = vk::ImportMemoryFdInfoKHR::default()
            .handle_type(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT)
            .fd(fd.as_raw_fd());
        let information = vk::MemoryAllocateInfo::default()
            .allocation_size(wants.size)
            .memory_type_index(memory_type)
            .push_next(&mut import)
            .push_next(&mut dedicated);
        // SAFETY: what is pointed to outlives the call; the descriptor becomes the
        // driver's if that goes well.
        let memory = unsafe { device.raw.allocate_memory(&information, None) }.named("vkAllocateMemory")?;
        let _ = fd.into_raw_fd();
        Ok(memory)
    }

    fn create(device: &Rc<Device>, information: &vk::ImageCreateInfo<'_>) -> Result<Self, VulkanError> {
        // SAFETY: the device lives, and was asked whether it makes such images.
        let raw = unsafe { device.raw.create_image(information, None) }.named("vkCreateImage")?;
        Ok(Self {
            device: Rc::clone(device),
            raw,
            view: vk::ImageView::null(),
            memory: vk::DeviceMemory::null(),
            width: information.extent.width,
            height: information.extent.height,
            is_foreign: false,
            is_known: Cell::new(false),
        })
    }

    fn bind(&self) -> Result<(), VulkanError> {
        // SAFETY: memory of a type and size that the image takes, bound once.
        unsafe { self.device.raw.bind_image_memory(self.raw, self.memory, 0) }.named("vkBindImageMemory")
    }

    /// Lets a shader see it.
    fn show(&mut self, format: vk::Format) -> Result<(), VulkanError> {
        let information = vk::ImageViewCreateInfo::default()
            .image(self.raw)
            .view_type(vk::ImageViewType::TYPE_2D)
            .format(format)
            .subresource_range(COLOR);
        // SAFETY: the image is bound, and of the format.
        self.view = unsafe { self.device.raw.create_image_view(&information, None) }.named("vkCreateImageView")?;
        Ok(())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once, each may be null; the GPU does not use them,
            // because all that it does is waited for.
            unsafe {
                self.device.raw.destroy_image_view(self.view, None);
                self.device.raw.destroy_image(self.raw, None);
                self.device.raw.free_memory(self.memory, None);
            }
        }
    }
}

/// The device takes pictures in that have a tiling.
fn require_tiled(device: &Device) -> Result<(), ImportDmabufError> {
    let physical = device.physical();
    if physical.imports_tiled { Ok(()) } else { Err(ImportDmabufError::Lacks { device: physical.name.clone() }) }
}

fn information<'a>(format: vk::Format, width: u32, height: u32, usage: vk::ImageUsageFlags) -> vk::ImageCreateInfo<'a> {
    vk::ImageCreateInfo::default()
        .image_type(vk::ImageType::TYPE_2D)
        .format(format)
        .extent(vk::Extent3D { width, height, depth: 1 })
        .mip_levels(1)
        .array_layers(1)
        .samples(vk::SampleCountFlags::TYPE_1)
        .usage(usage)
        .sharing_mode(vk::SharingMode::EXCLUSIVE)
        .initial_layout(vk::ImageLayout::UNDEFINED)
}

/// The device has images of the format and size.
fn check(device: &Device, wanted: &vk::ImageCreateInfo<'_>) -> Result<(), VulkanError> {
    // SAFETY: the physical device is of the instance, which lives.
    let found = unsafe {
        device.instance.raw().get_physical_device_image_format_properties(
            device.physical().raw,
            wanted.format,
            wanted.image_type,
            wanted.tiling,
            wanted.usage,
            wanted.flags,
        )
    };
    let most = found.named("vkGetPhysicalDeviceImageFormatProperties")?.max_extent;
    let fits = |side: u32, most: u32| (1..=most).contains(&side);
    if fits(wanted.extent.width, most.width) && fits(wanted.extent.height, most.height) {
        return Ok(());
    }
    Err(VulkanError::of("vkCreateImage", vk::Result::ERROR_FORMAT_NOT_SUPPORTED))
}

/// All of an image.
pub(super) const COLOR: vk::ImageSubresourceRange = vk::ImageSubresourceRange {
    aspect_mask: vk::ImageAspectFlags::COLOR,
    base_mip_level: 0,
    level_count: 1,
    base_array_layer: 0,
    layer_count: 1,
};
