//! The small pool of shared-memory buffers that the compositor draws into.
//!
//! A frame on its way to the encoder holds a [`Lease`]; dropping it, on
//! whichever thread, gives the buffer back. The encoder takes a picture in at
//! once and needs its buffer no longer, so two are enough: one being drawn, one
//! waiting or being taken in. When both are out, capture waits for that
//! millisecond or two; a third would be 8 MiB at 1080p for it.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use earthshine_ffi::shared_memory::SharedBytes;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_shm::{Format, WlShm};
use wayland_client::protocol::wl_shm_pool::WlShmPool;
use wayland_client::{Dispatch, QueueHandle, WEnum};

use super::error::CaptureError;
use super::pixel_format;
use crate::units::Size;
use crate::worker::frame::PixelFormat;

/// A buffer in use by a frame; dropping it returns the buffer to the pool.
#[derive(Debug)]
pub struct Lease {
    /// `None` only while it is being dropped.
    buffer: Option<Arc<SharedBytes>>,
    returns: Arc<Returns>,
}

impl Lease {
    /// The bytes the compositor wrote.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.as_ref().map_or(&[], |buffer| buffer.bytes())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.buffer = None;
        *self.returns.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.returns.changed.notify_all();
    }
}

/// What every buffer of a pool looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Size of the picture.
    pub(crate) size: Size,
    /// Bytes from one row to the next.
    pub(crate) stride: u32,
    /// As the compositor names it.
    pub(crate) format: WEnum<Format>,
    /// As we name it.
    pub(crate) pixels: PixelFormat,
}

impl Layout {
    /// Checks what a compositor asks for, and picks one of its formats.
    /// `stride` 0 means that rows may be packed.
    pub(crate) fn negotiate(size: Size, stride: u32, offered: &[WEnum<Format>]) -> Result<Self, CaptureError> {
        let (format, pixels) =
            pixel_format::choose(offered).map_err(|offered| CaptureError::UnsupportedFormat { offered })?;
        let impossible = || CaptureError::ImpossibleBuffer { width: size.width, height: size.height, stride };
        let packed = size.width.checked_mul(BYTES_PER_PIXEL).ok_or_else(impossible)?;
        let stride = if stride == 0 { packed } else { stride };
        let layout = Self { size, stride, format, pixels };
        let is_possible = packed > 0 && size.height > 0 && stride >= packed && layout.len() <= LARGEST_BUFFER;
        if is_possible { Ok(layout) } else { Err(impossible()) }
    }

    const fn len(self) -> u64 {
        self.stride as u64 * self.size.height as u64
    }
}

/// All buffers of one layout.
pub(crate) struct BufferPool {
    layout: Layout,
    buffers: Vec<PoolBuffer>,
    returns: Arc<Returns>,
}

/// A free buffer, taken from its pool to be drawn into.
#[derive(Debug)]
pub(crate) struct PoolBuffer {
    /// As the compositor knows it.
    pub(crate) shown: WlBuffer,
    bytes: Arc<SharedBytes>,
}

#[derive(Debug, Default)]
struct Returns {
    count: Mutex<u64>,
    changed: Condvar,
}

impl BufferPool {
    /// An empty pool; buffers are made when first needed.
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, buffers: Vec::with_capacity(MOST_BUFFERS), returns: Arc::default() }
    }

    /// What its buffers look like.
    pub(crate) const fn layout(&self) -> Layout {
        self.layout
    }

    /// A buffer that no frame uses, made if there are few; `None` if all are
    /// out and none comes back within `patience`.
    pub(crate) fn take<S>(
        &mut self,
        shm: &WlShm,
        handle: &QueueHandle<S>,
        patience: Duration,
    ) -> Result<Option<PoolBuffer>, CaptureError>
    where
        S: Dispatch<WlShmPool, ()> + Dispatch<WlBuffer, ()> + 'static,
    {
        let seen = *self.returns.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = self.take_free() {
            return Ok(Some(free));
        }
        if self.buffers.len() < MOST_BUFFERS {
            let made = make(self.layout, shm, handle).map_err(CaptureError::Memory)?;
            self.buffers.push(made.clone());
            return Ok(Some(made));
        }
        self.wait_for_return(seen, patience);
        Ok(self.take_free())
    }

    /// The frame's hold on a buffer that was drawn into.
    pub(crate) fn lease(&self, buffer: PoolBuffer) -> Lease {
        Lease { buffer: Some(buffer.bytes), returns: Arc::clone(&self.returns) }
    }

    /// `Arc::get_mut` and not the count: it also makes the reader's last read
    /// happen before the compositor's next write.
    fn take_free(&mut self) -> Option<PoolBuffer> {
        let free = self.buffers.iter_mut().find_map(|buffer| {
            Arc::get_mut(&mut buffer.bytes)?;
            Some(buffer.clone())
        })?;
        Some(free)
    }

    fn wait_for_return(&self, seen: u64, patience: Duration) {
        let count = self.returns.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it came or not, the caller looks at the buffers.
        let _ = self.returns.changed.wait_timeout_while(count, patience, |count| *count == seen);
    }
}

