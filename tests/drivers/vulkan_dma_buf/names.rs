//! Functions that are the layer's own.

use std::ffi::CStr;

use ash::vk;

use crate::{command, device, get_device_proc_addr, get_instance_proc_addr, image, instance, memory, modifiers};

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
        b"vkGetPhysicalDeviceFormatProperties2" | b"vkGetPhysicalDeviceFormatProperties2KHR" => {
            function!(modifiers::properties, vk::PFN_vkGetPhysicalDeviceFormatProperties2)
        }
        b"vkGetPhysicalDeviceImageFormatProperties2" | b"vkGetPhysicalDeviceImageFormatProperties2KHR" => {
            function!(modifiers::image_properties, vk::PFN_vkGetPhysicalDeviceImageFormatProperties2)
        }
        _ => of_device(name),
    }
}

/// Those of devices.
pub(crate) fn of_device(name: &CStr) -> vk::PFN_vkVoidFunction {
    match name.to_bytes() {
        b"vkGetDeviceProcAddr" => function!(get_device_proc_addr, vk::PFN_vkGetDeviceProcAddr),
        b"vkCreateBuffer" => function!(device::create_buffer, vk::PFN_vkCreateBuffer),
        b"vkDestroyDevice" => function!(device::destroy, vk::PFN_vkDestroyDevice),
        b"vkAllocateMemory" => function!(memory::allocate, vk::PFN_vkAllocateMemory),
        b"vkFreeMemory" => function!(memory::free, vk::PFN_vkFreeMemory),
        b"vkGetMemoryFdKHR" => function!(memory::descriptor, vk::PFN_vkGetMemoryFdKHR),
        b"vkGetMemoryFdPropertiesKHR" => function!(memory::types, vk::PFN_vkGetMemoryFdPropertiesKHR),
        b"vkCreateImage" => function!(image::create, vk::PFN_vkCreateImage),
        b"vkDestroyImage" => function!(image::destroy, vk::PFN_vkDestroyImage),
        b"vkGetImageMemoryRequirements" => function!(image::requirements, vk::PFN_vkGetImageMemoryRequirements),
        b"vkBindImageMemory" => function!(image::bind, vk::PFN_vkBindImageMemory),
        b"vkCmdPipelineBarrier" => function!(command::barrier, vk::PFN_vkCmdPipelineBarrier),
        b"vkCmdCopyBufferToImage" => function!(command::copy, vk::PFN_vkCmdCopyBufferToImage),
        b"vkQueueSubmit" => function!(command::submit, vk::PFN_vkQueueSubmit),
        b"vkWaitForFences" => function!(command::wait, vk::PFN_vkWaitForFences),
        _ => None,
    }
}
