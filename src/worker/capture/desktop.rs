//! Pictures of a compositor's output.
//!
//! Two protocols can deliver them; what they share is here: ask what a buffer
//! must look like, take a buffer, wait for the frame rate's leave, let the
//! compositor copy the next damaged frame, and try again when that fails.

use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{info, warn};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};

use super::buffer_pool::{BufferPool, Layout, PoolBuffer};
use super::copier::{Copier, Outcome, Reply};
use super::error::{CaptureError, WaylandError};
use super::image_copy::ImageCopy;
use super::output::Output;
use super::rate_limit::RateLimit;
use super::screencopy::Screencopy;
use super::source::FrameSource;
use super::wayland::{ANSWER_DEADLINE, Globals, HasGlobals, Wayland, on_callback, on_registry};
use crate::clock::Micros;
use crate::units::{FrameRate, Size};
use crate::worker::frame::{Frame, Pixels};
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};

/// A compositor's output, as a source of pictures.
#[derive(Debug)]
pub(crate) struct Desktop {
    wayland: Wayland<DesktopState>,
    state: DesktopState,
    registry: WlRegistry,
    shm: WlShm,
    copier: Box<dyn Copier>,
    pool: Option<BufferPool>,
    limit: RateLimit,
    phase: Phase,
    trouble: Option<Instant>,
    silence: Silence,
}

/// State behind the connection.
#[derive(Debug, Default)]
pub(crate) struct DesktopState {
    globals: Globals,
    output: Option<Output>,
    pub(crate) reply: Reply,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is under way.
    Idle,
    /// The compositor was asked to describe a buffer.
    Asked,
    /// The compositor holds a buffer.
    Copying(PoolBuffer),
    /// Something failed; try again then.
    Pausing(Instant),
}

/// Tells a still screen from a hung compositor.
#[derive(Debug)]
struct Silence {
    ticket: u32,
    asked: Instant,
}

impl Desktop {
    /// Connects to the compositor at `socket`; `None` if the pulse says stop.
    pub(crate) fn open(socket: &Path, rate: FrameRate, pulse: &Pulse) -> Result<Option<Self>, CaptureError> {
        let mut state = DesktopState::default();
        let Some((wayland, registry)) = Wayland::open(socket, &mut state, pulse)? else { return Ok(None) };
        let handle = wayland.handle();
        let shm = state
            .globals
            .bind(&registry, &handle, 1)
            .ok_or_else(|| WaylandError::Protocol("it offers no wl_shm".to_owned()))?;
        let copier = choose_copier(&state.globals, &registry, &handle, socket)?;
        state.output = Output::bind(&state.globals, &registry, &handle);
        let silence = Silence { ticket: 0, asked: Instant::now() };
        info!(?socket, protocol = ?copier, "capturing a desktop");
        Ok(Some(Self {
            wayland,
            state,
            registry,
            shm,
            copier,
            pool: None,
            limit: RateLimit::new(rate),
            phase: Phase::Idle,
            trouble: None,
            silence,
        }))
    }

    /// Goes one step without waiting for the compositor.
    fn advance(&mut self, patience: Duration) -> Result<Step, CaptureError> {
        if self.state.reply.stopped {
            self.forget_output();
            return self.pause(CaptureError::Refused);
        }
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => self.ask(),
            Phase::Asked => self.start_copy(patience),
            Phase::Copying(buffer) => self.end_copy(buffer),
            Phase::Pausing(until) => Ok(self.go_on_pausing(until)),
        }
    }

    fn ask(&mut self) -> Result<Step, CaptureError> {
        let handle = self.wayland.handle();
        if self.state.output.is_none() {
            self.state.output = Output::bind(&self.state.globals, &self.registry, &handle);
        }
        let Some(output) = &self.state.output else {
            return self.pause(CaptureError::NoOutput);
        };
        self.copier.describe(&output.shown, &handle);
        self.phase = Phase::Asked;
        Ok(Step::Again)
    }

    fn start_copy(&mut self, patience: Duration) -> Result<Step, CaptureError> {
        if self.state.reply.outcome.is_some() {
            return self.fail();
        }
        self.phase = Phase::Asked;
        if !self.state.reply.described {
            return Ok(Step::Wait(patience));
        }
        let wait = self.limit.wait(Micros::now());
        if !wait.is_zero() {
            return Ok(Step::Wait(wait));
        }
        let handle = self.wayland.handle();
        let (size, stride) = self.state.reply.buffer.unwrap_or((Size::new(0, 0), 0));
        let layout = Layout::negotiate(size, stride, &self.state.reply.formats)?;
        let pool = fitting(&mut self.pool, layout);
        let Some(buffer) = pool.take(&self.shm, &handle, patience)? else {
            return Ok(Step::Wait(Duration::ZERO));
        };
        self.copier.copy(&buffer.shown, layout.size, &handle);
        self.phase = Phase::Copying(buffer);
        Ok(Step::Again)
    }

    fn end_copy(&mut self, buffer: PoolBuffer) -> Result<Step, CaptureError> {
        match self.state.reply.outcome {
            None => {
                self.phase = Phase::Copying(buffer);
                Ok(Step::Wait(LONGEST_WAIT))
            }
            Some(Outcome::Failed) => self.fail(),
            Some(Outcome::Ready) => Ok(self.hand_over(buffer)),
        }
    }

    fn hand_over(&mut self, buffer: PoolBuffer) -> Step {
        let captured = Micros::now();
        let reply = &mut self.state.reply;
        let presented = reply.presented.filter(|presented| is_plausible(*presented, captured)).unwrap_or(captured);
        let (bottom_up, changed) = (reply.bottom_up, reply.changed.take());
        self.copier.finish(Outcome::Ready, reply);
        self.limit.spend(captured);
        self.trouble = None;
        let Some(pool) = &self.pool else { return Step::Again };
        let layout = pool.layout();
        Step::Frame(Frame {
            pixels: Pixels::Shared(pool.lease(buffer)),
            size: layout.size,
            stride: layout.stride as usize,
            format: layout.pixels,
            bottom_up,
            number: 0,
            changed,
            presented,
            captured,
        })
    }

    /// A copy failed: the output changes its mode, is off, or is another.
    fn fail(&mut self) -> Result<Step, CaptureError> {
        self.copier.finish(Outcome::Failed, &mut self.state.reply);
        self.pause(CaptureError::Refused)
    }

    /// Tries again in a moment, unless it has gone on for too long.
    fn pause(&mut self, give_up: impl Fn(Duration) -> CaptureError) -> Result<Step, CaptureError> {
        let now = Instant::now();
        if now.duration_since(*self.trouble.get_or_insert(now)) > TROUBLE_DEADLINE {
            return Err(give_up(TROUBLE_DEADLINE));
        }
        self.phase = Phase::Pausing(now + PAUSE);
        Ok(Step::Again)
    }

    fn go_on_pausing(&mut self, until: Instant) -> Step {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Step::Again;
        }
        self.phase = Phase::Pausing(until);
        Step::Wait(left)
    }

    /// The output is gone, or capturing it has ended: begin anew with whatever
    /// output there is now.
    fn forget_output(&mut self) {
        warn!("the captured output is gone");
        self.copier.reset();
        self.state.reply = Reply::default();
        self.state.output = None;
        self.phase = Phase::Idle;
    }

    /// Tells a still screen from a hung compositor: it must answer a sync.
    fn watch(&mut self) -> Result<(), CaptureError> {
        let quiet = self.silence.asked.elapsed();
        if self.state.globals.has_answered(self.silence.ticket) {
            if quiet > ASK_EVERY {
                let ticket = self.wayland.sync(&mut self.state);
                self.silence = Silence { ticket, asked: Instant::now() };
            }
        } else if quiet > ANSWER_DEADLINE {
            return Err(WaylandError::Silent(ANSWER_DEADLINE).into());
        }
        Ok(())
    }
}

