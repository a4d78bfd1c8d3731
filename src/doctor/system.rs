//! Permissions, limits and kernel features.

use std::path::Path;

use earthshine_ffi::scheduling::become_real_time;
use rustix::fs::{Access, access};
use rustix::process::{Resource, geteuid, getrlimit};

use super::Finding;
use crate::config::directories::Directories;
use crate::desktop::cgroup_parent;

const AREA: &str = "system";

/// User, directories, devices, limits, kernel.
pub(super) fn examine(directories: &Directories) -> Vec<Finding> {
    vec![
        user(),
        directory("state directory", &directories.state, "--state-dir"),
        directory("runtime directory", &directories.runtime, "--runtime-dir"),
        uinput(),
        cgroup(),
        kernel(),
        real_time(),
        // `serve` raises it as far as it may.
        limit(
            "open files",
            getrlimit(Resource::Nofile).maximum,
            4096,
            "ulimit -Hn 65536, or LimitNOFILE=65536 in the service",
        ),
        limit(
            "locked memory",
            getrlimit(Resource::Memlock).current,
            8 << 20,
            "ulimit -l unlimited, or LimitMEMLOCK=infinity in the service",
        ),
    ]
}

fn user() -> Finding {
    match geteuid().is_root() {
        true => Finding::ok(AREA, "user", "root: every client's desktops run as a user of their own"),
        false => Finding::warn(
            AREA,
            "user",
            format!("user {}: all clients' desktops run as this user", geteuid().as_raw()),
            "run as root to keep clients' files and processes apart",
        ),
    }
}

/// Looks at the directory, or at the nearest one above that exists.
fn directory(name: &str, path: &Path, option: &str) -> Finding {
    let nearest = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let usable = nearest.is_dir() && access(nearest, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    match usable {
        true => Finding::ok(AREA, name, path.display().to_string()),
        false => Finding::fail(
            AREA,
            name,
            format!("{} cannot be written ({})", path.display(), nearest.display()),
            format!("run as root, or choose another with {option}"),
        ),
    }
}

fn uinput() -> Finding {
    let path = "/dev/uinput";
    let advice = "gamepads need it: modprobe uinput; in a container --device /dev/uinput; as a user a udev rule for it";
    match access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Finding::ok(AREA, "uinput", path),
        Err(error) => Finding::warn(AREA, "uinput", format!("{path}: {error}"), advice),
    }
}

fn cgroup() -> Finding {
    let advice = "desktops are killed by looking for their processes; with systemd set Delegate=yes";
    match cgroup_parent() {
        Some(parent) if access(&parent, Access::WRITE_OK).is_ok() => {
            Finding::ok(AREA, "cgroup 2", format!("writable, {}", parent.display()))
        }
        Some(parent) => Finding::warn(AREA, "cgroup 2", format!("{} cannot be written", parent.display()), advice),
        None => Finding::warn(AREA, "cgroup 2", "not mounted", advice),
    }
}

fn kernel() -> Finding {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    match version(&release) {
        Some(version) if version >= NEEDED => {
            Finding::ok(AREA, "kernel", format!("{release}: UDP GSO, cgroup.kill, pidfd"))
        }
        _ => Finding::warn(
            AREA,
            "kernel",
            format!("{release}: older than {}.{}", NEEDED.0, NEEDED.1),
            "sending costs more and killing is less certain; use a newer kernel",
        ),
    }
}

/// Tried by a thread of its own, which ends at once.
fn real_time() -> Finding {
    let tried = std::thread::spawn(|| become_real_time(1)).join();
    match tried {
        Ok(Ok(())) => Finding::ok(AREA, "real time", "streams' threads may go before others"),
        Ok(Err(error)) => Finding::warn(
            AREA,
            "real time",
            format!("{error}: streams' threads wait for a processor like all others"),
            "run as root; LimitRTPRIO=1 and LimitNICE=-10 in the service; in a container --cap-add=SYS_NICE; as a user ulimit -r 1",
        ),
        Err(_) => Finding::warn(AREA, "real time", "unknown", "a thread could not be started"),
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn limit(name: &str, limit: Option<u64>, wanted: u64, advice: &str) -> Finding {
    match limit {
        Some(limit) if limit < wanted => {
            Finding::warn(AREA, name, format!("{limit}, {wanted} would be better"), advice)
        }
        Some(limit) => Finding::ok(AREA, name, limit.to_string()),
        None => Finding::ok(AREA, name, "unlimited"),
    }
}

/// `cgroup.kill` is the newest we use (5.14); UDP GSO is of 4.18, pidfd of 5.3.
const NEEDED: (u32, u32) = (5, 14);

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn kernel_releases_are_compared_by_number() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.4.0"), Some((5, 4)));
        assert!(version("5.4.0") < Some(NEEDED) && version("10.0") > Some(NEEDED));
        assert_eq!(version("junk"), None);
    }

    #[test]
    fn a_file_is_no_directory_to_use() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(directory("d", &file.path().join("below"), "--x").verdict, Verdict::Fail);
        let good = tempfile::tempdir().unwrap();
        assert_eq!(directory("d", &good.path().join("a/b"), "--x").verdict, Verdict::Ok);
    }
}
