//! What a service manager wants to know: `sd_notify(3)`.
//!
//! Datagrams of `NAME=value` lines to the socket that `NOTIFY_SOCKET` names; see
//! sd_notify(3) and sd_watchdog_enabled(3). Nothing is sent, and nothing fails,
//! where there is no such manager.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{debug, warn};

/// The way to the service manager, if there is one; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager {
    socket: Option<Arc<Notify>>,
}

#[derive(Debug)]
struct Notify {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How often it wants to hear that we are well, at most.
    watchdog: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl ServiceManager {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name);
        let Some(path) = variable("NOTIFY_SOCKET") else { return Self::default() };
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && ours).map(Duration::from_micros);
        Self::at(&path, watchdog).unwrap_or_else(|error| {
            warn!(?path, %error, "NOTIFY_SOCKET is of no use");
            Self::default()
        })
    }

    fn at(path: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match path.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(Arc::new(Notify { socket, address, watchdog, last: Mutex::default() })) })
    }

    /// All is bound: clients can come.
    pub(crate) fn ready(&self) {
        self.send("READY=1");
    }

    /// The end has begun.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// What `systemctl status` shows, one line.
    pub(crate) fn status(&self, text: &str) {
        self.send(&format!("STATUS={}", text.replace('\n', " ")));
    }

    /// All is well. Call it often: it is passed on as often as is wanted.
    pub(crate) fn is_well(&self, now: Instant) {
        let Some(notify) = &self.socket else { return };
        let Some(watchdog) = notify.watchdog else { return };
        let mut last = notify.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Half of it is what sd_watchdog_enabled(3) recommends; less, because we
        // are called at intervals.
        if last.is_none_or(|last| now.duration_since(last) >= watchdog / 3) {
            *last = Some(now);
            self.send("WATCHDOG=1");
        }
    }

    fn send(&self, message: &str) {
        let Some(notify) = &self.socket else { return };
        if let Err(error) = notify.socket.send_to_addr(message.as_bytes(), &notify.address) {
            debug!(%error, message, "service manager not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 100];
        while let Ok(length) = socket.recv(&mut buffer) {
            heard.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        heard
    }

    #[test]
    fn it_hears_what_it_wants_to_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.as_os_str(), Some(Duration::from_secs(30))).unwrap();
        manager.ready();
        manager.status("a\nb");
        let start = Instant::now();
        for second in 0..30 {
            manager.is_well(start + Duration::from_secs(second));
        }
        manager.stopping();
        assert_eq!(heard(&socket), ["READY=1", "STATUS=a b", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]);
    }

    #[test]
    fn abstract_sockets_are_found_and_none_is_no_trouble() {
        let name = format!("earthshine-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let manager = ServiceManager::at(OsStr::new(&format!("@{name}")), None).unwrap();
        manager.is_well(Instant::now());
        manager.ready();
        assert_eq!(heard(&socket), ["READY=1"], "nobody asked for a watchdog");
        drop(socket);
        manager.stopping();
        ServiceManager::default().ready();
    }
}
