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
use crate::worker::heartbeat::{LONGEST_WAIT, Pulse};

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
    inherited: Option<Inherited>,
}

/// Mouse buttons that a worker before this one held, and when they are let go.
///
/// With its pointer the dead worker took the seat's only one from the
/// applications. They hear that there is another, and bind it; a release that
/// they are sent before that, nobody gets.
#[derive(Debug, Clone, Copy)]
struct Inherited {
    held: u64,
    due: Instant,
}

impl<'a> Player<'a> {
    /// A player for `source`; devices come with [`Player::keep_up`].
    pub(crate) fn new(source: &Source, stream: Size, speed: PointerSpeed, pulse: &'a Pulse) -> Self {
        let speed = Speed::new(speed);
        let place = Place::of(source);
        Self { place, stream, speed, pulse, devices: None, retry_at: None, has_warned: false, inherited: None }
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
        if self.inherited.is_some_and(|inherited| inherited.due <= Instant::now()) {
            self.release_inherited();
        }
    }

    /// How long commands may be waited for before [`Self::keep_up`] is due.
    pub(crate) fn patience(&self) -> Duration {
        let due = |inherited: Inherited| inherited.due.saturating_duration_since(Instant::now());
        self.inherited.map_or(LONGEST_WAIT, |inherited| due(inherited).min(LONGEST_WAIT))
    }

    /// Does what a command says.
    pub(crate) fn obey(&mut self, command: InputCommand) {
        match command {
            InputCommand::Event(event) => {
                if matches!(event, InputEvent::MouseButton { pressed: true, .. }) {
                    self.release_inherited();
                }
                let event = self.speed.apply(event);
                self.play(&event);
            }
            InputCommand::ReleaseAll => {
                self.release_inherited();
                self.release_all();
            }
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
        let held = held | self.inherited.map_or(0, |inherited| inherited.held);
        self.pulse.counters().set(Counter::HeldButtons, held);
    }

    fn release_inherited(&mut self) {
        // Without devices it is for those that come.
        let Some(devices) = &self.devices else { return };
        let Some(Inherited { held, .. }) = self.inherited.take() else { return };
        devices.release_inherited(held);
        self.note_buttons();
    }

    /// Lets everything go, for good or before other devices take over.
    pub(crate) fn part(&mut self) {
        self.release_inherited();
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
                let held = self.pulse.counters().get(Counter::HeldButtons);
                self.inherited = (held != 0).then(|| Inherited { held, due: Instant::now() + TIME_TO_BIND });
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

/// Applications bind a new pointer within milliseconds; on a busy machine later.
const TIME_TO_BIND: Duration = Duration::from_millis(100);

/// A desktop that is restarted is back within a second.
const RETRY_AFTER: Duration = Duration::from_secs(1);
