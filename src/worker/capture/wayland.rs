//! A conversation with a compositor in which nothing waits for ever.
//!
//! libwayland's blocking calls know no deadline; these do, so that a thread can
//! show its heartbeat while a screen stands still or a compositor hangs. The
//! socket is named, never taken from the environment: a worker moves between
//! compositors.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use wayland_client::backend::WaylandError as BackendError;
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::{Connection, Dispatch, DispatchError, EventQueue, Proxy, QueueHandle};

use super::error::WaylandError;
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};

/// A connection with one event queue.
pub(crate) struct Wayland<S> {
    connection: Connection,
    queue: EventQueue<S>,
}

/// What every state of a conversation keeps: the compositor's globals, and
/// which of our syncs it has answered.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    list: Vec<Global>,
    answered: u32,
    asked: u32,
}

#[derive(Debug)]
struct Global {
    name: u32,
    interface: String,
    version: u32,
}

/// A conversation's state.
pub(crate) trait HasGlobals {
    fn globals(&mut self) -> &mut Globals;

    /// A global is gone.
    fn removed(&mut self, _name: u32) {}
}

impl<S> Wayland<S>
where
    S: HasGlobals + Dispatch<WlRegistry, ()> + Dispatch<WlCallback, u32> + 'static,
{
    /// Connects, and learns the compositor's globals. `None` if the pulse says
    /// stop meanwhile.
    pub(crate) fn open(path: &Path, state: &mut S, pulse: &Pulse) -> Result<Option<(Self, WlRegistry)>, WaylandError> {
        let connection = connect_to(path).map_err(|error| WaylandError::Connect { socket: path.to_owned(), error })?;
        let queue = connection.new_event_queue();
        let mut wayland = Self { connection, queue };
        let registry = wayland.connection.display().get_registry(&wayland.queue.handle(), ());
        Ok(wayland.roundtrip(state, pulse)?.then_some((wayland, registry)))
    }

    /// Waits until the compositor has answered all we said. Returns `false` if
    /// the pulse says stop meanwhile.
    pub(crate) fn roundtrip(&mut self, state: &mut S, pulse: &Pulse) -> Result<bool, WaylandError> {
        let started = Instant::now();
        let ticket = self.sync(state);
        while !state.globals().has_answered(ticket) {
            if !pulse.beat() {
                return Ok(false);
            }
            if started.elapsed() > ANSWER_DEADLINE {
                return Err(WaylandError::Silent(ANSWER_DEADLINE));
            }
            self.dispatch(state, LONGEST_WAIT)?;
        }
        Ok(true)
    }

    /// Asks for a sign of life; the answer shows in [`Globals::has_answered`].
    pub(crate) fn sync(&self, state: &mut S) -> u32 {
        let globals = state.globals();
        globals.asked = globals.asked.wrapping_add(1);
        self.connection.display().sync(&self.queue.handle(), globals.asked);
        globals.asked
    }
}

impl<S> Wayland<S> {
    /// Makes the requests of `S`'s objects.
    pub(crate) fn handle(&self) -> QueueHandle<S> {
        self.queue.handle()
    }

