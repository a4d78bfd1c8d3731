//! Parameter sets: ours, and as the driver writes them.

use std::rc::Rc;

use ash::vk;

use super::encoder::{Settings, Syntax};
use super::error::OpenVideoError;
use super::queue::VideoQueue;
use super::session::Session;
use crate::vulkan::device::Device;
use crate::vulkan::error::{Named, VulkanError};

/// Parameter sets of a session.
pub(super) struct Parameters {
    device: Rc<Device>,
    queue: VideoQueue,
    pub(super) raw: vk::VideoSessionParametersKHR,
    /// As they go before each IDR picture.
    pub(super) headers: Vec<u8>,
}

impl Parameters {
    pub(super) fn create(
        device: &Rc<Device>,
        queue: &VideoQueue,
        session: &Session,
        syntax: &Syntax,
        settings: &Settings,
    ) -> Result<Self, OpenVideoError> {
        let mut parameters = Self {
            device: Rc::clone(device),
            queue: queue.clone(),
            raw: vk::VideoSessionParametersKHR::null(),
            headers: Vec::new(),
        };
        let mut quality = vk::VideoEncodeQualityLevelInfoKHR::default().quality_level(FASTEST);
        let information =
            vk::VideoSessionParametersCreateInfoKHR::default().video_session(session.raw).push_next(&mut quality);
        let create = queue.video.fp().create_video_session_parameters_khr;
        let (handle, raw) = (device.raw.handle(), &mut parameters.raw);
        match syntax {
            Syntax::H264(stream) => stream.with_sets(settings, |sets| {
                let information = information.push_next(sets);
                // SAFETY: the session is the device's; what is pointed to outlives the call.
                unsafe { create(handle, &information, std::ptr::null(), raw) }.result()
            }),
        }
        .named("vkCreateVideoSessionParametersKHR")?;
        parameters.headers = match syntax {
            Syntax::H264(_) => {
                let mut which =
                    vk::VideoEncodeH264SessionParametersGetInfoKHR::default().write_std_sps(true).write_std_pps(true);
                parameters.written(vk::VideoEncodeSessionParametersGetInfoKHR::default().push_next(&mut which))?
            }
        };
        Ok(parameters)
    }

    fn written(&self, which: vk::VideoEncodeSessionParametersGetInfoKHR<'_>) -> Result<Vec<u8>, VulkanError> {
        const CALL: &str = "vkGetEncodedVideoSessionParametersKHR";
        let which = which.video_session_parameters(self.raw);
        let (handle, ask) = (self.device.raw.handle(), self.queue.encode.fp().get_encoded_video_session_parameters_khr);
        let mut length = 0;
        let null = std::ptr::null_mut();
        // SAFETY: the parameters are the device's; a length is written, and then as many
        // bytes at most.
        unsafe { ask(handle, &which, null, &mut length, std::ptr::null_mut()) }.result().named(CALL)?;
        let mut bytes = vec![0_u8; length];
        // SAFETY: as above.
        unsafe { ask(handle, &which, null, &mut length, bytes.as_mut_ptr().cast()) }.result().named(CALL)?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        if self.device.is_idle() {
            let destroy = self.queue.video.fp().destroy_video_session_parameters_khr;
            // SAFETY: destroyed once, may be null; the GPU does not use them, because all
            // that it does is waited for.
            unsafe { destroy(self.device.raw.handle(), self.raw, std::ptr::null()) };
        }
    }
}

/// Lower levels are faster, and the engine's time is other streams' time.
pub(super) const FASTEST: u32 = 0;
