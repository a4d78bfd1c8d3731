//! Parameter sets: ours, and as the driver writes them.

use std::ffi::c_void;
use std::rc::Rc;

use ash::vk;

use super::encoder::Settings;
use super::error::OpenVideoError;
use super::queue::VideoQueue;
use super::session::Session;
use super::syntax::Syntax;
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
        syntax: &dyn Syntax,
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
        syntax
            .with_sets(settings, &mut |sets| {
                let information = information.push_next(sets);
                // SAFETY: the session is the device's; what is pointed to outlives the call.
                unsafe { create(handle, &information, std::ptr::null(), raw) }
            })
            .result()
            .named("vkCreateVideoSessionParametersKHR")?;
        parameters.headers = parameters.written(syntax)?;
        Ok(parameters)
    }

    fn written(&self, syntax: &dyn Syntax) -> Result<Vec<u8>, VulkanError> {
        const CALL: &str = "vkGetEncodedVideoSessionParametersKHR";
        let (handle, ask) = (self.device.raw.handle(), self.queue.encode.fp().get_encoded_video_session_parameters_khr);
        let mut length = 0;
        let written = |length: &mut usize, into: *mut c_void| {
            syntax.with_question(&mut |question| {
                let mut which =
                    vk::VideoEncodeSessionParametersGetInfoKHR::default().video_session_parameters(self.raw);
                if let Some(question) = question {
                    which = which.push_next(question);
                }
                // SAFETY: the parameters are the device's; a length is written, and then as
                // many bytes at most.
                unsafe { ask(handle, &which, std::ptr::null_mut(), length, into) }
            })
        };
        written(&mut length, std::ptr::null_mut()).result().named(CALL)?;
        let mut bytes = vec![0_u8; length];
        written(&mut length, bytes.as_mut_ptr().cast()).result().named(CALL)?;
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
