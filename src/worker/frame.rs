//! A frame on its way through the worker: captured pixels, then an access unit.

use std::ops::Range;
use std::sync::Arc;

use crate::clock::Micros;
use crate::units::Size;
use crate::worker::capture::buffer_pool::Lease;

/// A picture as the source delivered it.
///
/// Dropping it gives its buffer back to the pool it came from.
#[derive(Debug)]
pub struct Frame {
    /// The bytes.
    pub pixels: Pixels,
    /// Size in pixels.
    pub size: Size,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Order of the bytes.
    pub format: PixelFormat,
    /// The first row in memory is the bottom of the picture.
    pub bottom_up: bool,
    /// Counts a worker's frames: the capture thread numbers them.
    pub number: u64,
    /// Rows outside of which it is the same as the frame numbered one less;
    /// `None` if that is not known.
    pub changed: Option<Range<u32>>,
    /// When the source showed it (presentation time where it is known).
    pub presented: Micros,
    /// When its pixels were ready for us.
    pub captured: Micros,
}

impl Frame {
    /// All rows, `stride` bytes each.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.pixels {
            Pixels::Shared(lease) => lease.bytes(),
            Pixels::Owned(bytes) => bytes,
        }
    }
}

/// Where a frame's pixels are. DMA-BUFs will be a variant of this.
#[derive(Debug)]
pub enum Pixels {
    /// In a shared-memory buffer of the capture pool.
    Shared(Lease),
    /// In ordinary memory (test card).
    Owned(Arc<[u8]>),
}

/// Order of the bytes of a pixel in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Blue, green, red, unused: `XRGB8888` and `ARGB8888` of wl_shm.
    Bgrx,
    /// Red, green, blue, unused: `XBGR8888` and `ABGR8888` of wl_shm.
    Rgbx,
}

/// A coded picture, ready to be cut into packets.
#[derive(Debug)]
pub struct EncodedFrame {
    /// The access unit (H.264/HEVC: Annex B; AV1: one temporal unit).
    pub data: Vec<u8>,
    /// What the decoder may expect of it.
    pub kind: FrameKind,
    /// Number of the picture, as the encoder counts them.
    pub picture: u32,
    /// When its pixels were captured; [`Frame::captured`].
    pub captured: Micros,
    /// Microseconds of its way that were the encoder's own.
    pub encoding: u64,
    /// It repeats an earlier picture, so it has no capture latency to report.
    pub repeated: bool,
}

/// What a frame refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A key frame with parameter sets; decoding can start here.
    Idr,
    /// Refers to the frame before it.
    Predicted,
    /// Refers only to frames the client has not reported lost.
    Recovered,
}
