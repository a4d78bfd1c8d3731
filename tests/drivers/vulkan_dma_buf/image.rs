//! Pictures in memory of somebody else's: in the driver they are bytes, which commands about
//! them ([`crate::command`]) are turned into.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ash::vk::{self, Handle};
use earthshine_drivers::{calls, ledger};

use crate::modifiers::{LINEAR, texel};
use crate::rules::{Result, code, note, ordered, require, require_equal, violation};
use crate::{chain, memory, next};

/// A picture.
#[derive(Clone, Copy)]
pub(crate) struct Image {
    device: vk::Device,
    /// All of its memory, up to its end.
    pub(crate) bytes: vk::Buffer,
    length: u64,
    types: u32,
    /// Bytes.
    pub(crate) texel: u64,
    pub(crate) offset: u64,
    pub(crate) pitch: u64,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_bound: bool,
    pub(crate) layout: vk::ImageLayout,
    /// It was taken over from who else uses it, and not given back yet.
    pub(crate) is_taken: bool,
}

#[derive(Default)]
struct State {
    images: HashMap<u64, Image>,
    last: u64,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As opposed to the driver's.
pub(crate) fn is_ours(image: vk::Image) -> bool {
    (FIRST..FIRST << 1).contains(&image.as_raw())
}

/// Does something to a picture that has to be there.
pub(crate) fn with<T>(image: vk::Image, work: impl FnOnce(&mut Image) -> Result<T>) -> Result<T> {
    let mut state = state();
    let found = state.images.get_mut(&image.as_raw());
    work(found.ok_or_else(|| violation(format!("picture {:#x} is none, or was destroyed", image.as_raw())))?)
}

/// Bytes of the memory that a picture takes.
pub(crate) fn length(image: vk::Image) -> Result<u64> {
    with(image, |image| Ok(image.length))
}

/// Runs a call whose faults were played already.
pub(crate) fn answer(call: &'static str, work: impl FnOnce() -> Result) -> vk::Result {
    vk::Result::from_raw(calls::settle(call, work()).cast_signed())
}

pub(crate) fn report_leaks(device: vk::Device) {
    let count = state().images.values().filter(|image| image.device == device).count();
    if count > 0 {
        ledger::leak(&format!("imported pictures at vkDestroyDevice: {count} left"));
    }
}

impl Image {
    fn make(
        device: vk::Device,
        information: &vk::ImageCreateInfo<'_>,
        tiling: &vk::ImageDrmFormatModifierExplicitCreateInfoEXT<'_>,
    ) -> Result<Self> {
        let texel = texel(information.format).ok_or_else(|| violation(format!("{:?}", information.format)))?;
        require_equal("tiling", information.tiling, vk::ImageTiling::DRM_FORMAT_MODIFIER_EXT)?;
        require_equal("usage", information.usage, vk::ImageUsageFlags::TRANSFER_DST)?;
        require_equal("first layout", information.initial_layout, vk::ImageLayout::UNDEFINED)?;
        require_equal("modifier", tiling.drm_format_modifier, LINEAR)?;
        require_equal("planes", tiling.drm_format_modifier_plane_count, 1)?;
        // SAFETY: the caller's contract: as many as were said.
        let external: *mut vk::ExternalMemoryImageCreateInfo<'_> =
            unsafe { chain::find(information.p_next, vk::StructureType::EXTERNAL_MEMORY_IMAGE_CREATE_INFO) };
        // SAFETY: as above.
        let (plane, external) = unsafe { (*tiling.p_plane_layouts, external.as_ref()) };
        let kinds = external.map(|external| external.handle_types);
        require_equal("handles", kinds, Some(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT))?;
        require_equal("sizes of a plane", (plane.size, plane.array_pitch, plane.depth_pitch), (0, 0, 0))?;
        let vk::Extent3D { width, height, .. } = information.extent;
        require(plane.row_pitch >= u64::from(width) * texel, || format!("rows {} bytes apart", plane.row_pitch))?;
        let end = plane.offset + plane.row_pitch * u64::from(height - 1) + u64::from(width) * texel;
        let length = end.next_multiple_of(PAGE);
        let (bytes, types) = bytes(device, length)?;
        ledger::event(&format!("import plane {width}x{height}"));
        Ok(Self {
            device,
            bytes,
            length,
            types,
            texel,
            offset: plane.offset,
            pitch: plane.row_pitch,
            width,
            height,
            is_bound: false,
            layout: vk::ImageLayout::UNDEFINED,
            is_taken: false,
        })
    }