impl Drop for BufferPool {
    fn drop(&mut self) {
        for buffer in &self.buffers {
            buffer.shown.destroy();
        }
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool").field("layout", &self.layout).field("buffers", &self.buffers.len()).finish()
    }
}

impl Clone for PoolBuffer {
    fn clone(&self) -> Self {
        Self { shown: self.shown.clone(), bytes: Arc::clone(&self.bytes) }
    }
}

fn make<S>(layout: Layout, shm: &WlShm, handle: &QueueHandle<S>) -> io::Result<PoolBuffer>
where
    S: Dispatch<WlShmPool, ()> + Dispatch<WlBuffer, ()> + 'static,
{
    let side = |value: u32| i32::try_from(value).map_err(io::Error::other);
    let len = i32::try_from(layout.len()).map_err(io::Error::other)?;
    let format = match layout.format {
        WEnum::Value(format) => format,
        WEnum::Unknown(code) => return Err(io::Error::other(format!("unnegotiated format {code:#x}"))),
    };
    let bytes = SharedBytes::create(usize::try_from(len).map_err(io::Error::other)?)?;
    let pool = shm.create_pool(bytes.as_fd(), len, handle, ());
    let (width, height, stride) = (side(layout.size.width)?, side(layout.size.height)?, side(layout.stride)?);
    let shown = pool.create_buffer(0, width, height, stride, format, handle, ());
    pool.destroy();
    Ok(PoolBuffer { shown, bytes: Arc::new(bytes) })
}

const BYTES_PER_PIXEL: u32 = 4;

/// See the head of this file.
const MOST_BUFFERS: usize = 2;

/// Bytes; a 16384x8192 picture. Beyond it a compositor is talking nonsense,
/// and wl_shm counts in signed 32 bits anyway.
const LARGEST_BUFFER: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: [WEnum<Format>; 1] = [WEnum::Value(Format::Xrgb8888)];

    #[test]
    fn a_layout_the_compositor_cannot_mean_is_refused() {
        for (size, stride) in [
            (Size::new(0, 720), 0),
            (Size::new(1280, 0), 5120),
            (Size::new(1280, 720), 5119),
            (Size::new(u32::MAX, 2), 0),
            (Size::new(60_000, 60_000), 0),
        ] {
            let error = Layout::negotiate(size, stride, &OFFERED).unwrap_err();
            assert!(matches!(error, CaptureError::ImpossibleBuffer { .. }), "{size} {stride}");
        }
    }

    #[test]
    fn rows_are_packed_where_the_compositor_names_no_stride() {
        let layout = Layout::negotiate(Size::new(1366, 768), 0, &OFFERED).unwrap();
        assert_eq!((layout.stride, layout.pixels), (5464, PixelFormat::Bgrx));
    }

    #[test]
    fn a_ten_bit_compositor_is_refused_by_name() {
        let offered = [WEnum::Value(Format::Xrgb2101010)];
        let error = Layout::negotiate(Size::new(1280, 720), 0, &offered).unwrap_err();
        assert!(error.to_string().contains("XR30"), "{error}");
        assert!(error.to_string().contains("XR24"), "{error}");
    }
}
