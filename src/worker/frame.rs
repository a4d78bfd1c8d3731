//! A frame on its way through the worker: captured pixels, then an access unit.

use std::ops::{Deref, Range};
use std::sync::Arc;

use earthshine_ffi::shared_memory::SharedBytes;

use crate::clock::Micros;
use crate::units::Size;
use crate::worker::capture::buffer_pool::Lease;
use crate::worker::dma_buffer::{self, DmaBuffer, ReadError};

/// A picture as the source delivered it.
///
/// Dropping it gives its buffer back to the pool it came from.
#[derive(Debug)]
pub struct Frame {
    /// Where they are.
    pub pixels: Pixels,
    /// Size in pixels.
    pub size: Size,
    /// Bytes from one row to the next; of a DMA-BUF those of its first plane, which
    /// may not lie in rows.
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
    /// All rows, for the processor. They may be further apart than `stride` says:
    /// see [`Rows::stride`].
    ///
    /// # Errors
    /// [`ReadError`] of a DMA-BUF that cannot be brought into rows.
    pub fn read(&self) -> Result<Rows<'_>, ReadError> {
        Ok(match &self.pixels {
            Pixels::Shared(lease) => Rows::Memory { bytes: lease.bytes(), stride: self.stride },
            Pixels::Owned(bytes) => Rows::Memory { bytes, stride: self.stride },
            Pixels::DmaBuf(lease) => Rows::Device(lease.read()?),
        })
    }
}

/// Where a frame's pixels are.
#[derive(Debug)]
pub enum Pixels {
    /// In a shared-memory buffer of the capture pool.
    Shared(Lease<SharedBytes>),
    /// In a DMA-BUF of the capture pool. The compositor's device has finished it.
    DmaBuf(Lease<DmaBuffer>),
    /// In ordinary memory (test card).
    Owned(Arc<[u8]>),
}

/// Rows of a frame, top to bottom as they are in memory.
#[derive(Debug)]
pub enum Rows<'a> {
    /// In ordinary or shared memory.
    Memory {
        /// All of them.
        bytes: &'a [u8],
        /// Bytes from one row to the next.
        stride: usize,
    },
    /// Read out of a device.
    Device(dma_buffer::Reading<'a>),
}

impl Rows<'_> {
    /// Bytes from one row to the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        match self {
            Self::Memory { stride, .. } => *stride,
            Self::Device(reading) => reading.stride(),
        }
    }
}

impl Deref for Rows<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory { bytes, .. } => bytes,
            Self::Device(reading) => reading,
        }
    }
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
    /// Refers to the frame before it, and begins a wave of intra blocks, after which
    /// nothing is seen of what was lost before.
    Refreshing,
}
