//! How many descriptors the host may open, and its children.
//!
//! The usual soft limit of 1024 is there for programs that use `select`. The
//! host needs more than that for some hundred streams, so it takes all it may;
//! a desktop's programs get back what the host was started with, because some
//! of them close or look at every number below the limit.

use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// The host's limit before it was raised.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Raises this process's soft limit to its hard limit; once, at the start.
/// Workers inherit it, desktops do not.
pub fn raise() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => {
            let _ = BEFORE.set(before);
        }
        Err(error) => tracing::warn!(%error, "limit of open files not raised"),
    }
}

/// Gives a child that was just started the limit from before [`raise`].
pub(super) fn restore(child: u32) {
    let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
    if let (Some(before), Some(pid)) = (BEFORE.get(), pid)
        && let Err(error) = prlimit(Some(pid), Resource::Nofile, *before)
    {
        tracing::debug!(child, %error, "child keeps the host's limit of open files");
    }
}
