//! A network namespace that threads can be in.
//!
//! Linux keeps the network of each thread, and a socket belongs to the one in which it was
//! made. So no program has to be started in a namespace (`ip netns exec`), and none is left
//! behind by a run that is killed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::resume_unwind;
use std::thread;

use earthshine_ffi::network_namespace::leave_for_a_new_one;
use earthshine_ffi::tun::bring_up;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Gone when this is dropped and nobody is in it any more.
#[derive(Debug)]
pub struct Namespace(OwnedFd);

impl Namespace {
    /// Makes one in which there is a loopback device.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN`; what else the kernel says.
    pub(super) fn new() -> io::Result<Self> {
        let made = thread::spawn(|| {
            leave_for_a_new_one()?;
            bring_up("lo")?;
            File::open("/proc/thread-self/ns/net")
        });
        let file = made.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(Self(file.into()))
    }

    /// Works in it: sockets that are made meanwhile, and processes and threads that are
    /// started, are in it and stay there. On a thread of its own, for which this one waits.
    ///
    /// # Errors
    /// If the kernel does not let us in, which it did when this was made.
    ///
    /// # Panics
    /// If the work does.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let working = scope.spawn(|| {
                move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(work())
            });
            working.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}
