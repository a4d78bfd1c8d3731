//! What a process does to itself before it has children.

use std::io;

/// Marks every descriptor from `first` on as close-on-exec.
///
/// What we open is marked already; what whoever started us left open is not,
/// and would reach every child. To be called once at the start of a process,
/// before anything is started that shall inherit a descriptor.
///
/// # Errors
/// `ENOSYS` or `EINVAL` before Linux 5.11.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: close_range(2) with CLOSE_RANGE_CLOEXEC takes three integers,
    // reads and writes no memory of ours and closes nothing: it changes the
    // close-on-exec flag of descriptors, which no Rust type relies on.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, CLOSE_RANGE_CLOEXEC) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `linux/close_range.h`.
const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::process::Command;

    use super::*;

    #[test]
    fn an_inheritable_descriptor_is_not_inherited_afterwards() {
        let file = std::fs::File::open("/dev/null").unwrap();
        // SAFETY: F_SETFD changes a flag of a descriptor that `file` owns.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) }, 0);
        let inherited = || {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            Command::new("test").args(["-e", &path]).status().unwrap().success()
        };
        assert!(inherited());
        close_on_exec_from(3).unwrap();
        assert!(!inherited());
    }
}
