//! What each encoder family offers on this machine.
//!
//! Nothing here opens a driver or a library: the host process asks, and it
//! must not touch what can hang. Looking for files is all it does; whether a
//! GPU encoder really opens is known when a worker opens it.

use std::path::{Path, PathBuf};

use crate::codec::VideoProfile;
use crate::stream_plan::EncoderFamily;
use crate::worker::encode::{nvenc, software, vaapi, vulkan};

/// What one family offers here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyReport {
    /// Which family.
    pub family: EncoderFamily,
    /// What it encodes, or why it cannot.
    pub state: Result<Vec<VideoProfile>, Unavailable>,
    /// It works, but worse than it should, and why.
    pub degraded: Option<&'static str>,
}

/// Why a family cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The device is not there, or not passed into this container.
    #[error("not available here: no {looked_for}; pass the GPU to this machine or container")]
    NoDevice {
        /// Path that was looked for.
        looked_for: String,
    },
    /// The user-space driver is not installed.
    #[error("not available here: {name} was not found in the library paths; install the driver that has it")]
    NoLibrary {
        /// File name that was looked for.
        name: &'static str,
    },
    /// The machine could, this version cannot.
    #[error("not built into this version yet")]
    NotBuilt,
}

/// What every family offers here, in the order of the data sheet.
#[must_use]
pub fn families() -> Vec<FamilyReport> {
    let unavailable = |family, reason| FamilyReport { family, state: Err(reason), degraded: None };
    vec![
        unavailable(EncoderFamily::Nvenc, nvenc::why_not()),
        unavailable(EncoderFamily::Vaapi, vaapi::why_not()),
        unavailable(EncoderFamily::Vulkan, vulkan::why_not()),
        FamilyReport {
            family: EncoderFamily::Software,
            state: Ok(software::PROFILES.to_vec()),
            degraded: software::degraded(),
        },
    ]
}

/// Render nodes of GPUs, without opening them.
#[must_use]
pub fn render_nodes() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/dev/dri") else { return Vec::new() };
    let is_node = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("renderD"))
    };
    let mut nodes: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_node).collect();
    nodes.sort();
    nodes
}

/// Where the dynamic linker would probably find a library.
#[must_use]
pub fn find_library(name: &str) -> Option<PathBuf> {
    let configured = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    std::env::split_paths(&configured)
        .filter(|path| !path.as_os_str().is_empty())
        .chain(LIBRARY_PATHS.into_iter().map(PathBuf::from))
        .map(|directory: PathBuf| directory.join(name))
        .find(|path| Path::exists(path))
}

/// The default paths of Debian, Ubuntu, Fedora and NVIDIA's containers.
const LIBRARY_PATHS: [&str; 8] = [
    "/usr/local/lib",
    "/usr/local/nvidia/lib64",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_by_name() {
        assert!(find_library("libc.so.6").is_some());
        assert_eq!(find_library("libnothing-of-this-name.so.1"), None);
    }

    #[test]
    fn every_family_is_reported_once_with_a_reason_or_profiles() {
        let reports = families();
        assert_eq!(reports.len(), 4);
        let software = reports.iter().find(|report| report.family == EncoderFamily::Software).unwrap();
        assert_eq!(software.state.as_ref().unwrap(), &[VideoProfile::H264]);
    }
}
