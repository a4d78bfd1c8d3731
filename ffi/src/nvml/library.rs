//! The library, from initialization to shutdown.

use std::ffi::{CStr, c_char, c_uint};

use super::device::Device;
use super::error::NvmlError;
use super::functions::Functions;
use crate::dynamic_library::LoadError;

/// The loaded and initialized library; shut down when it is dropped.
#[derive(Debug)]
pub struct Nvml {
    functions: Functions,
}

/// The library is not there, or does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenNvmlError {
    /// No library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No driver behind it.
    #[error(transparent)]
    Nvml(#[from] NvmlError),
}

impl Nvml {
    /// Opens the library, which may hang: to be called where that hurts nobody. No
    /// GPU is touched yet.
    ///
    /// # Errors
    /// [`OpenNvmlError`].
    pub fn open() -> Result<Self, OpenNvmlError> {
        let functions = Functions::load()?;
        // SAFETY: takes nothing; each one is paired with a shutdown by `drop`.
        NvmlError::check(&functions, "nvmlInit", unsafe { (functions.nvmlInit_v2)() })?;
        Ok(Self { functions })
    }

    /// Version of the driver, like `550.54.14`.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn driver_version(&self) -> Result<String, NvmlError> {
        self.text("nvmlSystemGetDriverVersion", |text, length| {
            // SAFETY: writes a string of `length` bytes at most, zero included.
            unsafe { (self.functions.nvmlSystemGetDriverVersion)(text, length) }
        })
    }

    /// How many GPUs there are, those that cannot be used included.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn count(&self) -> Result<u32, NvmlError> {
        let mut count = 0;
        // SAFETY: writes one integer.
        self.check("nvmlDeviceGetCount", unsafe { (self.functions.nvmlDeviceGetCount_v2)(&raw mut count) })?;
        Ok(count)
    }

    /// A GPU by its number, from 0, in the order of the bus. It is initialized, which
    /// may take seconds where no program uses it.
    ///
    /// # Errors
    /// [`NvmlError`]: of this GPU, not of others.
    pub fn device(&self, index: u32) -> Result<Device<'_>, NvmlError> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: writes a handle.
        let status = unsafe { (self.functions.nvmlDeviceGetHandleByIndex_v2)(index, &raw mut raw) };
        self.check("nvmlDeviceGetHandleByIndex", status)?;
        Ok(Device::new(self, raw))
    }

    pub(super) const fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(super) fn text(
        &self,
        call: &'static str,
        write: impl FnOnce(*mut c_char, c_uint) -> c_uint,
    ) -> Result<String, NvmlError> {
        // The longest that the header knows is 96.
        let mut bytes = [0_u8; 128];
        let status = write(bytes.as_mut_ptr().cast(), 127);
        self.check(call, status)?;
        let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
        Ok(text.to_string_lossy().into_owned())
    }

    pub(super) fn check(&self, call: &'static str, status: c_uint) -> Result<(), NvmlError> {
        NvmlError::check(&self.functions, call, status)
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        // SAFETY: initialized once by `open`; devices borrow from this, and are gone.
        unsafe { (self.functions.nvmlShutdown)() };
    }
}
