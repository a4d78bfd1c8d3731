//! What the two protocols that copy pictures have in common.

use std::fmt::Debug;
use std::ops::Range;

use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_shm::Format;
use wayland_client::{QueueHandle, WEnum};

use super::desktop::DesktopState;
use crate::clock::Micros;
use crate::units::Size;

/// One of the two protocols.
pub(crate) trait Copier: Debug {
    /// Makes the compositor describe a buffer, if it does not do so unasked.
    fn describe(&mut self, output: &WlOutput, handle: &QueueHandle<DesktopState>);

    /// Makes the compositor draw the next picture that differs from the last.
    /// Only after it has described a buffer.
    fn copy(&mut self, buffer: &WlBuffer, size: Size, handle: &QueueHandle<DesktopState>);

    /// The copy is done, or has failed.
    fn finish(&mut self, outcome: Outcome, reply: &mut Reply);

    /// Forgets its session: the output is another.
    fn reset(&mut self);
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The picture is in the buffer.
    Ready,
    /// It is not.
    Failed,
}

/// What the compositor has told about the copy under way.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// What it captures into.
    pub(crate) offer: Offer,
    /// The above is complete.
    pub(crate) described: bool,
    /// The first row is the bottom.
    pub(crate) bottom_up: bool,
    /// When the picture was shown.
    pub(crate) presented: Option<Micros>,
    /// Rows that changed since the last picture; `None` if it does not tell.
    pub(crate) changed: Option<Range<u32>>,
    /// How the copy ended.
    pub(crate) outcome: Option<Outcome>,
    /// The session is over, a new one is needed.
    pub(crate) stopped: bool,
}

/// Buffers that a compositor captures into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Size and stride (0: any).
    pub(crate) buffer: Option<(Size, u32)>,
    /// Formats in shared memory.
    pub(crate) formats: Vec<WEnum<Format>>,
    /// Formats in DMA-BUFs.
    pub(crate) dma_bufs: Vec<DmaBufOffer>,
    /// Number of the device that DMA-BUFs have to be of, if it tells.
    pub(crate) device: Option<u64>,
}

impl Offer {
    /// Size of the picture; nothing if it does not tell.
    pub(crate) fn size(&self) -> Size {
        self.buffer.map_or(Size::new(0, 0), |(size, _)| size)
    }
}

/// A format that a compositor captures into DMA-BUFs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DmaBufOffer {
    /// DRM format code.
    pub(crate) fourcc: u32,
    /// Modifiers; `None` for those that it takes in general.
    pub(crate) modifiers: Option<Vec<u64>>,
}

impl Reply {
    /// A rectangle that changed, of which only the rows count; what makes no
    /// sense is nothing.
    pub(crate) fn add_damage(&mut self, top: i64, height: i64) {
        let row = |value: i64| u32::try_from(value.max(0)).unwrap_or(u32::MAX);
        let (from, to) = (row(top), row(top.saturating_add(height)));
        let before = self.changed.take().unwrap_or(from..to);
        self.changed = Some(before.start.min(from)..before.end.max(to));
    }

    /// Micros from the protocols' three-part time stamps.
    pub(crate) fn set_presented(&mut self, seconds_high: u32, seconds_low: u32, nanoseconds: u32) {
        let seconds = u64::from(seconds_high) << 32 | u64::from(seconds_low);
        self.presented = Some(Micros(seconds.saturating_mul(1_000_000).saturating_add(u64::from(nanoseconds) / 1000)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_the_rows_from_the_first_to_the_last_that_changed() {
        let mut reply = Reply::default();
        for (top, height, rows) in [(40, 10, 40..50), (100, 1, 40..101), (-5, 10, 0..101), (7, i64::MAX, 0..u32::MAX)] {
            reply.add_damage(top, height);
            assert_eq!(reply.changed, Some(rows));
        }
    }

    #[test]
    fn three_part_stamps_become_micros() {
        let mut reply = Reply::default();
        reply.set_presented(1, 2, 3_999);
        assert_eq!(reply.presented, Some(Micros(((1 << 32) + 2) * 1_000_000 + 3)));
        reply.set_presented(u32::MAX, u32::MAX, u32::MAX);
        assert_eq!(reply.presented, Some(Micros(u64::MAX)));
    }
}