enum Step {
    Frame(Frame),
    /// Something changed: look again.
    Again,
    /// Only an event helps, or that much time.
    Wait(Duration),
}

impl FrameSource for Desktop {
    fn next_frame(&mut self, patience: Duration) -> Result<Option<Frame>, CaptureError> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.advance(left)? {
                Step::Frame(frame) => return Ok(Some(frame)),
                Step::Again => continue,
                Step::Wait(time) => self.wayland.dispatch(&mut self.state, time.min(left))?,
            }
            self.watch()?;
            if left.is_zero() {
                return Ok(None);
            }
        }
    }
}

impl HasGlobals for DesktopState {
    fn globals(&mut self) -> &mut Globals {
        &mut self.globals
    }

    fn removed(&mut self, name: u32) {
        if self.output.as_ref().is_some_and(|output| output.is(name)) {
            self.reply.stopped = true;
        }
    }
}

impl Dispatch<WlRegistry, ()> for DesktopState {
    fn event(
        state: &mut Self,
        _: &WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        on_registry(state, event);
    }
}

impl Dispatch<WlCallback, u32> for DesktopState {
    fn event(
        state: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        ticket: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        on_callback(state, &event, *ticket);
    }
}

delegate_noop!(DesktopState: ignore WlShm);
delegate_noop!(DesktopState: ignore WlOutput);
delegate_noop!(DesktopState: ignore WlBuffer);
delegate_noop!(DesktopState: WlShmPool);

/// ext-image-copy-capture where offered: its session saves a round trip per
/// frame, and it is the one that compositors will keep.
fn choose_copier(
    globals: &Globals,
    registry: &WlRegistry,
    handle: &QueueHandle<DesktopState>,
    socket: &Path,
) -> Result<Box<dyn Copier>, CaptureError> {
    if let Some(copier) = ImageCopy::bind(globals, registry, handle) {
        return Ok(Box::new(copier));
    }
    match Screencopy::bind(globals, registry, handle) {
        Some(copier) => Ok(Box::new(copier)),
        None => Err(CaptureError::NoCaptureProtocol { socket: socket.to_owned() }),
    }
}

/// The pool for a layout; one of another layout makes way.
fn fitting(pool: &mut Option<BufferPool>, layout: Layout) -> &mut BufferPool {
    if pool.as_ref().is_some_and(|pool| pool.layout() != layout) {
        *pool = None;
    }
    pool.get_or_insert_with(|| {
        info!(size = %layout.size, pixels = ?layout.pixels, "capture buffers");
        BufferPool::new(layout)
    })
}

/// Compositors stamp with the monotonic clock, but the protocol lets them use
/// another: then the time of capture is the best we know.
fn is_plausible(presented: Micros, captured: Micros) -> bool {
    presented <= captured && captured.since(presented) < OLDEST_PRESENTATION
}

/// How long captures may fail, or an output be missing.
const TROUBLE_DEADLINE: Duration = Duration::from_secs(5);

/// Between a failed capture and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How often a still screen's compositor must show that it lives.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Microseconds; an older stamp is of another clock.
const OLDEST_PRESENTATION: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_another_clock_are_not_believed() {
        let captured = Micros(50_000_000);
        assert!(is_plausible(Micros(49_999_000), captured));
        assert!(!is_plausible(Micros(50_000_001), captured));
        assert!(!is_plausible(Micros(1_000), captured));
    }
}
