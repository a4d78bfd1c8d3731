//! What comes after this layer, by the dispatch table that an instance or a device begins
//! with, and all that is of it.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::sync::{LazyLock, Mutex, PoisonError};

use ash::vk::{self, Handle};

/// What is known of an instance or a device.
#[derive(Clone, Copy)]
enum Next {
    Instance(vk::Instance, vk::PFN_vkGetInstanceProcAddr, [vk::PFN_vkVoidFunction; NAMES.len()]),
    Device(vk::Device, vk::PFN_vkGetDeviceProcAddr),
}

static ALL: LazyLock<Mutex<HashMap<usize, Next>>> = LazyLock::new(Mutex::default);

fn table<H: Handle>(handle: H) -> usize {
    let place = usize::try_from(handle.as_raw()).unwrap_or(0) as *const usize;
    // SAFETY: what can be dispatched begins with its table; null has none.
    unsafe { place.as_ref() }.copied().unwrap_or(0)
}

fn get<H: Handle>(handle: H) -> Option<Next> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner).get(&table(handle)).copied()
}

/// Looks up what is needed later: the loader answers with the first layer's functions, this
/// one's, as soon as it has made the instance known.
pub(crate) fn keep_instance(instance: vk::Instance, functions: vk::PFN_vkGetInstanceProcAddr) {
    // SAFETY: the next layer's, of an instance that it made.
    let found = NAMES.map(|name| unsafe { functions(instance, name.as_ptr()) });
    let next = Next::Instance(instance, functions, found);
    ALL.lock().unwrap_or_else(PoisonError::into_inner).insert(table(instance), next);
}

pub(crate) fn keep_device(device: vk::Device, functions: vk::PFN_vkGetDeviceProcAddr) {
    ALL.lock().unwrap_or_else(PoisonError::into_inner).insert(table(device), Next::Device(device, functions));
}

/// # Safety
/// `name` must be text that ends.
pub(crate) unsafe fn of_instance(instance: vk::Instance, name: *const c_char) -> vk::PFN_vkVoidFunction {
    match get(instance)? {
        // SAFETY: the next layer's, of an instance that it knows.
        Next::Instance(instance, functions, _) => unsafe { functions(instance, name) },
        Next::Device(..) => None,
    }
}

/// # Safety
/// `name` must be text that ends.
pub(crate) unsafe fn of_device(device: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    match get(device)? {
        // SAFETY: the next layer's, of a device that it knows.
        Next::Device(device, functions) => unsafe { functions(device, name) },
        Next::Instance(..) => None,
    }
}

/// A function of the next layer's for anything of an instance or a device.
///
/// # Safety
/// `F` must be the function's type.
pub(crate) unsafe fn function<H: Handle, F: Copy>(handle: H, name: &CStr) -> Option<F> {
    let found = match get(handle)? {
        Next::Instance(_, _, found) => {
            let place = NAMES.iter().position(|known| *known == name)?;
            found[place]
        }
        // SAFETY: as above.
        Next::Device(device, functions) => unsafe { functions(device, name.as_ptr()) },
    }?;
    // SAFETY: the caller's contract; function pointers are alike.
    Some(unsafe { std::mem::transmute_copy::<unsafe extern "system" fn(), F>(&found) })
}

/// What is asked of an instance later.
const NAMES: [&CStr; 6] = [
    c"vkCreateDevice",
    c"vkEnumerateDeviceExtensionProperties",
    c"vkGetPhysicalDeviceExternalBufferProperties",
    c"vkGetPhysicalDeviceFormatProperties2",
    c"vkGetPhysicalDeviceImageFormatProperties2",
    c"vkGetPhysicalDeviceProperties2",
];
