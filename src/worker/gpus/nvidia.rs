//! NVIDIA's GPUs, by its management library. It stays open from round to round: to
//! open it takes a while, and while it is open the GPUs stay initialized.

use std::collections::BTreeMap;
use std::path::Path;

use earthshine_ffi::nvml::{Device, Nvml, NvmlError};

use crate::gpu::bus_id;
use crate::ipc::gpu_report::{Gpu, GpuVendor};
use crate::vendor_libraries::find_library;

/// The library, once it could be opened.
#[derive(Debug, Default)]
pub(super) struct Nvidia {
    open: Option<Nvml>,
    /// What each GPU is, by its number: one that is lost tells not even that.
    names: BTreeMap<u32, Gpu>,
}

impl Nvidia {
    /// What it knows, and what went wrong.
    pub(super) fn ask(&mut self) -> (Vec<Gpu>, String) {
        let nvml = match self.open.take().map_or_else(Nvml::open, Ok) {
            Ok(nvml) => nvml,
            Err(_) if !is_expected() => return (Vec::new(), String::new()),
            Err(error) => return (Vec::new(), error.to_string()),
        };
        match nvml.count() {
            Ok(count) => {
                let version = nvml.driver_version().ok();
                let gpus = (0..count).map(|index| self.ask_gpu(&nvml, index, version.clone())).collect();
                self.open = Some(nvml);
                (gpus, String::new())
            }
            // Opened anew in the next round.
            Err(error) => (Vec::new(), error.to_string()),
        }
    }

    fn ask_gpu(&mut self, nvml: &Nvml, index: u32, driver_version: Option<String>) -> Gpu {
        let device = nvml.device(index).and_then(|device| self.remember(index, &device).map(|()| device));
        let unknown = || Gpu::unknown(GpuVendor::Nvidia, format!("nvidia {index}"));
        let named = self.names.get(&index).cloned().unwrap_or_else(unknown);
        let mut gpu = Gpu { driver_version, ..named };
        if let Err(error) = device.and_then(|device| describe(&device, &mut gpu)) {
            gpu.error = error.to_string();
        }
        gpu
    }

    fn remember(&mut self, index: u32, device: &Device<'_>) -> Result<(), NvmlError> {
        let place = device.bus_id()?;
        let bus_id = bus_id(&place).unwrap_or(place);
        let (name, uuid) = (device.name()?, Some(device.uuid()?));
        self.names.insert(index, Gpu { name, uuid, ..Gpu::unknown(GpuVendor::Nvidia, bus_id) });
        Ok(())
    }
}

/// Whether there should be a GPU: on a machine without one, a library that is missing
/// is no error.
fn is_expected() -> bool {
    Path::new("/dev/nvidiactl").exists() || find_library("libnvidia-ml.so.1").is_some()
}

/// Fills in what a GPU tells, up to what goes wrong: a GPU that is lost tells
/// nothing more.
fn describe(device: &Device<'_>, gpu: &mut Gpu) -> Result<(), NvmlError> {
    let memory = device.memory()?;
    gpu.memory_total_bytes = memory.map(|memory| memory.total);
    gpu.memory_used_bytes = memory.map(|memory| memory.used);
    gpu.busy_percent = device.utilization()?;
    gpu.encoder_percent = device.encoder_utilization()?;
    if let Some(stats) = device.encoder_stats()? {
        gpu.encoder_sessions = Some(stats.sessions);
        gpu.encoder_average_fps = Some(stats.average_fps);
        gpu.encoder_average_latency_microseconds = Some(stats.average_latency_us);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_library_has_no_gpu_or_says_why() {
        let (gpus, error) = Nvidia::default().ask();
        assert!(gpus.is_empty() || error.is_empty(), "{gpus:?} {error}");
        assert!(is_expected() || (gpus.is_empty() && error.is_empty()), "{gpus:?} {error}");
    }
}
