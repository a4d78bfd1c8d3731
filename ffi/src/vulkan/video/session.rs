//! A session with the engine, and the memory that it works in.

use std::rc::Rc;

use ash::vk;

use super::av1_sys::VideoEncodeAV1SessionCreateInfoKHR;
use super::capabilities::Capabilities;
use super::error::OpenVideoError;
use super::profile::Profile;
use super::queue::VideoQueue;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Named, VulkanError};

/// A session.
pub(super) struct Session {
    device: Rc<Device>,
    queue: VideoQueue,
    pub(super) raw: vk::VideoSessionKHR,
    memory: Vec<vk::DeviceMemory>,
}

impl Session {
    /// For pictures of `coded` pixels, of which `slots` are kept.
    pub(super) fn create(
        device: &Rc<Device>,
        queue: &VideoQueue,
        profile: Profile,
        can: &Capabilities,
        coded: (u32, u32),
        slots: u8,
    ) -> Result<Self, OpenVideoError> {
        let mut session = Self {
            device: Rc::clone(device),
            queue: queue.clone(),
            raw: vk::VideoSessionKHR::null(),
            memory: Vec::new(),
        };
        // No level is asked for: the parameter sets say one.
        let mut h264 = vk::VideoEncodeH264SessionCreateInfoKHR::default();
        let mut hevc = vk::VideoEncodeH265SessionCreateInfoKHR::default();
        let mut av1 = VideoEncodeAV1SessionCreateInfoKHR::default();
        profile
            .with(|info| {
                let information = vk::VideoSessionCreateInfoKHR::default()
                    .queue_family_index(queue.family)
                    .video_profile(info)
                    .picture_format(profile.format())
                    .reference_picture_format(profile.format())
                    .max_coded_extent(vk::Extent2D { width: coded.0, height: coded.1 })
                    .max_dpb_slots(slots.into())
                    .max_active_reference_pictures(1)
                    .std_header_version(&can.std_header);
                let information = match profile {
                    Profile::H264(_) => information.push_next(&mut h264),
                    Profile::Hevc(_) => information.push_next(&mut hevc),
                    Profile::Av1(_) => information.push_next(&mut av1),
                };
                let create = queue.video.fp().create_video_session_khr;
                // SAFETY: the device lives; what is pointed to outlives the call, and the
                // session is written where it belongs.
                unsafe { create(device.raw.handle(), &information, std::ptr::null(), &mut session.raw) }.result()
            })
            .named("vkCreateVideoSessionKHR")?;
        session.bind()?;
        Ok(session)
    }

    fn bind(&mut self) -> Result<(), VulkanError> {
        const CALL: &str = "vkGetVideoSessionMemoryRequirementsKHR";
        let (device, functions) = (&self.device, self.queue.video.fp());
        let (handle, ask) = (device.raw.handle(), functions.get_video_session_memory_requirements_khr);
        let mut count = 0;
        // SAFETY: the session is the device's; a count is written, and then as many
        // answers at most.
        unsafe { ask(handle, self.raw, &mut count, std::ptr::null_mut()) }.result().named(CALL)?;
        let mut wants = vec![vk::VideoSessionMemoryRequirementsKHR::default(); count as usize];
        // SAFETY: as above.
        unsafe { ask(handle, self.raw, &mut count, wants.as_mut_ptr()) }.result().named(CALL)?;
        wants.truncate(count as usize);
        let mut bound = Vec::with_capacity(wants.len());
        for want in &wants {
            let needs = want.memory_requirements;
            let local = vk::MemoryPropertyFlags::DEVICE_LOCAL;
            let memory_type = device.memory_type(needs.memory_type_bits, vk::MemoryPropertyFlags::empty(), local)?;
            let allocation =
                vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(memory_type);
            // SAFETY: what is pointed to outlives the call.
            let memory = unsafe { device.raw.allocate_memory(&allocation, None) }.named("vkAllocateMemory")?;
            self.memory.push(memory);
            bound.push(
                vk::BindVideoSessionMemoryInfoKHR::default()
                    .memory_bind_index(want.memory_bind_index)
                    .memory(memory)
                    .memory_size(needs.size),
            );
        }
        if bound.is_empty() {
            return Ok(());
        }
        let count = u32::try_from(bound.len()).unwrap_or(u32::MAX);
        // SAFETY: fresh memory, of types and sizes that the session takes, each bound once.
        unsafe { (functions.bind_video_session_memory_khr)(handle, self.raw, count, bound.as_ptr()) }
            .result()
            .named("vkBindVideoSessionMemoryKHR")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.device.is_idle() {
            let destroy = self.queue.video.fp().destroy_video_session_khr;
            // SAFETY: destroyed once, each may be null; the GPU does not use them,
            // because all that it does is waited for.
            unsafe {
                destroy(self.device.raw.handle(), self.raw, std::ptr::null());
                for memory in &self.memory {
                    self.device.raw.free_memory(*memory, None);
                }
            }
        }
    }
}
