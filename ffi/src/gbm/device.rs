//! A device, and how memory of it is asked for.

use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::buffer::Buffer;
use super::error::{GbmError, OpenDeviceError};
use super::functions::{Functions, NewerFunctions, RawDevice, USE_LINEAR, USE_RENDERING};

/// An open device. Its buffers keep it.
#[derive(Debug, Clone)]
pub struct Device(pub(crate) Arc<Inner>);

/// A picture's memory.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// DRM format code; of four bytes a pixel.
    pub fourcc: u32,
    /// How its bytes shall lie.
    pub layout: Layout<'a>,
}

/// How the bytes of a picture lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout<'a> {
    /// In one of these ways (DRM format modifiers), whichever the driver likes best.
    Modifiers(&'a [u64]),
    /// Row after row; for drivers that know no modifiers.
    Linear,
    /// As the driver likes, and nobody else knows.
    Implicit,
}

impl Device {
    /// Takes a DRM node, which stays open as long as the device does.
    ///
    /// # Errors
    /// [`OpenDeviceError`].
    pub fn open(node: OwnedFd) -> Result<Self, OpenDeviceError> {
        let functions = Functions::load()?;
        let newer = NewerFunctions::load().ok();
        // SAFETY: an open descriptor, which `Inner` keeps open until after
        // gbm_device_destroy.
        let raw = unsafe { (functions.gbm_create_device)(node.as_raw_fd()) };
        let raw = NonNull::new(raw).ok_or_else(|| GbmError::last("gbm_create_device"))?;
        Ok(Self(Arc::new(Inner { functions, newer, raw, calls: Mutex::default(), _node: node })))
    }

    /// Name of the driver's part of the library, e.g. "drm" or "nvidia".
    #[must_use]
    pub fn backend(&self) -> String {
        let _calls = self.0.calls();
        // SAFETY: the device is ours and alive; the name is a static string or null.
        let name = unsafe { (self.0.functions.gbm_device_get_backend_name)(self.0.raw.as_ptr()) };
        if name.is_null() {
            return String::new();
        }
        // SAFETY: not null, ends with zero, and lives as long as the library.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    }

    /// Memory that the device can draw into.
    ///
    /// # Errors
    /// [`GbmError`] of a driver that has no such memory.
    pub fn allocate(&self, wanted: &Wanted<'_>) -> Result<Buffer, GbmError> {
        let Inner { functions, newer, raw, .. } = &*self.0;
        let Wanted { width, height, fourcc, layout } = *wanted;
        let _calls = self.0.calls();
        let (call, buffer) = match (layout, newer) {
            (Layout::Modifiers(modifiers), Some(newer)) => {
                let count = modifiers.len().try_into().unwrap_or(0);
                // SAFETY: the device is ours and alive; reads `count` modifiers.
                let buffer = unsafe {
                    (newer.gbm_bo_create_with_modifiers2)(
                        raw.as_ptr(),
                        width,
                        height,
                        fourcc,
                        modifiers.as_ptr(),
                        count,
                        USE_RENDERING,
                    )
                };
                ("gbm_bo_create_with_modifiers2", buffer)
            }
            (Layout::Modifiers(modifiers), None) => {
                let count = modifiers.len().try_into().unwrap_or(0);
                // SAFETY: the same.
                let buffer = unsafe {
                    (functions.gbm_bo_create_with_modifiers)(
                        raw.as_ptr(),
                        width,
                        height,
                        fourcc,
                        modifiers.as_ptr(),
                        count,
                    )
                };
                ("gbm_bo_create_with_modifiers", buffer)
            }
            (Layout::Linear | Layout::Implicit, _) => {
                let flags = if layout == Layout::Linear { USE_RENDERING | USE_LINEAR } else { USE_RENDERING };
                // SAFETY: the device is ours and alive; the rest are integers.
                ("gbm_bo_create", unsafe { (functions.gbm_bo_create)(raw.as_ptr(), width, height, fourcc, flags) })
            }
        };
        let buffer = NonNull::new(buffer).ok_or_else(|| GbmError::last(call))?;
        Ok(Buffer::new(Arc::clone(&self.0), buffer, width, height))
    }
}

/// What buffers share.
pub(crate) struct Inner {
    pub(crate) functions: Functions,
    pub(crate) newer: Option<NewerFunctions>,
    raw: NonNull<RawDevice>,
    /// Held during every call; see the module.
    calls: Mutex<()>,
    // Closed last.
    _node: OwnedFd,
}

impl Inner {
    pub(crate) fn calls(&self) -> MutexGuard<'_, ()> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: GBM ties nothing to the thread that opened a device.
unsafe impl Send for Inner {}
// SAFETY: every call is made under the lock `calls`.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: destroyed once; all its buffers are gone, since each keeps `Inner`.
        unsafe { (self.functions.gbm_device_destroy)(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// Where the library is missing, it ends there; where it is not, it may take
    /// any file, and has no memory of it.
    #[test]
    fn what_is_no_device_has_no_memory() {
        let Ok(device) = Device::open(File::open("/dev/null").unwrap().into()) else { return };
        for layout in [Layout::Modifiers(&[crate::gbm::MODIFIER_LINEAR]), Layout::Linear, Layout::Implicit] {
            let wanted = Wanted { width: 64, height: 64, fourcc: u32::from_le_bytes(*b"XR24"), layout };
            let error = device.allocate(&wanted).unwrap_err();
            assert!(error.to_string().starts_with("gbm_bo_create"), "{error}");
        }
        let _ = device.backend();
    }
}
