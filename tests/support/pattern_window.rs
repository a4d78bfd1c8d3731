//! The application that tests run on a desktop: a fullscreen window with known
//! colours in known places and a marker that counts its frames, so that a
//! decoded picture can be compared with what was shown.
//!
//! ```text
//! pattern_window [--still] [--game] [--answer-input] [--log FILE]
//! ```
//!
//! Quadrants: red and green above, blue and yellow below ([`Canvas`] has the
//! values). `--still` draws once, `--game` fills the lower half with moving,
//! grainy content, `--answer-input` recolours the lower right quadrant by the
//! kind of the last event. Events go as lines of JSON to the log, or to stdout;
//! `{"event":"ready",..}` comes first, when the first frame has been shown.

mod pattern_canvas;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result, bail};
use clap::Parser;
use earthshine::clock::Micros;
use earthshine::frame_marker::Marker;
use earthshine::units::Size;
use rustix::fs::{MemfdFlags, memfd_create};
use serde_json::{Value, json};
use wayland_client::backend::ObjectId;
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_keyboard, wl_pointer, wl_registry, wl_seat, wl_shm, wl_shm_pool,
    wl_surface,
};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

use pattern_canvas::Canvas;

#[derive(Debug, Parser)]
struct Options {
    /// Draw one frame and then only in answer to input.
    #[arg(long)]
    still: bool,
    /// Fill the lower half with moving, grainy content.
    #[arg(long)]
    game: bool,
    /// Recolour the lower right quadrant by the kind of the last event.
    #[arg(long)]
    answer_input: bool,
    /// Write events there and not to stdout.
    #[arg(long)]
    log: Option<std::path::PathBuf>,
}

pub(crate) fn main() -> Result<()> {
    let options = Options::parse();
    let log: Box<dyn Write> = match &options.log {
        Some(path) => Box::new(File::create(path).with_context(|| format!("creating {}", path.display()))?),
        None => Box::new(io::stdout()),
    };
    let connection = Connection::connect_to_env().context("no compositor at WAYLAND_DISPLAY")?;
    let mut queue = connection.new_event_queue();
    let handle = queue.handle();
    let mut window = Window::new(options, log);
    connection.display().get_registry(&handle, ());
    queue.roundtrip(&mut window)?;
    window.show(&handle)?;
    while !window.closed {
        queue.blocking_dispatch(&mut window)?;
        window.redraw_if_due(&handle)?;
    }
    Ok(())
}

/// The window and everything the compositor has told about it.
struct Window {
    options: Options,
    log: Box<dyn Write>,
    compositor: Option<wl_compositor::WlCompositor>,
    shm: Option<wl_shm::WlShm>,
    shell: Option<xdg_wm_base::XdgWmBase>,
    surface: Option<wl_surface::WlSurface>,
    seats: HashMap<ObjectId, wl_seat::Capability>,
    wanted: Size,
    configured: bool,
    fullscreen: bool,
    shown: u32,
    frame_due: bool,
    input_came: bool,
    ready: bool,
    closed: bool,
    corner: [u8; 3],
    drawing: Option<Drawing>,
}

impl Window {
    fn new(options: Options, log: Box<dyn Write>) -> Self {
        Self {
            options,
            log,
            compositor: None,
            shm: None,
            shell: None,
            surface: None,
            seats: HashMap::new(),
            wanted: Size::new(640, 360),
            configured: false,
            fullscreen: false,
            shown: 0,
            frame_due: false,
            input_came: false,
            ready: false,
            closed: false,
            corner: YELLOW,
            drawing: None,
        }
    }

    fn show(&mut self, handle: &QueueHandle<Self>) -> Result<()> {
        let (Some(compositor), Some(shell)) = (&self.compositor, &self.shell) else {
            bail!("the compositor offers no wl_compositor or no xdg_wm_base")
        };
        let surface = compositor.create_surface(handle, ());
        let role = shell.get_xdg_surface(&surface, handle, ());
        let toplevel = role.get_toplevel(handle, ());
        toplevel.set_title("Earthshine pattern".to_owned());
        toplevel.set_app_id("earthshine.pattern".to_owned());
        toplevel.set_fullscreen(None);
        surface.commit();
        self.surface = Some(surface);
        Ok(())
    }

    fn redraw_if_due(&mut self, handle: &QueueHandle<Self>) -> Result<()> {
        let resized = self.drawing.as_ref().is_none_or(|drawing| drawing.canvas.size != self.wanted);
        let answers = self.input_came;
        // A still one draws on until it fills the screen: the size may be right before.
        let moves = self.frame_due && (!self.options.still || !self.ready);
        if self.configured && (resized || answers || moves) {
            self.redraw(handle, resized)?;
        }
        Ok(())
    }

