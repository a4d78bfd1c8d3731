//! The small pool of buffers that the compositor draws into.
//!
//! A frame on its way to the encoder holds a [`Lease`]; dropping it, on
//! whichever thread, gives the buffer back. Two buffers in shared memory are
//! enough: an encoder takes those in at once and needs them no longer, so one is
//! being drawn, one waits or is being taken in. When both are out, capture waits
//! for that millisecond or two; a third would be 8 MiB at 1080p for it. A device
//! may still be reading a DMA-BUF while the next picture waits: three of those.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use earthshine_ffi::shared_memory::SharedBytes;
use wayland_client::protocol::wl_buffer::WlBuffer;

use crate::worker::dma_buffer::DmaBuffer;
use crate::worker::frame::Pixels;

/// A buffer in use by a frame; dropping it returns the buffer to the pool.
#[derive(Debug)]
pub struct Lease<T> {
    buffer: Arc<T>,
    /// `None` only while it is being dropped.
    hold: Option<Hold>,
    returns: Arc<Returns>,
}

impl<T> Lease<T> {
    /// The buffer itself, for who keeps something beside it. It stays alive then,
    /// but is drawn into again once the lease is dropped.
    #[must_use]
    pub const fn buffer(&self) -> &Arc<T> {
        &self.buffer
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.buffer
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        self.hold = None;
        *self.returns.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.returns.changed.notify_all();
    }
}

/// All buffers of one layout.
pub(crate) struct BufferPool {
    buffers: Vec<PoolBuffer>,
    most: usize,
    returns: Arc<Returns>,
}

/// A free buffer, taken from its pool to be drawn into.
#[derive(Debug, Clone)]
pub(crate) struct PoolBuffer {
    /// As the compositor knows it.
    pub(crate) shown: WlBuffer,
    /// What it draws into.
    pub(crate) memory: Memory,
    hold: Hold,
}

/// Where a buffer is.
#[derive(Debug, Clone)]
pub(crate) enum Memory {
    /// In shared memory.
    Shared(Arc<SharedBytes>),
    /// On a device.
    DmaBuf(Arc<DmaBuffer>),
}

/// Whoever has a copy of it uses the buffer. Beside the buffer's own reference
/// count, because importers keep that up for as long as they like.
type Hold = Arc<()>;

#[derive(Debug, Default)]
struct Returns {
    count: Mutex<u64>,
    changed: Condvar,
}

impl BufferPool {
    /// An empty pool; buffers are made when first needed, `most` of them.
    pub(crate) fn new(most: usize) -> Self {
        Self { buffers: Vec::with_capacity(most), most, returns: Arc::default() }
    }

    /// A buffer that no frame uses. `None` if there is none, and either there is
    /// room to make one or none comes back within `patience`.
    pub(crate) fn take(&mut self, patience: Duration) -> Option<PoolBuffer> {
        let seen = *self.returns.count.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = self.take_free() {
            return Some(free);
        }
        if self.has_room() {
            return None;
        }
        self.wait_for_return(seen, patience);
        self.take_free()
    }

    /// Whether another buffer can be made.
    pub(crate) const fn has_room(&self) -> bool {
        self.buffers.len() < self.most
    }

    /// Takes in a buffer that was made.
    pub(crate) fn add(&mut self, shown: WlBuffer, memory: Memory) {
        self.buffers.push(PoolBuffer { shown, memory, hold: Arc::default() });
    }

    /// The frame's hold on a buffer that was drawn into.
    pub(crate) fn lease(&self, buffer: PoolBuffer) -> Pixels {
        let (hold, returns) = (Some(buffer.hold), Arc::clone(&self.returns));
        match buffer.memory {
            Memory::Shared(buffer) => Pixels::Shared(Lease { buffer, hold, returns }),
            Memory::DmaBuf(buffer) => Pixels::DmaBuf(Lease { buffer, hold, returns }),
        }
    }

    /// `Arc::get_mut` and not the count: it also makes the reader's last read
    /// happen before the compositor's next write.
    fn take_free(&mut self) -> Option<PoolBuffer> {
        self.buffers.iter_mut().find_map(|buffer| {
            Arc::get_mut(&mut buffer.hold)?;
            Some(buffer.clone())
        })
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
        f.debug_struct("BufferPool").field("most", &self.most).field("buffers", &self.buffers.len()).finish()
    }
}
