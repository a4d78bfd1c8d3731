//! The driver, its devices, and a context on one of them.

use std::ffi::{CStr, c_char, c_int};
use std::rc::Rc;

use super::error::CudaError;
use super::functions::{Functions, RawContext};
use crate::dynamic_library::LoadError;

/// The loaded and initialized driver.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    functions: Functions,
}

/// A GPU that the driver sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    handle: c_int,
    /// Name of the product.
    pub name: String,
    /// The same in Vulkan: devices are matched by it.
    pub uuid: [u8; 16],
    /// Where on the bus, like `0000:01:00.0`.
    pub bus_id: String,
}

/// The driver is not there, or does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenDriverError {
    /// No library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No driver behind it.
    #[error(transparent)]
    Cuda(#[from] CudaError),
}

impl Driver {
    /// Opens the driver, which may hang: to be called where that hurts nobody.
    ///
    /// # Errors
    /// [`OpenDriverError`].
    pub fn open() -> Result<Self, OpenDriverError> {
        let driver = Self { functions: Functions::load()? };
        // SAFETY: takes an integer, which has to be 0.
        driver.check("cuInit", unsafe { (driver.functions.cuInit)(0) })?;
        Ok(driver)
    }

    /// Version of CUDA that the driver knows, like (12, 4).
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn version(&self) -> Result<(u32, u32), CudaError> {
        let mut version = 0;
        // SAFETY: writes one integer.
        self.check("cuDriverGetVersion", unsafe { (self.functions.cuDriverGetVersion)(&raw mut version) })?;
        let version = version.unsigned_abs();
        Ok((version / 1000, version % 1000 / 10))
    }

    /// All devices, in the driver's order. One that is broken is left out: the others
    /// work on.
    ///
    /// # Errors
    /// [`CudaError`], also if all of them are broken.
    pub fn devices(&self) -> Result<Vec<Device>, CudaError> {
        let mut count = 0;
        // SAFETY: writes one integer.
        self.check("cuDeviceGetCount", unsafe { (self.functions.cuDeviceGetCount)(&raw mut count) })?;
        let (mut devices, mut broken) = (Vec::new(), None);
        for ordinal in 0..count {
            match self.device(ordinal) {
                Ok(device) => devices.push(device),
                Err(error) => broken = Some(error),
            }
        }
        match broken {
            Some(error) if devices.is_empty() => Err(error),
            _ => Ok(devices),
        }
    }

    fn device(&self, ordinal: c_int) -> Result<Device, CudaError> {
        let (mut handle, mut uuid) = (0, [0; 16]);
        // SAFETY: writes one integer.
        self.check("cuDeviceGet", unsafe { (self.functions.cuDeviceGet)(&raw mut handle, ordinal) })?;
        // SAFETY: writes 16 bytes.
        self.check("cuDeviceGetUuid", unsafe { (self.functions.cuDeviceGetUuid)(&raw mut uuid, handle) })?;
        let name = self.text("cuDeviceGetName", |text, length| {
            // SAFETY: writes a string of `length` bytes at most, zero included.
            unsafe { (self.functions.cuDeviceGetName)(text, length, handle) }
        })?;
        let bus_id = self.text("cuDeviceGetPCIBusId", |text, length| {
            // SAFETY: the same.
            unsafe { (self.functions.cuDeviceGetPCIBusId)(text, length, handle) }
        })?;
        Ok(Device { handle, name, uuid, bus_id })
    }

    fn text(&self, call: &'static str, write: impl FnOnce(*mut c_char, c_int) -> u32) -> Result<String, CudaError> {
        let mut bytes = [0_u8; 256];
        let status = write(bytes.as_mut_ptr().cast(), 255);
        self.check(call, status)?;
        let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
        Ok(text.to_string_lossy().into_owned())
    }

    fn check(&self, call: &'static str, status: u32) -> Result<(), CudaError> {
        CudaError::check(&self.functions, call, status)
    }
}

/// A context: one stream's place on a device. It is current on the thread that
/// made it, and stays there (it is not `Send`); whatever is made in it keeps it.
#[derive(Debug)]
pub struct Context {
    functions: Functions,
    raw: RawContext,
}

impl Context {
    /// Makes a context of its own on a device: what goes wrong in another one of
    /// the same process cannot spoil it.
    ///
    /// # Errors
    /// [`CudaError`]; nothing stays.
    pub fn create(driver: &Driver, device: &Device) -> Result<Rc<Self>, CudaError> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: writes a handle; flags 0 (CU_CTX_SCHED_AUTO) are valid, and the
        // device came from this driver.
        let status = unsafe { (driver.functions.cuCtxCreate_v2)(&raw mut raw, 0, device.handle) };
        driver.check("cuCtxCreate", status)?;
        Ok(Rc::new(Self { functions: driver.functions, raw }))
    }

    pub(crate) const fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(crate) const fn raw(&self) -> RawContext {
        self.raw
    }

    pub(crate) fn check(&self, call: &'static str, status: u32) -> Result<(), CudaError> {
        CudaError::check(&self.functions, call, status)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by cuCtxCreate and destroyed once; everything made in it
        // holds an `Rc` of it and is gone.
        unsafe { (self.functions.cuCtxDestroy_v2)(self.raw) };
    }
}