    fn redraw(&mut self, handle: &QueueHandle<Self>, resized: bool) -> Result<()> {
        let (Some(surface), Some(shm)) = (&self.surface, &self.shm) else { bail!("the compositor offers no wl_shm") };
        if resized {
            self.drawing = Some(Drawing::new(self.wanted, shm, handle)?);
        }
        let Some(drawing) = &mut self.drawing else { return Ok(()) };
        let Some(slot) = drawing.buffers.iter_mut().find(|buffer| !buffer.busy) else { return Ok(()) };
        let marker = Marker { number: self.shown, time: Micros::now() };
        drawing.canvas.paint(marker, self.corner, self.options.game);
        drawing.memory.write_all_at(&drawing.canvas.pixels, slot.offset)?;
        slot.busy = true;
        surface.attach(Some(&slot.shown), 0, 0);
        for (top, height) in drawing.canvas.painted() {
            surface.damage_buffer(0, top, i32::MAX, height);
        }
        surface.frame(handle, ());
        surface.commit();
        self.shown += 1;
        self.frame_due = false;
        self.input_came = false;
        Ok(())
    }

    fn answer(&mut self, color: [u8; 3], event: &Value) {
        if self.options.answer_input {
            self.corner = color;
            self.input_came = true;
        }
        self.say(event);
    }

    fn say(&mut self, event: &Value) {
        // A test that no longer listens is no reason to fail.
        let _ = writeln!(self.log, "{event}").and_then(|()| self.log.flush());
    }
}

/// Buffers of one size.
struct Drawing {
    canvas: Canvas,
    memory: File,
    buffers: Vec<Buffer>,
}

struct Buffer {
    shown: wl_buffer::WlBuffer,
    offset: u64,
    busy: bool,
}

impl Drawing {
    fn new(size: Size, shm: &wl_shm::WlShm, handle: &QueueHandle<Window>) -> Result<Self> {
        let (width, height) = (i32::try_from(size.width)?, i32::try_from(size.height)?);
        let len = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(4)).context("too large a window")?;
        let memory = File::from(memfd_create("pattern", MemfdFlags::CLOEXEC)?);
        memory.set_len(u64::try_from(len)? * BUFFERS)?;
        let pool = shm.create_pool(memory.as_fd(), len * i32::try_from(BUFFERS)?, handle, ());
        let buffer = |index: u64| -> Result<Buffer> {
            let offset = u64::try_from(len)? * index;
            let place = i32::try_from(offset)?;
            let shown = pool.create_buffer(place, width, height, width * 4, wl_shm::Format::Xrgb8888, handle, index);
            Ok(Buffer { shown, offset, busy: false })
        };
        let buffers = (0..BUFFERS).map(buffer).collect::<Result<Vec<_>>>()?;
        pool.destroy();
        Ok(Self { canvas: Canvas::new(size), memory, buffers })
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        for buffer in &self.buffers {
            buffer.shown.destroy();
        }
    }
}

impl Dispatch<wl_registry::WlRegistry, ()> for Window {
    fn event(
        window: &mut Self,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        let wl_registry::Event::Global { name, interface, version } = event else { return };
        match interface.as_str() {
            "wl_compositor" => window.compositor = Some(registry.bind(name, version.min(4), handle, ())),
            "wl_shm" => window.shm = Some(registry.bind(name, 1, handle, ())),
            "xdg_wm_base" => window.shell = Some(registry.bind(name, 1, handle, ())),
            "wl_seat" => {
                registry.bind::<wl_seat::WlSeat, _, _>(name, version.min(5), handle, ());
            }
            _ => {}
        }
    }
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &xdg_wm_base::XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        role: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            role.ack_configure(serial);
            window.configured = true;
        }
    }
}

impl Dispatch<xdg_toplevel::XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &xdg_toplevel::XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        match event {
            xdg_toplevel::Event::Configure { width, height, states } => {
                window.fullscreen = states.chunks_exact(4).any(|state| state == FULLSCREEN.to_ne_bytes());
                if let (Ok(width @ 1..), Ok(height @ 1..)) = (u32::try_from(width), u32::try_from(height)) {
                    window.wanted = Size::new(width, height);
                }
            }
            xdg_toplevel::Event::Close => window.closed = true,
            _ => {}
        }
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        window.frame_due = true;
        // The first frames may still be of the size before going fullscreen.
        let has_its_size = window.drawing.as_ref().is_some_and(|drawing| drawing.canvas.size == window.wanted);
        if !window.ready && window.fullscreen && has_its_size {
            window.ready = true;
            let (width, height) = (window.wanted.width, window.wanted.height);
            window.say(&json!({"event": "ready", "width": width, "height": height}));
        }
    }
}

