//! Plays events on whatever devices there are, and finds them again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::InputCommand;
use super::devices::Devices;
use super::speed::Speed;
use crate::ipc::counters_page::Counter;
use crate::protocol::control::input_event::InputEvent;
use crate::stream_plan::{PointerSpeed, Source};
use crate::units::Size;
use crate::worker::capture::WaylandError;
use crate::worker::heartbeat::Pulse;

/// Devices of the desktop in use, if it has any.
#[derive(Debug)]
pub(crate) struct Player<'a> {
    place: Option<Place>,
    stream: Size,
    speed: Speed,
    pulse: &'a Pulse,
    devices: Option<Devices>,
    retry_at: Option<Instant>,
    has_warned: bool,
}

impl<'a> Player<'a> {
    /// A player for `source`; devices come with [`Player::keep_up`].
    pub(crate) fn new(source: &Source, stream: Size, speed: PointerSpeed, pulse: &'a Pulse) -> Self {
        let speed = Speed::new(speed);
        Self { place: Place::of(source), stream, speed, pulse, devices: None, retry_at: None, has_warned: false }
    }

    /// Opens devices if there are none, and hears what the compositor says.
    pub(crate) fn keep_up(&mut self) {
        if self.devices.is_none() {
            self.open();
        }
        if let Some(devices) = &mut self.devices
            && let Err(error) = devices.listen()
        {
            self.lose(&error);
        }
    }

    /// Does what a command says.
    pub(crate) fn obey(&mut self, command: InputCommand) {
        match command {
            InputCommand::Event(event) => {
                let event = self.speed.apply(event);
                self.play(&event);
            }
            InputCommand::ReleaseAll => self.release_all(),
            InputCommand::Switch(source) => self.switch(&source),
        }
    }

    /// Sends what was played.
    pub(crate) fn flush(&mut self) {
        if let Some(devices) = &self.devices
            && let Err(error) = devices.flush()
        {
            self.lose(&error);
        }
    }

    fn play(&mut self, event: &InputEvent) {
        let played = self.devices.as_mut().is_some_and(|devices| devices.play(event, self.stream));
        let counter = if played { Counter::InputEvents } else { Counter::InputIgnored };
        self.pulse.counters().add(counter, 1);
        if matches!(event, InputEvent::MouseButton { .. }) {
            self.note_buttons();
        }
    }

    /// For a successor, if this worker dies.
    fn note_buttons(&self) {
        let held = self.devices.as_ref().map_or(0, Devices::held_buttons);
        self.pulse.counters().set(Counter::HeldButtons, held);
    }

    /// Lets everything go, for good or before other devices take over.
    pub(crate) fn part(&mut self) {
        if let Some(mut devices) = self.devices.take()
            && let Err(error) = devices.part()
        {
            debug!(%error, "nobody is there to release keys for");
        }
        self.note_buttons();
    }

    fn release_all(&mut self) {
        if let Some(devices) = &mut self.devices {
            devices.release_all();
        }
        self.note_buttons();
    }

    fn switch(&mut self, source: &Source) {
        self.part();
        self.place = Place::of(source);
        self.retry_at = None;
        self.has_warned = false;
        self.keep_up();
    }

    fn open(&mut self) {
        let Some(Place { socket, seat }) = &self.place else { return };
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        match Devices::open(socket, seat.as_deref(), self.pulse) {
            Ok(Some(devices)) => {
                info!(?socket, ?seat, "input devices are plugged in");
                self.has_warned = false;
                devices.release_inherited(self.pulse.counters().get(Counter::HeldButtons));
                self.devices = Some(devices);
                self.note_buttons();
            }
            Ok(None) => {}
            Err(error) => self.lose(&error),
        }
    }

    fn lose(&mut self, error: &WaylandError) {
        if !self.has_warned {
            warn!(%error, "input is ignored until the compositor can be reached");
            self.has_warned = true;
        }
        self.devices = None;
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
    }
}

/// Where devices are plugged in.
#[derive(Debug)]
struct Place {
    socket: PathBuf,
    seat: Option<String>,
}

impl Place {
    /// `None` if the source takes no input.
    fn of(source: &Source) -> Option<Self> {
        match source {
            Source::Desktop { wayland, seat, .. } => Some(Self { socket: wayland.clone(), seat: seat.clone() }),
            Source::TestCard => None,
        }
    }
}

/// A desktop that is restarted is back within a second.
const RETRY_AFTER: Duration = Duration::from_secs(1);
