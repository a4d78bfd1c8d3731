//! A network of a thread's own (network_namespaces(7)).

use std::io;

/// Moves the calling thread into a new network namespace, which has nothing but a loopback
/// device that is down. Threads and processes that it starts are in it, too.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`; `EINVAL` of a kernel without network namespaces.
pub fn leave_for_a_new_one() -> io::Result<()> {
    // SAFETY: unshare(2) with CLONE_NEWNET alone takes an integer and touches no memory of
    // ours; descriptors stay shared, and open sockets stay where they are.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
