//! One end of the `SOCK_SEQPACKET` pair: messages in and out, with descriptors.

use std::fs::Permissions;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, UCred, accept_with, bind, connect, listen, recvmsg, sendmsg,
    socket_with, socketpair, sockopt::socket_peercred,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One end. Not blocking: `WouldBlock` says that the other end is slow, and no
/// sender here ever waits for the other process.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
}

impl Channel {
    /// Two connected ends.
    ///
    /// # Errors
    /// What `socketpair` reports.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self { socket: a }, Self { socket: b }))
    }

    /// An end to whoever listens at `path`. A local connection is made at once or
    /// not at all.
    ///
    /// # Errors
    /// What `socket` and `connect` report.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = new_socket()?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self { socket })
    }

    /// Who is at the other end: process and user.
    ///
    /// # Errors
    /// What `getsockopt` reports.
    pub fn peer(&self) -> io::Result<UCred> {
        Ok(socket_peercred(&self.socket)?)
    }

    /// The end behind an inherited descriptor.
    #[must_use]
    pub const fn from_fd(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Gives the descriptor away, for a child's standard input.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.socket
    }

    /// Sends one message with at most one descriptor.
    ///
    /// # Errors
    /// `WouldBlock` if the other end does not keep up, `BrokenPipe` if it is
    /// gone, `InvalidInput` if the message is larger than [`MAX_MESSAGE`].
    pub fn send<M: Serialize>(&self, message: &M, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let bytes = encode(message)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = descriptor.into_iter().collect();
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Takes one message with its descriptor; `None` at the end of the channel.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there, `InvalidData` for a message this
    /// version does not know.
    pub fn receive<M: DeserializeOwned>(&self) -> io::Result<Option<(M, Option<OwnedFd>)>> {
        let mut bytes = vec![0; MAX_MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes == 0 {
            return Ok(None);
        }
        let descriptor = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
                _ => None,
            })
            .next();
        Ok(Some((decode(&bytes[..received.bytes])?, descriptor)))
    }
}

/// A place where the other ends of channels come to; its file goes when this
/// value is dropped.
#[derive(Debug)]
pub struct ChannelListener {
    socket: OwnedFd,
    path: PathBuf,
    /// Device and inode of our file, to leave a successor's alone.
    file: (u64, u64),
}

impl ChannelListener {
    /// Listens at `path`, in place of whoever did before, for our own user alone:
    /// there is no moment at which others could connect.
    ///
    /// # Errors
    /// What the system reports.
    pub fn bind(path: &Path) -> io::Result<Self> {
        // Short, because a socket's path has 108 bytes at most.
        let temporary = path.with_file_name(format!(".{}", std::process::id()));
        let _ = std::fs::remove_file(&temporary);
        let socket = new_socket()?;
        bind(&socket, &SocketAddrUnix::new(&temporary)?)?;
        std::fs::set_permissions(&temporary, Permissions::from_mode(0o600))?;
        listen(&socket, BACKLOG)?;
        std::fs::rename(&temporary, path)?;
        Ok(Self { socket, path: path.to_owned(), file: file_id(path)? })
    }

    /// Whether nobody has listened at the path since.
    #[must_use]
    pub fn is_current(&self) -> bool {
        file_id(&self.path).is_ok_and(|file| file == self.file)
    }

    /// The next end, if one is waiting.
    ///
    /// # Errors
    /// `WouldBlock` if none is; what else `accept` reports.
    pub fn accept(&self) -> io::Result<Channel> {
        let socket = accept_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        Ok(Channel { socket })
    }
}

impl AsFd for ChannelListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for ChannelListener {
    fn drop(&mut self) {
        if self.is_current() {
            // If it cannot be removed, the next one replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

fn new_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

// tokio's AsyncFd asks for it.
impl AsRawFd for Channel {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// A message as it crosses.
///
/// # Errors
/// `InvalidInput` if it is larger than [`MAX_MESSAGE`].
pub fn encode<M: Serialize>(message: &M) -> io::Result<Vec<u8>> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    if bytes.len() > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "IPC message too long"));
    }
    Ok(bytes)
}

/// A message as it arrived, from a peer that may be broken.
///
/// # Errors
/// `InvalidData` for anything but exactly one message.
pub fn decode<M: DeserializeOwned>(bytes: &[u8]) -> io::Result<M> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("IPC message: {what}"));
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(invalid(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(invalid(error.to_string())),
    }
}

/// Ends that may wait to be taken.
const BACKLOG: i32 = 16;

/// Largest message in bytes. The largest real one, `Start`, is under 1 KiB.
const MAX_MESSAGE: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::message::{MediaKind, ToWorker};

    #[test]
    fn a_message_arrives_with_its_descriptor() {
        let (host, worker) = Channel::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        host.send(&ToWorker::Socket(MediaKind::Video), Some(file.as_fd())).unwrap();
        let (message, descriptor) = worker.receive::<ToWorker>().unwrap().unwrap();
        assert_eq!(message, ToWorker::Socket(MediaKind::Video));
        assert!(descriptor.is_some());
    }

    #[test]
    fn a_closed_end_reads_as_none_and_a_silent_one_would_block() {
        let (host, worker) = Channel::pair().unwrap();
        assert_eq!(worker.receive::<ToWorker>().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(host);
        assert!(worker.receive::<ToWorker>().unwrap().is_none());
    }

    #[test]
    fn a_peer_that_does_not_read_never_blocks_the_sender() {
        let (host, _worker) = Channel::pair().unwrap();
        let blocked = (0..100_000).find_map(|_| host.send(&ToWorker::RequestIdr, None).err());
        assert_eq!(blocked.unwrap().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn garbage_is_invalid_data() {
        let (host, worker) = Channel::pair().unwrap();
        host.send(&vec![0xffu8; 40], None).unwrap();
        assert_eq!(worker.receive::<ToWorker>().unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut two = encode(&ToWorker::RequestIdr).unwrap();
        two.extend(encode(&ToWorker::Stop).unwrap());
        assert_eq!(decode::<ToWorker>(&two).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_listener_is_private_and_leaves_its_successor_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let first = ChannelListener::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let caller = Channel::connect(&path).unwrap();
        let called = first.accept().unwrap();
        assert_eq!(called.peer().unwrap().pid, rustix::process::getpid());
        caller.send(&ToWorker::Stop, None).unwrap();
        assert_eq!(called.receive::<ToWorker>().unwrap().unwrap().0, ToWorker::Stop);
        let second = ChannelListener::bind(&path).unwrap();
        drop(first);
        assert!(Channel::connect(&path).is_ok());
        drop(second);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
