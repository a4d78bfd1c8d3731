//! What is called of `libva.so.2` and `libva-drm.so.2`.

use std::ffi::{c_char, c_int, c_uint, c_void};

use super::sys::*;
use crate::dynamic_library::functions;

functions! {
    struct Functions of "libva.so.2" {
        vaErrorStr: fn(status: VAStatus) -> *const c_char;
        vaSetErrorCallback: fn(display: VADisplay, callback: VAMessageCallback, user: *mut c_void) -> VAMessageCallback;
        vaSetInfoCallback: fn(display: VADisplay, callback: VAMessageCallback, user: *mut c_void) -> VAMessageCallback;
        vaInitialize: fn(display: VADisplay, major: *mut c_int, minor: *mut c_int) -> VAStatus;
        vaTerminate: fn(display: VADisplay) -> VAStatus;
        vaQueryVendorString: fn(display: VADisplay) -> *const c_char;
        vaMaxNumProfiles: fn(display: VADisplay) -> c_int;
        vaMaxNumEntrypoints: fn(display: VADisplay) -> c_int;
        vaQueryConfigProfiles: fn(display: VADisplay, profiles: *mut VAProfile, count: *mut c_int) -> VAStatus;
        vaQueryConfigEntrypoints: fn(display: VADisplay, profile: VAProfile, entrypoints: *mut VAEntrypoint, count: *mut c_int) -> VAStatus;
        vaGetConfigAttributes: fn(display: VADisplay, profile: VAProfile, entrypoint: VAEntrypoint, attributes: *mut VAConfigAttrib, count: c_int) -> VAStatus;
        vaCreateConfig: fn(display: VADisplay, profile: VAProfile, entrypoint: VAEntrypoint, attributes: *mut VAConfigAttrib, count: c_int, config: *mut VAConfigID) -> VAStatus;
        vaDestroyConfig: fn(display: VADisplay, config: VAConfigID) -> VAStatus;
        vaCreateSurfaces: fn(display: VADisplay, format: c_uint, width: c_uint, height: c_uint, surfaces: *mut VASurfaceID, count: c_uint, attributes: *mut VASurfaceAttrib, attribute_count: c_uint) -> VAStatus;
        vaDestroySurfaces: fn(display: VADisplay, surfaces: *mut VASurfaceID, count: c_int) -> VAStatus;
        vaSyncSurface: fn(display: VADisplay, surface: VASurfaceID) -> VAStatus;
        vaExportSurfaceHandle: fn(display: VADisplay, surface: VASurfaceID, memory: u32, flags: u32, descriptor: *mut c_void) -> VAStatus;
        vaCreateContext: fn(display: VADisplay, config: VAConfigID, width: c_int, height: c_int, flag: c_int, targets: *mut VASurfaceID, count: c_int, context: *mut VAContextID) -> VAStatus;
        vaDestroyContext: fn(display: VADisplay, context: VAContextID) -> VAStatus;
        vaCreateBuffer: fn(display: VADisplay, context: VAContextID, kind: VABufferType, size: c_uint, count: c_uint, data: *mut c_void, buffer: *mut VABufferID) -> VAStatus;
        vaMapBuffer: fn(display: VADisplay, buffer: VABufferID, data: *mut *mut c_void) -> VAStatus;
        vaUnmapBuffer: fn(display: VADisplay, buffer: VABufferID) -> VAStatus;
        vaDestroyBuffer: fn(display: VADisplay, buffer: VABufferID) -> VAStatus;
        vaBeginPicture: fn(display: VADisplay, context: VAContextID, target: VASurfaceID) -> VAStatus;
        vaRenderPicture: fn(display: VADisplay, context: VAContextID, buffers: *mut VABufferID, count: c_int) -> VAStatus;
        vaEndPicture: fn(display: VADisplay, context: VAContextID) -> VAStatus;
        vaMaxNumImageFormats: fn(display: VADisplay) -> c_int;
        vaQueryImageFormats: fn(display: VADisplay, formats: *mut VAImageFormat, count: *mut c_int) -> VAStatus;
        vaCreateImage: fn(display: VADisplay, format: *mut VAImageFormat, width: c_int, height: c_int, image: *mut VAImage) -> VAStatus;
        vaDeriveImage: fn(display: VADisplay, surface: VASurfaceID, image: *mut VAImage) -> VAStatus;
        vaDestroyImage: fn(display: VADisplay, image: VAImageID) -> VAStatus;
        vaPutImage: fn(display: VADisplay, surface: VASurfaceID, image: VAImageID, from_x: c_int, from_y: c_int, from_width: c_uint, from_height: c_uint, to_x: c_int, to_y: c_int, to_width: c_uint, to_height: c_uint) -> VAStatus;
    }
}

functions! {
    struct DrmFunctions of "libva-drm.so.2" {
        vaGetDisplayDRM: fn(node: c_int) -> VADisplay;
    }
}
