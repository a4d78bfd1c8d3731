//! Lists of commands: what is ours is noted, and the rest goes to the driver.

use ash::vk;
use ash::vk::Handle;

use crate::chain;
use crate::command::{Begin, Command, Control, Encode};
use crate::device::{self, Device, get, is_ours};
use crate::loader::functions;
use crate::rules::{Result, note, ordered, require, violation};

/// A list.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) pool: u64,
    /// For the queue that encodes.
    pub(crate) is_video: bool,
    pub(crate) commands: Vec<Command>,
    is_begun: bool,
    is_in_scope: bool,
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateCommandPool" => PFN_vkCreateCommandPool create_pool,
        b"vkDestroyCommandPool" => PFN_vkDestroyCommandPool destroy_pool,
        b"vkResetCommandPool" => PFN_vkResetCommandPool reset_pool,
        b"vkAllocateCommandBuffers" => PFN_vkAllocateCommandBuffers allocate,
        b"vkBeginCommandBuffer" => PFN_vkBeginCommandBuffer begin,
        b"vkEndCommandBuffer" => PFN_vkEndCommandBuffer end,
        b"vkCmdPipelineBarrier" => PFN_vkCmdPipelineBarrier barrier,
        b"vkCmdPipelineBarrier2" => PFN_vkCmdPipelineBarrier2 barrier2,
        b"vkCmdPipelineBarrier2KHR" => PFN_vkCmdPipelineBarrier2 barrier2,
        b"vkCmdCopyBufferToImage" => PFN_vkCmdCopyBufferToImage copy,
        b"vkCmdResetQueryPool" => PFN_vkCmdResetQueryPool reset_query,
        b"vkCmdBeginQuery" => PFN_vkCmdBeginQuery begin_query,
        b"vkCmdEndQuery" => PFN_vkCmdEndQuery end_query,
        b"vkCmdBeginVideoCodingKHR" => PFN_vkCmdBeginVideoCodingKHR begin_coding,
        b"vkCmdControlVideoCodingKHR" => PFN_vkCmdControlVideoCodingKHR control_coding,
        b"vkCmdEncodeVideoKHR" => PFN_vkCmdEncodeVideoKHR encode,
        b"vkCmdEndVideoCodingKHR" => PFN_vkCmdEndVideoCodingKHR end_coding,
    }
}

unsafe extern "system" fn create_pool(
    device: vk::Device,
    information: *const vk::CommandPoolCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    pool: *mut vk::CommandPool,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        let mut information = *information;
        let is_video = information.queue_family_index == device.family;
        if is_video {
            information.queue_family_index = 0;
        }
        let result = (device.next.fp_v1_0().create_command_pool)(device.next.handle(), &information, allocator, pool);
        if result == vk::Result::SUCCESS {
            device.state().pools.insert((*pool).as_raw(), is_video);
        }
        result
    }
}

unsafe extern "system" fn destroy_pool(
    device: vk::Device,
    pool: vk::CommandPool,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    let device = get(device);
    let mut state = device.state();
    state.pools.remove(&pool.as_raw());
    state.lists.retain(|_, list| list.pool != pool.as_raw());
    drop(state);
    // SAFETY: the caller's contract.
    unsafe { device.next.destroy_command_pool(pool, allocator.as_ref()) };
}

unsafe extern "system" fn reset_pool(
    device: vk::Device,
    pool: vk::CommandPool,
    flags: vk::CommandPoolResetFlags,
) -> vk::Result {
    let device = get(device);
    for list in device.state().lists.values_mut().filter(|list| list.pool == pool.as_raw()) {
        list.commands.clear();
        (list.is_begun, list.is_in_scope) = (false, false);
    }
    // SAFETY: the caller's contract.
    unsafe { (device.next.fp_v1_0().reset_command_pool)(device.next.handle(), pool, flags) }
}

unsafe extern "system" fn allocate(
    device: vk::Device,
    information: *const vk::CommandBufferAllocateInfo<'_>,
    lists: *mut vk::CommandBuffer,
) -> vk::Result {
    let device = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        let result = (device.next.fp_v1_0().allocate_command_buffers)(device.next.handle(), information, lists);
        if result == vk::Result::SUCCESS {
            let pool = (*information).command_pool.as_raw();
            let mut state = device.state();
            let is_video = state.pools.get(&pool).copied().unwrap_or(false);
            for list in chain::array(lists, (*information).command_buffer_count) {
                state.lists.insert(list.as_raw(), List { pool, is_video, ..List::default() });
            }
        }
        result
    }
}

