//! From a device's number to the files through which it is used.
//!
//! A GPU has two nodes: its primary one (`card0`), which also sets modes, and
//! usually a render node (`renderD128`). A compositor may name either, and two
//! numbers may be one device, so numbers are looked up and never compared. The
//! render node is tried first; a device that only shows pictures (virtio-gpu
//! without a GPU behind it) has memory through its primary one alone.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

/// Nodes of a device, the render node first; empty if the system knows none.
pub(crate) fn nodes_of(device: u64) -> Vec<PathBuf> {
    nodes_in(&siblings(device, Path::new(SYS)), Path::new(DEV))
}

/// All nodes of the only GPU there is; empty if there are several, of which none
/// can be preferred, or none.
pub(crate) fn nodes_of_the_only_gpu() -> Vec<PathBuf> {
    let names = names_in(Path::new(DEV));
    let of_kind = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
    if of_kind(RENDER) > 1 || of_kind(PRIMARY) > 1 {
        return Vec::new();
    }
    nodes_in(&names, Path::new(DEV))
}

/// Whether two numbers are of one device.
pub(crate) fn is_same(one: u64, other: u64) -> bool {
    let sys = Path::new(SYS);
    one == other || siblings(one, sys).iter().any(|name| siblings(other, sys).contains(name))
}

/// Names of a device's nodes.
fn siblings(device: u64, sys: &Path) -> Vec<String> {
    names_in(&sys.join(format!("{}:{}/device/drm", major(device), minor(device))))
}

fn nodes_in(names: &[String], dev: &Path) -> Vec<PathBuf> {
    let of_kind = |prefix: &'static str| names.iter().filter(move |name| name.starts_with(prefix));
    of_kind(RENDER).chain(of_kind(PRIMARY)).map(|name| dev.join(name)).collect()
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Where the kernel lists devices by number.
const SYS: &str = "/sys/dev/char";
const DEV: &str = "/dev/dri";
const RENDER: &str = "renderD";
const PRIMARY: &str = "card";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_nodes_of_a_device_are_found_by_the_number_of_either() {
        let sys = tempfile::tempdir().unwrap();
        for (number, names) in
            [("226:0", ["card0", "renderD128", "controlD64"]), ("226:1", ["card1", "renderD129", "version"])]
        {
            for name in names {
                fs::create_dir_all(sys.path().join(number).join("device/drm").join(name)).unwrap();
            }
        }
        let nodes = |minor| nodes_in(&siblings(rustix::fs::makedev(226, minor), sys.path()), Path::new("/dev/dri"));
        assert_eq!(nodes(0), [Path::new("/dev/dri/renderD128"), Path::new("/dev/dri/card0")]);
        assert_eq!(nodes(1), [Path::new("/dev/dri/renderD129"), Path::new("/dev/dri/card1")]);
        assert!(nodes(7).is_empty());
        assert!(nodes_of(u64::MAX).is_empty());
        assert!(is_same(3, 3) && !is_same(3, u64::MAX));
    }
}
