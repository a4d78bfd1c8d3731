//! The one device: a GeForce of the Ada generation that is not there.

use std::ffi::{c_char, c_int, c_uint};

use earthshine_drivers::calls::{Refusal, take};
use earthshine_drivers::faults::Orders;

use crate::code::{INVALID_DEVICE, INVALID_VALUE};
use crate::driver::{Driver, Result, put};

fn require(device: c_int) -> Result {
    Driver::lock().require_initialized()?;
    if device == 0 {
        return Ok(());
    }
    Err(Refusal::violation(INVALID_DEVICE, format!("device {device} does not exist")))
}

/// Writes as much of `text` as `size` bytes hold, and ends it.
///
/// # Safety
/// `target` must be null or valid for `size` bytes.
unsafe fn put_text(target: *mut c_char, size: c_int, text: &str) -> Result {
    let room = usize::try_from(size).ok().filter(|&room| room > 0 && !target.is_null());
    let room = room.ok_or(Refusal::violation(INVALID_VALUE, "no room for a text"))?;
    let length = text.len().min(room - 1);
    // SAFETY: `length` and the end fit in the room that the caller vouches for.
    unsafe {
        target.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), length);
        target.add(length).write(0);
    }
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn cuInit(flags: c_uint) -> u32 {
    take("cuInit", || {
        if flags != 0 {
            return Err(Refusal::violation(INVALID_VALUE, "flags must be 0"));
        }
        Driver::lock().initialized = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> u32 {
    // SAFETY: the caller's contract.
    take("cuDriverGetVersion", || unsafe { put(version, VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetCount(count: *mut c_int) -> u32 {
    take("cuDeviceGetCount", || {
        Driver::lock().require_initialized()?;
        // SAFETY: the caller's contract.
        unsafe { put(count, 1) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> u32 {
    take("cuDeviceGet", || {
        require(ordinal)?;
        // SAFETY: the caller's contract.
        unsafe { put(device, ordinal) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetName(name: *mut c_char, size: c_int, device: c_int) -> u32 {
    take("cuDeviceGetName", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put_text(name, size, NAME) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid(uuid: *mut [u8; 16], device: c_int) -> u32 {
    take("cuDeviceGetUuid", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(uuid, Orders::read().uuid.unwrap_or(UUID)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) -> u32 {
    take("cuDeviceGetUuid_v2", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(uuid, Orders::read().uuid.unwrap_or(UUID)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetPCIBusId(id: *mut c_char, size: c_int, device: c_int) -> u32 {
    take("cuDeviceGetPCIBusId", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put_text(id, size, PCI_BUS_ID) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) -> u32 {
    take("cuDeviceTotalMem_v2", || {
        require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(bytes, crate::memory::total()) }
    })
}

/// CUDA 12.4, as a driver has that speaks NVENC 12.2.
const VERSION: c_int = 12040;
const NAME: &str = "NVIDIA GeForce RTX 4070 (stand-in)";
const UUID: [u8; 16] = *b"earthshine-gpu-0";
const PCI_BUS_ID: &str = "0000:01:00.0";
