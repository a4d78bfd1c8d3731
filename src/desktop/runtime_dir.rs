//! The directories of one desktop.
//!
//! ```text
//! RUNTIME/desktops/NAME/               the host's: the desktop's user cannot write here
//!                       desktop.json   who runs in it (see `record`)
//!                       api.sock       its user's way to call the host
//!                       compositor/    generated configuration
//!                       run/           the desktop user's XDG_RUNTIME_DIR, 0700: sockets
//! ```
//!
//! The record must not be writable by what runs in the desktop: a host that
//! is root kills whom it names.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::spec::Identity;

/// A desktop's own directory.
#[derive(Debug)]
pub(super) struct RuntimeDir {
    directory: PathBuf,
}

/// Why a desktop has no directories.
#[derive(Debug, thiserror::Error)]
pub enum MakeDirectoryError {
    /// The name would be a path, or is too long.
    #[error("desktop name {0:?} must be 1 to 64 letters, digits, '-', '_' or '.', and not start with '.'")]
    Name(String),
    /// A desktop of this name exists.
    #[error("desktop directory {0} exists already")]
    Exists(PathBuf),
    /// Socket paths below it would not fit into a socket address.
    #[error("{0} is too long a path for sockets (at most {MAX_PATH} bytes): choose a shorter runtime directory")]
    TooLong(PathBuf),
    /// The home directory is somebody else's.
    #[error("home directory {path} belongs to user {owner}, but the desktop runs as user {wanted}")]
    HomeOwner {
        /// The home directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who should own it.
        wanted: u32,
    },
    /// The system said no.
    #[error("cannot make {path}: {source}")]
    Io {
        /// What was to be made.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RuntimeDir {
    /// Makes the directories of desktop `name`.
    pub(super) fn create(root: &Path, name: &str, owner: Option<&Identity>) -> Result<Self, MakeDirectoryError> {
        if !is_valid(name) {
            return Err(MakeDirectoryError::Name(name.to_owned()));
        }
        let desktops = desktops(root);
        make_path(&desktops, 0o711)?;
        let desktops = desktops.canonicalize().map_err(failed(&desktops))?;
        let directory = desktops.join(name);
        if directory.as_os_str().len() > MAX_PATH {
            return Err(MakeDirectoryError::TooLong(directory));
        }
        DirBuilder::new().mode(0o711).create(&directory).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => MakeDirectoryError::Exists(directory.clone()),
            _ => MakeDirectoryError::Io { path: directory.clone(), source },
        })?;
        let made = Self { directory };
        let inner = make_directory(&made.config(), 0o711).and_then(|()| make_owned(&made.run(), owner));
        inner.inspect_err(|_| made.remove())?;
        Ok(made)
    }

    /// Those of a desktop that an earlier host left.
    pub(super) const fn existing(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The desktop's own directory.
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// `XDG_RUNTIME_DIR`.
    pub(super) fn run(&self) -> PathBuf {
        self.directory.join("run")
    }

    /// Generated configuration of the compositor.
    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("compositor")
    }

    /// Removes all of it. Does not follow links, whatever the desktop's user
    /// left there.
    pub(super) fn remove(&self) {
        remove(&self.directory);
    }
}

/// Where all desktops of a host are.
pub(super) fn desktops(root: &Path) -> PathBuf {
    root.join("desktops")
}

/// Name of the desktop that a socket in its `XDG_RUNTIME_DIR` belongs to.
pub(super) fn name_behind(socket: &Path) -> Option<&str> {
    socket.parent()?.parent()?.file_name()?.to_str()
}

/// Removes a directory with all it holds; a failure is logged.
pub(super) fn remove(directory: &Path) {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(?directory, %error, "directory not removed");
        }
        _ => {}
    }
}

/// Makes a home directory that outlives the desktop, or checks its owner.
pub(super) fn prepare_home(home: &Path, owner: Option<&Identity>) -> Result<(), MakeDirectoryError> {
    if let Some(parent) = home.parent() {
        make_path(parent, 0o711)?;
    }
    match fs::metadata(home) {
        Err(_) => make_owned(home, owner),
        Ok(metadata) => match owner {
            Some(owner) if metadata.uid() != owner.uid => {
                Err(MakeDirectoryError::HomeOwner { path: home.to_owned(), owner: metadata.uid(), wanted: owner.uid })
            }
            _ => Ok(()),
        },
    }
}

/// Makes a directory with its parents; leaves those that exist as they are.
pub(super) fn make_path(path: &Path, mode: u32) -> Result<(), MakeDirectoryError> {
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed(path))
}

fn make_directory(path: &Path, mode: u32) -> Result<(), MakeDirectoryError> {
    let made = DirBuilder::new().mode(mode).create(path);
    // The file mode creation mask may have taken bits away.
    made.and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode))).map_err(failed(path))
}

fn make_owned(path: &Path, owner: Option<&Identity>) -> Result<(), MakeDirectoryError> {
    make_directory(path, 0o700)?;
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)).map_err(failed(path)),
        None => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> MakeDirectoryError {
    let path = path.to_owned();
    move |source| MakeDirectoryError::Io { path, source }
}

fn is_valid(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

/// 107 bytes of `sun_path` (unix(7)) less the longest socket below, in bytes:
/// `/run/pulse.socket` and as much again for what programs put there.
const MAX_PATH: usize = 107 - 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_private_and_vanish() {
        let root = tempfile::tempdir().unwrap();
        let made = RuntimeDir::create(root.path(), "1-abc", None).unwrap();
        assert_eq!(fs::metadata(made.run()).unwrap().mode() & 0o777, 0o700);
        std::os::unix::fs::symlink("/etc", made.run().join("link")).unwrap();
        let again = RuntimeDir::create(root.path(), "1-abc", None);
        assert!(matches!(again, Err(MakeDirectoryError::Exists(_))));
        made.remove();
        assert!(!made.path().exists() && Path::new("/etc/passwd").exists());
    }

    #[test]
    fn names_cannot_leave_the_directory() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", "..", "../x", "a/b", ".hidden", "a b", &"x".repeat(65)] {
            let made = RuntimeDir::create(root.path(), name, None);
            assert!(matches!(made, Err(MakeDirectoryError::Name(_))), "{name}");
        }
        let deep = root.path().join("d".repeat(70));
        assert!(matches!(RuntimeDir::create(&deep, "a", None), Err(MakeDirectoryError::TooLong(_))));
    }

    #[test]
    fn a_home_stays_and_must_be_the_users() {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().join("homes/client/app");
        prepare_home(&home, None).unwrap();
        fs::write(home.join("saved"), "x").unwrap();
        prepare_home(&home, None).unwrap();
        let stranger = Identity { uid: 4_000_000, gid: 4_000_000, groups: Vec::new() };
        assert!(matches!(prepare_home(&home, Some(&stranger)), Err(MakeDirectoryError::HomeOwner { .. })));
        assert!(home.join("saved").exists());
    }
}
