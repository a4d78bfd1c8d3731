//! X11 displays that compositors make for Xwayland.
//!
//! Their sockets and lock files live in `/tmp`, outside the desktop's own
//! directory, because X clients look nowhere else. A compositor that is killed
//! leaves both; each lock names its owner, so they can be told from others'.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::process::ProcessId;

/// Makes the directory of the sockets with the owner and mode that all users'
/// compositors accept: one made by the first desktop would be that user's.
pub(super) fn prepare(as_root: bool) {
    let directory = Path::new(SOCKETS);
    if as_root && !directory.exists() && DirBuilder::new().mode(0o777).create(directory).is_ok() {
        let _ = fs::set_permissions(directory, Permissions::from_mode(0o1777));
    }
}

/// Removes what dead compositors left.
pub(super) fn remove_left_over(compositors: &[ProcessId]) {
    let Ok(entries) = fs::read_dir("/tmp") else { return };
    for entry in entries.flatten() {
        let Some(number) = entry.file_name().to_str().and_then(display_number) else { continue };
        let owner = read_lock(&entry.path()).and_then(|text| lock_owner(&text));
        let dead = |compositor: &&ProcessId| Some(compositor.pid) == owner && ProcessId::of(compositor.pid).is_none();
        if compositors.iter().find(dead).is_some() {
            let _ = fs::remove_file(Path::new(SOCKETS).join(format!("X{number}")));
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn display_number(name: &str) -> Option<u32> {
    name.strip_prefix(".X")?.strip_suffix("-lock")?.parse().ok()
}

/// The start of a lock file. Anybody may put something of that name into `/tmp`:
/// a pipe that never ends or a link to elsewhere is not waited for or followed.
fn read_lock(path: &Path) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(LOCK_LEN).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Ten characters; X.org's ends with a line feed, wlroots' with a zero.
fn lock_owner(text: &str) -> Option<u32> {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').parse().ok()
}

const SOCKETS: &str = "/tmp/.X11-unix";
/// Bytes of a lock file that are looked at.
const LOCK_LEN: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_files_are_told_from_others() {
        assert_eq!(display_number(".X12-lock"), Some(12));
        assert_eq!(display_number(".X-lock"), None);
        assert_eq!(display_number(".X12"), None);
        assert_eq!(lock_owner("     12515\0"), Some(12515));
        assert_eq!(lock_owner("     12515\n"), Some(12515));
        assert_eq!(lock_owner("junk"), None);
    }
    #[test]
    fn a_pipe_or_a_link_in_place_of_a_lock_is_nobodys() {
        let directory = tempfile::tempdir().unwrap();
        let [pipe, link, lock] = ["pipe", "link", "lock"].map(|name| directory.path().join(name));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RWXU).unwrap();
        fs::write(&lock, "     12515\n").unwrap();
        std::os::unix::fs::symlink(&lock, &link).unwrap();
        assert_eq!(read_lock(&pipe), None);
        assert_eq!(read_lock(&link), None);
        assert_eq!(read_lock(&lock).as_deref(), Some("     12515\n"));
    }
}
