//! Queries: what a picture's coding came to.

use std::ffi::c_void;

use ash::vk;
use ash::vk::{Handle, TaggedStructure};
use earthshine_ffi::vulkan::video::av1_sys::VideoEncodeAV1ProfileInfoKHR;

use crate::capabilities::{Profile, get as capability};
use crate::chain;
use crate::device::{get, is_ours, known};
use crate::loader::functions;
use crate::rules::{answer, note, require, require_equal};

/// A pool of queries.
pub(crate) struct Query {
    pub(crate) profile: Profile,
    pub(crate) states: Vec<Answer>,
}

/// What one says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It was never reset.
    Unknown,
    /// Nothing yet.
    Reset,
    /// A picture is being encoded.
    Begun,
    /// Offset and length.
    Done(u32, u32),
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateQueryPool" => PFN_vkCreateQueryPool create,
        b"vkDestroyQueryPool" => PFN_vkDestroyQueryPool destroy,
        b"vkGetQueryPoolResults" => PFN_vkGetQueryPoolResults results,
    }
}

unsafe extern "system" fn create(
    device: vk::Device,
    information: *const vk::QueryPoolCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    pool: *mut vk::QueryPool,
) -> vk::Result {
    use vk::StructureType as Type;
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        let information = &*information;
        if information.query_type != vk::QueryType::VIDEO_ENCODE_FEEDBACK_KHR {
            return (device.next.fp_v1_0().create_query_pool)(device.next.handle(), information, allocator, pool);
        }
        answer("vkCreateQueryPool", || {
            let known = [
                Type::QUERY_POOL_VIDEO_ENCODE_FEEDBACK_CREATE_INFO_KHR,
                Type::VIDEO_PROFILE_INFO_KHR,
                Type::VIDEO_ENCODE_H264_PROFILE_INFO_KHR,
                Type::VIDEO_ENCODE_H265_PROFILE_INFO_KHR,
                VideoEncodeAV1ProfileInfoKHR::STRUCTURE_TYPE,
                Type::VIDEO_ENCODE_USAGE_INFO_KHR,
            ];
            chain::check("a pool of queries", information.p_next, &known)?;
            let feedback = chain::find::<vk::QueryPoolVideoEncodeFeedbackCreateInfoKHR<'_>>(information.p_next);
            let profile = chain::find::<vk::VideoProfileInfoKHR<'_>>(information.p_next);
            let profile = Profile::read(profile.map_or(std::ptr::null(), std::ptr::from_ref))?;
            let wanted = vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BUFFER_OFFSET
                | vk::VideoEncodeFeedbackFlagsKHR::BITSTREAM_BYTES_WRITTEN;
            require_equal("feedback", feedback.map(|feedback| feedback.encode_feedback_flags), Some(wanted))?;
            let mut state = device.state();
            let handle = state.new_handle();
            let states = vec![Answer::Unknown; information.query_count as usize];
            state.queries.insert(handle, Query { profile, states });
            *pool = vk::QueryPool::from_raw(handle);
            Ok(())
        })
    }
}

unsafe extern "system" fn destroy(
    device: vk::Device,
    pool: vk::QueryPool,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    if pool.is_null() {
        return;
    }
    if !is_ours(pool) {
        // SAFETY: the caller's contract.
        return unsafe { device.next.destroy_query_pool(pool, allocator.as_ref()) };
    }
    note("vkDestroyQueryPool", || {
        require(device.state().queries.remove(&pool.as_raw()).is_some(), || "unknown".to_owned())
    });
}

#[allow(clippy::too_many_arguments, reason = "as the interface has it")]
unsafe extern "system" fn results(
    device: vk::Device,
    pool: vk::QueryPool,
    first: u32,
    count: u32,
    size: usize,
    data: *mut c_void,
    stride: vk::DeviceSize,
    flags: vk::QueryResultFlags,
) -> vk::Result {
    let device = get(device);
    if !is_ours(pool) {
        // SAFETY: the caller's contract.
        return unsafe {
            (device.next.fp_v1_0().get_query_pool_results)(
                device.next.handle(),
                pool,
                first,
                count,
                size,
                data,
                stride,
                flags,
            )
        };
    }
    let mut is_there = false;
    let result = answer("vkGetQueryPoolResults", || {
        require_equal("queries", (first, count), (0, 1))?;
        require_equal("flags", flags, vk::QueryResultFlags::WITH_STATUS_KHR)?;
        require(size >= 12, || format!("{size} bytes for three numbers"))?;
        let mut state = device.state();
        let query = known(&mut state.queries, pool, "query")?;
        require(query.states[0] != Answer::Unknown, || "a query that was never reset".to_owned())?;
        if let Answer::Done(offset, length) = query.states[0] {
            let answer = [offset, length, capability("status").cast_unsigned()];
            // SAFETY: the caller's contract.
            unsafe { data.cast::<[u32; 3]>().write_unaligned(answer) };
            is_there = true;
        }
        Ok(())
    });
    if result == vk::Result::SUCCESS && !is_there { vk::Result::NOT_READY } else { result }
}
