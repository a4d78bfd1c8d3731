//! The sockets by which programs in desktops call the API: from whoever starts
//! a desktop to whoever answers.
//!
//! A session or lobby that has started its desktop opens the desktop's socket
//! here and keeps what it gets; when that is dropped, with the desktop, the
//! socket is closed.

use std::os::unix::net::UnixListener;

use tokio::sync::{mpsc, oneshot};

use crate::host::scope::Scope;

/// Where sockets of desktops are handed in; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct DesktopSockets(mpsc::UnboundedSender<DesktopSocket>);

/// Sockets to be served, as they come.
#[derive(Debug)]
pub struct DesktopSocketQueue(mpsc::UnboundedReceiver<DesktopSocket>);

/// The socket of one desktop.
#[derive(Debug)]
pub(crate) struct DesktopSocket {
    pub(crate) listener: UnixListener,
    /// What its callers may see and do.
    pub(crate) scope: Scope,
    /// The user that the desktop runs as.
    pub(crate) uid: u32,
    /// Ends when the desktop does.
    pub(crate) closed: oneshot::Receiver<()>,
}

/// A socket that is served; dropping it closes it.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    _closed: oneshot::Sender<()>,
}

impl DesktopSockets {
    /// Both ends.
    pub(crate) fn new() -> (Self, DesktopSocketQueue) {
        // As many as there are desktops wait at most.
        let (sender, queue) = mpsc::unbounded_channel();
        (Self(sender), DesktopSocketQueue(queue))
    }

    /// Has a socket served.
    pub(crate) fn open(&self, listener: UnixListener, scope: Scope, uid: u32) -> OpenSocket {
        let (sender, closed) = oneshot::channel();
        // Nobody answers any more when the host ends.
        let _ = self.0.send(DesktopSocket { listener, scope, uid, closed });
        OpenSocket { _closed: sender }
    }
}

impl DesktopSocketQueue {
    /// The next socket; waits for ever when there will be none. Cancel-safe.
    pub(crate) async fn next(&mut self) -> DesktopSocket {
        match self.0.recv().await {
            Some(socket) => socket,
            None => std::future::pending().await,
        }
    }
}
