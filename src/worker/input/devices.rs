//! A keyboard, a second one for text, and a pointer, plugged into one seat of a
//! compositor.

use std::path::Path;
use std::time::{Duration, Instant};

use tracing::warn;
use wayland_client::protocol::wl_callback::{self, WlCallback};
use wayland_client::protocol::wl_output::{self, WlOutput};
use wayland_client::protocol::wl_registry::{self, WlRegistry};
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_noop};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1;
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1;
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1;
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1;

use super::keyboard::{Keyboard, VirtualKey};
use super::pointer::Pointer;
use super::text::Text;
use super::virtual_keyboard::VirtualKeyboard;
use super::virtual_pointer::VirtualPointer;
use crate::protocol::control::input_event::InputEvent;
use crate::units::Size;
use crate::worker::capture::WaylandError;
use crate::worker::capture::output::Output;
use crate::worker::capture::wayland::{Globals, HasGlobals, Wayland, on_callback, on_registry};
use crate::worker::heartbeat::Pulse;

/// The devices a compositor let us plug in; it may allow none or some.
#[derive(Debug)]
pub(crate) struct Devices {
    wayland: Wayland<DevicesState>,
    state: DevicesState,
    keyboard: Option<(VirtualKeyboard, Keyboard)>,
    text: Option<(VirtualKeyboard, Text)>,
    pointer: Option<(VirtualPointer, Pointer)>,
}

/// State behind the connection.
#[derive(Debug, Default)]
pub(crate) struct DevicesState {
    globals: Globals,
    output: Option<Output>,
    output_is_gone: bool,
    /// Names of the seats, as far as the compositor has told them.
    seats: Vec<(WlSeat, String)>,
}

impl Devices {
    /// Connects and plugs in what the compositor allows; `None` if the pulse
    /// says stop meanwhile.
    ///
    /// `seat` is the name of the seat; the first is taken if it is not given or
    /// not there.
    pub(crate) fn open(socket: &Path, seat: Option<&str>, pulse: &Pulse) -> Result<Option<Self>, WaylandError> {
        let mut state = DevicesState::default();
        let Some((mut wayland, registry)) = Wayland::open(socket, &mut state, pulse)? else { return Ok(None) };
        let handle = wayland.handle();
        let Some(seat) = find_seat(&mut wayland, &mut state, &registry, seat, pulse)? else { return Ok(None) };
        state.output = Output::bind(&state.globals, &registry, &handle);
        let (keyboard, text) = plug_keyboards(&state.globals, &registry, &seat, &handle).unzip();
        let pointer = plug_pointer(&state, &registry, &seat, &handle);
        // The answer shows that it took the devices, and brings the output's mode.
        let is_alive = wayland.roundtrip(&mut state, pulse)?;
        Ok(is_alive.then_some(Self { wayland, state, keyboard, text, pointer }))
    }

    /// Plays an event; `stream` is the size of the picture its positions refer
    /// to. Returns whether there was a device for it.
    pub(crate) fn play(&mut self, event: &InputEvent, stream: Size) -> bool {
        match (event, &mut self.keyboard, &mut self.text, &mut self.pointer) {
            (InputEvent::Device(_), ..) => false,
            (&InputEvent::Key { code, pressed, modifiers, not_normalized }, Some((device, keyboard)), ..) => {
                let key = VirtualKey { code, pressed, modifiers, not_normalized };
                keyboard.play(key, &mut |action| device.act(action))
            }
            (&InputEvent::Text(character), _, Some((device, text)), _) => {
                text.play(character, &mut |action| device.act(action))
            }
            (event, _, _, Some((device, pointer))) => {
                let desktop = self.state.output.as_ref().and_then(Output::mode).unwrap_or(stream);
                pointer.play(event, stream, desktop, &mut |action| device.act(action))
            }
            _ => false,
        }
    }

    /// Releases every key and button that is held.
    pub(crate) fn release_all(&mut self) {
        if let Some((device, keyboard)) = &mut self.keyboard {
            keyboard.release_all(&mut |action| device.act(action));
        }
        if let Some((device, pointer)) = &mut self.pointer {
            pointer.release_all(&mut |action| device.act(action));
        }
    }

    /// Releases everything, and waits a moment until the compositor has seen it:
    /// of a connection that is closed first, it reads nothing any more.
    pub(crate) fn part(&mut self) -> Result<(), WaylandError> {
        self.release_all();
        let ticket = self.wayland.sync(&mut self.state);
        let begin = Instant::now();
        while !self.state.globals.has_answered(ticket) && begin.elapsed() < PARTING_DEADLINE {
            self.wayland.dispatch(&mut self.state, PARTING_DEADLINE / 10)?;
        }
        Ok(())
    }

    /// Mouse buttons that are held, as [`Counter::HeldButtons`](crate::ipc::counters_page::Counter::HeldButtons) has them.
    pub(crate) fn held_buttons(&self) -> u64 {
        self.pointer.as_ref().map_or(0, |(_, pointer)| pointer.held())
    }

