//! Parameter sets that belong to a session.

use std::ffi::c_void;

use ash::vk::Handle;
use ash::vk::{self, TaggedStructure};
use earthshine_ffi::vulkan::video::av1_sys::VideoEncodeAV1SessionParametersCreateInfoKHR;

use crate::capabilities::{QUALITY_LEVELS, get as capability};
use crate::chain;
use crate::codec::Sets;
use crate::device::{get, known};
use crate::loader::functions;
use crate::rules::{answer, note, require};

/// All sets, and what they are for.
pub(crate) struct Parameters {
    pub(crate) session: vk::VideoSessionKHR,
    pub(crate) quality: u32,
    pub(crate) sets: Sets,
    /// The program knows what they are as the driver writes them.
    pub(crate) is_known: bool,
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateVideoSessionParametersKHR" => PFN_vkCreateVideoSessionParametersKHR create,
        b"vkDestroyVideoSessionParametersKHR" => PFN_vkDestroyVideoSessionParametersKHR destroy,
        b"vkGetEncodedVideoSessionParametersKHR" => PFN_vkGetEncodedVideoSessionParametersKHR encoded,
    }
}

unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::VideoSessionParametersCreateInfoKHR<'_>,
    _allocator: *const vk::AllocationCallbacks<'_>,
    parameters: *mut vk::VideoSessionParametersKHR,
) -> vk::Result {
    use vk::StructureType as Type;
    let device = get(device);
    answer("vkCreateVideoSessionParametersKHR", || {
        // SAFETY: the caller's contract.
        unsafe {
            let information = &*information;
            let chained = [
                Type::VIDEO_ENCODE_H264_SESSION_PARAMETERS_CREATE_INFO_KHR,
                Type::VIDEO_ENCODE_H265_SESSION_PARAMETERS_CREATE_INFO_KHR,
                VideoEncodeAV1SessionParametersCreateInfoKHR::STRUCTURE_TYPE,
                Type::VIDEO_ENCODE_QUALITY_LEVEL_INFO_KHR,
            ];
            chain::check("parameters", information.p_next, &chained)?;
            let mut state = device.state();
            let session = known(&mut state.sessions, information.video_session, "session")?;
            let mut sets = Sets::read(information.p_next, session.profile)?;
            sets.check(session)?;
            if capability("overrides") == 1 {
                sets.change();
            }
            let quality = chain::find::<vk::VideoEncodeQualityLevelInfoKHR<'_>>(information.p_next);
            let quality = quality.map_or(0, |quality| quality.quality_level);
            require(quality < QUALITY_LEVELS, || format!("quality level {quality}"))?;
            let made = Parameters { session: information.video_session, quality, sets, is_known: false };
            let handle = state.new_handle();
            state.parameters.insert(handle, made);
            *parameters = vk::VideoSessionParametersKHR::from_raw(handle);
            Ok(())
        }
    })
}

unsafe extern "system" fn destroy(
    device: vk::Device,
    parameters: vk::VideoSessionParametersKHR,
    _allocator: *const vk::AllocationCallbacks<'_>,
) {
    if parameters.is_null() {
        return;
    }
    let device = get(device);
    note("vkDestroyVideoSessionParametersKHR", || {
        require(device.state().parameters.remove(&parameters.as_raw()).is_some(), || "unknown".to_owned())
    });
}

unsafe extern "system" fn encoded(
    device: vk::Device,
    information: *const vk::VideoEncodeSessionParametersGetInfoKHR<'_>,
    _feedback: *mut vk::VideoEncodeSessionParametersFeedbackInfoKHR<'_>,
    size: *mut usize,
    data: *mut c_void,
) -> vk::Result {
    let device = get(device);
    let mut result = vk::Result::SUCCESS;
    let told = answer("vkGetEncodedVideoSessionParametersKHR", || {
        // SAFETY: the caller's contract.
        unsafe {
            let information = &*information;
            let mut state = device.state();
            let parameters = known(&mut state.parameters, information.video_session_parameters, "parameters")?;
            parameters.sets.check_question(information.p_next)?;
            let bytes = parameters.sets.write();
            if data.is_null() {
                *size = bytes.len();
                return Ok(());
            }
            let length = bytes.len().min(*size);
            std::slice::from_raw_parts_mut(data.cast::<u8>(), length).copy_from_slice(&bytes[..length]);
            *size = length;
            if length < bytes.len() {
                result = vk::Result::INCOMPLETE;
            }
            parameters.is_known = true;
            Ok(())
        }
    });
    if told == vk::Result::SUCCESS { result } else { told }
}
