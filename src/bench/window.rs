//! `earthshine bench-window`: the application that benches run on a desktop, a fullscreen
//! window with built-in content and frame markers.
//!
//! It draws so many frames a second, or one for every refresh of the output, or, still, only
//! in answer to input. A program of its own would have to be found; this one is here.

use std::time::{Duration, Instant};

use anyhow::Result;
use wayland_client::WEnum;
use wayland_client::protocol::{wl_keyboard, wl_pointer};

use super::canvas::{Canvas, marked_number};
use super::toplevel::{Event, Toplevel};
use crate::cli::BenchWindowArgs;
use crate::clock::Micros;
use crate::content::Content;
use crate::frame_marker::Marker;

/// Shows it until the compositor ends.
///
/// # Errors
/// If there is no compositor, or it lacks what a window needs.
pub fn main(args: &BenchWindowArgs) -> Result<()> {
    let mut toplevel = Toplevel::open("Earthshine bench", "earthshine.bench")?;
    let mut window = Window::new(args);
    while !toplevel.is_closed() {
        for event in toplevel.wait(window.time_left())? {
            window.take(&event);
        }
        window.draw_if_due(&mut toplevel)?;
    }
    Ok(())
}

/// What is shown, and what is known of the input.
struct Window {
    content: Content,
    pace: Pace,
    answers_input: bool,
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
            refreshed: false,
            frame: 0,
            answers: 0,
            answered: 0,
            drawing: None,
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Shown { .. } => self.refreshed = true,
            Event::Keyboard(wl_keyboard::Event::Key {
                state: WEnum::Value(wl_keyboard::KeyState::Pressed), ..
            })
            | Event::Pointer(wl_pointer::Event::Button {
                state: WEnum::Value(wl_pointer::ButtonState::Pressed), ..
            }) if self.answers_input => self.answers += 1,
            _ => {}
        }
    }

    fn draw_if_due(&mut self, toplevel: &mut Toplevel) -> Result<()> {
        let Some(size) = toplevel.size() else { return Ok(()) };
        if self.drawing.as_ref().is_none_or(|drawing| drawing.canvas.size() != size) {
            self.drawing = Some(Drawing { canvas: Canvas::new(self.content, size), patched: None });
        } else if !self.is_due() {
            return Ok(());
        }
        self.draw(toplevel)
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
            Pace::Every { next, .. } if self.refreshed => {
                Some(next.saturating_duration_since(Instant::now()).max(SHORTEST_WAIT))
            }
            _ => None,
        }
    }

    fn draw(&mut self, toplevel: &mut Toplevel) -> Result<()> {
        let Some(Drawing { canvas, patched }) = &mut self.drawing else { return Ok(()) };
        let Some(frame) = toplevel.frame()? else { return Ok(()) };
        let repainted = canvas.paint(self.frame);
        let patches = self.answers_input && (repainted || *patched != Some(self.answers));
        if patches {
            canvas.patch(self.answers);
            *patched = Some(self.answers);
        }
        let marked = canvas.marked_rows();
        // Each buffer has what was drawn when it was used last, so all of it is written.
        frame.write(canvas.pixels(), marked..canvas.size().height as usize)?;
        // The marker last: its time is the moment at which the picture is handed over.
        canvas.mark(Marker { number: marked_number(self.frame, self.answers), time: Micros::now() });
        frame.write(canvas.pixels(), 0..marked)?;
        let changed = if repainted || patches { i32::MAX } else { i32::try_from(marked).unwrap_or(i32::MAX) };
        frame.show(&[(0, changed)]);
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

/// Or it would spin while it is a little early.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);
