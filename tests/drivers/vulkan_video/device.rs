//! Devices: what lives on one, and how each call gets to it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ash::vk;
use ash::vk::Handle;
use earthshine_drivers::ledger;

use crate::buffer::Buffer;
use crate::image::{Image, View};
use crate::instance;
use crate::loader::{self, functions};
use crate::parameters::Parameters;
use crate::physical::{self, Request};
use crate::query::Query;
use crate::recording::List;
use crate::rules::{Result, answer, violation};
use crate::session::Session;
use crate::{buffer, image, parameters, query, queue, recording, session};

/// A device.
pub(crate) struct Device {
    pub(crate) next: ash::Device,
    pub(crate) get_device_proc_addr: vk::PFN_vkGetDeviceProcAddr,
    /// Of the queue that encodes.
    pub(crate) family: u32,
    /// The queue that encodes: an object of ours, of which the loader uses the first word.
    pub(crate) queue: vk::Queue,
    /// The driver's, where what is not ours of it is done.
    pub(crate) driver_queue: vk::Queue,
    pub(crate) memory_types: u32,
    encodes: bool,
    state: Mutex<State>,
}

/// What lives on a device.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) buffers: HashMap<u64, Buffer>,
    pub(crate) images: HashMap<u64, Image>,
    pub(crate) views: HashMap<u64, View>,
    pub(crate) queries: HashMap<u64, Query>,
    pub(crate) sessions: HashMap<u64, Session>,
    pub(crate) parameters: HashMap<u64, Parameters>,
    /// Pools of lists: whether they are for the queue that encodes.
    pub(crate) pools: HashMap<u64, bool>,
    pub(crate) lists: HashMap<u64, List>,
    /// Fences that the queue that encodes signals.
    pub(crate) fences: HashSet<u64>,
    /// Memory that was allocated.
    pub(crate) memory: HashSet<u64>,
    last: u64,
}

static DEVICES: Mutex<Option<HashMap<usize, Arc<Device>>>> = Mutex::new(None);

/// The one that an object belongs to.
pub(crate) fn of(object: impl Handle + Copy) -> Option<Arc<Device>> {
    if object.as_raw() == 0 {
        return None;
    }
    let devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: devices, queues and lists are objects that calls take first.
    devices.as_ref()?.get(&unsafe { loader::key(object.as_raw()) }).cloned()
}

/// The same, where it has to be.
pub(crate) fn get(object: impl Handle + Copy) -> Arc<Device> {
    of(object).expect("the loader hands out objects of devices that it created")
}

impl Device {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report_leaks(&self) {
        let state = self.state();
        for (what, count) in [
            ("images", state.images.len()),
            ("views", state.views.len()),
            ("queries", state.queries.len()),
            ("sessions", state.sessions.len()),
            ("parameters", state.parameters.len()),
            ("buffers", state.buffers.len()),
            ("command pools", state.pools.len()),
            ("allocations", state.memory.len()),
        ] {
            if count > 0 && self.encodes {
                ledger::leak(&format!("{what} at vkDestroyDevice: {count} left"));
            }
        }
    }
}

impl State {
    /// Never one twice, and none that a driver has.
    pub(crate) fn new_handle(&mut self) -> u64 {
        self.last += 1;
        FIRST + self.last
    }
}

/// A thing that has to be there.
pub(crate) fn known<'a, T>(all: &'a mut HashMap<u64, T>, handle: impl Handle + Copy, what: &str) -> Result<&'a mut T> {
    let raw = handle.as_raw();
    all.get_mut(&raw).ok_or_else(|| violation(format!("{what} {raw:#x} is none, or was destroyed")))
}

/// Something of ours, as opposed to the driver's.
pub(crate) fn is_ours(handle: impl Handle + Copy) -> bool {
    handle.as_raw() > FIRST && handle.as_raw() < FIRST << 1
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    let own = functions! { name,
        b"vkDestroyDevice" => PFN_vkDestroyDevice destroy,
        b"vkGetDeviceQueue" => PFN_vkGetDeviceQueue get_queue,
    };
    let parts = [
        buffer::function,
        image::function,
        query::function,
        session::function,
        parameters::function,
        recording::function,
        queue::function,
    ];
    own.or_else(|| parts.iter().find_map(|part| part(name)))
}

pub(crate) unsafe extern "system" fn create(
    physical: vk::PhysicalDevice,
    information: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    device: *mut vk::Device,
) -> vk::Result {
    let mut result = vk::Result::SUCCESS;
    let told = answer("vkCreateDevice", || {
        // SAFETY: the caller's contract.
        unsafe { result = open(physical, &*information, allocator, device)? };
        Ok(())
    });
    if told == vk::Result::SUCCESS { result } else { told }
}

unsafe fn open(
    physical: vk::PhysicalDevice,
    information: &vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    device: *mut vk::Device,
) -> Result<vk::Result> {
    let instance = instance::of(physical).ok_or_else(|| violation("a device of no instance"))?;
    // SAFETY: the caller's contract.
    unsafe {
        let request = Request::split(physical, information)?;
        let next = loader::device_link(information.p_next).ok_or_else(|| violation("no link from the loader"))?;
        let information = vk::DeviceCreateInfo {
            queue_create_info_count: u32::try_from(request.queues.len()).unwrap_or(0),
            p_queue_create_infos: request.queues.as_ptr(),
            enabled_extension_count: u32::try_from(request.extensions.len()).unwrap_or(0),
            pp_enabled_extension_names: request.extensions.as_ptr(),
            ..*information
        };
        let result = (instance.next.fp_v1_0().create_device)(physical, &information, allocator, device);
        if result != vk::Result::SUCCESS {
            return Ok(result);
        }
        let functions = ash::Device::load_with(|name| instance::address(next(*device, name.as_ptr())), *device);
        let memory = instance.next.get_physical_device_memory_properties(physical);
        let made = Device {
            driver_queue: functions.get_device_queue(information_family(&request), 0),
            next: functions,
            get_device_proc_addr: next,
            family: u32::try_from(physical::driver_families(physical).len()).unwrap_or(u32::MAX),
            queue: vk::Queue::from_raw(Box::into_raw(Box::new([0_usize; 2])) as u64),
            memory_types: (1 << memory.memory_type_count) - 1,
            encodes: request.encodes,
            state: Mutex::default(),
        };
        // Until the loader does so.
        *(made.queue.as_raw() as *mut usize) = loader::key((*device).as_raw());
        let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get_or_insert_default().insert(loader::key((*device).as_raw()), Arc::new(made));
        Ok(result)
    }
}

fn information_family(request: &Request<'_>) -> u32 {
    request.queues.first().map_or(0, |queue| queue.queue_family_index)
}

unsafe extern "system" fn destroy(device: vk::Device, allocator: *const vk::AllocationCallbacks<'_>) {
    let Some(found) = of(device) else { return };
    found.report_leaks();
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: a device is an object that calls take first.
    devices.get_or_insert_default().remove(&unsafe { loader::key(device.as_raw()) });
    drop(devices);
    // SAFETY: the caller's contract.
    unsafe { found.next.destroy_device(allocator.as_ref()) };
}

unsafe extern "system" fn get_queue(device: vk::Device, family: u32, index: u32, queue: *mut vk::Queue) {
    let found = get(device);
    // SAFETY: the caller's contract.
    unsafe {
        *queue = if family == found.family { found.queue } else { found.next.get_device_queue(family, index) };
    }
}

/// Far from what is a pointer, or guessed by luck.
const FIRST: u64 = 0x7e57_0000_0000_0000;
