//! Memory that two processes see: the counters page and shared-memory frames.
//!
//! Both rest on sealed memfds. The seals matter: a peer that could shrink the
//! file would turn our next read into SIGBUS.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// A page of 64-bit counters that one process writes and another reads.
///
/// All access is atomic, so a reader sees old or new values, never torn ones,
/// and the values outlive the writer however it dies.
#[derive(Debug)]
pub struct SharedCounters {
    mapping: Mapping,
}

impl SharedCounters {
    /// A new page of `words` zeroed counters.
    ///
    /// # Errors
    /// What `memfd_create`, `ftruncate`, `fcntl` or `mmap` report.
    pub fn create(words: usize) -> io::Result<Self> {
        Ok(Self { mapping: Mapping::create(c"earthshine-counters", words * size_of::<AtomicU64>())? })
    }

    /// The page behind a descriptor made by [`SharedCounters::create`] in
    /// another process.
    ///
    /// # Errors
    /// `InvalidData` if the file is smaller than `words` counters or could be
    /// shrunk by its maker; otherwise what `fstat`, `fcntl` or `mmap` report.
    pub fn from_fd(fd: OwnedFd, words: usize) -> io::Result<Self> {
        Ok(Self { mapping: Mapping::from_fd(fd, words * size_of::<AtomicU64>())? })
    }

    /// The counters.
    #[must_use]
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, readable and writable for
        // `len` bytes, a multiple of 8, for as long as `self` lives (mmap(2));
        // seals keep the file from shrinking under it. AtomicU64 allows
        // concurrent writes by other processes, and any bit pattern is valid.
        unsafe {
            std::slice::from_raw_parts(
                self.mapping.start.as_ptr().cast::<AtomicU64>(),
                self.mapping.len / size_of::<AtomicU64>(),
            )
        }
    }
}

impl AsFd for SharedCounters {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mapping.file.as_fd()
    }
}

/// A block of bytes that a compositor writes and we read (`wl_shm`).
#[derive(Debug)]
pub struct SharedBytes {
    mapping: Mapping,
}

impl SharedBytes {
    /// A new zeroed block of `len` bytes.
    ///
    /// # Errors
    /// What `memfd_create`, `ftruncate`, `fcntl` or `mmap` report.
    pub fn create(len: usize) -> io::Result<Self> {
        Ok(Self { mapping: Mapping::create(c"earthshine-frame", len)? })
    }

    /// The bytes as they are now.
    ///
    /// Read them only between the compositor's "ready" and the next capture
    /// into this block: the protocol lets it write at no other time.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: readable for `len` bytes while `self` lives, sealed against
        // shrinking. The compositor writes only while a capture into this
        // buffer is pending (wlr-screencopy and ext-image-copy-capture: the
        // buffer belongs to the client again after `ready`), and the pool
        // hands a buffer to readers only then.
        unsafe { std::slice::from_raw_parts(self.mapping.start.as_ptr(), self.mapping.len) }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mapping.len
    }

    /// Whether the block has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mapping.len == 0
    }
}

impl AsFd for SharedBytes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mapping.file.as_fd()
    }
}

#[derive(Debug)]
struct Mapping {
    file: File,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is plain memory owned by this value; nothing in it is
// tied to the thread that mapped it.
unsafe impl Send for Mapping {}
// SAFETY: shared access hands out only atomics or bytes whose writers are kept
// away by protocol (see the two owners above).
unsafe impl Sync for Mapping {}

impl Mapping {
    fn create(name: &std::ffi::CStr, len: usize) -> io::Result<Self> {
        // SAFETY: `name` is NUL-terminated and outlives the call; the result is
        // checked before it is owned (memfd_create(2)).
        let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a fresh descriptor that nobody else owns.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(len as u64)?;
        // SAFETY: F_ADD_SEALS takes an int and touches no memory (fcntl(2)).
        if unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, SEALS) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Self::map(file, len)
    }

    fn from_fd(fd: OwnedFd, len: usize) -> io::Result<Self> {
        let file = File::from(fd);
        if file.metadata()?.len() < len as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "shared memory is smaller than agreed"));
        }
        // SAFETY: F_GET_SEALS takes no argument and touches no memory (fcntl(2)).
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if seals < 0 {
            return Err(io::Error::last_os_error());
        }
        if seals & libc::F_SEAL_SHRINK == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "shared memory is not sealed against shrinking"));
        }
        Self::map(file, len)
    }

    fn map(file: File, len: usize) -> io::Result<Self> {
        // SAFETY: a new shared mapping at an address the kernel chooses; `len`
        // is not more than the file's length (checked or set by the callers).
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap returned address 0"))?;
        Ok(Self { file, start, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `map` mapped; no reference into it can
        // outlive `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW;

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn both_ends_see_the_same_counters() {
        let writer = SharedCounters::create(16).unwrap();
        let reader = SharedCounters::from_fd(writer.as_fd().try_clone_to_owned().unwrap(), 16).unwrap();
        writer.words()[7].store(42, Ordering::Release);
        assert_eq!(reader.words()[7].load(Ordering::Acquire), 42);
    }

    #[test]
    fn a_file_too_small_is_refused() {
        let page = SharedCounters::create(4).unwrap();
        let error = SharedCounters::from_fd(page.as_fd().try_clone_to_owned().unwrap(), 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_that_could_shrink_is_refused() {
        let file = tempfile();
        file.set_len(4096).unwrap();
        assert!(SharedCounters::from_fd(file.into(), 16).is_err());
    }

    fn tempfile() -> File {
        // SAFETY: the name is NUL-terminated; the result is checked below.
        let fd = unsafe { libc::memfd_create(c"unsealed".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        assert!(fd >= 0);
        // SAFETY: a fresh descriptor that nobody else owns.
        unsafe { File::from_raw_fd(fd) }
    }
}
