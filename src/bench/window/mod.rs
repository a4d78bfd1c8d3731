//! `earthshine bench-window`: the application that benches run on a desktop, a fullscreen
//! window with built-in content and frame markers.
//!
//! It draws so many frames a second, or one for every refresh of the output, or, still, only
//! in answer to input. A program of its own would have to be found; this one is here.

mod buffers;
mod events;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wayland_client::protocol::{wl_compositor, wl_seat, wl_shm, wl_surface};
use wayland_client::{Connection, EventQueue, QueueHandle};
use wayland_protocols::xdg::shell::client::xdg_wm_base;

use self::buffers::Buffers;
use super::canvas::{Canvas, marked_number};
use crate::cli::BenchWindowArgs;
use crate::clock::Micros;
use crate::content::Content;
use crate::frame_marker::Marker;
use crate::units::Size;

/// Shows it until the compositor ends.
///
/// # Errors
/// If there is no compositor, or it lacks what a window needs.
pub fn main(args: &BenchWindowArgs) -> Result<()> {
    let connection = Connection::connect_to_env().context("no compositor at WAYLAND_DISPLAY")?;
    let mut queue = connection.new_event_queue();
    let handle = queue.handle();
    let mut window = Window::new(args);
    connection.display().get_registry(&handle, ());
    queue.roundtrip(&mut window)?;
    window.show(&handle)?;
    while !window.closed {
        queue.dispatch_pending(&mut window)?;
        window.draw_if_due(&handle)?;
        queue.flush()?;
        wait(&queue, window.time_left())?;
    }
    Ok(())
}

/// The window and everything the compositor has told about it.
struct Window {
    content: Content,
    pace: Pace,
    answers_input: bool,
    compositor: Option<wl_compositor::WlCompositor>,
    shm: Option<wl_shm::WlShm>,
    shell: Option<xdg_wm_base::XdgWmBase>,
    surface: Option<wl_surface::WlSurface>,
    devices: wl_seat::Capability,
    wanted: Size,
    configured: bool,
    closed: bool,
    /// The compositor has shown the last frame and would take another.
    refreshed: bool,
    frame: u32,
    answers: u32,
    answered: u32,
    drawing: Option<Drawing>,
}

/// When frames are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// So far apart, from this moment on.
    Every { interval: Duration, next: Instant },
    /// Whenever the compositor takes one.
    Refresh,
    /// In answer to input.
    Still,
}

/// What depends on the size.
struct Drawing {
    canvas: Canvas,
    buffers: Buffers,
    /// Of how many answers the picture tells.
    patched: Option<u32>,
}

impl Window {
    fn new(args: &BenchWindowArgs) -> Self {
        let pace = match args.fps {
            _ if args.still => Pace::Still,
            Some(fps) => Pace::Every { interval: Duration::from_secs(1) / fps.max(1), next: Instant::now() },
            None => Pace::Refresh,
        };
        Self {
            content: args.content,
            pace,
            answers_input: args.answers,
            compositor: None,
            shm: None,
            shell: None,
            surface: None,
            devices: wl_seat::Capability::empty(),
            wanted: Size::new(640, 360),
            configured: false,
            closed: false,
            refreshed: true,
            frame: 0,
            answers: 0,
            answered: 0,
            drawing: None,
        }
    }

    fn show(&mut self, handle: &QueueHandle<Self>) -> Result<()> {
        let (Some(compositor), Some(shell)) = (&self.compositor, &self.shell) else {
            bail!("the compositor offers no wl_compositor or no xdg_wm_base")
        };
        let surface = compositor.create_surface(handle, ());
        let toplevel = shell.get_xdg_surface(&surface, handle, ()).get_toplevel(handle, ());
        toplevel.set_title("Earthshine bench".to_owned());
        toplevel.set_app_id("earthshine.bench".to_owned());
        toplevel.set_fullscreen(None);
        surface.commit();
        self.surface = Some(surface);
        Ok(())
    }

    /// Somebody pressed something.
    fn pressed(&mut self) {
        if self.answers_input {
            self.answers += 1;
        }
    }

    fn draw_if_due(&mut self, handle: &QueueHandle<Self>) -> Result<()> {
        let resized = self.drawing.as_ref().is_none_or(|drawing| drawing.canvas.size() != self.wanted);
        if !self.configured || !resized && !self.is_due() {
            return Ok(());
        }
        self.draw(handle, resized)
    }

    fn is_due(&self) -> bool {
        match self.pace {
            Pace::Every { next, .. } => self.refreshed && Instant::now() >= next,
            Pace::Refresh => self.refreshed,
            // At once: there is no frame that it would have to wait for.
            Pace::Still => self.answers != self.answered,
        }
    }

    /// Until the next frame is due; `None` if only an event can make it so.
    fn time_left(&self) -> Option<Duration> {
        match self.pace {
            Pace::Every { next, .. } if self.configured && self.refreshed => {
                Some(next.saturating_duration_since(Instant::now()).max(SHORTEST_WAIT))
            }
            _ => None,
        }
    }

    fn draw(&mut self, handle: &QueueHandle<Self>, resized: bool) -> Result<()> {
        let (Some(surface), Some(shm)) = (&self.surface, &self.shm) else { bail!("the compositor offers no wl_shm") };
        if resized {
            let buffers = Buffers::new(self.wanted, shm, handle)?;
            self.drawing = Some(Drawing { canvas: Canvas::new(self.content, self.wanted), buffers, patched: None });
        }
        let Some(Drawing { canvas, buffers, patched }) = &mut self.drawing else { return Ok(()) };
        // All are busy: one will be released.
        let Some(buffer) = buffers.free() else { return Ok(()) };
        let repainted = canvas.paint(self.frame);
        let patches = self.answers_input && (repainted || *patched != Some(self.answers));
        if patches {
            canvas.patch(self.answers);
            *patched = Some(self.answers);
        }
        let marked = canvas.marked_rows();
        let whole = repainted || patches;
        // Each buffer has what was drawn when it was used last, so all of it is written.
        buffers.write(buffer, canvas, marked..canvas.size().height as usize)?;
        // The marker last: its time is the moment at which the picture is handed over.
        canvas.mark(Marker { number: marked_number(self.frame, self.answers), time: Micros::now() });
        buffers.write(buffer, canvas, 0..marked)?;
        surface.attach(Some(buffers.take(buffer)), 0, 0);
        let rows = if whole { i32::MAX } else { i32::try_from(marked).unwrap_or(i32::MAX) };
        surface.damage_buffer(0, 0, i32::MAX, rows);
        surface.frame(handle, ());
        surface.commit();
        self.refreshed = false;
        self.answered = self.answers;
        self.frame += 1;
        if let Pace::Every { interval, next } = &mut self.pace {
            // One that is late is not made up for.
            *next = (*next + *interval).max(Instant::now().checked_sub(*interval).unwrap_or(*next));
        }
        Ok(())
    }
}

/// Waits for events, or until something is due.
fn wait(queue: &EventQueue<Window>, patience: Option<Duration>) -> Result<()> {
    // Events that have come already are for the next dispatch.
    let Some(guard) = queue.prepare_read() else { return Ok(()) };
    let patience = patience.map(Timespec::try_from).transpose().context("too long a wait")?;
    let fd = guard.connection_fd();
    match poll(&mut [PollFd::new(&fd, PollFlags::IN)], patience.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(error).context("waiting for the compositor"),
    }
    guard.read().context("the compositor is gone")?;
    Ok(())
}

/// Or it would spin while it is a little early.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);
