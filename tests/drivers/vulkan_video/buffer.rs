//! Buffers and memory: the driver's, looked at from here.

use ash::vk;
use ash::vk::Handle;

use crate::capabilities::{ALIGNMENT, Profile};
use crate::chain;
use crate::device::{Device, State, get, is_ours, known};
use crate::loader::functions;
use crate::rules::{Result, answer, note, ordered, require, violation};

/// A buffer.
pub(crate) struct Buffer {
    pub(crate) size: u64,
    pub(crate) profile: Option<Profile>,
    usage: vk::BufferUsageFlags,
    memory: Option<(vk::DeviceMemory, u64)>,
}

impl Buffer {
    pub(crate) fn require_usage(&self, usage: vk::BufferUsageFlags) -> Result {
        require(self.usage.contains(usage), || format!("a buffer for {:?} used as {usage:?}", self.usage))
    }

    /// Its bytes, in the driver's memory.
    pub(crate) fn bytes(&mut self, device: &Device) -> Result<&mut [u8]> {
        let (memory, offset) = self.memory.ok_or_else(|| violation("a buffer without memory"))?;
        let flags = vk::MemoryMapFlags::empty();
        // SAFETY: memory of the driver's on the CPU is always mapped: this asks where. The
        // program does not use what it handed to a queue.
        unsafe {
            let start = device.next.map_memory(memory, 0, vk::WHOLE_SIZE, flags);
            let start = start.map_err(|code| violation(format!("memory that cannot be looked at: {code:?}")))?;
            let start = start.cast::<u8>().add(usize::try_from(offset).unwrap_or(0));
            Ok(std::slice::from_raw_parts_mut(start, usize::try_from(self.size).unwrap_or(0)))
        }
    }
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateBuffer" => PFN_vkCreateBuffer create,
        b"vkDestroyBuffer" => PFN_vkDestroyBuffer destroy,
        b"vkBindBufferMemory" => PFN_vkBindBufferMemory bind,
        b"vkAllocateMemory" => PFN_vkAllocateMemory allocate,
        b"vkFreeMemory" => PFN_vkFreeMemory free,
    }
}

unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::BufferCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    buffer: *mut vk::Buffer,
) -> vk::Result {
    const CALL: &str = "vkCreateBuffer";
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        let (mut information, mut profile) = (*information, None);
        let usage = information.usage;
        if usage.contains(vk::BufferUsageFlags::VIDEO_ENCODE_DST_KHR) {
            let told = answer(CALL, || {
                profile = Some(Profile::of_list(information.p_next)?);
                let size = information.size;
                require(size % ALIGNMENT == 0, || format!("{size} bytes for a range of {ALIGNMENT}"))
            });
            if told != vk::Result::SUCCESS {
                return told;
            }
            information.usage = vk::BufferUsageFlags::TRANSFER_DST;
            information.p_next = std::ptr::null();
        }
        let result = (device.next.fp_v1_0().create_buffer)(device.next.handle(), &information, allocator, buffer);
        if result == vk::Result::SUCCESS {
            let made = Buffer { size: information.size, profile, usage, memory: None };
            device.state().buffers.insert((*buffer).as_raw(), made);
        }
        result
    }
}

unsafe extern "system" fn destroy(
    device: vk::Device,
    buffer: vk::Buffer,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    device.state().buffers.remove(&buffer.as_raw());
    // SAFETY: the caller's contract.
    unsafe { device.next.destroy_buffer(buffer, allocator.as_ref()) };
}

unsafe extern "system" fn bind(
    device: vk::Device,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    offset: vk::DeviceSize,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    let result = unsafe { (device.next.fp_v1_0().bind_buffer_memory)(device.next.handle(), buffer, memory, offset) };
    if let Some(buffer) = device.state().buffers.get_mut(&buffer.as_raw()) {
        buffer.memory = Some((memory, offset));
    }
    result
}

unsafe extern "system" fn allocate(
    device: vk::Device,
    information: *const vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    memory: *mut vk::DeviceMemory,
) -> vk::Result {
    let device = get(device);
    if let Some(code) = ordered("vkAllocateMemory") {
        return code;
    }
    // SAFETY: the caller's contract.
    unsafe {
        let mut information = *information;
        let dedicated = chain::find::<vk::MemoryDedicatedAllocateInfo<'_>>(information.p_next);
        if dedicated.is_some_and(|dedicated| is_ours(dedicated.image)) {
            information.p_next = std::ptr::null();
        }
        let result = (device.next.fp_v1_0().allocate_memory)(device.next.handle(), &information, allocator, memory);
        if result == vk::Result::SUCCESS {
            device.state().memory.insert((*memory).as_raw());
        }
        result
    }
}

unsafe extern "system" fn free(
    device: vk::Device,
    memory: vk::DeviceMemory,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    if memory.is_null() {
        return;
    }
    let mut state = device.state();
    let State { memory: all, sessions, images, .. } = &mut *state;
    all.remove(&memory.as_raw());
    let is_used = sessions.values().any(|session| session.memory.contains(&memory))
        || images.values().any(|image| image.memory == Some(memory));
    drop(state);
    note("vkFreeMemory", || require(!is_used, || "memory of something that lives".to_owned()));
    // SAFETY: the caller's contract.
    unsafe { device.next.free_memory(memory, allocator.as_ref()) };
}

/// A buffer that has to be there.
pub(crate) fn of(state: &mut State, buffer: vk::Buffer) -> Result<&mut Buffer> {
    known(&mut state.buffers, buffer, "buffer")
}
