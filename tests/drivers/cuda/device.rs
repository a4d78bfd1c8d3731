//! The devices: GeForces of the Ada generation that are not there, one unless the test
//! orders more.

use std::ffi::{c_char, c_int, c_uint};

use earthshine_drivers::calls::{Refusal, take};
use earthshine_drivers::faults::Orders;

use crate::code::{DEVICE_UNAVAILABLE, INVALID_DEVICE, INVALID_VALUE};
use crate::driver::{Driver, Result, put};

/// The number of a device that exists and works.
pub(crate) fn require(device: c_int) -> Result<u32> {
    Driver::lock().require_initialized()?;
    require_existing(device)
}

/// The same where the driver is initialized.
pub(crate) fn require_existing(device: c_int) -> Result<u32> {
    let orders = Orders::read();
    let number = u32::try_from(device).ok().filter(|number| *number < orders.devices());
    let missing = || Refusal::violation(INVALID_DEVICE, format!("device {device} does not exist"));
    let number = number.ok_or_else(missing)?;
    if orders.lost.contains(&number) {
        return Err(Refusal::excusable(DEVICE_UNAVAILABLE, "the device is lost"));
    }
    Ok(number)
}

fn uuid(number: u32) -> [u8; 16] {
    let ordered = Orders::read().uuid.filter(|_| number == 0);
    let mut uuid = UUID;
    uuid[15] += u8::try_from(number).unwrap_or_default();
    ordered.unwrap_or(uuid)
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
        unsafe { put(count, Orders::read().devices().cast_signed()) }
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
        let number = require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(uuid, self::uuid(number)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) -> u32 {
    take("cuDeviceGetUuid_v2", || {
        let number = require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put(uuid, self::uuid(number)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuDeviceGetPCIBusId(id: *mut c_char, size: c_int, device: c_int) -> u32 {
    take("cuDeviceGetPCIBusId", || {
        let bus = 1 + require(device)?;
        // SAFETY: the caller's contract.
        unsafe { put_text(id, size, &format!("0000:{bus:02X}:00.0")) }
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
