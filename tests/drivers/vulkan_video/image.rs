//! Pictures in two planes, which the driver may not have: they are kept here.

use ash::vk;
use ash::vk::Handle;

use crate::capabilities::{Profile, USAGES};
use crate::chain;
use crate::device::{State, get, is_ours, known};
use crate::loader::functions;
use crate::pixels::Stored;
use crate::rules::{Result, answer, note, require, require_equal, violation};

/// An image.
pub(crate) struct Image {
    pub(crate) usage: vk::ImageUsageFlags,
    pub(crate) profile: Profile,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) memory: Option<vk::DeviceMemory>,
    /// Of queues: the only one that uses it, or `None` for all that were named.
    families: Vec<u32>,
    pub(crate) layers: Vec<Layer>,
}

/// A layer of an image.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) layout: vk::ImageLayout,
    pub(crate) picture: Stored,
    /// Something was written to it since its content was given up.
    pub(crate) is_written: bool,
}

/// A view of one layer.
#[derive(Clone, Copy)]
pub(crate) struct View {
    pub(crate) image: vk::Image,
    pub(crate) layer: u32,
    pub(crate) layers: u32,
}

impl Image {
    fn make(information: &vk::ImageCreateInfo<'_>) -> Result<Self> {
        // SAFETY: the caller's contract.
        let profile = unsafe { Profile::of_list(information.p_next)? };
        require(USAGES.contains(&information.usage), || format!("pictures for {:?}", information.usage))?;
        require_equal("format", information.format, profile.format())?;
        require_equal("tiling", information.tiling, vk::ImageTiling::OPTIMAL)?;
        require_equal("type", information.image_type, vk::ImageType::TYPE_2D)?;
        require_equal("first layout", information.initial_layout, vk::ImageLayout::UNDEFINED)?;
        let vk::Extent3D { width, height, depth } = information.extent;
        require_equal("depth, levels and samples", (depth, information.mip_levels), (1, 1))?;
        require(width % 2 == 0 && height % 2 == 0, || format!("{width}x{height} pixels in 4:2:0"))?;
        let is_shared = information.sharing_mode == vk::SharingMode::CONCURRENT;
        // SAFETY: the caller's contract.
        let families =
            unsafe { chain::array(information.p_queue_family_indices, information.queue_family_index_count) };
        require(!is_shared || families.len() > 1, || "shared by one family".to_owned())?;
        let layer =
            Layer { layout: vk::ImageLayout::UNDEFINED, picture: poison(profile, width, height), is_written: false };
        Ok(Self {
            usage: information.usage,
            profile,
            width,
            height,
            memory: None,
            families: if is_shared { families.to_vec() } else { Vec::new() },
            layers: vec![layer; information.array_layers as usize],
        })
    }

    /// A layer goes from layout to layout.
    pub(crate) fn transition(
        &mut self,
        range: vk::ImageSubresourceRange,
        layouts: (vk::ImageLayout, vk::ImageLayout),
    ) -> Result {
        let (profile, width, height) = (self.profile, self.width, self.height);
        let first = range.base_array_layer as usize;
        let layers = self.layers.get_mut(first..first + range.layer_count as usize);
        for layer in layers.ok_or_else(|| violation("layers that an image has not"))? {
            if layouts.0 == vk::ImageLayout::UNDEFINED {
                (layer.picture, layer.is_written) = (poison(profile, width, height), false);
            } else {
                require_equal("layout before", layouts.0, layer.layout)?;
            }
            layer.layout = layouts.1;
        }
        Ok(())
    }

    /// Copies rows of a buffer into a plane.
    pub(crate) fn copy(&mut self, bytes: &[u8], region: &vk::BufferImageCopy) -> Result {
        let sample = self.profile.sample();
        let pitch = self.width as usize * sample;
        let subresource = region.image_subresource;
        let layer = self.layers.get_mut(subresource.base_array_layer as usize);
        let layer = layer.ok_or_else(|| violation("a layer that an image has not"))?;
        require_equal("layout of what is copied to", layer.layout, vk::ImageLayout::TRANSFER_DST_OPTIMAL)?;
        let (plane, texel, columns, rows) = match subresource.aspect_mask {
            vk::ImageAspectFlags::PLANE_0 => (&mut layer.picture.luma, sample, self.width, self.height),
            vk::ImageAspectFlags::PLANE_1 => (&mut layer.picture.chroma, 2 * sample, self.width / 2, self.height / 2),
            other => return require(false, || format!("a copy to {other:?}")),
        };
        let vk::Offset3D { x, y, .. } = region.image_offset;
        let vk::Extent3D { width: across, height: down, .. } = region.image_extent;
        let ends = (x.cast_unsigned() + across, y.cast_unsigned() + down);
        require(x >= 0 && y >= 0 && ends.0 <= columns && ends.1 <= rows, || format!("a copy to {ends:?}"))?;
        let offset = usize::try_from(region.buffer_offset).unwrap_or(usize::MAX);
        require(offset % texel == 0, || format!("texels at byte {offset}"))?;
        require(region.buffer_row_length == 0 || region.buffer_row_length >= across, || "rows too short".to_owned())?;
        let stride = region.buffer_row_length.max(across) as usize * texel;
        let length = across as usize * texel;
        for row in 0..down as usize {
            let from = offset + row * stride;
            let from = bytes.get(from..from + length).ok_or_else(|| violation("a copy from after a buffer's end"))?;
            let to = (y.cast_unsigned() as usize + row) * pitch + x.cast_unsigned() as usize * texel;
            plane[to..to + length].copy_from_slice(from);
        }
        layer.is_written = true;
        Ok(())
    }

