//! The directory with everything that outlives the host, owned by one host.
//!
//! Two hosts that write the same files would lose each other's pairings, so
//! the directory is locked with flock(2), which the kernel lets go of however
//! the host ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A locked state directory. The lock lives as long as this value.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Makes the directory (for its owner alone) if need be, and locks it.
    ///
    /// # Errors
    /// [`OpenStateDirError`].
    pub fn open(path: &Path) -> Result<Self, OpenStateDirError> {
        let failed = |source| OpenStateDirError::Unusable { path: path.into(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenStateDirError::InUse { path: path.into() }),
            Err(errno) => Err(failed(errno.into())),
        }
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenStateDirError {
    /// Another host has it.
    #[error("{} is in use by another running host; stop it, or start with another --state-dir", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("cannot use {} as state directory: {source}; make it writable or choose another --state-dir", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_host_is_refused_until_the_first_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/state");
        let first = StateDir::open(&path).unwrap();
        assert!(matches!(StateDir::open(&path), Err(OpenStateDirError::InUse { .. })));
        drop(first);
        assert_eq!(StateDir::open(&path).unwrap().file("x"), path.join("x"));
    }

    #[test]
    fn file_in_place_of_the_directory_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(StateDir::open(file.path()), Err(OpenStateDirError::Unusable { .. })));
    }
}
