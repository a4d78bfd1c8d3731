//! Where pictures come from: a compositor's output, or the built-in test card.
//!
//! One thread: it asks its source for the next changed picture, puts it into
//! the slot where the newest frame wins, and does so again. A still screen
//! costs nothing. Moving to another source (a lobby) happens between two
//! frames, without the encoder noticing more than another size.

pub mod buffer_pool;
mod buffers;
mod copier;
mod desktop;
pub mod dma_buf;
mod error;
#[cfg(test)]
mod fake_compositor;
mod image_copy;
pub(crate) mod output;
mod pixel_format;
mod rate_limit;
mod screencopy;
mod shm_buffer;
pub mod source;
mod test_card;
pub(crate) mod test_card_scene;
pub(crate) mod wayland;

pub use error::{CaptureError, WaylandError};

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tracing::info;

use crate::ipc::counters_page::{Counter, Stage};
use crate::ipc::flight_recorder::What;
use crate::stream_plan::{Source, VideoPlan};
use crate::worker::frame::Frame;
use crate::worker::heartbeat::Pulse;
use crate::worker::imports::Imports;
use crate::worker::slot::Slot;

/// A source to move to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedSource {
    /// Where pictures come from.
    pub source: Source,
    /// Its number within the stream.
    pub number: u32,
}

/// A source that cannot be captured, or not any more.
#[derive(Debug)]
pub struct SourceFailure {
    /// Its number within the stream.
    pub number: u32,
    /// Why.
    pub error: CaptureError,
}

/// The capture thread: feeds `slot` from `first`, and from whatever
/// arrives on `switch` later, until the pulse says stop. `shows` hears the
/// number of each source just before its first frame goes into the slot.
///
/// Frames have the source's size, which may differ from the stream's and may
/// change; no more of them come than the plan's frame rate. They are captured into
/// DMA-BUFs where the plan says so and `imports` and the compositor allow
/// ([`dma_buf`]). While another
/// source is opened, the one before it stays: its last picture is repeated.
///
/// # Errors
/// The compositor is gone, lacks a capture protocol, or only offers pictures
/// we cannot read.
pub fn run(
    first: NumberedSource,
    video: &VideoPlan,
    imports: &Arc<Imports>,
    slot: &Slot<Frame>,
    switch: &Receiver<NumberedSource>,
    mut shows: impl FnMut(u32),
    pulse: &Pulse,
) -> Result<(), SourceFailure> {
    let mut number = first.number;
    let Some(mut open) = open_source(&first, video, imports, pulse)? else { return Ok(()) };
    let mut is_new = true;
    let mut frames = 0;
    while pulse.beat() {
        if let Some(next) = switch.try_iter().last() {
            info!(source = source::name(&next.source), number = next.number, "capture switches");
            let Some(opened) = open_source(&next, video, imports, pulse)? else { return Ok(()) };
            (open, number, is_new) = (opened, next.number, true);
        }
        if let Some(frame) = open.next_frame(PATIENCE).map_err(|error| SourceFailure { number, error })? {
            if std::mem::take(&mut is_new) {
                shows(number);
            }
            // Counted over all sources, so that a frame that was replaced
            // unread shows as a gap and no source's change counts for another.
            frames += 1;
            deliver(Frame { number: frames, ..frame }, slot, pulse);
        }
    }
    Ok(())
}

fn open_source(
    source: &NumberedSource,
    video: &VideoPlan,
    imports: &Arc<Imports>,
    pulse: &Pulse,
) -> Result<Option<Box<dyn source::FrameSource>>, SourceFailure> {
    let number = source.number;
    pulse.note(What::SourceOpens, number, 0);
    let opened =
        source::open(&source.source, video, imports, pulse).map_err(|error| SourceFailure { number, error })?;
    pulse.note(What::SourceOpen, number, 0);
    Ok(opened)
}

fn deliver(frame: Frame, slot: &Slot<Frame>, pulse: &Pulse) {
    let counters = pulse.counters();
    counters.record(Stage::Captured, frame.captured.since(frame.presented));
    counters.add(Counter::FramesCaptured, 1);
    pulse.note(What::Captured, low_32(frame.number), frame.captured.since(frame.presented));
    if slot.put(frame).is_some() {
        counters.add(Counter::FramesReplaced, 1);
    }
}

/// Frames are told apart by their low bits: only the last some thousand are
/// ever compared.
pub(crate) fn low_32(number: u64) -> u32 {
    u32::try_from(number & 0xFFFF_FFFF).unwrap_or_default()
}

/// How long to wait for a picture before looking for a switch or a stop: short,
/// because it is how long joining a lobby waits while the screen is still.
const PATIENCE: Duration = Duration::from_millis(50);
