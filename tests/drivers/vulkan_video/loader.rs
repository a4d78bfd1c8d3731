//! What the loader and layers say to each other (`vk_layer.h` of the loader).

use std::ffi::{CStr, c_char, c_void};

use ash::vk;

use crate::{device, instance, physical};

/// `VkNegotiateLayerInterface`.
#[repr(C)]
pub(crate) struct Negotiation {
    kind: i32,
    next: *mut c_void,
    version: u32,
    get_instance_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
    get_device_proc_addr: Option<vk::PFN_vkGetDeviceProcAddr>,
    get_physical_device_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
}

/// `VkLayerInstanceLink`.
#[repr(C)]
pub(crate) struct InstanceLink {
    next: *mut Self,
    pub(crate) get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    get_physical_device_proc_addr: Option<vk::PFN_vkGetInstanceProcAddr>,
}

/// `VkLayerDeviceLink`.
#[repr(C)]
pub(crate) struct DeviceLink {
    next: *mut Self,
    get_instance_proc_addr: vk::PFN_vkGetInstanceProcAddr,
    pub(crate) get_device_proc_addr: vk::PFN_vkGetDeviceProcAddr,
}

/// `VkLayerInstanceCreateInfo` and `VkLayerDeviceCreateInfo`.
#[repr(C)]
struct Layer<Link> {
    kind: vk::StructureType,
    next: *const c_void,
    function: i32,
    link: *mut Link,
}

/// What comes after this layer when an instance is created. Moves the chain on, for that.
///
/// # Safety
/// The chain is the loader's.
pub(crate) unsafe fn instance_link(chain: *const c_void) -> Option<vk::PFN_vkGetInstanceProcAddr> {
    // SAFETY: the caller's contract.
    unsafe {
        let layer = find::<InstanceLink>(chain, vk::StructureType::LOADER_INSTANCE_CREATE_INFO)?;
        let link = (*layer).link.as_ref()?;
        (*layer).link = link.next;
        Some(link.get_instance_proc_addr)
    }
}

/// The same for a device.
///
/// # Safety
/// The chain is the loader's.
pub(crate) unsafe fn device_link(chain: *const c_void) -> Option<vk::PFN_vkGetDeviceProcAddr> {
    // SAFETY: the caller's contract.
    unsafe {
        let layer = find::<DeviceLink>(chain, vk::StructureType::LOADER_DEVICE_CREATE_INFO)?;
        let link = (*layer).link.as_ref()?;
        (*layer).link = link.next;
        Some(link.get_device_proc_addr)
    }
}

unsafe fn find<Link>(chain: *const c_void, kind: vk::StructureType) -> Option<*mut Layer<Link>> {
    let mut next = chain.cast::<vk::BaseInStructure<'_>>();
    // SAFETY: the caller's contract.
    while let Some(structure) = unsafe { next.as_ref() } {
        let layer = next.cast_mut().cast::<Layer<Link>>();
        // SAFETY: structures of this type are the loader's.
        if structure.s_type == kind && unsafe { (*layer).function } == LINK {
            return Some(layer);
        }
        next = structure.p_next;
    }
    None
}

/// What objects of one instance or device have in common, and of no other: the loader
/// puts its table there.
///
/// # Safety
/// `object` is one that calls take first.
pub(crate) unsafe fn key(object: u64) -> usize {
    // SAFETY: the caller's contract.
    unsafe { *(object as *const usize) }
}

/// The loader asks where the layer's functions are.
///
/// # Safety
/// As the loader calls it.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn vkNegotiateLoaderLayerInterfaceVersion(
    negotiation: *mut Negotiation,
) -> vk::Result {
    // SAFETY: the loader's contract.
    let Some(negotiation) = (unsafe { negotiation.as_mut() }) else { return vk::Result::ERROR_INITIALIZATION_FAILED };
    if negotiation.version < VERSION {
        return vk::Result::ERROR_INITIALIZATION_FAILED;
    }
    negotiation.version = VERSION;
    negotiation.get_instance_proc_addr = Some(get_instance_proc_addr);
    negotiation.get_device_proc_addr = Some(get_device_proc_addr);
    negotiation.get_physical_device_proc_addr = Some(get_physical_device_proc_addr);
    vk::Result::SUCCESS
}

unsafe extern "system" fn get_instance_proc_addr(handle: vk::Instance, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: names end with zero.
    let text = unsafe { CStr::from_ptr(name) }.to_bytes();
    let own = instance::function(text).or_else(|| physical::function(text)).or_else(|| device::function(text));
    if own.is_some() {
        return own;
    }
    // SAFETY: as the caller asked.
    unsafe { instance::of(handle)?.next_function(handle, name) }
}

unsafe extern "system" fn get_physical_device_proc_addr(
    _handle: vk::Instance,
    name: *const c_char,
) -> vk::PFN_vkVoidFunction {
    // SAFETY: names end with zero.
    physical::function(unsafe { CStr::from_ptr(name) }.to_bytes())
}

unsafe extern "system" fn get_device_proc_addr(handle: vk::Device, name: *const c_char) -> vk::PFN_vkVoidFunction {
    // SAFETY: names end with zero.
    let own = device::function(unsafe { CStr::from_ptr(name) }.to_bytes());
    if own.is_some() {
        return own;
    }
    // SAFETY: as the caller asked.
    unsafe { (device::of(handle)?.get_device_proc_addr)(handle, name) }
}

/// Of a list of functions, the one of a name.
macro_rules! functions {
    ($name:expr, $($text:literal => $kind:ident $function:path),+ $(,)?) => {
        match $name {
            $($text => {
                let function: ash::vk::$kind = $function;
                // SAFETY: whoever asked for the name knows its type.
                unsafe { std::mem::transmute::<*const (), ash::vk::PFN_vkVoidFunction>(function as *const ()) }
            })+
            _ => None,
        }
    };
}
pub(crate) use functions;

/// `VK_LAYER_LINK_INFO`.
const LINK: i32 = 0;

/// Of the interface between the loader and layers.
const VERSION: u32 = 2;
