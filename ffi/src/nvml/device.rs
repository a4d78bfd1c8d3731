//! A GPU, and what it tells. What a GPU does not know is `None`; everything else
//! that it does not say is an error of that GPU.

use std::ffi::CStr;

use super::error::NvmlError;
use super::functions::{RawDevice, RawMemory, RawPciInfo, RawUtilization};
use super::library::Nvml;

/// A GPU; valid while the library is open.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    library: &'a Nvml,
    raw: RawDevice,
}

/// Memory of a GPU, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What programs have, and what the driver keeps for itself.
    pub used: u64,
}

/// What encodes on a GPU, of all programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderStats {
    /// Open encode sessions.
    pub sessions: u32,
    /// Frames per second of all sessions, on average.
    pub average_fps: u32,
    /// Microseconds that a frame takes, on average.
    pub average_latency_us: u32,
}

impl<'a> Device<'a> {
    pub(super) const fn new(library: &'a Nvml, raw: RawDevice) -> Self {
        Self { library, raw }
    }

    /// Name of the product.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn name(&self) -> Result<String, NvmlError> {
        self.library.text("nvmlDeviceGetName", |text, length| {
            // SAFETY: the handle is this library's; writes a string of `length` bytes
            // at most, zero included.
            unsafe { (self.library.functions().nvmlDeviceGetName)(self.raw, text, length) }
        })
    }

    /// Unique name, like `GPU-` and a UUID.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn uuid(&self) -> Result<String, NvmlError> {
        self.library.text("nvmlDeviceGetUUID", |text, length| {
            // SAFETY: as for the name.
            unsafe { (self.library.functions().nvmlDeviceGetUUID)(self.raw, text, length) }
        })
    }

    /// Where on the bus, like `00000000:01:00.0`.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn bus_id(&self) -> Result<String, NvmlError> {
        let mut info = RawPciInfo {
            legacy_bus_id: [0; 16],
            domain: 0,
            bus: 0,
            device: 0,
            device_id: 0,
            subsystem_id: 0,
            bus_id: [0; 32],
        };
        // SAFETY: the handle is this library's; writes one structure.
        let status = unsafe { (self.library.functions().nvmlDeviceGetPciInfo_v3)(self.raw, &raw mut info) };
        self.library.check("nvmlDeviceGetPciInfo", status)?;
        let text = CStr::from_bytes_until_nul(&info.bus_id).unwrap_or_default();
        Ok(text.to_string_lossy().into_owned())
    }

    /// Memory; `None` of a GPU that has none of its own.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn memory(&self) -> Result<Option<Memory>, NvmlError> {
        let mut memory = RawMemory::default();
        // SAFETY: the handle is this library's; writes one structure.
        let status = unsafe { (self.library.functions().nvmlDeviceGetMemoryInfo)(self.raw, &raw mut memory) };
        let known = self.unless_unsupported("nvmlDeviceGetMemoryInfo", status)?;
        Ok(known.then_some(Memory { total: memory.total, used: memory.used }))
    }

    /// Percent of the time in which something ran on it.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn utilization(&self) -> Result<Option<u32>, NvmlError> {
        let mut utilization = RawUtilization::default();
        // SAFETY: as for the memory.
        let status =
            unsafe { (self.library.functions().nvmlDeviceGetUtilizationRates)(self.raw, &raw mut utilization) };
        let known = self.unless_unsupported("nvmlDeviceGetUtilizationRates", status)?;
        Ok(known.then_some(utilization.gpu))
    }

    /// Percent of the time in which its encode engines worked.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn encoder_utilization(&self) -> Result<Option<u32>, NvmlError> {
        let (mut percent, mut period) = (0, 0);
        let ask = self.library.functions().nvmlDeviceGetEncoderUtilization;
        // SAFETY: the handle is this library's; writes two integers.
        let status = unsafe { ask(self.raw, &raw mut percent, &raw mut period) };
        Ok(self.unless_unsupported("nvmlDeviceGetEncoderUtilization", status)?.then_some(percent))
    }

    /// What encodes on it.
    ///
    /// # Errors
    /// [`NvmlError`].
    pub fn encoder_stats(&self) -> Result<Option<EncoderStats>, NvmlError> {
        let (mut sessions, mut average_fps, mut average_latency_us) = (0, 0, 0);
        let ask = self.library.functions().nvmlDeviceGetEncoderStats;
        // SAFETY: the handle is this library's; writes three integers.
        let status = unsafe { ask(self.raw, &raw mut sessions, &raw mut average_fps, &raw mut average_latency_us) };
        let known = self.unless_unsupported("nvmlDeviceGetEncoderStats", status)?;
        Ok(known.then_some(EncoderStats { sessions, average_fps, average_latency_us }))
    }

    /// Whether there is an answer.
    fn unless_unsupported(&self, call: &'static str, status: u32) -> Result<bool, NvmlError> {
        if status == NvmlError::NOT_SUPPORTED {
            return Ok(false);
        }
        self.library.check(call, status)?;
        Ok(true)
    }
}
