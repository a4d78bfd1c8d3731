//! What is called of `libcuda.so.1`.

use std::ffi::{c_char, c_int, c_uint, c_void};

use crate::dynamic_library::functions;

/// `CUresult`; 0 is success. An integer, because newer drivers know more of them.
pub(crate) type Status = c_uint;

/// `CUcontext`.
pub(crate) type RawContext = *mut c_void;

/// `CUstream`.
pub(crate) type RawStream = *mut c_void;

/// `CUdeviceptr`.
pub(crate) type DevicePointer = u64;

/// `CUDA_MEMCPY2D`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Copy2d {
    pub(crate) source_x_bytes: usize,
    pub(crate) source_y: usize,
    pub(crate) source_type: c_uint,
    pub(crate) source_host: *const c_void,
    pub(crate) source_device: DevicePointer,
    pub(crate) source_array: *mut c_void,
    pub(crate) source_pitch: usize,
    pub(crate) target_x_bytes: usize,
    pub(crate) target_y: usize,
    pub(crate) target_type: c_uint,
    pub(crate) target_host: *mut c_void,
    pub(crate) target_device: DevicePointer,
    pub(crate) target_array: *mut c_void,
    pub(crate) target_pitch: usize,
    pub(crate) width_bytes: usize,
    pub(crate) height: usize,
}

/// `CUexternalMemory`.
pub(crate) type RawExternalMemory = *mut c_void;

/// The handle's union, whose largest member is two pointers.
#[repr(C, align(8))]
#[derive(Debug)]
pub(crate) struct ExternalHandle {
    pub(crate) fd: c_int,
    pub(crate) rest: [u32; 3],
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ExternalMemoryHandle {
    pub(crate) kind: c_uint,
    pub(crate) handle: ExternalHandle,
    pub(crate) size: u64,
    pub(crate) flags: c_uint,
    pub(crate) reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ExternalMemoryBuffer {
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) flags: c_uint,
    pub(crate) reserved: [c_uint; 16],
}

/// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`.
pub(crate) const EXTERNAL_OPAQUE_FD: c_uint = 1;

/// `CUDA_EXTERNAL_MEMORY_DEDICATED`.
pub(crate) const EXTERNAL_DEDICATED: c_uint = 1;

/// `CU_MEMORYTYPE_HOST`.
pub(crate) const MEMORY_HOST: c_uint = 1;

/// `CU_MEMORYTYPE_DEVICE`.
pub(crate) const MEMORY_DEVICE: c_uint = 2;

/// `CU_STREAM_NON_BLOCKING`: waits for nothing that is done in the default stream.
pub(crate) const STREAM_NON_BLOCKING: c_uint = 1;

functions! {
    struct Functions of "libcuda.so.1" {
        cuInit: fn(flags: c_uint) -> Status;
        cuDriverGetVersion: fn(version: *mut c_int) -> Status;
        cuDeviceGetCount: fn(count: *mut c_int) -> Status;
        cuDeviceGet: fn(device: *mut c_int, ordinal: c_int) -> Status;
        cuDeviceGetName: fn(name: *mut c_char, length: c_int, device: c_int) -> Status;
        cuDeviceGetUuid: fn(uuid: *mut [u8; 16], device: c_int) -> Status;
        cuDeviceGetPCIBusId: fn(id: *mut c_char, length: c_int, device: c_int) -> Status;
        cuCtxCreate_v2: fn(context: *mut RawContext, flags: c_uint, device: c_int) -> Status;
        cuCtxDestroy_v2: fn(context: RawContext) -> Status;
        cuCtxGetStreamPriorityRange: fn(least: *mut c_int, greatest: *mut c_int) -> Status;
        cuStreamCreateWithPriority: fn(stream: *mut RawStream, flags: c_uint, priority: c_int) -> Status;
        cuStreamDestroy_v2: fn(stream: RawStream) -> Status;
        cuStreamSynchronize: fn(stream: RawStream) -> Status;
        cuMemAllocPitch_v2: fn(memory: *mut DevicePointer, pitch: *mut usize, width_bytes: usize, height: usize, element: c_uint) -> Status;
        cuMemFree_v2: fn(memory: DevicePointer) -> Status;
        cuMemHostAlloc: fn(memory: *mut *mut c_void, length: usize, flags: c_uint) -> Status;
        cuMemFreeHost: fn(memory: *mut c_void) -> Status;
        cuMemcpy2DAsync_v2: fn(copy: *const Copy2d, stream: RawStream) -> Status;
        cuImportExternalMemory: fn(memory: *mut RawExternalMemory, handle: *const ExternalMemoryHandle) -> Status;
        cuExternalMemoryGetMappedBuffer: fn(pointer: *mut DevicePointer, memory: RawExternalMemory, buffer: *const ExternalMemoryBuffer) -> Status;
        cuDestroyExternalMemory: fn(memory: RawExternalMemory) -> Status;
        cuGetErrorName: fn(status: Status, name: *mut *const c_char) -> Status;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_large_as_the_headers() {
        assert_eq!((size_of::<ExternalHandle>(), size_of::<ExternalMemoryHandle>()), (16, 104));
        assert_eq!(std::mem::offset_of!(ExternalMemoryHandle, size), 24);
        assert_eq!(size_of::<ExternalMemoryBuffer>(), 88);
        assert_eq!(size_of::<Copy2d>(), 128);
    }
}
