//! What NVML refuses, in words.

use std::ffi::CStr;

use super::functions::{Functions, Status};

/// An NVML call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {text} ({code}){}", advice(*code))]
pub struct NvmlError {
    /// The function.
    pub call: &'static str,
    /// `nvmlReturn_t`.
    pub code: u32,
    /// What the library calls it.
    pub text: String,
}

impl NvmlError {
    /// The device does not tell.
    pub const NOT_SUPPORTED: u32 = 3;

    /// The device has left the bus; others go on.
    pub const GPU_IS_LOST: u32 = 15;

    /// Nothing, or the error that `status` is.
    pub(super) fn check(functions: &Functions, call: &'static str, status: Status) -> Result<(), Self> {
        if status == 0 {
            return Ok(());
        }
        // SAFETY: takes any number, and needs no initialization.
        let text = unsafe { (functions.nvmlErrorString)(status) };
        let text = if text.is_null() {
            "an error that this driver has no name for".to_owned()
        } else {
            // SAFETY: not null: a static string, which ends with zero.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        Err(Self { call, code: status, text })
    }
}

/// What to do about the errors that people meet.
const fn advice(code: u32) -> &'static str {
    match code {
        4 => "; let this user open /dev/nvidiactl and /dev/nvidia*",
        9 => "; load the kernel module (nvidia-modprobe -u) and pass /dev/nvidia* to this machine or container",
        11 => "; the kernel's log says what is wrong with the GPU's interrupts",
        NvmlError::GPU_IS_LOST => "; restart the machine: the GPU has left the bus, and the kernel's log says why",
        16 => "; end the programs that use the GPU, and reset it or restart the machine",
        17 => "; let this container's cgroup use the device files of the GPU",
        18 => "; the driver library and the kernel module are of different versions: install the same, and restart",
        _ => "",
    }
}