    /// Releases mouse buttons that a worker before this one held.
    pub(crate) fn release_inherited(&self, held: u64) {
        if let Some((device, _)) = &self.pointer {
            Pointer::release_inherited(held, &mut |action| device.act(action));
        }
    }

    /// Hears what the compositor has said, without waiting.
    pub(crate) fn listen(&mut self) -> Result<(), WaylandError> {
        self.wayland.dispatch(&mut self.state, Duration::ZERO)?;
        if self.state.output_is_gone {
            return Err(WaylandError::Protocol("the output is gone".to_owned()));
        }
        Ok(())
    }

    /// Sends what was played.
    pub(crate) fn flush(&self) -> Result<(), WaylandError> {
        self.wayland.flush()
    }
}

impl HasGlobals for DevicesState {
    fn globals(&mut self) -> &mut Globals {
        &mut self.globals
    }

    fn removed(&mut self, name: u32) {
        self.output_is_gone |= self.output.as_ref().is_some_and(|output| output.is(name));
    }
}

impl Dispatch<WlRegistry, ()> for DevicesState {
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

impl Dispatch<WlCallback, u32> for DevicesState {
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

impl Dispatch<WlOutput, ()> for DevicesState {
    fn event(state: &mut Self, _: &WlOutput, event: wl_output::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {
        if let Some(output) = &mut state.output {
            output.on_event(&event);
        }
    }
}

impl Dispatch<WlSeat, ()> for DevicesState {
    fn event(state: &mut Self, seat: &WlSeat, event: wl_seat::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {
        if let wl_seat::Event::Name { name } = event {
            state.seats.push((seat.clone(), name));
        }
    }
}

delegate_noop!(DevicesState: ZwpVirtualKeyboardManagerV1);
delegate_noop!(DevicesState: ZwpVirtualKeyboardV1);
delegate_noop!(DevicesState: ZwlrVirtualPointerManagerV1);
delegate_noop!(DevicesState: ZwlrVirtualPointerV1);

/// The seat with this name, or the first; `None` if the pulse says stop.
fn find_seat(
    wayland: &mut Wayland<DevicesState>,
    state: &mut DevicesState,
    registry: &WlRegistry,
    wanted: Option<&str>,
    pulse: &Pulse,
) -> Result<Option<WlSeat>, WaylandError> {
    let handle = wayland.handle();
    let bound: Vec<WlSeat> = state
        .globals
        .of(WlSeat::interface().name)
        .map(|(name, version)| registry.bind(name, version.min(SEAT_NAME_SINCE), &handle, ()))
        .collect();
    let first = bound.first().cloned().ok_or_else(|| WaylandError::Protocol("it offers no seat".to_owned()))?;
    let Some(wanted) = wanted else { return Ok(Some(first)) };
    if !wayland.roundtrip(state, pulse)? {
        return Ok(None);
    }
    let named = state.seats.drain(..).find(|(_, name)| name == wanted);
    if named.is_none() {
        warn!(seat = wanted, "the compositor has no such seat: the first is shared");
    }
    Ok(Some(named.map_or(first, |(seat, _)| seat)))
}

/// Two, because text needs a keymap of its own.
fn plug_keyboards(
    globals: &Globals,
    registry: &WlRegistry,
    seat: &WlSeat,
    handle: &QueueHandle<DevicesState>,
) -> Option<((VirtualKeyboard, Keyboard), (VirtualKeyboard, Text))> {
    let Some(manager) = globals.bind::<ZwpVirtualKeyboardManagerV1, _>(registry, handle, 1) else {
        warn!("the compositor lacks zwp_virtual_keyboard_v1: keys and text are ignored");
        return None;
    };
    let plug = || VirtualKeyboard::new(manager.create_virtual_keyboard(seat, handle, ()));
    let device = plug();
    let keyboard = Keyboard::plug_in(&mut |action| device.act(action));
    Some(((device, keyboard), (plug(), Text::default())))
}

fn plug_pointer(
    state: &DevicesState,
    registry: &WlRegistry,
    seat: &WlSeat,
    handle: &QueueHandle<DevicesState>,
) -> Option<(VirtualPointer, Pointer)> {
    let Some(manager) = state.globals.bind::<ZwlrVirtualPointerManagerV1, _>(registry, handle, 2) else {
        warn!("the compositor lacks zwlr_virtual_pointer_v1: the mouse is ignored");
        return None;
    };
    let output = state.output.as_ref().map(|output| &output.shown);
    let device = if manager.version() >= WITH_OUTPUT_SINCE {
        manager.create_virtual_pointer_with_output(Some(seat), output, handle, ())
    } else {
        manager.create_virtual_pointer(Some(seat), handle, ())
    };
    manager.destroy();
    Some((VirtualPointer::new(device), Pointer::default()))
}

/// Less than a worker gets to end in order.
const PARTING_DEADLINE: Duration = Duration::from_millis(200);

const WITH_OUTPUT_SINCE: u32 = 2;
const SEAT_NAME_SINCE: u32 = 2;
