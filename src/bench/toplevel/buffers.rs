//! Memory that a window shares with its compositor.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use anyhow::{Context, Result};
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::QueueHandle;
use wayland_client::protocol::{wl_buffer, wl_shm};

use super::State;
use crate::units::Size;

/// Buffers of one size.
#[derive(Debug)]
pub(super) struct Buffers {
    size: Size,
    memory: File,
    all: Vec<Buffer>,
    bytes: usize,
    stride: usize,
}

#[derive(Debug)]
struct Buffer {
    shown: wl_buffer::WlBuffer,
    busy: bool,
}

impl Buffers {
    pub(super) fn new(size: Size, shm: &wl_shm::WlShm, handle: &QueueHandle<State>) -> Result<Self> {
        let (width, height) = (i32::try_from(size.width)?, i32::try_from(size.height)?);
        let len = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(4)).context("too large a window")?;
        let whole = len.checked_mul(COUNT).context("too large a window")?;
        let memory = File::from(memfd_create("window", MemfdFlags::CLOEXEC)?);
        memory.set_len(u64::try_from(whole)?)?;
        let pool = shm.create_pool(memory.as_fd(), whole, handle, ());
        let buffer = |number: i32| {
            let format = wl_shm::Format::Xrgb8888;
            Buffer {
                shown: pool.create_buffer(len * number, width, height, width * 4, format, handle, ()),
                busy: false,
            }
        };
        let all = (0..COUNT).map(buffer).collect();
        pool.destroy();
        Ok(Self { size, memory, all, bytes: usize::try_from(len)?, stride: size.width as usize * 4 })
    }

    pub(super) const fn size(&self) -> Size {
        self.size
    }

    /// One that the compositor does not read.
    pub(super) fn free(&self) -> Option<usize> {
        self.all.iter().position(|buffer| !buffer.busy)
    }

    /// Writes rows of a picture into one.
    pub(super) fn write(&self, number: usize, picture: &[u8], rows: Range<usize>) -> Result<()> {
        let bytes = rows.start * self.stride..rows.end * self.stride;
        let offset = u64::try_from(number * self.bytes + bytes.start)?;
        Ok(self.memory.write_all_at(&picture[bytes], offset)?)
    }

    /// Gives it to the compositor.
    pub(super) fn take(&mut self, number: usize) -> &wl_buffer::WlBuffer {
        self.all[number].busy = true;
        &self.all[number].shown
    }

    /// The compositor has given it back.
    pub(super) fn release(&mut self, released: &wl_buffer::WlBuffer) {
        if let Some(buffer) = self.all.iter_mut().find(|buffer| buffer.shown == *released) {
            buffer.busy = false;
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        self.all.iter().for_each(|buffer| buffer.shown.destroy());
    }
}

/// One on the screen, one that waits for the screen, one that is drawn.
const COUNT: i32 = 3;
