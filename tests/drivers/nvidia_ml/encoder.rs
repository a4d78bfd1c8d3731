//! What encodes on a GPU.

use std::ffi::c_uint;

use earthshine_drivers::faults::Orders;
use earthshine_drivers::{ledger, places};

use crate::device::{self, Handle};
use crate::library::{ask, put};

/// What the test ordered, or the sessions that are open in the encoder's stand-in.
fn sessions(device: u32) -> u32 {
    let open = || {
        let held = places::held(ledger::directory()?, device).ok()?;
        u32::try_from(held).ok()
    };
    Orders::read().nvml.sessions.or_else(open).unwrap_or(0)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetEncoderUtilization(
    device: Handle,
    percent: *mut c_uint,
    period_us: *mut c_uint,
) -> u32 {
    ask("nvmlDeviceGetEncoderUtilization", || {
        let number = device::require(device)?;
        // SAFETY: the caller's contract.
        unsafe {
            put(percent, (sessions(number) * 5).min(100))?;
            put(period_us, 167_000)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetEncoderStats(
    device: Handle,
    count: *mut c_uint,
    average_fps: *mut c_uint,
    average_latency_us: *mut c_uint,
) -> u32 {
    ask("nvmlDeviceGetEncoderStats", || {
        let sessions = sessions(device::require(device)?);
        let (fps, latency) = if sessions == 0 { (0, 0) } else { (60, 1500) };
        // SAFETY: the caller's contract.
        unsafe {
            put(count, sessions)?;
            put(average_fps, fps)?;
            put(average_latency_us, latency)
        }
    })
}
