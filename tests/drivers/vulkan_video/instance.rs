//! Instances: made by whoever comes next, and remembered.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError};

use ash::vk;
use ash::vk::Handle;

use crate::loader::{self, functions};

/// An instance.
pub(crate) struct Instance {
    pub(crate) next: ash::Instance,
    get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
}

static INSTANCES: Mutex<Option<HashMap<usize, Arc<Instance>>>> = Mutex::new(None);

/// The one that an object belongs to.
pub(crate) fn of(object: impl Handle + Copy) -> Option<Arc<Instance>> {
    if object.as_raw() == 0 {
        return None;
    }
    let instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: instances and physical devices are objects that calls take first.
    instances.as_ref()?.get(&unsafe { loader::key(object.as_raw()) }).cloned()
}

impl Instance {
    /// # Safety
    /// As `vkGetInstanceProcAddr`.
    pub(crate) unsafe fn next_function(&self, handle: vk::Instance, name: *const c_char) -> vk::PFN_vkVoidFunction {
        // SAFETY: the caller's contract.
        unsafe { (self.get_instance_proc_addr)(handle, name) }
    }
}

pub(crate) fn function(name: &[u8]) -> vk::PFN_vkVoidFunction {
    functions! { name,
        b"vkCreateInstance" => PFN_vkCreateInstance create,
        b"vkDestroyInstance" => PFN_vkDestroyInstance destroy,
    }
}

unsafe extern "system" fn create(
    information: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    instance: *mut vk::Instance,
) -> vk::Result {
    // SAFETY: the loader's contract.
    unsafe {
        let Some(next) = loader::instance_link((*information).p_next) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let Some(create) = next(vk::Instance::null(), c"vkCreateInstance".as_ptr()) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let create = std::mem::transmute::<unsafe extern "system" fn(), vk::PFN_vkCreateInstance>(create);
        let result = create(information, allocator, instance);
        if result != vk::Result::SUCCESS {
            return result;
        }
        let functions = ash::Instance::load_with(|name| address(next(*instance, name.as_ptr())), *instance);
        let made = Arc::new(Instance { next: functions, get_instance_proc_addr: next });
        let mut instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
        instances.get_or_insert_default().insert(loader::key((*instance).as_raw()), made);
        result
    }
}

unsafe extern "system" fn destroy(instance: vk::Instance, allocator: *const vk::AllocationCallbacks<'_>) {
    if let Some(found) = of(instance) {
        let mut instances = INSTANCES.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: an instance is an object that calls take first.
        instances.get_or_insert_default().remove(&unsafe { loader::key(instance.as_raw()) });
        drop(instances);
        // SAFETY: the caller's contract.
        unsafe { found.next.destroy_instance(allocator.as_ref()) };
    }
}

/// A function, as `ash` takes it.
pub(crate) fn address(function: vk::PFN_vkVoidFunction) -> *const c_void {
    function.map_or(std::ptr::null(), |function| function as *const c_void)
}