unsafe extern "system" fn begin(
    list: vk::CommandBuffer,
    information: *const vk::CommandBufferBeginInfo<'_>,
) -> vk::Result {
    let device = get(list);
    if let Some(list) = device.state().lists.get_mut(&list.as_raw()) {
        list.commands.clear();
        (list.is_begun, list.is_in_scope) = (true, false);
    }
    // SAFETY: the caller's contract.
    unsafe { (device.next.fp_v1_0().begin_command_buffer)(list, information) }
}

unsafe extern "system" fn end(list: vk::CommandBuffer) -> vk::Result {
    let device = get(list);
    note("vkEndCommandBuffer", || {
        let mut state = device.state();
        let list = device::known(&mut state.lists, list, "list")?;
        list.is_begun = false;
        require(!list.is_in_scope, || "within the scope of a session".to_owned())
    });
    // SAFETY: the caller's contract.
    unsafe { (device.next.fp_v1_0().end_command_buffer)(list) }
}

/// Notes a command down.
fn record(call: &'static str, list: vk::CommandBuffer, needs: Needs, command: impl FnOnce() -> Result<Command>) {
    // It has no answer, but it can hang.
    let _ = ordered(call);
    let device = get(list);
    note(call, || {
        let command = command()?;
        let mut state = device.state();
        let list = device::known(&mut state.lists, list, "list")?;
        require(list.is_begun, || "a list that was not begun".to_owned())?;
        require(list.is_video || needs == Needs::Nothing, || "a list for another queue".to_owned())?;
        require(list.is_in_scope == (needs == Needs::Scope) || needs == Needs::Nothing, || {
            format!("a session's scope is {}", if list.is_in_scope { "open" } else { "not open" })
        })?;
        match command {
            Command::Begin(_) => list.is_in_scope = true,
            Command::End => list.is_in_scope = false,
            _ => {}
        }
        list.commands.push(command);
        Ok(())
    });
}

/// Where a command may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// The queue that encodes, and no scope of a session.
    NoScope,
    Scope,
}

#[allow(clippy::too_many_arguments, reason = "as the interface has it")]
unsafe extern "system" fn barrier(
    list: vk::CommandBuffer,
    from: vk::PipelineStageFlags,
    to: vk::PipelineStageFlags,
    flags: vk::DependencyFlags,
    memory_count: u32,
    memory: *const vk::MemoryBarrier<'_>,
    buffer_count: u32,
    buffers: *const vk::BufferMemoryBarrier<'_>,
    image_count: u32,
    images: *const vk::ImageMemoryBarrier<'_>,
) {
    let device = get(list);
    // SAFETY: the caller's contract.
    unsafe {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            chain::array(images, image_count).iter().copied().partition(|barrier| is_ours(barrier.image));
        for barrier in ours {
            let layouts = (barrier.old_layout, barrier.new_layout);
            transition(list, barrier.image, barrier.subresource_range, layouts);
        }
        device.next.cmd_pipeline_barrier(
            list,
            from,
            to,
            flags,
            chain::array(memory, memory_count),
            chain::array(buffers, buffer_count),
            &theirs,
        );
    }
}

unsafe extern "system" fn barrier2(list: vk::CommandBuffer, dependency: *const vk::DependencyInfo<'_>) {
    let device = get(list);
    // SAFETY: the caller's contract.
    unsafe {
        let dependency = &*dependency;
        let images = chain::array(dependency.p_image_memory_barriers, dependency.image_memory_barrier_count);
        for barrier in images {
            note("vkCmdPipelineBarrier2", || {
                check_stages(&device, list, (barrier.src_stage_mask, barrier.dst_stage_mask))?;
                require(is_ours(barrier.image), || "not looked into here".to_owned())
            });
            transition(list, barrier.image, barrier.subresource_range, (barrier.old_layout, barrier.new_layout));
        }
        for barrier in chain::array(dependency.p_memory_barriers, dependency.memory_barrier_count) {
            note("vkCmdPipelineBarrier2", || {
                check_stages(&device, list, (barrier.src_stage_mask, barrier.dst_stage_mask))
            });
        }
    }
}

/// Only the queue that encodes has a stage for that.
fn check_stages(
    device: &Device,
    list: vk::CommandBuffer,
    stages: (vk::PipelineStageFlags2, vk::PipelineStageFlags2),
) -> Result {
    let allowed = vk::PipelineStageFlags2::VIDEO_ENCODE_KHR
        | vk::PipelineStageFlags2::HOST
        | vk::PipelineStageFlags2::ALL_COMMANDS;
    let mut state = device.state();
    let list = device::known(&mut state.lists, list, "list")?;
    require(list.is_video && !list.is_in_scope, || "not looked into here".to_owned())?;
    let fits = |stage: vk::PipelineStageFlags2| allowed.contains(stage);
    require(fits(stages.0) && fits(stages.1), || format!("stages {stages:?} on a queue that encodes"))
}

