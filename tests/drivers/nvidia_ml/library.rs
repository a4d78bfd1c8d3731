//! The library: initialized, asked, shut down.

use std::ffi::{c_char, c_uint};
use std::sync::Mutex;
use std::sync::PoisonError;

use earthshine_drivers::calls::{Refusal, release, take};
use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;

use crate::code::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, UNINITIALIZED};

pub(crate) type Result<T = ()> = std::result::Result<T, Refusal>;

/// How often it was initialized and not shut down.
static INITIALIZED: Mutex<u32> = Mutex::new(0);

/// Runs a call that needs the library: after what the test ordered.
pub(crate) fn ask(call: &'static str, work: impl FnOnce() -> Result) -> u32 {
    take(call, || {
        require_initialized()?;
        work()
    })
}

/// Writes an answer through a pointer of the program's.
///
/// # Safety
/// `target` must be null or valid to write to.
pub(crate) unsafe fn put<T>(target: *mut T, value: T) -> Result {
    if target.is_null() {
        return Err(Refusal::violation(INVALID_ARGUMENT, "a pointer for the answer is null"));
    }
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { target.write(value) };
    Ok(())
}

/// Writes a text and its end into `size` bytes, which must be as many as the header
/// says that the longest text takes.
///
/// # Safety
/// `target` must be null or valid for `size` bytes.
pub(crate) unsafe fn put_text(target: *mut c_char, size: c_uint, longest: c_uint, text: &str) -> Result {
    if target.is_null() {
        return Err(Refusal::violation(INVALID_ARGUMENT, "a pointer for a text is null"));
    }
    if size < longest {
        let text = format!("room for {size} bytes, and a text may have {longest}");
        return Err(Refusal::violation(INSUFFICIENT_SIZE, text));
    }
    // SAFETY: the stand-in's texts are shorter than the longest that is allowed.
    unsafe {
        target.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        target.add(text.len()).write(0);
    }
    Ok(())
}

/// How many GPUs there are.
pub(crate) fn devices() -> u32 {
    let orders = Orders::read();
    orders.nvml.devices.unwrap_or_else(|| orders.devices())
}

fn require_initialized() -> Result {
    if *INITIALIZED.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
        return Ok(());
    }
    Err(Refusal::violation(UNINITIALIZED, "nvmlInit_v2 was not called"))
}

/// A process that ends without a shutdown leaks; one that is killed does not come
/// here.
extern "C" fn at_exit() {
    let left = *INITIALIZED.lock().unwrap_or_else(PoisonError::into_inner);
    if left > 0 {
        ledger::leak(&format!("NVML at the end of the process: initialized {left} times"));
    }
}

#[unsafe(no_mangle)]
extern "C" fn nvmlInit_v2() -> u32 {
    take("nvmlInit_v2", || {
        let mut initialized = INITIALIZED.lock().unwrap_or_else(PoisonError::into_inner);
        if *initialized == 0 {
            ledger::event("nvml init");
            // SAFETY: the function stays, as the library does.
            unsafe { libc::atexit(at_exit) };
        }
        *initialized += 1;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlShutdown() -> u32 {
    release("nvmlShutdown", || {
        require_initialized()?;
        let mut initialized = INITIALIZED.lock().unwrap_or_else(PoisonError::into_inner);
        *initialized -= 1;
        if *initialized == 0 {
            ledger::event("nvml shutdown");
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) -> u32 {
    // SAFETY: the caller's contract.
    ask("nvmlSystemGetDriverVersion", || unsafe { put_text(version, length, 80, VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> u32 {
    // SAFETY: the caller's contract.
    ask("nvmlDeviceGetCount_v2", || unsafe { put(count, devices()) })
}

/// One that speaks CUDA 12.4 and NVENC 12.2.
const VERSION: &str = "550.54.14";
