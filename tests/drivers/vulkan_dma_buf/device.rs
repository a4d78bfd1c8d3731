//! Devices, and buffers that others use.

use std::ffi::{CStr, c_void};

use ash::vk;

use crate::instance::{EXTENSIONS, renamed};
use crate::{chain, image, memory, next};

pub(crate) unsafe extern "system" fn create(
    physical: vk::PhysicalDevice,
    information: *const vk::DeviceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    device: *mut vk::Device,
) -> vk::Result {
    let kind = vk::StructureType::LOADER_DEVICE_CREATE_INFO;
    // SAFETY: the loader's chain; after its successor an entry has an instance's next
    // function, and a device's. The caller's contract for the rest.
    unsafe {
        let create = next::function::<_, vk::PFN_vkCreateDevice>(physical, c"vkCreateDevice");
        let layer = chain::next_layer((*information).p_next, kind);
        let (Some(create), Some(layer)) = (create, layer) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let functions = std::mem::transmute::<*const c_void, vk::PFN_vkGetDeviceProcAddr>(*layer.add(2));
        let mut information = *information;
        let names = information.pp_enabled_extension_names;
        let asked: Vec<_> = (0..information.enabled_extension_count as usize).map(|index| *names.add(index)).collect();
        // The driver does not know those that it only seems to have.
        let known = asked.into_iter().filter(|name| !EXTENSIONS.contains(&CStr::from_ptr(*name)));
        let known: Vec<_> = known.chain([ash::ext::external_memory_host::NAME.as_ptr()]).collect();
        information.enabled_extension_count = u32::try_from(known.len()).unwrap_or(0);
        information.pp_enabled_extension_names = known.as_ptr();
        let result = create(physical, &raw const information, allocator, device);
        if result == vk::Result::SUCCESS {
            next::keep_device(*device, functions);
        }
        result
    }
}

pub(crate) unsafe extern "system" fn create_buffer(
    device: vk::Device,
    information: *const vk::BufferCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    buffer: *mut vk::Buffer,
) -> vk::Result {
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let Some(create) = next::function::<_, vk::PFN_vkCreateBuffer>(device, c"vkCreateBuffer") else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let kind = vk::StructureType::EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
        let external: *mut vk::ExternalMemoryBufferCreateInfo<'_> = chain::find((*information).p_next, kind);
        let kinds = external.as_mut().map(|external| &mut external.handle_types);
        with_renamed(kinds, || create(device, information, allocator, buffer))
    }
}

pub(crate) unsafe extern "system" fn destroy(device: vk::Device, allocator: *const vk::AllocationCallbacks<'_>) {
    image::report_leaks(device);
    memory::report_leaks(device);
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        if let Some(destroy) = next::function::<_, vk::PFN_vkDestroyDevice>(device, c"vkDestroyDevice") {
            destroy(device, allocator);
        }
    }
}

/// Does something while a structure of the caller's names what the driver knows.
pub(crate) fn with_renamed(
    kinds: Option<&mut vk::ExternalMemoryHandleTypeFlags>,
    work: impl FnOnce() -> vk::Result,
) -> vk::Result {
    let Some(kinds) = kinds else { return work() };
    let asked = std::mem::replace(kinds, renamed(*kinds));
    let result = work();
    *kinds = asked;
    result
}
