//! The host's API as programs in the desktop reach it: a socket of the
//! desktop's own, for its user.
//!
//! It is in the host's part of the desktop's directories, so that the desktop's
//! user cannot put something else in its place while a host that is root gives
//! it away. Who calls is checked again when they connect, and what they may do
//! is for the host to say.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::runtime_dir::RuntimeDir;
use super::spec::Identity;

/// Names the socket to programs, as wolf-ui expects.
pub(super) const VARIABLE: &str = "WOLF_SOCKET_PATH";

/// Where it is.
pub(super) fn path(directories: &RuntimeDir) -> PathBuf {
    directories.path().join("api.sock")
}

/// Listens there, in place of whoever did before.
///
/// # Errors
/// What the system says.
pub(super) fn listen(path: &Path, owner: Option<&Identity>) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    if let Some(owner) = owner {
        chown(path, Some(owner.uid), Some(owner.gid))?;
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_is_its_users_alone_and_can_be_had_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("api.sock");
        let is_root = rustix::process::geteuid().is_root();
        let owner = is_root.then(|| Identity { uid: 41_000, gid: 41_000, groups: Vec::new() });
        let first = listen(&path, owner.as_ref()).unwrap();
        let _second = listen(&path, owner.as_ref()).unwrap();
        drop(first);
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o600);
        assert_eq!(metadata.uid(), owner.map_or(rustix::process::geteuid().as_raw(), |owner| owner.uid));
    }
}