impl Dispatch<wl_buffer::WlBuffer, u64> for Window {
    fn event(
        window: &mut Self,
        released: &wl_buffer::WlBuffer,
        _: wl_buffer::Event,
        _: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Some(drawing) = &mut window.drawing else { return };
        if let Some(buffer) = drawing.buffers.iter_mut().find(|buffer| buffer.shown == *released) {
            buffer.busy = false;
        }
    }
}

impl Dispatch<wl_seat::WlSeat, ()> for Window {
    fn event(
        window: &mut Self,
        seat: &wl_seat::WlSeat,
        event: wl_seat::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        // One of each: events come once for each object.
        if let wl_seat::Event::Capabilities { capabilities: WEnum::Value(has) } = event {
            let had = window.seats.insert(seat.id(), has).unwrap_or(wl_seat::Capability::empty());
            let new = has.difference(had);
            if new.contains(wl_seat::Capability::Keyboard) {
                seat.get_keyboard(handle, ());
            }
            if new.contains(wl_seat::Capability::Pointer) {
                seat.get_pointer(handle, ());
            }
            if had.contains(wl_seat::Capability::Pointer) && !has.contains(wl_seat::Capability::Pointer) {
                window.say(&json!({"event": "pointer gone"}));
            }
        }
    }
}

impl Dispatch<wl_keyboard::WlKeyboard, ()> for Window {
    fn event(
        window: &mut Self,
        _: &wl_keyboard::WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use wl_keyboard::{Event, KeyState};
        match event {
            Event::Enter { .. } => window.say(&json!({"event": "focus"})),
            Event::Key { key, state, .. } => {
                let pressed = state == WEnum::Value(KeyState::Pressed);
                window.answer(MAGENTA, &json!({"event": "key", "code": key, "pressed": pressed}));
            }
            Event::Modifiers { mods_depressed, mods_locked, .. } => {
                window.say(&json!({"event": "modifiers", "depressed": mods_depressed, "locked": mods_locked}));
            }
            _ => {}
        }
    }
}

impl Dispatch<wl_pointer::WlPointer, ()> for Window {
    fn event(
        window: &mut Self,
        pointer: &wl_pointer::WlPointer,
        event: wl_pointer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use wl_pointer::{ButtonState, Event};
        if let Event::Enter { serial, .. } = event {
            // Over the marker, a dark one covers what is white.
            pointer.set_cursor(serial, None, 0, 0);
        }
        match event {
            Event::Enter { surface_x, surface_y, .. } | Event::Motion { surface_x, surface_y, .. } => {
                window.answer(GREY, &json!({"event": "motion", "x": surface_x, "y": surface_y}));
            }
            Event::Button { button, state, .. } => {
                let pressed = state == WEnum::Value(ButtonState::Pressed);
                window.answer(CYAN, &json!({"event": "button", "code": button, "pressed": pressed}));
            }
            Event::Axis { axis, value, .. } => {
                window.answer(ORANGE, &json!({"event": "scroll", "axis": axis_name(axis), "value": value}));
            }
            Event::AxisDiscrete { axis, discrete } => {
                window.say(&json!({"event": "notches", "axis": axis_name(axis), "count": discrete}));
            }
            _ => {}
        }
    }
}

delegate_noop!(Window: ignore wl_compositor::WlCompositor);
delegate_noop!(Window: ignore wl_shm::WlShm);
delegate_noop!(Window: ignore wl_surface::WlSurface);
delegate_noop!(Window: wl_shm_pool::WlShmPool);

fn axis_name(axis: WEnum<wl_pointer::Axis>) -> &'static str {
    match axis {
        WEnum::Value(wl_pointer::Axis::VerticalScroll) => "vertical",
        _ => "horizontal",
    }
}

/// `xdg_toplevel.state`, as it lies in the configure event's array.
const FULLSCREEN: u32 = xdg_toplevel::State::Fullscreen as u32;

const BUFFERS: u64 = 3;

const YELLOW: [u8; 3] = [200, 200, 40];
const MAGENTA: [u8; 3] = [200, 40, 200];
const CYAN: [u8; 3] = [40, 200, 200];
const GREY: [u8; 3] = [128, 128, 128];
const ORANGE: [u8; 3] = [200, 120, 40];
