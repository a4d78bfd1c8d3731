//! What every source of pictures can do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::desktop::Desktop;
use super::dma_buf::{DmaBufs, GbmAllocator};
use super::error::CaptureError;
use super::test_card::TestCard;
use crate::stream_plan::{Source, VideoPlan};
use crate::worker::frame::Frame;
use crate::worker::heartbeat::Pulse;
use crate::worker::imports::Imports;

/// Something that shows pictures.
pub(crate) trait FrameSource: fmt::Debug {
    /// The next picture that differs from the one before, or `None` if there is
    /// none within `patience`.
    fn next_frame(&mut self, patience: Duration) -> Result<Option<Frame>, CaptureError>;
}

/// Opens a source; `None` if the pulse says stop meanwhile.
pub(crate) fn open(
    source: &Source,
    video: &VideoPlan,
    imports: &Arc<Imports>,
    pulse: &Pulse,
) -> Result<Option<Box<dyn FrameSource>>, CaptureError> {
    Ok(match source {
        Source::Desktop { wayland, .. } => {
            let allocator = Box::new(GbmAllocator::new(video.capture.device.clone(), video.capture.placed.clone()));
            let dma_bufs = DmaBufs::new(video.capture.memory, Arc::clone(imports), allocator);
            Desktop::open(wayland, video.frame_rate, dma_bufs, pulse)?
                .map(|desktop| Box::new(desktop) as Box<dyn FrameSource>)
        }
        Source::TestCard => Some(open_test_card(video)),
    })
}

/// The test card.
pub(crate) fn open_test_card(video: &VideoPlan) -> Box<dyn FrameSource> {
    Box::new(TestCard::new(video.size, video.frame_rate))
}

/// For logs.
pub(crate) const fn name(source: &Source) -> &'static str {
    match source {
        Source::Desktop { .. } => "desktop",
        Source::TestCard => "test card",
    }
}
