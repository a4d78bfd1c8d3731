//! The API's Unix socket: private from its first moment, and never taken from
//! a host that lives.
//!
//! Whoever can open it can pair clients and end streams, so it is bound under
//! a temporary name, made 0600, and renamed into place: there is no moment at
//! which others could connect.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::host::adoption::keeper::{Inherited, Keeper};

/// A listening API socket; its file goes when this value is dropped.
#[derive(Debug)]
pub struct ApiSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of our file, to leave another host's alone.
    file: (u64, u64),
}

impl ApiSocket {
    /// Listens at `path`. A socket that nobody answers on any more is
    /// replaced. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`BindApiError`].
    pub fn bind(path: &Path) -> Result<Self, BindApiError> {
        refuse_if_taken(path)?;
        Self::bind_and_rename(path).map_err(|source| BindApiError::Bind { path: path.into(), source })
    }

    /// Goes on with the socket at `path` that an earlier host listened on; `None`
    /// if that is another one. Needs a tokio runtime.
    #[must_use]
    pub(crate) fn adopt(path: &Path, inherited: &mut Inherited) -> Option<Self> {
        let file = file_id(path).ok()?;
        let listener = StdUnixListener::from(inherited.take(&kept_name(file))?);
        listener.set_nonblocking(true).ok()?;
        Some(Self { listener: UnixListener::from_std(listener).ok()?, path: path.into(), file })
    }

    /// Has it held for another host.
    pub(crate) fn keep(&self, keeper: &Keeper) {
        keeper.keep(kept_name(self.file), &self.listener);
    }

    /// Closes it and leaves its file: another host listens there.
    pub(crate) fn leave(mut self) {
        self.path = PathBuf::new();
    }

    /// The next caller.
    ///
    /// # Errors
    /// Whatever accept(2) says.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Where callers find it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn bind_and_rename(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent)?;
        }
        // Short, because a socket's path has 108 bytes at most.
        let temporary = path.with_file_name(format!(".{}", std::process::id()));
        remove_if_there(&temporary)?;
        let listener = UnixListener::bind(&temporary)?;
        let placed = std::fs::set_permissions(&temporary, Permissions::from_mode(0o600))
            .and_then(|()| std::fs::rename(&temporary, path))
            .and_then(|()| file_id(path));
        match placed {
            Ok(file) => Ok(Self { listener, path: path.into(), file }),
            Err(error) => {
                remove_if_there(&temporary)?;
                Err(error)
            }
        }
    }
}

impl Drop for ApiSocket {
    fn drop(&mut self) {
        if file_id(&self.path).is_ok_and(|file| file == self.file) {
            // If it cannot be removed, the next host replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Why there is no API.
#[derive(Debug, thiserror::Error)]
pub enum BindApiError {
    /// Somebody answers there.
    #[error("{} belongs to a running host; stop it, or start with another --api-socket", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has the name.
    #[error("{} exists and is not a socket; move it away, or start with another --api-socket", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot listen on {}: {source}; start with another --api-socket", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn refuse_if_taken(path: &Path) -> Result<(), BindApiError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(BindApiError::NotASocket { path: path.into() });
    }
    match StdUnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Also when its queue is full: somebody is there.
        Ok(_) | Err(_) => Err(BindApiError::InUse { path: path.into() }),
    }
}

/// The file tells sockets apart, wherever they are.
fn kept_name((device, inode): (u64, u64)) -> String {
    format!("API {device} {inode}")
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn socket_is_private_and_goes_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/api.sock");
        let socket = ApiSocket::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(socket.path(), path);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn living_host_keeps_its_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        let first = ApiSocket::bind(&path).unwrap();
        assert!(matches!(ApiSocket::bind(&path), Err(BindApiError::InUse { .. })));
        let call = StdUnixStream::connect(&path).unwrap();
        first.accept().await.unwrap();
        drop(call);
    }

    #[tokio::test]
    async fn socket_of_a_dead_host_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = ApiSocket::bind(&path).unwrap();
        StdUnixStream::connect(&path).unwrap();
        socket.accept().await.unwrap();
    }

    #[tokio::test]
    async fn files_and_successors_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("api.sock");
        std::fs::write(&path, b"precious").unwrap();
        assert!(matches!(ApiSocket::bind(&path), Err(BindApiError::NotASocket { .. })));
        std::fs::remove_file(&path).unwrap();

        let first = ApiSocket::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let second = ApiSocket::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
    }
}
