//! GPUs as the kernel lists them: `/sys/class/drm/card*/device`.
//!
//! amdgpu tells of memory and load there (the kernel's documentation, "AMDGPU Driver
//! Misc"); other drivers tell nothing without being asked, and are listed with that.

use std::fs;
use std::path::Path;

use crate::ipc::gpu_report::{Gpu, GpuVendor};

/// All GPUs of vendors whose GPUs encode, in the order of the bus.
pub(super) fn gpus() -> Vec<Gpu> {
    gpus_in(Path::new("/sys/class/drm"))
}

fn gpus_in(class: &Path) -> Vec<Gpu> {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let cards = entries.filter(|entry| is_card(&entry.file_name().to_string_lossy()));
    let mut gpus: Vec<_> = cards.filter_map(|entry| gpu(&entry.path().join("device"))).collect();
    gpus.sort_by(|one, other| one.bus_id.cmp(&other.bus_id));
    gpus
}

/// A card, and not one of its connectors (`card0-HDMI-A-1`).
fn is_card(name: &str) -> bool {
    name.strip_prefix("card")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn gpu(device: &Path) -> Option<Gpu> {
    let vendor = match read(device, "vendor")?.as_str() {
        "0x10de" => GpuVendor::Nvidia,
        "0x1002" => GpuVendor::Amd,
        "0x8086" => GpuVendor::Intel,
        _ => return None,
    };
    let link = |path: &Path| Some(fs::canonicalize(path).ok()?.file_name()?.to_string_lossy().into_owned());
    let memory_total_bytes = number(device, "mem_info_vram_total");
    Some(Gpu {
        name: read(device, "product_name").or_else(|| link(&device.join("driver"))).unwrap_or_default(),
        memory_total_bytes,
        memory_used_bytes: memory_total_bytes.and_then(|_| number(device, "mem_info_vram_used")),
        busy_percent: number(device, "gpu_busy_percent"),
        ..Gpu::unknown(vendor, link(device)?)
    })
}

fn read(device: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(device.join(file)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn number<T: std::str::FromStr>(device: &Path, file: &str) -> Option<T> {
    read(device, file)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read_and_the_rest_is_unknown() {
        let directory = tempfile::tempdir().unwrap();
        let class = directory.path();
        let device = |card: &str, bus: &str, files: &[(&str, &str)]| {
            let device = class.join("devices").join(bus);
            fs::create_dir_all(&device).unwrap();
            files.iter().for_each(|(file, text)| fs::write(device.join(file), text).unwrap());
            fs::create_dir_all(class.join(card)).unwrap();
            std::os::unix::fs::symlink(device, class.join(card).join("device")).unwrap();
        };
        let amd = [
            ("vendor", "0x1002\n"),
            ("mem_info_vram_total", "17163091968\n"),
            ("mem_info_vram_used", "1048576\n"),
            ("gpu_busy_percent", "12\n"),
        ];
        device("card1", "0000:03:00.0", &amd);
        device("card0", "0000:00:02.0", &[("vendor", "0x8086\n")]);
        device("card2", "0000:04:00.0", &[("vendor", "0x1a03\n")]);
        device("card0-HDMI-A-1", "0000:05:00.0", &[("vendor", "0x8086\n")]);
        device("renderD128", "0000:06:00.0", &[("vendor", "0x8086\n")]);
        let expected = [
            Gpu::unknown(GpuVendor::Intel, "0000:00:02.0".to_owned()),
            Gpu {
                memory_total_bytes: Some(17_163_091_968),
                memory_used_bytes: Some(1 << 20),
                busy_percent: Some(12),
                ..Gpu::unknown(GpuVendor::Amd, "0000:03:00.0".to_owned())
            },
        ];
        assert_eq!(gpus_in(class), expected);
        assert_eq!(gpus_in(&class.join("none")), []);
    }
}
