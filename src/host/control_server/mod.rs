//! The ENet control server: one thread, one socket, every client.
//!
//! ENet needs its timers served by whoever owns it, so it has a thread instead
//! of a task. The thread never waits for a session: input and frame requests go
//! straight to the worker's channel, everything else into the session's
//! mailbox. What another host needs to go on with a connection is in the
//! [checkpoint](crate::host::sessions::checkpoint) of its ticket before the
//! client is told that it was received.

mod saved;
mod thread;

use std::io;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, eventfd};

use crate::host::control_server::thread::Thread;
use crate::host::health::Health;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::protocol::control::feedback::HostMessage;

/// Handle to the control thread.
#[derive(Debug)]
pub(crate) struct ControlServer {
    orders: mpsc::Sender<Order>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

/// What sessions ask of the control thread.
#[derive(Debug)]
enum Order {
    /// Send a last message and disconnect.
    Finish(ConnectionId, HostMessage),
    /// Go on with a connection of an earlier host.
    Adopt(Arc<Ticket>),
    /// End the thread.
    Stop,
    /// End the thread as if the process had been killed.
    #[cfg(test)]
    Die,
}

/// A cheap handle for sessions.
#[derive(Debug, Clone)]
pub(crate) struct ControlHandle {
    orders: mpsc::Sender<Order>,
    wake: Arc<OwnedFd>,
}

impl ControlServer {
    /// Starts the thread on a bound socket.
    ///
    /// # Errors
    /// What `eventfd` or thread creation report; no random bytes.
    pub(crate) fn start(socket: UdpSocket, directory: Arc<Directory>, health: Health) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (orders, inbox) = mpsc::channel();
        let mut thread = Thread::new(socket, directory)?;
        let thread = std::thread::Builder::new().name("control".into()).spawn({
            let wake = Arc::clone(&wake);
            move || thread.run(&wake, &inbox, &health)
        })?;
        Ok(Self { orders, wake, thread: Some(thread) })
    }

    /// A handle for sessions.
    pub(crate) fn handle(&self) -> ControlHandle {
        ControlHandle { orders: self.orders.clone(), wake: Arc::clone(&self.wake) }
    }

    /// Ends it without a word to anybody, as `SIGKILL` does.
    #[cfg(test)]
    fn die(self) {
        self.handle().order(Order::Die);
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.handle().order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // It ends within one wait; a panic in it was reported already.
            let _ = thread.join();
        }
    }
}

impl ControlHandle {
    /// Sends a last message and disconnects.
    pub(crate) fn finish(&self, connection: ConnectionId, message: HostMessage) {
        self.order(Order::Finish(connection, message));
    }

    /// Goes on with the connection that an earlier host left in the ticket's
    /// checkpoint, as if nothing had happened: the session hears
    /// [`Command::ControlUp`](crate::host::sessions::command::Command::ControlUp).
    /// If there is none, the log says so, and the client ends the connection
    /// when nobody answers. The ticket's terms must be known.
    pub(crate) fn adopt(&self, ticket: Arc<Ticket>) {
        self.order(Order::Adopt(ticket));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            // A full eventfd wakes just as well.
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
