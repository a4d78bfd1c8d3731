//! DMA-BUFs: memory of a device that is handed on as a descriptor.
//!
//! Whoever draws into one attaches a fence to it, and poll(2) tells when that has
//! signalled: the writers' is what `POLLIN` waits for (linux/Documentation,
//! driver-api/dma-buf.rst, "Implicit Fence Poll Support"). Nothing here waits
//! without a deadline.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::time::Duration;

/// Waits until everything that was drawn into a DMA-BUF is there, for `patience`
/// at most. Returns whether it is.
///
/// # Errors
/// What poll(2) reports; a device that failed while it drew is one of these.
pub fn wait_written(fd: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let millis = patience.as_micros().div_ceil(1000).min(i32::MAX as u128);
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    // SAFETY: one entry, which outlives the call; the descriptor is borrowed and
    // so stays open (poll(2)).
    let ready = unsafe { libc::poll(&raw mut entry, 1, millis) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        // A wake-up like any other: the caller looks at its own deadline.
        return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    if entry.revents & (libc::POLLERR | libc::POLLNVAL) != 0 {
        return Err(io::Error::other("the device failed while it drew into a DMA-BUF"));
    }
    Ok(ready > 0)
}

/// The fences of all writers of a DMA-BUF as one sync file, which Vulkan and EGL
/// import as a semaphore: so the device waits, and no thread does.
///
/// # Errors
/// What the kernel reports; `ENOTTY` before Linux 6.0 and of what is no DMA-BUF.
pub fn export_sync_file(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut request = ExportSyncFile { flags: EXPORT_READ, fd: -1 };
    // SAFETY: DMA_BUF_IOCTL_EXPORT_SYNC_FILE reads and writes one such struct
    // (linux/dma-buf.h).
    check(unsafe { libc::ioctl(fd.as_raw_fd(), EXPORT_SYNC_FILE, &raw mut request) })?;
    // SAFETY: on success the kernel put a fresh descriptor there, which is ours.
    Ok(unsafe { OwnedFd::from_raw_fd(request.fd) })
}

/// A DMA-BUF that the processor reads.
///
/// Only for memory whose bytes lie in rows (modifier LINEAR): the driver of the
/// device is not asked.
#[derive(Debug)]
pub struct Mapping {
    fd: OwnedFd,
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is plain memory owned by this value; nothing in it is tied
// to the thread that mapped it.
unsafe impl Send for Mapping {}
// SAFETY: shared access only reads, and who writes is kept away meanwhile
// (`Mapping::read`).
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes.
    ///
    /// # Errors
    /// `InvalidInput` for what is no DMA-BUF, or a smaller one; otherwise what
    /// mmap(2) reports: not every device's memory can be mapped.
    pub fn create(fd: OwnedFd, len: usize) -> io::Result<Self> {
        let invalid = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
        if !is_dma_buf(fd.as_fd())? {
            return Err(invalid("the descriptor is no DMA-BUF"));
        }
        if len == 0 || size(fd.as_fd())? < len as u64 {
            return Err(invalid("the DMA-BUF is smaller than its picture"));
        }
        // SAFETY: a new shared mapping at an address the kernel chooses, of a file
        // that is long enough and whose length never changes (a DMA-BUF's does not).
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap returned address 0"))?;
        Ok(Self { fd, start, len })
    }

    /// The bytes as they are now, as long as the result lives.
    ///
    /// To be called only when the writers are done ([`wait_written`]), else it
    /// waits for them; and only while nobody is asked to write.
    ///
    /// # Errors
    /// What the kernel reports when it makes the processor's caches fit.
    pub fn read(&self) -> io::Result<Reading<'_>> {
        sync(self.fd.as_fd(), SYNC_START | SYNC_READ)?;
        Ok(Reading(self))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `create` mapped; no reference into it can
        // outlive `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// Bytes of a [`Mapping`] that is being read.
#[derive(Debug)]
pub struct Reading<'a>(&'a Mapping);

impl Deref for Reading<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: readable for `len` bytes while the mapping lives. The compositor
        // writes only while a capture into this buffer is pending, and the pool
        // hands a buffer to readers only after that.
        unsafe { std::slice::from_raw_parts(self.0.start.as_ptr(), self.0.len) }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        // What was read is read; the next one begins with a sync of its own.
        let _ = sync(self.0.fd.as_fd(), SYNC_END | SYNC_READ);
    }
}

/// Bytes of a DMA-BUF.
///
/// # Errors
/// What lseek(2) reports.
pub fn size(fd: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: takes integers; seeking to the end is how a DMA-BUF tells its size,
    // and it has no position that could change (dma_buf_llseek).
    let end = unsafe { libc::lseek(fd.as_raw_fd(), 0, libc::SEEK_END) };
    u64::try_from(end).map_err(|_| io::Error::last_os_error())
}

