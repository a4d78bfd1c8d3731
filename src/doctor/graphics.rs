//! GPUs and encoders, by their device files and libraries.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::worker::encode::probe::{self, find_library, library_directories};

const AREA: &str = "graphics";

/// GPUs, then the four encoder families.
pub(super) fn examine() -> Vec<Finding> {
    vec![render_nodes(), nvenc(), vaapi(), vulkan(), software()]
}

fn render_nodes() -> Finding {
    let nodes = probe::render_nodes();
    let nvidia = Path::new("/dev/nvidiactl").exists();
    let name = "GPU";
    match (nodes.is_empty(), nvidia) {
        (true, false) => Finding::warn(
            AREA,
            name,
            "none: no /dev/dri/renderD*, no /dev/nvidiactl",
            "pictures are made and encoded on the CPU; in a container pass the GPU in (--device /dev/dri, or --gpus all)",
        ),
        (true, true) => Finding::warn(
            AREA,
            name,
            "NVIDIA without a render node",
            "load nvidia-drm with modeset=1, and in a container pass /dev/dri in and set NVIDIA_DRIVER_CAPABILITIES=all",
        ),
        (false, _) => Finding::ok(AREA, name, nodes.iter().map(|node| describe(node)).collect::<Vec<_>>().join(", ")),
    }
}

/// A render node with its kernel driver and whether we may use it.
fn describe(node: &Path) -> String {
    let name = node.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let driver = fs::read_link(format!("/sys/class/drm/{name}/device/driver"));
    let driver = driver.ok().and_then(|link| Some(link.file_name()?.to_string_lossy().into_owned()));
    let access = rustix::fs::access(node, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK);
    let access = if access.is_ok() { "" } else { " (no access: add yourself to the group render)" };
    format!("{} {}{access}", node.display(), driver.unwrap_or_else(|| "unknown driver".to_owned()))
}

fn nvenc() -> Finding {
    let missing: Vec<_> =
        ["libcuda.so.1", "libnvidia-encode.so.1"].into_iter().filter(|name| find_library(name).is_none()).collect();
    if missing.is_empty() {
        return Finding::ok(AREA, "encoder nvenc", "libraries found");
    }
    Finding::warn(
        AREA,
        "encoder nvenc",
        format!("not found: {}", missing.join(", ")),
        "on NVIDIA: apt-get install libnvidia-encode1 (from non-free), matching the kernel driver's version",
    )
}

fn vaapi() -> Finding {
    let libraries = find_library("libva.so.2").is_some() && find_library("libva-drm.so.2").is_some();
    let drivers: Vec<_> = library_directories()
        .flat_map(|directory| names(&directory.join("dri"), |name| name.ends_with("_drv_video.so")))
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().replace("_drv_video.so", "")))
        .collect();
    match (libraries, drivers.is_empty()) {
        (true, false) => Finding::ok(AREA, "encoder vaapi", format!("drivers: {}", drivers.join(", "))),
        (true, true) => Finding::warn(AREA, "encoder vaapi", "libva without a driver", VAAPI_DRIVERS),
        (false, _) => Finding::warn(AREA, "encoder vaapi", "not found: libva.so.2, libva-drm.so.2", VAAPI_DRIVERS),
    }
}

fn vulkan() -> Finding {
    let drivers: Vec<_> = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .flat_map(|directory| names(Path::new(directory), |name| name.ends_with(".json")))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    if find_library("libvulkan.so.1").is_some() && !drivers.is_empty() {
        return Finding::ok(AREA, "encoder vulkan", format!("drivers: {}", drivers.join(", ")));
    }
    Finding::warn(
        AREA,
        "encoder vulkan",
        "no Vulkan loader or no driver",
        "on AMD and Intel: apt-get install libvulkan1 mesa-vulkan-drivers",
    )
}

fn software() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Finding::ok(AREA, "encoder software", format!("built in (H.264, openh264), {cores} cores"))
}

/// Files of a directory whose name fits, in order.
fn names(directory: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(&fits)).map(|entry| entry.path()).collect();
    found.sort();
    found
}

const VAAPI_DRIVERS: &str = "on AMD: apt-get install mesa-va-drivers libva-drm2; on Intel: apt-get install intel-media-va-driver-non-free libva-drm2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_by_name() {
        assert!(find_library("libc.so.6").is_some());
        assert!(find_library("libno-such-thing.so.1").is_none());
    }
}
