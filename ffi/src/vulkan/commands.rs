//! Work for the GPU: written down, handed over, waited for.

use std::rc::Rc;
use std::time::Duration;

use ash::vk;

use super::device::Device;
use super::error::{Named, VulkanError};

/// One list of commands, which is used over and over.
pub(super) struct Commands {
    device: Rc<Device>,
    queue: vk::Queue,
    pool: vk::CommandPool,
    list: vk::CommandBuffer,
    done: vk::Fence,
    deadline: Duration,
}

impl Commands {
    /// For the queue that computes.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub(super) fn make(device: &Rc<Device>, deadline: Duration) -> Result<Self, VulkanError> {
        Self::make_for(device, (device.queue_family(), device.queue), deadline)
    }

    /// For a queue of a family.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub(super) fn make_for(
        device: &Rc<Device>,
        (family, queue): (u32, vk::Queue),
        deadline: Duration,
    ) -> Result<Self, VulkanError> {
        let (pool, list, done) = (vk::CommandPool::null(), vk::CommandBuffer::null(), vk::Fence::null());
        let mut commands = Self { device: Rc::clone(device), queue, pool, list, done, deadline };
        let information = vk::CommandPoolCreateInfo::default().queue_family_index(family);
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
        // SAFETY: the caller's contract.
        unsafe { self.run_after(None, write) }
    }

    /// The same, after another queue has signalled.
    ///
    /// # Errors
    /// [`VulkanError`].
    ///
    /// # Safety
    /// As [`run`](Self::run); and something that was handed over signals.
    pub(super) unsafe fn run_after(
        &self,
        signal: Option<vk::Semaphore>,
        write: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        self.record(write)?;
        let (lists, stages) = ([self.list], [vk::PipelineStageFlags::ALL_COMMANDS]);
        let mut submit = vk::SubmitInfo::default().command_buffers(&lists);
        let signals = signal.map(|signal| [signal]);
        if let Some(signals) = &signals {
            submit = submit.wait_semaphores(signals).wait_dst_stage_mask(&stages);
        }
        // SAFETY: the fence is not signalled and not in use; the queue is this
        // thread's alone; the caller vouches for the commands.
        unsafe { self.device.raw.queue_submit(self.queue, &[submit], self.done) }.named("vkQueueSubmit")?;
        self.wait()
    }

    /// Has the GPU begin with what `write` writes down, and then signal. Whoever waits
    /// for that is waited for before these commands are used again.
    ///
    /// # Errors
    /// [`VulkanError`].
    ///
    /// # Safety
    /// As [`run`](Self::run), but that what is used may not go before whoever waits is done.
    pub(super) unsafe fn begin(
        &self,
        signal: vk::Semaphore,
        write: impl FnOnce(vk::CommandBuffer),
    ) -> Result<(), VulkanError> {
        self.record(write)?;
        let (lists, signals) = ([self.list], [signal]);
        let submit = vk::SubmitInfo::default().command_buffers(&lists).signal_semaphores(&signals);
        // SAFETY: as in `run_after`.
        unsafe { self.device.raw.queue_submit(self.queue, &[submit], vk::Fence::null()) }.named("vkQueueSubmit")
    }

    fn record(&self, write: impl FnOnce(vk::CommandBuffer)) -> Result<(), VulkanError> {
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
        unsafe { raw.end_command_buffer(self.list) }.named("vkEndCommandBuffer")
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