    /// From layout to layout, and from one's hands into another's.
    pub(crate) fn transition(&mut self, barrier: &vk::ImageMemoryBarrier<'_>) -> Result {
        require(self.is_bound, || "a picture without memory".to_owned())?;
        if barrier.old_layout != vk::ImageLayout::UNDEFINED {
            require_equal("layout before", barrier.old_layout, self.layout)?;
        }
        self.layout = barrier.new_layout;
        let (from, to) = (barrier.src_queue_family_index, barrier.dst_queue_family_index);
        match (from == vk::QUEUE_FAMILY_FOREIGN_EXT, to == vk::QUEUE_FAMILY_FOREIGN_EXT) {
            (true, false) => {
                require(!self.is_taken, || "taken over twice".to_owned())?;
                self.is_taken = true;
            }
            (false, true) => {
                require(self.is_taken, || "given back, and was not taken over".to_owned())?;
                require_equal("layout that it is given back in", self.layout, vk::ImageLayout::GENERAL)?;
                self.is_taken = false;
            }
            _ => require_equal("families", from, to)?,
        }
        Ok(())
    }
}

/// A buffer of the driver's in whose place memory of the host's can be.
fn bytes(device: vk::Device, length: u64) -> Result<(vk::Buffer, u32)> {
    let mut external = vk::ExternalMemoryBufferCreateInfo::default()
        .handle_types(vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT);
    let information =
        vk::BufferCreateInfo::default().size(length).usage(vk::BufferUsageFlags::TRANSFER_DST).push_next(&mut external);
    let (mut buffer, mut wants) = (vk::Buffer::null(), vk::MemoryRequirements::default());
    // SAFETY: functions of these names, which get what they are to.
    let result = unsafe {
        let create: Option<vk::PFN_vkCreateBuffer> = next::function(device, c"vkCreateBuffer");
        let requirements: Option<vk::PFN_vkGetBufferMemoryRequirements> =
            next::function(device, c"vkGetBufferMemoryRequirements");
        let (Some(create), Some(requirements)) = (create, requirements) else {
            return Err(violation("a device of no driver"));
        };
        let result = create(device, &raw const information, std::ptr::null(), &raw mut buffer);
        if result == vk::Result::SUCCESS {
            requirements(device, buffer, &raw mut wants);
        }
        result
    };
    require(result == vk::Result::SUCCESS && wants.size <= length, || format!("no bytes: {result:?}"))?;
    Ok((buffer, wants.memory_type_bits))
}

pub(crate) unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::ImageCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    image: *mut vk::Image,
) -> vk::Result {
    if let Some(code) = ordered("vkCreateImage") {
        return code;
    }
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let kind = vk::StructureType::IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT;
        let tiling: *mut vk::ImageDrmFormatModifierExplicitCreateInfoEXT<'_> = chain::find((*information).p_next, kind);
        let Some(tiling) = tiling.as_ref() else {
            let create = next::function::<_, vk::PFN_vkCreateImage>(device, c"vkCreateImage");
            let Some(create) = create else { return vk::Result::ERROR_INITIALIZATION_FAILED };
            return create(device, information, allocator, image);
        };
        answer("vkCreateImage", || {
            let made = Image::make(device, &*information, tiling)?;
            let mut state = state();
            state.last += 1;
            let handle = FIRST + state.last;
            state.images.insert(handle, made);
            *image = vk::Image::from_raw(handle);
            Ok(())
        })
    }
}

pub(crate) unsafe extern "system" fn destroy(
    device: vk::Device,
    image: vk::Image,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    // SAFETY: functions of these names; the caller's contract.
    unsafe {
        if !is_ours(image) {
            if let Some(destroy) = next::function::<_, vk::PFN_vkDestroyImage>(device, c"vkDestroyImage") {
                destroy(device, image, allocator);
            }
            return;
        }
        note("vkDestroyImage", || {
            let found = state().images.remove(&image.as_raw()).ok_or_else(|| violation("unknown, or destroyed"))?;
            if let Some(destroy) = next::function::<_, vk::PFN_vkDestroyBuffer>(device, c"vkDestroyBuffer") {
                destroy(device, found.bytes, std::ptr::null());
            }
            require(!found.is_taken, || "it was not given back".to_owned())
        });
    }
}

pub(crate) unsafe extern "system" fn requirements(
    device: vk::Device,
    image: vk::Image,
    into: *mut vk::MemoryRequirements,
) {
    let name = c"vkGetImageMemoryRequirements";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        if !is_ours(image) {
            if let Some(function) = next::function::<_, vk::PFN_vkGetImageMemoryRequirements>(device, name) {
                function(device, image, into);
            }
            return;
        }
        note("vkGetImageMemoryRequirements", || {
            with(image, |image| {
                let (size, memory_type_bits) = (image.length, image.types);
                *into = vk::MemoryRequirements { size, alignment: PAGE, memory_type_bits };
                Ok(())
            })
        });
    }
}

pub(crate) unsafe extern "system" fn bind(
    device: vk::Device,
    image: vk::Image,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    if let Some(code) = ordered("vkBindImageMemory") {
        return code;
    }
    // SAFETY: functions of these names; the caller's contract.
    unsafe {
        if !is_ours(image) {
            let bind = next::function::<_, vk::PFN_vkBindImageMemory>(device, c"vkBindImageMemory");
            let Some(bind) = bind else { return vk::Result::ERROR_INITIALIZATION_FAILED };
            return bind(device, image, memory, offset);
        }
        answer("vkBindImageMemory", || {
            require_equal("offset", offset, 0)?;
            require(memory::image_of(memory) == Some(image), || "memory of another picture's".to_owned())?;
            let bytes = with(image, |image| {
                require(!std::mem::replace(&mut image.is_bound, true), || "bound before".to_owned())?;
                Ok(image.bytes)
            })?;
            let bind = next::function::<_, vk::PFN_vkBindBufferMemory>(device, c"vkBindBufferMemory");
            let bind = bind.ok_or_else(|| violation("a device of no driver"))?;
            let result = bind(device, bytes, memory, 0);
            require_equal("what the driver says", code(result), 0)
        })
    }
}

/// Far from what is a pointer, or guessed by luck; and not those of the other layer.
const FIRST: u64 = 0x3e57_0000_0000_0000;

const PAGE: u64 = 4096;
