//! Queues: what they get is done before the call returns, ours after the driver's.

use ash::vk;
use ash::vk::Handle;

use crate::capabilities::get as capability;
use crate::chain;
use crate::coding::Scope;
use crate::device::{self, Device, get};
use crate::loader::functions;
use crate::rules::{Result, complain, note, ordered, require};

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkQueueSubmit" => PFN_vkQueueSubmit submit,
        b"vkWaitForFences" => PFN_vkWaitForFences wait,
        b"vkDestroyFence" => PFN_vkDestroyFence destroy_fence,
    }
}

unsafe extern "system" fn submit(
    queue: vk::Queue,
    count: u32,
    submits: *const vk::SubmitInfo<'_>,
    fence: vk::Fence,
) -> vk::Result {
    let device = get(queue);
    let is_video = queue == device.queue;
    if is_video && let Some(code) = ordered("vkQueueSubmit") {
        return code;
    }
    let driver = if is_video { device.driver_queue } else { queue };
    let next = device.next.fp_v1_0();
    // SAFETY: the caller's contract.
    unsafe {
        let submits = chain::array(submits, count);
        if !is_video && submits.iter().all(|submit| !has_ours(&device, submit)) {
            return (next.queue_submit)(queue, count, submits.as_ptr(), fence);
        }
        for submit in submits {
            let first = vk::SubmitInfo { signal_semaphore_count: 0, ..*submit };
            let result = (next.queue_submit)(driver, 1, &first, vk::Fence::null());
            if result != vk::Result::SUCCESS {
                return result;
            }
            let result = (next.queue_wait_idle)(driver);
            if result != vk::Result::SUCCESS {
                return result;
            }
            for list in chain::array(submit.p_command_buffers, submit.command_buffer_count) {
                run(&device, *list, is_video);
            }
            if is_video && capability("stalls") == 1 {
                device.state().fences.insert(fence.as_raw());
                return vk::Result::SUCCESS;
            }
            let last = vk::SubmitInfo { wait_semaphore_count: 0, command_buffer_count: 0, ..*submit };
            let result = (next.queue_submit)(driver, 1, &last, vk::Fence::null());
            if result != vk::Result::SUCCESS {
                return result;
            }
        }
        if is_video {
            device.state().fences.insert(fence.as_raw());
        }
        (next.queue_submit)(driver, 0, std::ptr::null(), fence)
    }
}

/// Whether a list has commands that the driver does not know.
unsafe fn has_ours(device: &Device, submit: &vk::SubmitInfo<'_>) -> bool {
    // SAFETY: the caller's contract.
    let lists = unsafe { chain::array(submit.p_command_buffers, submit.command_buffer_count) };
    let state = device.state();
    lists.iter().any(|list| state.lists.get(&list.as_raw()).is_some_and(|list| !list.commands.is_empty()))
}

fn run(device: &Device, list: vk::CommandBuffer, is_video: bool) {
    let mut state = device.state();
    let commands = match device::known(&mut state.lists, list, "list") {
        Ok(list) if list.is_video == is_video => std::mem::take(&mut list.commands),
        Ok(_) => return complain("vkQueueSubmit", "a list for another queue"),
        Err(refusal) => return complain("vkQueueSubmit", &refusal.text),
    };
    let mut scope = Scope::default();
    for command in &commands {
        let family = if is_video { device.family } else { 0 };
        note(command.call(), || scope.run(device, &mut state, family, command));
    }
    note("vkQueueSubmit", || scope.finish());
}

unsafe extern "system" fn wait(
    device: vk::Device,
    count: u32,
    fences: *const vk::Fence,
    all: vk::Bool32,
    timeout: u64,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    let ours =
        unsafe { chain::array(fences, count) }.iter().any(|fence| device.state().fences.contains(&fence.as_raw()));
    if ours {
        note("vkWaitForFences", || -> Result { require(timeout < u64::MAX, || "a wait without an end".to_owned()) });
        if let Some(code) = ordered("vkWaitForFences") {
            return code;
        }
    }
    // SAFETY: the caller's contract.
    unsafe { (device.next.fp_v1_0().wait_for_fences)(device.next.handle(), count, fences, all, timeout) }
}

unsafe extern "system" fn destroy_fence(
    device: vk::Device,
    fence: vk::Fence,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    device.state().fences.remove(&fence.as_raw());
    // SAFETY: the caller's contract.
    unsafe { device.next.destroy_fence(fence, allocator.as_ref()) };
}
