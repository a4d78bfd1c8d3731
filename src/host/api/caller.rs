//! Who calls the API, and through which door.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use tokio::net::UnixStream;

use crate::host::events::seldom::Seldom;
use crate::host::scope::Scope;

/// All callers of one door.
#[derive(Debug)]
pub struct Caller {
    /// What they may see and do.
    pub scope: Scope,
    /// Lobbies that they may try to join or create: each could be a guess at a
    /// PIN.
    tries: Mutex<Seldom>,
}

impl Caller {
    /// Callers with this scope.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self { scope, tries: Mutex::new(Seldom::new(TRIES_AT_ONCE, TRY_INTERVAL)) }
    }

    /// Whether one more may be tried now.
    pub(super) fn may_try(&self) -> bool {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).allows(Instant::now())
    }
}

/// Whether the peer of a Unix socket is somebody that it is for: the user of a
/// desktop, where it is a desktop's; root; or who the host runs as. The file's
/// permissions say the same; this holds also where they were changed.
///
/// # Errors
/// If the kernel does not tell who it is.
pub fn is_welcome(stream: &UnixStream, desktop_uid: Option<u32>) -> io::Result<bool> {
    let uid = stream.peer_cred()?.uid();
    Ok(uid == 0 || uid == geteuid().as_raw() || Some(uid) == desktop_uid)
}

/// More than people need, and few for guessing four digits.
const TRIES_AT_ONCE: u32 = 10;
const TRY_INTERVAL: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slow() {
        let caller = Caller::new(Scope::Host);
        let tries = (0..100).filter(|_| caller.may_try()).count();
        assert!(tries <= 12, "{tries}");
    }
}
