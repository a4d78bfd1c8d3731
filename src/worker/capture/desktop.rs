//! Pictures of a compositor's output.
//!
//! Two protocols can deliver them; what they share is here: ask what a buffer
//! must look like, take a buffer, wait for the frame rate's leave, let the
//! compositor copy the next damaged frame, wait until its device has, and try
//! again when that fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_shm::WlShm;
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};

use super::buffer_pool::{Memory, PoolBuffer};
use super::buffers::{Buffers, Leased};
use super::copier::{Copier, Outcome, Reply};
use super::dma_buf::{DmaBufs, Refusal, Told};
use super::error::{CaptureError, WaylandError};
use super::image_copy::ImageCopy;
use super::output::Output;
use super::rate_limit::RateLimit;
use super::screencopy::Screencopy;
use super::source::FrameSource;
use super::wayland::{ANSWER_DEADLINE, Globals, HasGlobals, Wayland, on_callback, on_registry};
use crate::clock::Micros;
use crate::units::FrameRate;
use crate::worker::dma_buffer::DmaBuffer;
use crate::worker::frame::Frame;
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};

/// A compositor's output, as a source of pictures.
#[derive(Debug)]
pub(crate) struct Desktop {
    wayland: Wayland<DesktopState>,
    state: DesktopState,
    registry: WlRegistry,
    copier: Box<dyn Copier>,
    buffers: Buffers,
    limit: RateLimit,
    phase: Phase,
    trouble: Option<Instant>,
    silence: Silence,
    opened: Opened,
}

/// What it was opened with.
#[derive(Debug)]
struct Opened {
    socket: PathBuf,
    rate: FrameRate,
    pulse: Pulse,
}

/// State behind the connection.
#[derive(Debug, Default)]
pub(crate) struct DesktopState {
    pub(crate) globals: Globals,
    output: Option<Output>,
    pub(crate) reply: Reply,
    pub(crate) told: Told,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is under way.
    Idle,
    /// The compositor was asked to describe a buffer.
    Asked,
    /// The compositor was shown a buffer that it has to import first.
    Making { buffer: Arc<DmaBuffer>, since: Instant },
    /// The compositor holds a buffer.
    Copying(PoolBuffer),
    /// Its device may still be drawing.
    Finishing { buffer: PoolBuffer, since: Instant },
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
    pub(crate) fn open(
        socket: &Path,
        rate: FrameRate,
        dma_bufs: DmaBufs,
        pulse: &Pulse,
    ) -> Result<Option<Self>, CaptureError> {
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
            copier,
            buffers: Buffers::new(shm, dma_bufs),
            limit: RateLimit::new(rate),
            phase: Phase::Idle,
            trouble: None,
            silence,
            opened: Opened { socket: socket.to_owned(), rate, pulse: pulse.clone() },
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
            Phase::Making { buffer, since } => Ok(self.end_making(buffer, since, patience)),
            Phase::Copying(buffer) => self.end_copy(buffer),
            Phase::Finishing { buffer, since } => self.finish_drawing(buffer, since, patience),
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
        let pool = self.buffers.fitting_pool(&mut self.state, &self.registry, &self.wayland)?;
        let Some(pool) = pool else { return Ok(Step::Wait(patience)) };
        let Some(buffer) = pool.buffers.take(patience) else {
            return if pool.buffers.has_room() { self.make_buffer() } else { Ok(Step::Wait(Duration::ZERO)) };
        };
        let size = pool.size;
        self.copier.copy(&buffer.shown, size, &self.wayland.handle());
        self.phase = Phase::Copying(buffer);
        Ok(Step::Again)
    }

    fn make_buffer(&mut self) -> Result<Step, CaptureError> {
        if let Some(buffer) = self.buffers.make(&self.state, &self.wayland.handle())? {
            self.phase = Phase::Making { buffer, since: Instant::now() };
        }
        Ok(Step::Again)
    }

    /// Takes the compositor's answer to a buffer.
    fn end_making(&mut self, buffer: Arc<DmaBuffer>, since: Instant, patience: Duration) -> Step {
        let refusal = match self.state.told.made.take() {
            Some((number, Some(shown))) if number == buffer.number() => {
                self.buffers.add(shown, buffer);
                self.phase = Phase::Asked;
                return Step::Again;
            }
            Some((number, None)) if number == buffer.number() => Refusal::CreateFailed,
            Some((_, late)) => {
                if let Some(late) = late {
                    late.destroy();
                }
                self.phase = Phase::Making { buffer, since };
                return Step::Again;
            }
            None if since.elapsed() < ANSWER_DEADLINE => {
                self.phase = Phase::Making { buffer, since };
                return Step::Wait(patience);
            }
            None => Refusal::Silent(ANSWER_DEADLINE),
        };
        self.buffers.refuse(&refusal);
        self.phase = Phase::Asked;
        Step::Again
    }