    /// Sends what is queued, then handles the events that are there or arrive
    /// within `patience`. Returns at the first batch of them.
    pub(crate) fn dispatch(&mut self, state: &mut S, patience: Duration) -> Result<(), WaylandError> {
        self.flush()?;
        if self.dispatch_pending(state)? > 0 {
            return Ok(());
        }
        let Some(guard) = self.queue.prepare_read() else { return Ok(()) };
        if !is_readable(guard.connection_fd(), patience)? {
            return Ok(());
        }
        match guard.read() {
            Ok(_) => {}
            Err(BackendError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        self.dispatch_pending(state)?;
        self.flush()
    }

    /// Sends what is queued. A compositor that does not read keeps it queued.
    pub(crate) fn flush(&self) -> Result<(), WaylandError> {
        match self.connection.flush() {
            Err(BackendError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(self.explain(error)),
            Ok(()) => Ok(()),
        }
    }

    fn dispatch_pending(&mut self, state: &mut S) -> Result<usize, WaylandError> {
        self.queue.dispatch_pending(state).map_err(|error| match error {
            DispatchError::Backend(error) => self.explain(error),
            DispatchError::BadMessage { interface, opcode, .. } => {
                WaylandError::Protocol(format!("message {opcode} of {interface} makes no sense"))
            }
        })
    }

    /// A broken pipe is often the echo of a protocol error: prefer that.
    fn explain(&self, error: BackendError) -> WaylandError {
        match self.connection.protocol_error() {
            Some(protocol) => WaylandError::Protocol(protocol.to_string()),
            None => error.into(),
        }
    }
}

impl<S> fmt::Debug for Wayland<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wayland").finish_non_exhaustive()
    }
}

impl Globals {
    /// Numeric names and versions of all globals of an interface, oldest first.
    pub(crate) fn of(&self, interface: &str) -> impl Iterator<Item = (u32, u32)> {
        self.list.iter().filter(move |global| global.interface == interface).map(|global| (global.name, global.version))
    }

    /// The first global of type `I`, bound at `version` or what is offered.
    pub(crate) fn bind<I, S>(&self, registry: &WlRegistry, handle: &QueueHandle<S>, version: u32) -> Option<I>
    where
        I: Proxy + 'static,
        S: Dispatch<I, ()> + 'static,
    {
        let (name, offered) = self.of(I::interface().name).next()?;
        Some(registry.bind(name, offered.min(version), handle, ()))
    }

    /// Whether the compositor has answered the sync with this number.
    pub(crate) const fn has_answered(&self, ticket: u32) -> bool {
        self.answered.wrapping_sub(ticket) < u32::MAX / 2
    }
}

/// Handles a registry event: for the `Dispatch` of each state.
pub(crate) fn on_registry<S: HasGlobals>(state: &mut S, event: wl_registry::Event) {
    match event {
        wl_registry::Event::Global { name, interface, version } => {
            state.globals().list.push(Global { name, interface, version });
        }
        wl_registry::Event::GlobalRemove { name } => {
            state.globals().list.retain(|global| global.name != name);
            state.removed(name);
        }
        _ => {}
    }
}

/// Handles the answer to a sync: for the `Dispatch` of each state.
pub(crate) fn on_callback<S: HasGlobals>(state: &mut S, event: &wl_callback::Event, ticket: u32) {
    if matches!(event, wl_callback::Event::Done { .. }) {
        state.globals().answered = ticket;
    }
}

impl From<BackendError> for WaylandError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Io(error) => Self::Lost(error),
            BackendError::Protocol(error) => Self::Protocol(error.to_string()),
        }
    }
}

/// Connects without ever blocking: a hung compositor with a full backlog is an
/// error here, not a hang.
fn connect_to(path: &Path) -> io::Result<Connection> {
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Connection::from_socket(UnixStream::from(socket)).map_err(io::Error::other)
}

fn is_readable(fd: impl AsFd, patience: Duration) -> Result<bool, WaylandError> {
    let patience = Timespec::try_from(patience.min(LONGEST_WAIT)).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    let fd = fd.as_fd();
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&patience)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(WaylandError::Lost(error.into())),
    }
}

/// How long a compositor may take to answer. A loaded machine needs a second
/// at start; a hung compositor never answers.
pub(crate) const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_across_the_wrap() {
        let globals = Globals { list: Vec::new(), asked: 2, answered: 1 };
        assert!(globals.has_answered(1));
        assert!(globals.has_answered(u32::MAX));
        assert!(!globals.has_answered(2));
    }

    #[test]
    fn nobody_at_the_socket_is_an_error_at_once() {
        let error = connect_to(Path::new("/nonexistent/wayland-0")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
