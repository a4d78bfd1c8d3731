//! Stand-in for the part of a GPU's Vulkan that one on the CPU lacks: a layer, which the
//! real loader puts before the real driver.
//!
//! A device that shares memory as opaque descriptors alone seems to share it as DMA-BUFs,
//! and to have the render node that `EARTHSHINE_RENDER_NODES` begins with. What is
//! exported is the driver's own memory, under another name: who takes it in has to know
//! where in the file it begins (the order `cap import_offset` of VA's stand-in).
//!
//! It also seems to know tilings, of which there is one, plain rows, for pictures of one or
//! two samples a texel that are copied into ([`modifiers`]). Such a picture is kept here
//! ([`image`]): in the driver it is bytes, in the file that was imported ([`memory`]).
//!
//! Loader and layer interface: `LoaderLayerInterface.md` of the Vulkan loader, version 2.

#![allow(non_snake_case, reason = "named as the loader looks them up")]

mod chain;
mod command;
mod device;
mod image;
mod instance;
mod memory;
mod modifiers;
mod names;
mod next;
#[allow(dead_code, reason = "the other layer needs more of it")]
#[path = "../vulkan_video/rules.rs"]
mod rules;

use std::ffi::{CStr, c_char};

use ash::vk;

/// `VkNegotiateLayerInterface`.
#[repr(C)]
struct Negotiation {
    kind: u32,
    next: *mut std::ffi::c_void,
    version: u32,
    instance: vk::PFN_vkGetInstanceProcAddr,
    device: vk::PFN_vkGetDeviceProcAddr,
    physical: vk::PFN_vkVoidFunction,
}

/// The loader's way in.
#[unsafe(no_mangle)]
unsafe extern "system" fn vkNegotiateLoaderLayerInterfaceVersion(negotiation: *mut Negotiation) -> vk::Result {
    // SAFETY: the loader's, to be filled.
    let Some(negotiation) = (unsafe { negotiation.as_mut() }) else {
        return vk::Result::ERROR_INITIALIZATION_FAILED;
    };
    negotiation.version = 2;
    negotiation.instance = get_instance_proc_addr;
    negotiation.device = get_device_proc_addr;
    negotiation.physical = None;
    vk::Result::SUCCESS
}

unsafe extern "system" fn get_instance_proc_addr(
    instance: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: the caller's contract: text that ends.
    let found = names::own(unsafe { CStr::from_ptr(name) });
    // SAFETY: as above.
    found.or_else(|| unsafe { next::of_instance(instance, name) })
}

unsafe extern "system" fn get_device_proc_addr(device: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: the caller's contract: text that ends.
    let found = names::of_device(unsafe { CStr::from_ptr(name) });
    // SAFETY: as above.
    found.or_else(|| unsafe { next::of_device(device, name) })
}