    /// A queue of the family may use it.
    pub(crate) fn require_family(&self, family: u32, writer: u32) -> Result {
        let shared = self.families.contains(&family) && self.families.contains(&writer);
        require(shared || family == writer, || "a picture of another family's, not handed over".to_owned())
    }
}

/// Neither black nor anything that a picture has by luck.
fn poison(profile: Profile, width: u32, height: u32) -> Stored {
    let (width, sample) = (width as usize, profile.sample());
    let bytes = width * height as usize * sample;
    Stored { width, sample, luma: vec![0xa5; bytes], chroma: vec![0x5a; bytes / 2] }
}

/// A view, with its image, that has to be there.
pub(crate) fn viewed(state: &mut State, view: vk::ImageView) -> Result<(View, &mut Image)> {
    let view = *known(&mut state.views, view, "view")?;
    let image = known(&mut state.images, view.image, "image")?;
    require(image.memory.is_some(), || "an image without memory".to_owned())?;
    Ok((view, image))
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateImage" => PFN_vkCreateImage create,
        b"vkDestroyImage" => PFN_vkDestroyImage destroy,
        b"vkGetImageMemoryRequirements" => PFN_vkGetImageMemoryRequirements requirements,
        b"vkBindImageMemory" => PFN_vkBindImageMemory bind,
        b"vkCreateImageView" => PFN_vkCreateImageView create_view,
        b"vkDestroyImageView" => PFN_vkDestroyImageView destroy_view,
    }
}

unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    image: *mut vk::Image,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        let video = vk::ImageUsageFlags::VIDEO_ENCODE_SRC_KHR | vk::ImageUsageFlags::VIDEO_ENCODE_DPB_KHR;
        if !(*information).usage.intersects(video) {
            return (device.next.fp_v1_0().create_image)(device.next.handle(), information, allocator, image);
        }
        answer("vkCreateImage", || {
            let made = Image::make(&*information)?;
            let mut state = device.state();
            let handle = state.new_handle();
            state.images.insert(handle, made);
            *image = vk::Image::from_raw(handle);
            Ok(())
        })
    }
}

unsafe extern "system" fn destroy(device: vk::Device, image: vk::Image, allocator: *const vk::AllocationCallbacks<'_>) {
    let device = get(device);
    if !is_ours(image) {
        // SAFETY: the caller's contract.
        return unsafe { device.next.destroy_image(image, allocator.as_ref()) };
    }
    note("vkDestroyImage", || {
        let mut state = device.state();
        let viewed = state.views.values().any(|view| view.image == image);
        require(state.images.remove(&image.as_raw()).is_some() && !viewed, || "unknown, or viewed still".to_owned())
    });
}

unsafe extern "system" fn requirements(device: vk::Device, image: vk::Image, into: *mut vk::MemoryRequirements) {
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        if !is_ours(image) {
            return (device.next.fp_v1_0().get_image_memory_requirements)(device.next.handle(), image, into);
        }
        let mut state = device.state();
        note("vkGetImageMemoryRequirements", || {
            let image = known(&mut state.images, image, "image")?;
            let pixels = u64::from(image.width) * u64::from(image.height) * image.layers.len() as u64;
            *into = vk::MemoryRequirements { size: pixels * 4, alignment: 4096, memory_type_bits: device.memory_types };
            Ok(())
        });
    }
}

unsafe extern "system" fn bind(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    let device = get(device);
    if !is_ours(image) {
        // SAFETY: the caller's contract.
        return unsafe { (device.next.fp_v1_0().bind_image_memory)(device.next.handle(), image, memory, offset) };
    }
    answer("vkBindImageMemory", || {
        let mut state = device.state();
        require(state.memory.contains(&memory.as_raw()), || "no memory".to_owned())?;
        let image = known(&mut state.images, image, "image")?;
        require(image.memory.replace(memory).is_none(), || "bound before".to_owned())
    })
}

unsafe extern "system" fn create_view(
    device: vk::Device,
    information: *const vk::ImageViewCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    view: *mut vk::ImageView,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    let information = unsafe { &*information };
    if !is_ours(information.image) {
        // SAFETY: the caller's contract.
        return unsafe {
            (device.next.fp_v1_0().create_image_view)(device.next.handle(), information, allocator, view)
        };
    }
    answer("vkCreateImageView", || {
        let mut state = device.state();
        let image = known(&mut state.images, information.image, "image")?;
        require(image.memory.is_some(), || "a view of an image without memory".to_owned())?;
        require_equal("format", information.format, image.profile.format())?;
        let range = information.subresource_range;
        require_equal("aspect", range.aspect_mask, vk::ImageAspectFlags::COLOR)?;
        let (layer, layers) = (range.base_array_layer, range.layer_count);
        require(layers > 0 && (layer + layers) as usize <= image.layers.len(), || "layers it has not".to_owned())?;
        let handle = state.new_handle();
        state.views.insert(handle, View { image: information.image, layer, layers });
        // SAFETY: the caller's contract.
        unsafe { *view = vk::ImageView::from_raw(handle) };
        Ok(())
    })
}

unsafe extern "system" fn destroy_view(
    device: vk::Device,
    view: vk::ImageView,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    if !is_ours(view) {
        // SAFETY: the caller's contract.
        return unsafe { device.next.destroy_image_view(view, allocator.as_ref()) };
    }
    note("vkDestroyImageView", || {
        require(device.state().views.remove(&view.as_raw()).is_some(), || "unknown".to_owned())
    });
}
