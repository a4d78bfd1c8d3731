//! Where pictures come from: a compositor's output, or the built-in test card.
//!
//! One thread: it asks its source for the next changed picture, puts it into
//! the slot where the newest frame wins, and does so again. A still screen
//! costs nothing. Moving to another source (a lobby) happens between two
//! frames, without the encoder noticing more than another size.

pub mod buffer_pool;
mod desktop;
mod error;
mod image_copy;
pub(crate) mod output;
mod pixel_format;
mod rate_limit;
mod screencopy;
pub mod source;
mod test_card;
mod test_card_scene;
pub(crate) mod wayland;

pub use error::{CaptureError, WaylandError};

use std::sync::mpsc::Receiver;
use std::time::Duration;

use tracing::info;

use crate::ipc::counters_page::{Counter, Stage};
use crate::stream_plan::{Source, VideoPlan};
use crate::worker::frame::Frame;
use crate::worker::heartbeat::Pulse;
use crate::worker::slot::Slot;

/// The capture thread: feeds `slot` from `source`, and from whatever arrives
/// on `switch` later, until the pulse says stop.
///
/// Frames have the source's size, which may differ from the stream's and may
/// change; no more of them come than the plan's frame rate.
///
/// # Errors
/// The compositor is gone, lacks a capture protocol, or only offers pictures
/// we cannot read.
pub fn run(
    source: &Source,
    video: &VideoPlan,
    slot: &Slot<Frame>,
    switch: &Receiver<Source>,
    pulse: &Pulse,
) -> Result<(), CaptureError> {
    let Some(mut open) = source::open(source, video, pulse)? else { return Ok(()) };
    let mut number = 0;
    while pulse.beat() {
        if let Some(next) = switch.try_iter().last() {
            info!(source = source::name(&next), "capture switches");
            let Some(opened) = source::open(&next, video, pulse)? else { return Ok(()) };
            open = opened;
        }
        if let Some(frame) = open.next_frame(PATIENCE)? {
            // Counted over all sources, so that a frame that was replaced
            // unread shows as a gap and no source's change counts for another.
            number += 1;
            deliver(Frame { number, ..frame }, slot, pulse);
        }
    }
    Ok(())
}

fn deliver(frame: Frame, slot: &Slot<Frame>, pulse: &Pulse) {
    let counters = pulse.counters();
    counters.record(Stage::Captured, frame.captured.since(frame.presented));
    counters.add(Counter::FramesCaptured, 1);
    if slot.put(frame).is_some() {
        counters.add(Counter::FramesReplaced, 1);
    }
}

/// How long to wait for a picture before looking for a switch or a stop: short,
/// because it is how long joining a lobby waits while the screen is still.
const PATIENCE: Duration = Duration::from_millis(50);
