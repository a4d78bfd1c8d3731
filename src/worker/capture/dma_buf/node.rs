//! From a device's number to the files through which it is used.
//!
//! A GPU has two nodes: its primary one (`card0`), which also sets modes, and a
//! render node (`renderD128`). A compositor may name either, and two numbers may be
//! one device, so numbers are looked up and never compared. Only render nodes are
//! used unasked: a device that has memory through its primary one alone
//! (virtio-gpu without a GPU behind it) only shows pictures, the compositor draws
//! them on the CPU, and nothing tells when one is finished.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

/// The render node of a device, if the system knows one.
pub(crate) fn of(device: u64) -> Option<PathBuf> {
    the_only(&siblings(device, Path::new(SYS)))
}

/// The render node of the only GPU there is; of several, none can be preferred.
pub(crate) fn of_the_only_gpu() -> Option<PathBuf> {
    the_only(&names_in(Path::new(DEV)))
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

fn the_only(names: &[String]) -> Option<PathBuf> {
    let mut nodes = names.iter().filter(|name| name.starts_with(RENDER));
    let node = nodes.next()?;
    nodes.next().is_none().then(|| Path::new(DEV).join(node))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_render_node_of_a_device_is_found_by_the_number_of_either_node() {
        let sys = tempfile::tempdir().unwrap();
        for (number, names) in [
            ("226:0", &["card0", "renderD128", "controlD64"][..]),
            ("226:128", &["card0", "renderD128", "controlD64"]),
            ("226:1", &["card1", "renderD129"]),
            ("226:2", &["card2"]),
        ] {
            for name in names {
                fs::create_dir_all(sys.path().join(number).join("device/drm").join(name)).unwrap();
            }
        }
        let node = |minor| the_only(&siblings(rustix::fs::makedev(226, minor), sys.path()));
        assert_eq!(node(0), Some("/dev/dri/renderD128".into()));
        assert_eq!(node(128), node(0));
        assert_eq!(node(1), Some("/dev/dri/renderD129".into()));
        assert_eq!((node(2), node(7)), (None, None), "one that only shows, and none");
        assert_eq!(the_only(&["renderD128".to_owned(), "renderD129".to_owned()]), None);
        assert_eq!(of(u64::MAX), None);
        assert!(is_same(3, 3) && !is_same(3, u64::MAX));
    }
}
