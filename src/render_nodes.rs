//! Render nodes of GPUs and what the kernel says of them, without opening any: the
//! kernel answers from what it knows of the bus, and asks no driver.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use crate::gpu::{GpuAddress, bus_id};

/// A GPU that programs may draw and encode on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderNode {
    /// Its node, and its place on the bus if it is on one.
    pub address: GpuAddress,
    /// Its maker's PCI number.
    pub vendor: Option<u32>,
}

/// Paths of render nodes: those that the environment names in [`RENDER_NODES`], or all.
#[must_use]
pub fn render_nodes() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(RENDER_NODES).filter(|named| !named.is_empty()) {
        return std::env::split_paths(&named).collect();
    }
    let Ok(entries) = fs::read_dir("/dev/dri") else { return Vec::new() };
    let is_node = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("renderD"))
    };
    let mut nodes: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_node).collect();
    nodes.sort();
    nodes
}

/// The same, with what the kernel says of each.
#[must_use]
pub fn all() -> Vec<RenderNode> {
    render_nodes().into_iter().map(|path| describe(path, Path::new(SYS))).collect()
}

/// The render node of the GPU at a place on the bus, if it has one that may be used.
#[must_use]
pub fn at(place: &str) -> Option<PathBuf> {
    all().into_iter().find(|node| node.address.bus_id.as_deref() == Some(place))?.address.render_node
}

/// The device that `path` is a node of: by its number, because a path may be a link.
fn describe(path: PathBuf, sys: &Path) -> RenderNode {
    let number = fs::metadata(&path).map(|metadata| metadata.rdev()).unwrap_or_default();
    let device = sys.join(format!("{}:{}/device", major(number), minor(number)));
    let place = fs::canonicalize(&device).ok().and_then(|device| bus_id(device.file_name()?.to_str()?));
    let vendor = fs::read_to_string(device.join("vendor")).ok();
    let vendor = vendor.and_then(|vendor| u32::from_str_radix(vendor.trim().strip_prefix("0x")?, 16).ok());
    RenderNode { address: GpuAddress { bus_id: place, render_node: Some(path) }, vendor }
}

/// Environment variable with the paths of the render nodes to use, in their order,
/// separated by colons.
pub const RENDER_NODES: &str = "EARTHSHINE_RENDER_NODES";

/// Where the kernel lists devices by number.
const SYS: &str = "/sys/dev/char";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_node_is_known_by_its_device_whatever_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let (sys, device) = (directory.path().join("sys"), directory.path().join("pci/0000:41:00.0"));
        // /dev/null stands for a node: its number is 1:3 everywhere.
        fs::create_dir_all(sys.join("1:3")).unwrap();
        fs::create_dir_all(&device).unwrap();
        fs::write(device.join("vendor"), "0x1002\n").unwrap();
        symlink(&device, sys.join("1:3/device")).unwrap();
        let link = directory.path().join("renderD200");
        symlink("/dev/null", &link).unwrap();
        for path in [Path::new("/dev/null"), &link] {
            let node = describe(path.to_owned(), &sys);
            assert_eq!(node.address.bus_id.as_deref(), Some("0000:41:00.0"));
            assert_eq!((node.address.render_node.as_deref(), node.vendor), (Some(path), Some(0x1002)));
        }
        let unknown = describe("/dev/zero".into(), &sys);
        assert_eq!((unknown.address, unknown.vendor), (GpuAddress::of_node("/dev/zero"), None));
        assert_eq!(describe("/nonexistent".into(), &sys).address, GpuAddress::of_node("/nonexistent"));
    }
}
