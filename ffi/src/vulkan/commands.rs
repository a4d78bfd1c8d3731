//! Work for the GPU: written down, handed over, waited for.

use std::rc::Rc;
use std::time::Duration;

use ash::vk;

use super::device::Device;
use super::error::{Named, VulkanError};

/// One list of commands, which is used over and over.
pub(super) struct Commands {
    device: Rc<Device>,
    pool: vk::CommandPool,
    list: vk::CommandBuffer,
    done: vk::Fence,
    deadline: Duration,
}

impl Commands {
    /// # Errors
    /// [`VulkanError`].
    pub(super) fn make(device: &Rc<Device>, deadline: Duration) -> Result<Self, VulkanError> {
        let (pool, list, done) = (vk::CommandPool::null(), vk::CommandBuffer::null(), vk::Fence::null());
        let mut commands = Self { device: Rc::clone(device), pool, list, done, deadline };
        let information = vk::CommandPoolCreateInfo::default().queue_family_index(device.queue_family());
        // SAFETY: the device lives, and has the queue family.
        commands.pool = unsafe { device.raw.create_command_pool(&information, None) }.named("vkCreateCommandPool")?;
        let information = vk::CommandBufferAllocateInfo::default()
            .command_pool(commands.pool)
            .level(vk::CommandBufferLevel::PRIMARY)
            .command_buffer_count(1);
        // SAFETY: the pool is the device's.
        let lists = unsafe { device.raw.allocate_command_buffers(&information) }.named("vkAllocateCommandBuffers")?;
        commands.list = lists[0];
        // SAFETY: the device lives.
        commands.done =
            unsafe { device.raw.create_fence(&vk::FenceCreateInfo::default(), None) }.named("vkCreateFence")?;
        Ok(commands)
    }

    /// Has the GPU do what `write` writes down, and waits for it. If that takes
    /// longer than the deadline, the device is not usable any more, and what the GPU
    /// may still use is never given back.
    ///
    /// # Errors
    /// [`VulkanError`].
    ///
    /// # Safety
    /// What is written down must be valid as the specification says, and use nothing
    /// that goes before this returns.
    pub(super) unsafe fn run(&self, write: impl FnOnce(vk::CommandBuffer)) -> Result<(), VulkanError> {
        if !self.device.is_idle() {
            return Err(VulkanError::of("vkQueueSubmit", vk::Result::TIMEOUT));
        }
        let raw = &self.device.raw;
        // SAFETY: nothing of the pool is with the GPU, because all was waited for.
        unsafe { raw.reset_command_pool(self.pool, vk::CommandPoolResetFlags::empty()) }.named("vkResetCommandPool")?;
        let once = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        // SAFETY: the list was reset with its pool.
        unsafe { raw.begin_command_buffer(self.list, &once) }.named("vkBeginCommandBuffer")?;
        write(self.list);
        // SAFETY: it was begun above.
        unsafe { raw.end_command_buffer(self.list) }.named("vkEndCommandBuffer")?;
        let lists = [self.list];
        let submits = [vk::SubmitInfo::default().command_buffers(&lists)];
        // SAFETY: the fence is not signalled and not in use; the queue is this
        // thread's alone; the caller vouches for the commands.
        unsafe { raw.queue_submit(self.device.queue, &submits, self.done) }.named("vkQueueSubmit")?;
        self.wait()
    }

    fn wait(&self) -> Result<(), VulkanError> {
        let (raw, fences) = (&self.device.raw, [self.done]);
        let nanoseconds = u64::try_from(self.deadline.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: the fence is the device's.
        let waited = unsafe { raw.wait_for_fences(&fences, true, nanoseconds) };
        if let Err(error) = waited {
            // What it works on could not be given back before it is done.
            self.device.abandon();
            return Err(VulkanError::of("vkWaitForFences", error));
        }
        // SAFETY: it is signalled, so nothing uses it.
        unsafe { raw.reset_fences(&fences) }.named("vkResetFences")
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once, each may be null; the list goes with its pool,
            // and the GPU has done all that was in it.
            unsafe {
                self.device.raw.destroy_fence(self.done, None);
                self.device.raw.destroy_command_pool(self.pool, None);
            }
        }
    }
}
