//! What is called of `libnvidia-ml.so.1`.

use std::ffi::{c_char, c_uint, c_ulonglong, c_void};

use crate::dynamic_library::functions;

/// `nvmlReturn_t`; 0 is success. An integer, because newer drivers know more of them.
pub(crate) type Status = c_uint;

/// `nvmlDevice_t`: a structure of one pointer, which C passes as the pointer.
pub(crate) type RawDevice = *mut c_void;

/// `nvmlMemory_t`, in bytes.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct RawMemory {
    pub(crate) total: c_ulonglong,
    pub(crate) free: c_ulonglong,
    pub(crate) used: c_ulonglong,
}

/// `nvmlUtilization_t`, in percent of the time of the last sample.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct RawUtilization {
    pub(crate) gpu: c_uint,
    pub(crate) memory: c_uint,
}

/// `nvmlPciInfo_t`, as `nvmlDeviceGetPciInfo_v3` writes it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawPciInfo {
    pub(crate) legacy_bus_id: [u8; 16],
    pub(crate) domain: c_uint,
    pub(crate) bus: c_uint,
    pub(crate) device: c_uint,
    pub(crate) device_id: c_uint,
    pub(crate) subsystem_id: c_uint,
    pub(crate) bus_id: [u8; 32],
}

functions! {
    struct Functions of "libnvidia-ml.so.1" {
        nvmlInit_v2: fn() -> Status;
        nvmlShutdown: fn() -> Status;
        nvmlErrorString: fn(status: Status) -> *const c_char;
        nvmlSystemGetDriverVersion: fn(version: *mut c_char, length: c_uint) -> Status;
        nvmlDeviceGetCount_v2: fn(count: *mut c_uint) -> Status;
        nvmlDeviceGetHandleByIndex_v2: fn(index: c_uint, device: *mut RawDevice) -> Status;
        nvmlDeviceGetName: fn(device: RawDevice, name: *mut c_char, length: c_uint) -> Status;
        nvmlDeviceGetUUID: fn(device: RawDevice, uuid: *mut c_char, length: c_uint) -> Status;
        nvmlDeviceGetPciInfo_v3: fn(device: RawDevice, info: *mut RawPciInfo) -> Status;
        nvmlDeviceGetMemoryInfo: fn(device: RawDevice, memory: *mut RawMemory) -> Status;
        nvmlDeviceGetUtilizationRates: fn(device: RawDevice, utilization: *mut RawUtilization) -> Status;
        nvmlDeviceGetEncoderUtilization: fn(device: RawDevice, percent: *mut c_uint, period_us: *mut c_uint) -> Status;
        nvmlDeviceGetEncoderStats: fn(
            device: RawDevice,
            sessions: *mut c_uint,
            fps: *mut c_uint,
            latency_us: *mut c_uint,
        ) -> Status;
    }
}
