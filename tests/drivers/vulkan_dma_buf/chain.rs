//! Chains of structures.

use std::ffi::c_void;

use ash::vk;

/// The structure of a kind in a chain; null if there is none.
///
/// # Safety
/// `start` must be a chain, and `T` the structure of `kind`.
pub(crate) unsafe fn find<T>(start: *const c_void, kind: vk::StructureType) -> *mut T {
    let mut at = start.cast::<vk::BaseInStructure<'_>>().cast_mut();
    // SAFETY: each begins with its kind and the next.
    unsafe {
        while !at.is_null() && (*at).s_type != kind {
            at = (*at).p_next.cast_mut();
        }
    }
    at.cast()
}

/// The loader's own structures in the chain of what is created: which layer comes next.
#[repr(C)]
struct Link {
    kind: vk::StructureType,
    next: *const c_void,
    function: u32,
    layers: *mut *mut c_void,
}

/// The address of the next layer's functions, which this takes out of the chain: a list of
/// structures that begin with their successor.
///
/// # Safety
/// `start` must be the chain of what is created, and `kind` the loader's of it.
pub(crate) unsafe fn next_layer(mut start: *const c_void, kind: vk::StructureType) -> Option<*const *const c_void> {
    loop {
        // SAFETY: the caller's contract.
        let link: *mut Link = unsafe { find(start, kind) };
        // SAFETY: found in the chain.
        let link = unsafe { link.as_mut()? };
        if link.function == LINKS {
            let layer = link.layers;
            // SAFETY: the loader's list, in which this layer has its place.
            link.layers = unsafe { *layer }.cast();
            return Some(layer.cast::<*const c_void>().cast_const());
        }
        start = link.next;
    }
}

/// `VK_LAYER_LINK_INFO`.
const LINKS: u32 = 0;
