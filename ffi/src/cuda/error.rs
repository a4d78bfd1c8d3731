//! What CUDA refuses, in words.

use std::ffi::{CStr, c_char};

use super::functions::{Functions, Status};

/// A CUDA call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {name} ({code}){}", advice(*code))]
pub struct CudaError {
    /// The function.
    pub call: &'static str,
    /// `CUresult`.
    pub code: u32,
    /// Its name, as the driver knows it.
    pub name: String,
}

impl CudaError {
    /// No more memory on the device.
    pub const OUT_OF_MEMORY: u32 = 2;

    /// Nothing, or the error that `status` is.
    pub(crate) fn check(functions: &Functions, call: &'static str, status: Status) -> Result<(), Self> {
        if status == 0 {
            return Ok(());
        }
        let mut name: *const c_char = std::ptr::null();
        // SAFETY: cuGetErrorName writes a pointer to a static string, or null.
        let known = unsafe { (functions.cuGetErrorName)(status, &raw mut name) } == 0 && !name.is_null();
        let name = if known {
            // SAFETY: as above; it ends with zero.
            unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
        } else {
            "an error that this driver has no name for".to_owned()
        };
        Err(Self { call, code: status, name })
    }
}

/// What to do about the errors that people meet.
const fn advice(code: u32) -> &'static str {
    match code {
        CudaError::OUT_OF_MEMORY => "; the GPU has no memory left: end other programs on it",
        3 | 999 => "; load the kernel module (nvidia-modprobe -u) and pass /dev/nvidia* to this machine or container",
        100 => "; pass a GPU to this machine or container",
        803 => "; the driver library and the kernel module are of different versions: install the same, and restart",
        _ => "",
    }
}
