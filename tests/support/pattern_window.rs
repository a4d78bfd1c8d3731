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

use std::fs::File;
use std::io::{self, Write};

use anyhow::{Context, Result};
use clap::Parser;
use earthshine::bench::toplevel::{Event, Toplevel};
use earthshine::clock::Micros;
use earthshine::frame_marker::Marker;
use serde_json::{Value, json};
use wayland_client::WEnum;
use wayland_client::protocol::{wl_keyboard, wl_pointer};

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
    let mut toplevel = Toplevel::open("Earthshine pattern", "earthshine.pattern")?;
    let mut window = Window::new(options, log);
    while !toplevel.is_closed() {
        for event in toplevel.wait(None)? {
            window.take(event);
        }
        window.redraw_if_due(&mut toplevel)?;
    }
    Ok(())
}

/// What is shown and said.
struct Window {
    options: Options,
    log: Box<dyn Write>,
    shown: u32,
    frame_due: bool,
    input_came: bool,
    ready: bool,
    corner: [u8; 3],
    canvas: Option<Canvas>,
}

impl Window {
    fn new(options: Options, log: Box<dyn Write>) -> Self {
        Self { options, log, shown: 0, frame_due: false, input_came: false, ready: false, corner: YELLOW, canvas: None }
    }

    fn redraw_if_due(&mut self, toplevel: &mut Toplevel) -> Result<()> {
        let Some(size) = toplevel.size() else { return Ok(()) };
        // A still one draws on until it fills the screen: the size may be right before.
        let moves = self.frame_due && (!self.options.still || !self.ready);
        if self.canvas.as_ref().is_none_or(|canvas| canvas.size != size) {
            self.canvas = Some(Canvas::new(size));
        } else if !self.input_came && !moves {
            return Ok(());
        }
        self.redraw(toplevel)
    }

    fn redraw(&mut self, toplevel: &mut Toplevel) -> Result<()> {
        let Some(canvas) = &mut self.canvas else { return Ok(()) };
        let Some(frame) = toplevel.frame()? else { return Ok(()) };
        let marker = Marker { number: self.shown, time: Micros::now() };
        canvas.paint(marker, self.corner, self.options.game);
        frame.write(&canvas.pixels, 0..canvas.size.height as usize)?;
        frame.show(&canvas.painted());
        self.shown += 1;
        self.frame_due = false;
        self.input_came = false;
        Ok(())
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Shown { filling } => {
                self.frame_due = true;
                if let (false, Some(size)) = (self.ready, filling) {
                    self.ready = true;
                    self.say(&json!({"event": "ready", "width": size.width, "height": size.height}));
                }
            }
            Event::Keyboard(event) => self.take_keyboard(event),
            Event::Pointer(event) => self.take_pointer(event),
            Event::PointerGone => self.say(&json!({"event": "pointer gone"})),
        }
    }

    fn take_keyboard(&mut self, event: wl_keyboard::Event) {
        use wl_keyboard::{Event, KeyState};
        match event {
            Event::Enter { .. } => self.say(&json!({"event": "focus"})),
            Event::Key { key, state, .. } => {
                let pressed = state == WEnum::Value(KeyState::Pressed);
                self.answer(MAGENTA, &json!({"event": "key", "code": key, "pressed": pressed}));
            }
            Event::Modifiers { mods_depressed, mods_locked, .. } => {
                self.say(&json!({"event": "modifiers", "depressed": mods_depressed, "locked": mods_locked}));
            }
            _ => {}
        }
    }

    fn take_pointer(&mut self, event: wl_pointer::Event) {
        use wl_pointer::{ButtonState, Event};
        match event {
            Event::Enter { surface_x, surface_y, .. } | Event::Motion { surface_x, surface_y, .. } => {
                self.answer(GREY, &json!({"event": "motion", "x": surface_x, "y": surface_y}));
            }
            Event::Button { button, state, .. } => {
                let pressed = state == WEnum::Value(ButtonState::Pressed);
                self.answer(CYAN, &json!({"event": "button", "code": button, "pressed": pressed}));
            }
            Event::Axis { axis, value, .. } => {
                self.answer(ORANGE, &json!({"event": "scroll", "axis": axis_name(axis), "value": value}));
            }
            Event::AxisDiscrete { axis, discrete } => {
                self.say(&json!({"event": "notches", "axis": axis_name(axis), "count": discrete}));
            }
            _ => {}
        }
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

fn axis_name(axis: WEnum<wl_pointer::Axis>) -> &'static str {
    match axis {
        WEnum::Value(wl_pointer::Axis::VerticalScroll) => "vertical",
        _ => "horizontal",
    }
}

const YELLOW: [u8; 3] = [200, 200, 40];
const MAGENTA: [u8; 3] = [200, 40, 200];
const CYAN: [u8; 3] = [40, 200, 200];
const GREY: [u8; 3] = [128, 128, 128];
const ORANGE: [u8; 3] = [200, 120, 40];
