//! A fullscreen Wayland window without toolkit: connection, shared memory, frames and input.
//!
//! Applications that benches and tests run on a desktop stand on it. They wait for events,
//! and draw when they like: nothing here decides when a frame is due.

mod buffers;
mod events;

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wayland_client::backend::{ObjectId, WaylandError};
use wayland_client::protocol::{wl_compositor, wl_keyboard, wl_pointer, wl_seat, wl_shm, wl_surface};
use wayland_client::{Connection, EventQueue, QueueHandle};
use wayland_protocols::xdg::shell::client::xdg_wm_base;

use self::buffers::Buffers;
use crate::units::Size;

/// A window of its own connection, fullscreen as soon as the compositor grants it.
#[derive(Debug)]
pub struct Toplevel {
    queue: EventQueue<State>,
    state: State,
    shm: wl_shm::WlShm,
    surface: wl_surface::WlSurface,
}

/// What an application hears of, in the order in which it came.
#[derive(Debug)]
pub enum Event {
    /// The compositor has shown the last frame and would take another.
    Shown {
        /// The frame's size in pixels, if it filled the screen.
        filling: Option<Size>,
    },
    /// From a keyboard of any seat.
    Keyboard(wl_keyboard::Event),
    /// From a pointer of any seat. It is hidden: it would stand on the marker.
    Pointer(wl_pointer::Event),
    /// A seat has no pointer any more.
    PointerGone,
}

/// Everything the compositor has told.
#[derive(Debug)]
struct State {
    compositor: Option<wl_compositor::WlCompositor>,
    shm: Option<wl_shm::WlShm>,
    shell: Option<xdg_wm_base::XdgWmBase>,
    seats: HashMap<ObjectId, wl_seat::Capability>,
    wanted: Size,
    configured: bool,
    fullscreen: bool,
    closed: bool,
    buffers: Option<Buffers>,
    /// What the application has not heard of.
    events: Vec<Event>,
}

impl Toplevel {
    /// Opens it at the compositor of `WAYLAND_DISPLAY`.
    ///
    /// # Errors
    /// If there is no compositor, or it lacks what a window needs.
    pub fn open(title: &str, app_id: &str) -> Result<Self> {
        let connection = Connection::connect_to_env().context("no compositor at WAYLAND_DISPLAY")?;
        let mut queue = connection.new_event_queue();
        let handle = queue.handle();
        let mut state = State::new();
        connection.display().get_registry(&handle, ());
        queue.roundtrip(&mut state)?;
        let (Some(compositor), Some(shell), Some(shm)) = (&state.compositor, &state.shell, state.shm.take()) else {
            bail!("the compositor lacks one of wl_compositor, wl_shm and xdg_wm_base")
        };
        let surface = compositor.create_surface(&handle, ());
        let toplevel = shell.get_xdg_surface(&surface, &handle, ()).get_toplevel(&handle, ());
        toplevel.set_title(title.to_owned());
        toplevel.set_app_id(app_id.to_owned());
        toplevel.set_fullscreen(None);
        surface.commit();
        Ok(Self { queue, state, shm, surface })
    }

    /// Whether the compositor has asked it to go.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.state.closed
    }

    /// The size in pixels that frames should have; `None` while none may be shown.
    #[must_use]
    pub fn size(&self) -> Option<Size> {
        self.state.configured.then_some(self.state.wanted)
    }

    /// Sends what was asked for and waits for events, or for so long.
    ///
    /// # Errors
    /// If the compositor is gone.
    pub fn wait(&mut self, patience: Option<Duration>) -> Result<Vec<Event>> {
        self.queue.flush()?;
        self.receive(patience)?;
        self.queue.dispatch_pending(&mut self.state)?;
        Ok(std::mem::take(&mut self.state.events))
    }

    fn receive(&self, patience: Option<Duration>) -> Result<()> {
        // Events that have come already are dispatched first.
        let Some(guard) = self.queue.prepare_read() else { return Ok(()) };
        let patience = patience.map(Timespec::try_from).transpose().context("too long a wait")?;
        let fd = guard.connection_fd();
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], patience.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error).context("waiting for the compositor"),
        }
        match guard.read() {
            // Only the head of a message has come.
            Err(WaylandError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            outcome => outcome.map(drop).context("the compositor is gone"),
        }
    }

    /// A frame to draw, of [`Toplevel::size`]; `None` if all buffers are busy: one will be released.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn frame(&mut self) -> Result<Option<Frame<'_>>> {
        let handle = self.queue.handle();
        let wanted = self.state.wanted;
        if self.state.buffers.as_ref().is_none_or(|buffers| buffers.size() != wanted) {
            self.state.buffers = Some(Buffers::new(wanted, &self.shm, &handle)?);
        }
        let Some(buffers) = &mut self.state.buffers else { return Ok(None) };
        let Some(buffer) = buffers.free() else { return Ok(None) };
        Ok(Some(Frame { buffers, buffer, surface: &self.surface, handle }))
    }
}

/// A buffer that the compositor does not read.
#[derive(Debug)]
pub struct Frame<'window> {
    buffers: &'window mut Buffers,
    buffer: usize,
    surface: &'window wl_surface::WlSurface,
    handle: QueueHandle<State>,
}

impl Frame<'_> {
    /// Copies rows of a picture: four bytes a pixel, blue, green, red, nothing, without padding.
    /// Rows that are not written are those of an earlier frame.
    ///
    /// # Errors
    /// If the memory cannot be written.
    pub fn write(&self, picture: &[u8], rows: Range<usize>) -> Result<()> {
        self.buffers.write(self.buffer, picture, rows)
    }

    /// Hands it to the compositor. `changed` has the first row and the number of rows of what
    /// differs from the frame before.
    pub fn show(self, changed: &[(i32, i32)]) {
        self.surface.attach(Some(self.buffers.take(self.buffer)), 0, 0);
        for (top, rows) in changed {
            self.surface.damage_buffer(0, *top, i32::MAX, *rows);
        }
        self.surface.frame(&self.handle, ());
        self.surface.commit();
    }
}

impl State {
    fn new() -> Self {
        Self {
            compositor: None,
            shm: None,
            shell: None,
            seats: HashMap::new(),
            wanted: Size::new(640, 360),
            configured: false,
            fullscreen: false,
            closed: false,
            buffers: None,
            events: Vec::new(),
        }
    }

    /// The size of what is shown, if it fills the screen. First frames may be of the size
    /// before going fullscreen.
    fn filling(&self) -> Option<Size> {
        let shown = self.buffers.as_ref().map(Buffers::size);
        shown.filter(|size| self.fullscreen && *size == self.wanted)
    }
}
