//! All that lives in the driver, and how each call gets to it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use earthshine_drivers::calls::{self, Refusal};
use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_drivers::{faults, ledger};
use earthshine_ffi::vaapi::sys::*;

use crate::buffer::Buffer;
use crate::config::Config;
use crate::context::Context;
use crate::image::Image;
use crate::shared::HandedOut;
use crate::surface::Surface;

pub(crate) type Result<T = ()> = std::result::Result<T, Refusal>;

/// One initialized display.
#[derive(Default)]
pub(crate) struct Driver {
    pub(crate) configs: HashMap<VAConfigID, Config>,
    pub(crate) surfaces: HashMap<VASurfaceID, Surface>,
    pub(crate) contexts: HashMap<VAContextID, Context>,
    pub(crate) buffers: HashMap<VABufferID, Buffer>,
    pub(crate) images: HashMap<VAImageID, Image>,
    /// Descriptors that the program has to close.
    pub(crate) handed_out: Vec<HandedOut>,
    /// The test ordered a call to fail: how the program clears up is not held against it.
    pub(crate) is_lost: bool,
    last_id: u32,
}

impl Driver {
    /// Never one twice, and no thing's number is another thing's.
    pub(crate) fn new_id(&mut self) -> u32 {
        self.last_id += 1;
        FIRST_ID + self.last_id
    }

    pub(crate) fn config(&mut self, id: VAConfigID) -> Result<&mut Config> {
        self.configs.get_mut(&id).ok_or_else(|| unknown(VA_STATUS_ERROR_INVALID_CONFIG, "configuration", id))
    }

    pub(crate) fn surface(&mut self, id: VASurfaceID) -> Result<&mut Surface> {
        self.surfaces.get_mut(&id).ok_or_else(|| unknown(VA_STATUS_ERROR_INVALID_SURFACE, "surface", id))
    }

    pub(crate) fn context(&mut self, id: VAContextID) -> Result<&mut Context> {
        self.contexts.get_mut(&id).ok_or_else(|| unknown(VA_STATUS_ERROR_INVALID_CONTEXT, "context", id))
    }

    pub(crate) fn buffer(&mut self, id: VABufferID) -> Result<&mut Buffer> {
        self.buffers.get_mut(&id).ok_or_else(|| unknown(VA_STATUS_ERROR_INVALID_BUFFER, "buffer", id))
    }

    pub(crate) fn image(&mut self, id: VAImageID) -> Result<&mut Image> {
        self.images.get_mut(&id).ok_or_else(|| unknown(VA_STATUS_ERROR_INVALID_IMAGE, "image", id))
    }

    pub(crate) fn report_leaks(&self) {
        for (what, count) in [
            ("configurations", self.configs.len()),
            ("surfaces", self.surfaces.len()),
            ("contexts", self.contexts.len()),
            ("buffers", self.buffers.len() - self.images.len()),
            ("images", self.images.len()),
            ("descriptors of surfaces", self.handed_out.iter().filter(|handed| handed.is_open()).count()),
        ] {
            if count > 0 {
                ledger::leak(&format!("{what} at vaTerminate: {count} left"));
            }
        }
    }
}

/// Runs a call. Ordered to fail, it does nothing.
pub(crate) fn with(
    call: &'static str,
    context: VADriverContextP,
    work: impl FnOnce(&mut Driver) -> Result,
) -> VAStatus {
    if let Some(code) = faults::play(call) {
        if let Ok(mut driver) = lock(context) {
            driver.is_lost = true;
        }
        return code.cast_signed();
    }
    calls::settle(call, lock(context).and_then(|mut driver| work(&mut driver))).cast_signed()
}

/// Runs a call that gives something back; ordered to fail, it does so all the same.
pub(crate) fn give_back(
    call: &'static str,
    context: VADriverContextP,
    work: impl FnOnce(&mut Driver) -> Result,
) -> VAStatus {
    let ordered = faults::play(call);
    let result = lock(context).and_then(|mut driver| {
        driver.is_lost |= ordered.is_some();
        work(&mut driver)
    });
    let code = calls::settle(call, result);
    ordered.unwrap_or(code).cast_signed()
}

fn lock<'a>(context: VADriverContextP) -> Result<MutexGuard<'a, Driver>> {
    // SAFETY: libva hands out the context of a driver that it initialized.
    let driver = unsafe { context.as_ref().and_then(|context| context.pDriverData.cast::<Mutex<Driver>>().as_ref()) };
    let missing = || violation(VA_STATUS_ERROR_INVALID_DISPLAY, "the driver is not initialized");
    Ok(driver.ok_or_else(missing)?.lock().unwrap_or_else(PoisonError::into_inner))
}

fn unknown(code: u32, what: &str, id: u32) -> Refusal {
    let was = if id > FIRST_ID && id != VA_INVALID_ID { "unknown, or destroyed" } else { "none" };
    violation(code, format!("{what} {id:#x} is {was}"))
}

/// A correct program never does this.
pub(crate) fn violation(code: u32, text: impl Into<String>) -> Refusal {
    Refusal::violation(code, text)
}

/// Refuses unless `met`.
pub(crate) fn require(met: bool, text: impl FnOnce() -> String) -> Result {
    if met { Ok(()) } else { Err(violation(VA_STATUS_ERROR_INVALID_PARAMETER, text())) }
}

/// Refuses unless a member is what it has to be.
pub(crate) fn require_equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result {
    require(found == expected, || format!("{what} is {found:?}, and has to be {expected:?}"))
}

/// Writes an answer through a pointer of the program's.
///
/// # Safety
/// `target` must be null or valid to write to.
pub(crate) unsafe fn put<T>(target: *mut T, value: T) -> Result {
    require(!target.is_null(), || "a pointer for the answer is null".to_owned())?;
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { target.write(value) };
    Ok(())
}

/// What is behind a pointer of the program's.
///
/// # Safety
/// `pointer` must be null or valid for `count` of them.
pub(crate) unsafe fn array<'a, T>(pointer: *const T, count: i32) -> Result<&'a [T]> {
    let count = usize::try_from(count).map_err(|_| violation(VA_STATUS_ERROR_INVALID_PARAMETER, "a negative count"))?;
    if count == 0 {
        return Ok(&[]);
    }
    require(!pointer.is_null(), || "a pointer is null".to_owned())?;
    // SAFETY: not null; the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Far from what is guessed by luck.
const FIRST_ID: u32 = 0x4000_0000;