fn transition(
    list: vk::CommandBuffer,
    image: vk::Image,
    range: vk::ImageSubresourceRange,
    layouts: (vk::ImageLayout, vk::ImageLayout),
) {
    record("vkCmdPipelineBarrier", list, Needs::Nothing, || Ok(Command::Transition { image, range, layouts }));
}

unsafe extern "system" fn copy(
    list: vk::CommandBuffer,
    buffer: vk::Buffer,
    image: vk::Image,
    layout: vk::ImageLayout,
    count: u32,
    regions: *const vk::BufferImageCopy,
) {
    // SAFETY: the caller's contract.
    let regions = unsafe { chain::array(regions, count) };
    if !is_ours(image) {
        // SAFETY: the caller's contract.
        return unsafe { get(list).next.cmd_copy_buffer_to_image(list, buffer, image, layout, regions) };
    }
    record("vkCmdCopyBufferToImage", list, Needs::Nothing, || {
        require(layout == vk::ImageLayout::TRANSFER_DST_OPTIMAL, || format!("layout {layout:?}"))?;
        Ok(Command::Copy { buffer, image, regions: regions.to_vec() })
    });
}

unsafe extern "system" fn reset_query(list: vk::CommandBuffer, pool: vk::QueryPool, first: u32, count: u32) {
    if !is_ours(pool) {
        // SAFETY: the caller's contract.
        return unsafe { get(list).next.cmd_reset_query_pool(list, pool, first, count) };
    }
    record("vkCmdResetQueryPool", list, Needs::NoScope, || Ok(Command::ResetQuery { pool, first, count }));
}

unsafe extern "system" fn begin_query(
    list: vk::CommandBuffer,
    pool: vk::QueryPool,
    index: u32,
    flags: vk::QueryControlFlags,
) {
    if !is_ours(pool) {
        // SAFETY: the caller's contract.
        return unsafe { get(list).next.cmd_begin_query(list, pool, index, flags) };
    }
    record("vkCmdBeginQuery", list, Needs::Scope, || Ok(Command::BeginQuery { pool, index }));
}

unsafe extern "system" fn end_query(list: vk::CommandBuffer, pool: vk::QueryPool, index: u32) {
    if !is_ours(pool) {
        // SAFETY: the caller's contract.
        return unsafe { get(list).next.cmd_end_query(list, pool, index) };
    }
    record("vkCmdEndQuery", list, Needs::Scope, || Ok(Command::EndQuery { pool, index }));
}

unsafe extern "system" fn begin_coding(list: vk::CommandBuffer, told: *const vk::VideoBeginCodingInfoKHR<'_>) {
    record("vkCmdBeginVideoCodingKHR", list, Needs::NoScope, || {
        // SAFETY: the caller's contract.
        let told = unsafe { told.as_ref() }.ok_or_else(|| violation("null"))?;
        // SAFETY: the caller's contract.
        Ok(Command::Begin(unsafe { Begin::read(told)? }))
    });
}

unsafe extern "system" fn control_coding(list: vk::CommandBuffer, told: *const vk::VideoCodingControlInfoKHR<'_>) {
    record("vkCmdControlVideoCodingKHR", list, Needs::Scope, || {
        // SAFETY: the caller's contract.
        let told = unsafe { told.as_ref() }.ok_or_else(|| violation("null"))?;
        // SAFETY: the caller's contract.
        Ok(Command::Control(unsafe { Control::read(told)? }))
    });
}

unsafe extern "system" fn encode(list: vk::CommandBuffer, told: *const vk::VideoEncodeInfoKHR<'_>) {
    record("vkCmdEncodeVideoKHR", list, Needs::Scope, || {
        // SAFETY: the caller's contract.
        let told = unsafe { told.as_ref() }.ok_or_else(|| violation("null"))?;
        // SAFETY: the caller's contract.
        Ok(Command::Encode(Box::new(unsafe { Encode::read(told)? })))
    });
}

unsafe extern "system" fn end_coding(list: vk::CommandBuffer, told: *const vk::VideoEndCodingInfoKHR<'_>) {
    record("vkCmdEndVideoCodingKHR", list, Needs::Scope, || {
        require(!told.is_null(), || "null".to_owned())?;
        Ok(Command::End)
    });
}
