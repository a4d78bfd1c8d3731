//! Where coded pictures are written, and how much was.

use std::rc::Rc;

use ash::vk;

use super::error::{EncodeVideoError, OpenVideoError};
use super::profile::Profile;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Named, VulkanError};

/// A buffer that the host reads, with the query that says what is in it.
pub(super) struct Bitstream {
    device: Rc<Device>,
    pub(super) buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    pub(super) query: vk::QueryPool,
    pub(super) room: u64,
    pointer: *const u8,
}

impl Bitstream {
    /// Room for so many bytes, or a little more.
    pub(super) fn make(
        device: &Rc<Device>,
        profile: Profile,
        bytes: u64,
        alignment: u64,
    ) -> Result<Self, OpenVideoError> {
        let mut bitstream = Self {
            device: Rc::clone(device),
            buffer: vk::Buffer::null(),
            memory: vk::DeviceMemory::null(),
            query: vk::QueryPool::null(),
            room: bytes.next_multiple_of(alignment.max(1)),
            pointer: std::ptr::null(),
        };
        profile.with(|info| {
            bitstream.make_buffer(info)?;
            bitstream.make_query(info)
        })?;
        bitstream.map()?;
        Ok(bitstream)
    }

    fn make_buffer(&mut self, profile: &vk::VideoProfileInfoKHR<'_>) -> Result<(), VulkanError> {
        let mut list = vk::VideoProfileListInfoKHR::default().profiles(std::slice::from_ref(profile));
        let information = vk::BufferCreateInfo::default()
            .size(self.room)
            .usage(vk::BufferUsageFlags::VIDEO_ENCODE_DST_KHR)
            .sharing_mode(vk::SharingMode::EXCLUSIVE)
            .push_next(&mut list);
        // SAFETY: the device lives; what is pointed to outlives the call.
        self.buffer = unsafe { self.device.raw.create_buffer(&information, None) }.named("vkCreateBuffer")?;
        Ok(())
    }

    fn make_query(&mut self, profile: &mut vk::VideoProfileInfoKHR<'_>) -> Result<(), VulkanError> {
        let mut feedback = vk::QueryPoolVideoEncodeFeedbackCreateInfoKHR::default().encode_feedback_flags(
            vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BUFFER_OFFSET
                | vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BYTES_WRITTEN,
        );
        feedback.p_next = std::ptr::from_mut(profile).cast();
        let mut information =
            vk::QueryPoolCreateInfo::default().query_type(vk::QueryType::VIDEO_ENCODE_FEEDBACK_KHR).query_count(1);
        information.p_next = std::ptr::from_ref(&feedback).cast();
        // SAFETY: the chain is of structures that live here, and the engine gives the
        // feedback.
        self.query = unsafe { self.device.raw.create_query_pool(&information, None) }.named("vkCreateQueryPool")?;
        Ok(())
    }

    fn map(&mut self) -> Result<(), VulkanError> {
        let device = &self.device;
        // SAFETY: the buffer is the device's.
        let wants = unsafe { device.raw.get_buffer_memory_requirements(self.buffer) };
        let seen = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let memory_type = device.memory_type(wants.memory_type_bits, seen, vk::MemoryPropertyFlags::HOST_CACHED)?;
        let allocation = vk::MemoryAllocateInfo::default().allocation_size(wants.size).memory_type_index(memory_type);
        // SAFETY: what is pointed to outlives the call.
        self.memory = unsafe { device.raw.allocate_memory(&allocation, None) }.named("vkAllocateMemory")?;
        // SAFETY: memory of a type and size that the buffer takes, bound once.
        unsafe { device.raw.bind_buffer_memory(self.buffer, self.memory, 0) }.named("vkBindBufferMemory")?;
        let flags = vk::MemoryMapFlags::empty();
        // SAFETY: the memory is of a type that can be mapped, and is mapped once; freeing
        // it ends that.
        let pointer = unsafe { device.raw.map_memory(self.memory, 0, vk::WHOLE_SIZE, flags) }.named("vkMapMemory")?;
        self.pointer = pointer.cast_const().cast();
        Ok(())
    }

    /// Appends what the engine wrote last.
    ///
    /// # Safety
    /// It has, and the query was ended; it writes no more.
    pub(super) unsafe fn read(&self, into: &mut Vec<u8>) -> Result<(), EncodeVideoError> {
        let mut answers = [Answer::default()];
        let flags = vk::QueryResultFlags::WITH_STATUS_KHR;
        // SAFETY: the query is the device's, and answers with three numbers.
        unsafe { self.device.raw.get_query_pool_results(self.query, 0, &mut answers, flags) }
            .named("vkGetQueryPoolResults")?;
        let [Answer { offset, length, status }] = answers;
        if status != vk::QueryResultStatusKHR::COMPLETE.as_raw() {
            return Err(EncodeVideoError::Status { status });
        }
        let end = u64::from(offset) + u64::from(length);
        if length == 0 || end > self.room {
            return Err(EncodeVideoError::Feedback { offset, length, room: self.room });
        }
        // SAFETY: so many bytes are mapped, the engine has written them, and the caller
        // vouches that it does not any more.
        into.extend_from_slice(unsafe {
            std::slice::from_raw_parts(self.pointer.add(offset as usize), length as usize)
        });
        Ok(())
    }
}

impl Drop for Bitstream {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once, each may be null; the GPU does not use them,
            // because all that it does is waited for.
            unsafe {
                self.device.raw.destroy_query_pool(self.query, None);
                self.device.raw.destroy_buffer(self.buffer, None);
                self.device.raw.free_memory(self.memory, None);
            }
        }
    }
}

/// In the order of the feedback's flags, the status last.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Answer {
    offset: u32,
    length: u32,
    status: i32,
}
