//! The functions that are used, after `gbm.h`.

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::dynamic_library::functions;

/// `struct gbm_device`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RawDevice {
    opaque: [u8; 0],
}

/// `struct gbm_bo`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RawBuffer {
    opaque: [u8; 0],
}

functions! {
    /// What every version has that knows modifiers.
    struct Functions of "libgbm.so.1" {
        gbm_create_device: fn(fd: c_int) -> *mut RawDevice;
        gbm_device_destroy: fn(device: *mut RawDevice) -> ();
        gbm_device_get_backend_name: fn(device: *mut RawDevice) -> *const c_char;
        gbm_bo_create: fn(device: *mut RawDevice, width: u32, height: u32, format: u32, flags: u32) -> *mut RawBuffer;
        gbm_bo_create_with_modifiers: fn(
            device: *mut RawDevice, width: u32, height: u32, format: u32, modifiers: *const u64, count: c_uint
        ) -> *mut RawBuffer;
        gbm_bo_destroy: fn(buffer: *mut RawBuffer) -> ();
        gbm_bo_get_modifier: fn(buffer: *mut RawBuffer) -> u64;
        gbm_bo_get_plane_count: fn(buffer: *mut RawBuffer) -> c_int;
        gbm_bo_get_offset: fn(buffer: *mut RawBuffer, plane: c_int) -> u32;
        gbm_bo_get_stride_for_plane: fn(buffer: *mut RawBuffer, plane: c_int) -> u32;
        gbm_bo_get_fd: fn(buffer: *mut RawBuffer) -> c_int;
        gbm_bo_map: fn(
            buffer: *mut RawBuffer, x: u32, y: u32, width: u32, height: u32, flags: u32, stride: *mut u32,
            data: *mut *mut c_void
        ) -> *mut c_void;
        gbm_bo_unmap: fn(buffer: *mut RawBuffer, data: *mut c_void) -> ();
    }
}

functions! {
    /// What came with Mesa 21.2.
    struct NewerFunctions of "libgbm.so.1" {
        gbm_bo_create_with_modifiers2: fn(
            device: *mut RawDevice, width: u32, height: u32, format: u32, modifiers: *const u64, count: c_uint, flags: u32
        ) -> *mut RawBuffer;
        gbm_bo_get_fd_for_plane: fn(buffer: *mut RawBuffer, plane: c_int) -> c_int;
    }
}

/// `GBM_BO_USE_RENDERING`.
pub(crate) const USE_RENDERING: u32 = 1 << 2;
/// `GBM_BO_USE_LINEAR`.
pub(crate) const USE_LINEAR: u32 = 1 << 4;
/// `GBM_BO_TRANSFER_READ`.
pub(crate) const TRANSFER_READ: u32 = 1;
