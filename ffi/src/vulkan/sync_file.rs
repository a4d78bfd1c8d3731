//! When others have finished a picture: the fences that a DMA-BUF carries.
//!
//! Linux keeps with each DMA-BUF what is still being written to it; drivers with
//! implicit synchronisation wait for that by themselves, a Vulkan import does not.
//! From Linux 6.0 on it can be had as a sync file (`DMA_BUF_IOCTL_EXPORT_SYNC_FILE`,
//! `linux/dma-buf.h`), which a program waits for as for any descriptor. Since a
//! conversion is waited for anyhow, so is this, and no semaphore is needed.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use ash::vk;

use super::error::VulkanError;

/// `struct dma_buf_export_sync_file`.
#[repr(C)]
struct ExportSyncFile {
    flags: u32,
    fd: i32,
}

/// Waits until nobody writes to a DMA-BUF any more.
pub(super) fn wait_for_writers(dmabuf: BorrowedFd<'_>, deadline: Duration) -> Result<(), VulkanError> {
    match writers(dmabuf) {
        Some(file) => wait(file.as_fd(), deadline),
        None => Ok(()),
    }
}

/// The fence of those who write; `None` where the kernel or the exporter has none.
fn writers(dmabuf: BorrowedFd<'_>) -> Option<OwnedFd> {
    let mut request = ExportSyncFile { flags: DMA_BUF_SYNC_READ, fd: -1 };
    // SAFETY: the descriptor is open; the kernel writes the structure. What is no
    // DMA-BUF refuses.
    let code = unsafe { libc::ioctl(dmabuf.as_raw_fd(), EXPORT_SYNC_FILE, &raw mut request) };
    if code != 0 || request.fd < 0 {
        return None;
    }
    // SAFETY: a fresh descriptor, which is ours.
    Some(unsafe { OwnedFd::from_raw_fd(request.fd) })
}

/// Waits for a sync file, as an explicit fence is, too.
///
/// # Errors
/// [`VulkanError`] that is a timeout.
pub(super) fn wait(file: BorrowedFd<'_>, deadline: Duration) -> Result<(), VulkanError> {
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(deadline.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one structure, which outlives the call.
    let ready = unsafe { libc::poll(&raw mut poll, 1, milliseconds) };
    // A wait that a signal ends early is as good as one that was long enough: the
    // picture is torn at worst.
    if ready == 0 { Err(VulkanError::of("poll of a sync file", vk::Result::TIMEOUT)) } else { Ok(()) }
}

/// `_IOWR('b', 2, struct dma_buf_export_sync_file)`.
const EXPORT_SYNC_FILE: libc::c_ulong = 0xc008_6202;

/// `DMA_BUF_SYNC_READ`: what a reader has to wait for.
const DMA_BUF_SYNC_READ: u32 = 1;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_has_no_fence_is_not_waited_for() {
        let file = tempfile();
        wait_for_writers(file.as_fd(), Duration::from_secs(10)).unwrap();
    }

    #[test]
    fn a_fence_is_waited_for_until_the_deadline() {
        // A pipe is ready to be read from when there is something in it.
        let (reader, mut writer) = std::io::pipe().unwrap();
        let error = wait(reader.as_fd(), Duration::from_millis(1)).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        writer.write_all(b"x").unwrap();
        wait(reader.as_fd(), Duration::from_secs(10)).unwrap();
    }

    fn tempfile() -> OwnedFd {
        // SAFETY: the name ends with zero.
        let fd = unsafe { libc::memfd_create(c"no-dmabuf".as_ptr(), 0) };
        assert!(fd >= 0);
        // SAFETY: a fresh descriptor.
        unsafe { OwnedFd::from_raw_fd(fd) }
    }
}
