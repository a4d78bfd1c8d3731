//! Instances, and what devices say of themselves.

use std::ffi::{CStr, c_char, c_void};
use std::os::unix::fs::MetadataExt;

use ash::vk;

use crate::{chain, next};

/// Extensions that the devices seem to have.
pub(crate) const EXTENSIONS: [&CStr; 4] = [
    ash::ext::external_memory_dma_buf::NAME,
    ash::ext::physical_device_drm::NAME,
    ash::ext::image_drm_format_modifier::NAME,
    ash::ext::queue_family_foreign::NAME,
];

pub(crate) unsafe extern "system" fn create(
    information: *const vk::InstanceCreateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    instance: *mut vk::Instance,
) -> vk::Result {
    let kind = vk::StructureType::LOADER_INSTANCE_CREATE_INFO;
    // SAFETY: the loader's chain; after its successor an entry has the next function.
    let functions = unsafe {
        let Some(layer) = chain::next_layer((*information).p_next, kind) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        std::mem::transmute::<*const c_void, vk::PFN_vkGetInstanceProcAddr>(*layer.add(1))
    };
    // SAFETY: the next layer's function, by its name.
    let result = unsafe {
        let Some(create) = functions(vk::Instance::null(), c"vkCreateInstance".as_ptr()) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        std::mem::transmute::<unsafe extern "system" fn(), vk::PFN_vkCreateInstance>(create)(
            information,
            allocator,
            instance,
        )
    };
    if result == vk::Result::SUCCESS {
        // SAFETY: just written.
        next::keep_instance(unsafe { *instance }, functions);
    }
    result
}

pub(crate) unsafe extern "system" fn extensions(
    device: vk::PhysicalDevice,
    layer: *const c_char,
    count: *mut u32,
    list: *mut vk::ExtensionProperties,
) -> vk::Result {
    let name = c"vkEnumerateDeviceExtensionProperties";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let Some(function) = next::function::<_, vk::PFN_vkEnumerateDeviceExtensionProperties>(device, name) else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let mut all = 0;
        let result = function(device, layer, &raw mut all, std::ptr::null_mut());
        if result != vk::Result::SUCCESS {
            return result;
        }
        let mut found = vec![vk::ExtensionProperties::default(); all as usize];
        let result = function(device, layer, &raw mut all, found.as_mut_ptr());
        for name in EXTENSIONS {
            let named = vk::ExtensionProperties { spec_version: 1, ..Default::default() };
            found.push(named.extension_name(name).unwrap_or_default());
        }
        let room = if list.is_null() { found.len() } else { (*count as usize).min(found.len()) };
        if !list.is_null() {
            list.copy_from_nonoverlapping(found.as_ptr(), room);
        }
        *count = u32::try_from(room).unwrap_or(0);
        if room < found.len() { vk::Result::INCOMPLETE } else { result }
    }
}

pub(crate) unsafe extern "system" fn properties(
    device: vk::PhysicalDevice,
    properties: *mut vk::PhysicalDeviceProperties2<'_>,
) {
    let name = c"vkGetPhysicalDeviceProperties2";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        if let Some(function) = next::function::<_, vk::PFN_vkGetPhysicalDeviceProperties2>(device, name) {
            function(device, properties);
        }
        let kind = vk::StructureType::PHYSICAL_DEVICE_DRM_PROPERTIES_EXT;
        let node: *mut vk::PhysicalDeviceDrmPropertiesEXT<'_> = chain::find((*properties).p_next, kind);
        if let (Some(node), Some((major, minor))) = (node.as_mut(), render_node()) {
            (node.has_render, node.render_major, node.render_minor) = (vk::TRUE, major, minor);
        }
    }
}

/// The first that the program is told of.
fn render_node() -> Option<(i64, i64)> {
    let nodes = std::env::var("EARTHSHINE_RENDER_NODES").ok()?;
    let device = std::fs::metadata(nodes.split(':').next()?).ok()?.rdev();
    Some((libc::major(device).into(), libc::minor(device).into()))
}

pub(crate) unsafe extern "system" fn external_buffers(
    device: vk::PhysicalDevice,
    question: *const vk::PhysicalDeviceExternalBufferInfo<'_>,
    answer: *mut vk::ExternalBufferProperties<'_>,
) {
    let name = c"vkGetPhysicalDeviceExternalBufferProperties";
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let Some(function) = next::function::<_, vk::PFN_vkGetPhysicalDeviceExternalBufferProperties>(device, name)
        else {
            return;
        };
        let mut question = *question;
        question.handle_type = renamed(question.handle_type);
        function(device, &raw const question, answer);
    }
}

/// What the driver has in the place of DMA-BUFs.
pub(crate) fn renamed(kinds: vk::ExternalMemoryHandleTypeFlags) -> vk::ExternalMemoryHandleTypeFlags {
    let dma_buf = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    if kinds.contains(dma_buf) { (kinds & !dma_buf) | vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD } else { kinds }
}