fn is_dma_buf(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let mut about = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: writes one such struct (fstatfs(2)).
    check(unsafe { libc::fstatfs(fd.as_raw_fd(), about.as_mut_ptr()) })?;
    // SAFETY: zeroed, which is valid for integers, and filled in since.
    let about = unsafe { about.assume_init() };
    // Of another width on some systems.
    #[allow(clippy::unnecessary_cast, reason = "of another type on some systems")]
    let kind = about.f_type as i64;
    Ok(kind == DMA_BUF_MAGIC)
}

fn sync(fd: BorrowedFd<'_>, flags: u64) -> io::Result<()> {
    loop {
        // SAFETY: DMA_BUF_IOCTL_SYNC reads one 64-bit number (linux/dma-buf.h).
        let status = unsafe { libc::ioctl(fd.as_raw_fd(), SYNC, &raw const flags) };
        match check(status) {
            // The header says to call again then.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN)) => {}
            result => return result,
        }
    }
}

fn check(status: libc::c_int) -> io::Result<()> {
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `struct dma_buf_export_sync_file`.
#[repr(C)]
struct ExportSyncFile {
    flags: u32,
    fd: i32,
}

/// `DMA_BUF_IOCTL_SYNC`: `_IOW('b', 0, u64)`.
const SYNC: libc::c_ulong = 0x4008_6200;
/// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`: `_IOWR('b', 2, struct dma_buf_export_sync_file)`.
const EXPORT_SYNC_FILE: libc::c_ulong = 0xC008_6202;
const SYNC_START: u64 = 0;
const SYNC_END: u64 = 1 << 2;
const SYNC_READ: u64 = 1;
/// `DMA_BUF_SYNC_READ`: what a reader has to wait for.
const EXPORT_READ: u32 = 1;
/// `DMA_BUF_MAGIC` of linux/magic.h.
const DMA_BUF_MAGIC: i64 = 0x444d_4142;

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn what_is_no_dma_buf_is_not_mapped() {
        let memory = memory(8192);
        let error = Mapping::create(memory.into(), 4096).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let (reader, writer) = io::pipe().unwrap();
        assert!(!wait_written(reader.as_fd(), Duration::from_millis(5)).unwrap());
        io::Write::write_all(&mut &writer, b"x").unwrap();
        assert!(wait_written(reader.as_fd(), Duration::ZERO).unwrap());
    }

    /// Memory of ours that the kernel makes a DMA-BUF of. Where /dev/udmabuf is
    /// missing, `tests/vm/run` has it.
    #[test]
    fn bytes_of_a_dma_buf_are_read_as_they_were_written() {
        let Ok(maker) = File::options().read(true).write(true).open("/dev/udmabuf") else {
            eprintln!("SKIPPED: no /dev/udmabuf (tests/vm/run has one)");
            return;
        };
        let memory = memory(8192);
        let request = UdmabufCreate { memfd: memory.as_raw_fd(), flags: 1, offset: 0, size: 8192 };
        // SAFETY: UDMABUF_CREATE reads one such struct (linux/udmabuf.h).
        let fd = unsafe { libc::ioctl(maker.as_raw_fd(), UDMABUF_CREATE, &raw const request) };
        assert!(fd >= 0, "{}", io::Error::last_os_error());
        // SAFETY: a fresh descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        assert!(is_dma_buf(fd.as_fd()).unwrap());
        assert_eq!(size(fd.as_fd()).unwrap(), 8192);
        assert!(wait_written(fd.as_fd(), Duration::from_secs(1)).unwrap(), "nobody writes");
        assert!(wait_written(export_sync_file(fd.as_fd()).unwrap().as_fd(), Duration::ZERO).unwrap());
        assert!(Mapping::create(fd.try_clone().unwrap(), 8193).is_err());
        let mapping = Mapping::create(fd, 8192).unwrap();
        for round in 0..3_u8 {
            memory.write_all_at(&[round + 7; 3], 5000).unwrap();
            let bytes = mapping.read().unwrap();
            assert_eq!(bytes[4999..5004], [0, round + 7, round + 7, round + 7, 0]);
        }
    }

    fn memory(len: u64) -> File {
        // SAFETY: the name is NUL-terminated; the result is checked below.
        let fd = unsafe { libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        assert!(fd >= 0);
        // SAFETY: a fresh descriptor that nobody else owns.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(len).unwrap();
        // SAFETY: takes an int and touches no memory; udmabuf insists on the seal.
        assert!(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) } >= 0);
        file
    }

    /// `struct udmabuf_create`.
    #[repr(C)]
    struct UdmabufCreate {
        memfd: i32,
        flags: u32,
        offset: u64,
        size: u64,
    }

    /// `_IOW('u', 0x42, struct udmabuf_create)`.
    const UDMABUF_CREATE: libc::c_ulong = 0x4018_7542;
}
