//! Functions that are the layer's own.

use std::ffi::CStr;

use ash::vk;

use crate::{device, get_device_proc_addr, get_instance_proc_addr, instance};

/// Casts each to the type that the loader gets.
macro_rules! function {
    ($function:expr, $kind:ty) => {{
        let function: $kind = $function;
        // SAFETY: function pointers are alike; the loader casts it back to its type.
        Some(unsafe { std::mem::transmute::<$kind, unsafe extern "system" fn()>(function) })
    }};
}

/// All of them.
pub(crate) fn own(name: &CStr) -> vk::PFN_vkVoidFunction {
    match name.to_bytes() {
        b"vkGetInstanceProcAddr" => function!(get_instance_proc_addr, vk::PFN_vkGetInstanceProcAddr),
        b"vkCreateInstance" => function!(instance::create, vk::PFN_vkCreateInstance),
        b"vkCreateDevice" => function!(device::create, vk::PFN_vkCreateDevice),
        b"vkEnumerateDeviceExtensionProperties" => {
            function!(instance::extensions, vk::PFN_vkEnumerateDeviceExtensionProperties)
        }
        b"vkGetPhysicalDeviceProperties2" | b"vkGetPhysicalDeviceProperties2KHR" => {
            function!(instance::properties, vk::PFN_vkGetPhysicalDeviceProperties2)
        }
        b"vkGetPhysicalDeviceExternalBufferProperties" | b"vkGetPhysicalDeviceExternalBufferPropertiesKHR" => {
            function!(instance::external_buffers, vk::PFN_vkGetPhysicalDeviceExternalBufferProperties)
        }
        _ => of_device(name),
    }
}

/// Those of devices.
pub(crate) fn of_device(name: &CStr) -> vk::PFN_vkVoidFunction {
    match name.to_bytes() {
        b"vkGetDeviceProcAddr" => function!(get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr),
        b"vkCreateBuffer" => function!(device::create_buffer, vk::PFN_vkCreateBuffer),
        b"vkAllocateMemory" => function!(device::allocate_memory, vk::PFN_vkAllocateMemory),
        b"vkGetMemoryFdKHR" => function!(device::memory_fd, vk::PFN_vkGetMemoryFdKHR),
        _ => None,
    }
}