    fn end_copy(&mut self, buffer: PoolBuffer) -> Result<Step, CaptureError> {
        match self.state.reply.outcome {
            None => {
                self.phase = Phase::Copying(buffer);
                Ok(Step::Wait(LONGEST_WAIT))
            }
            Some(Outcome::Failed) => self.fail(),
            Some(Outcome::Ready) => self.finish_drawing(buffer, Instant::now(), Duration::ZERO),
        }
    }

    /// Nobody reads a picture that the compositor's device is still drawing.
    fn finish_drawing(&mut self, buffer: PoolBuffer, since: Instant, patience: Duration) -> Result<Step, CaptureError> {
        if let Memory::DmaBuf(memory) = &buffer.memory
            && !memory.wait_written(patience).map_err(CaptureError::Device)?
        {
            if since.elapsed() > FINISH_DEADLINE {
                return Err(CaptureError::Unfinished(FINISH_DEADLINE));
            }
            self.phase = Phase::Finishing { buffer, since };
            // What remains of the patience is for this, and not for the compositor.
            return Ok(if patience.is_zero() { Step::Wait(Duration::ZERO) } else { Step::Again });
        }
        Ok(self.hand_over(buffer))
    }

    fn hand_over(&mut self, buffer: PoolBuffer) -> Step {
        let captured = Micros::now();
        let reply = &mut self.state.reply;
        let presented = reply.presented.filter(|presented| is_plausible(*presented, captured)).unwrap_or(captured);
        let (bottom_up, changed) = (reply.bottom_up, reply.changed.take());
        self.copier.finish(Outcome::Ready, reply);
        self.limit.spend(captured);
        self.trouble = None;
        self.buffers.count_copy(true);
        let Some(Leased { pixels, size, stride, format }) = self.buffers.lease(buffer) else { return Step::Again };
        Step::Frame(Frame { pixels, size, stride, format, bottom_up, number: 0, changed, presented, captured })
    }

    /// A copy failed: the output changes its mode, is off, or is another.
    fn fail(&mut self) -> Result<Step, CaptureError> {
        self.buffers.count_copy(false);
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
        match self.wait_for_frame(patience) {
            Err(CaptureError::Wayland(WaylandError::Protocol(what))) if self.buffers.tries_dma_bufs() => {
                self.begin_anew(&Refusal::HungUp(what))
            }
            outcome => outcome,
        }
    }
}

impl Desktop {
    fn wait_for_frame(&mut self, patience: Duration) -> Result<Option<Frame>, CaptureError> {
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

    /// A compositor that ends the conversation over a DMA-BUF is no reason to end
    /// the stream: there is shared memory.
    fn begin_anew(&mut self, refusal: &Refusal) -> Result<Option<Frame>, CaptureError> {
        let Some(dma_bufs) = self.buffers.give_up_dma_bufs(refusal) else { return Ok(None) };
        let Opened { socket, rate, pulse } = &self.opened;
        if let Some(anew) = Self::open(socket, *rate, dma_bufs, pulse)? {
            *self = anew;
        }
        Ok(None)
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

/// Compositors stamp with the monotonic clock, but the protocol lets them use
/// another: then the time of capture is the best we know.
fn is_plausible(presented: Micros, captured: Micros) -> bool {
    presented <= captured && captured.since(presented) < OLDEST_PRESENTATION
}

/// How long a device may draw one copy. A driver that resets a hung one takes
/// some ten seconds, in which nothing is shown anyway.
const FINISH_DEADLINE: Duration = Duration::from_secs(2);

/// How long captures may fail, or an output be missing.
const TROUBLE_DEADLINE: Duration = Duration::from_secs(5);

/// Between a failed capture and the next.
const PAUSE: Duration = Duration::from_millis(20);

/// How often a still screen's compositor must show that it lives.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Microseconds; an older stamp is of another clock.
const OLDEST_PRESENTATION: u64 = 1_000_000;

#[cfg(test)]
mod tests;
