//! A picture's memory on a device.

use std::ffi::{c_int, c_void};
use std::ops::Deref;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use super::device::Inner;
use super::error::GbmError;
use super::functions::{RawBuffer, TRANSFER_READ};

/// A buffer; it keeps its device. Descriptors of it live on without it.
#[derive(Debug)]
pub struct Buffer {
    device: Arc<Inner>,
    raw: NonNull<RawBuffer>,
    width: u32,
    height: u32,
}

// SAFETY: GBM ties nothing to the thread that made a buffer.
unsafe impl Send for Buffer {}
// SAFETY: every call is made under the device's lock.
unsafe impl Sync for Buffer {}

/// Where a plane of a buffer is.
#[derive(Debug)]
pub struct Plane {
    /// The DMA-BUF.
    pub fd: OwnedFd,
    /// Bytes before its first row.
    pub offset: u32,
    /// Bytes from row to row.
    pub stride: u32,
}

impl Buffer {
    pub(crate) const fn new(device: Arc<Inner>, raw: NonNull<RawBuffer>, width: u32, height: u32) -> Self {
        Self { device, raw, width, height }
    }

    /// How its bytes lie, or [`MODIFIER_INVALID`](super::MODIFIER_INVALID).
    #[must_use]
    pub fn modifier(&self) -> u64 {
        let _calls = self.device.calls();
        // SAFETY: the buffer is ours and alive, as in all calls of this file.
        unsafe { (self.device.functions.gbm_bo_get_modifier)(self.raw.as_ptr()) }
    }

    /// Its planes, each with a descriptor of its own.
    ///
    /// # Errors
    /// [`GbmError`] of a driver that cannot hand its memory on.
    pub fn planes(&self) -> Result<Vec<Plane>, GbmError> {
        let _calls = self.device.calls();
        // SAFETY: see `modifier`.
        let count = unsafe { (self.device.functions.gbm_bo_get_plane_count)(self.raw.as_ptr()) };
        if !(1..=MOST_PLANES).contains(&count) {
            return Err(GbmError::nonsense("gbm_bo_get_plane_count", "neither one nor a few planes"));
        }
        (0..count).map(|plane| self.plane(plane)).collect()
    }

    fn plane(&self, plane: c_int) -> Result<Plane, GbmError> {
        let functions = &self.device.functions;
        let (call, fd) = match (&self.device.newer, plane) {
            (Some(newer), _) => {
                // SAFETY: see `modifier`; the plane is one of the buffer's.
                ("gbm_bo_get_fd_for_plane", unsafe { (newer.gbm_bo_get_fd_for_plane)(self.raw.as_ptr(), plane) })
            }
            // SAFETY: see `modifier`.
            (None, 0) => ("gbm_bo_get_fd", unsafe { (functions.gbm_bo_get_fd)(self.raw.as_ptr()) }),
            (None, _) => return Err(GbmError::nonsense("gbm_bo_get_fd", "too old for more than one plane")),
        };
        if fd < 0 {
            return Err(GbmError::last(call));
        }
        // SAFETY: a fresh descriptor that is the caller's (gbm.h).
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: see `modifier`; the plane is one of the buffer's.
        let offset = unsafe { (functions.gbm_bo_get_offset)(self.raw.as_ptr(), plane) };
        // SAFETY: the same.
        let stride = unsafe { (functions.gbm_bo_get_stride_for_plane)(self.raw.as_ptr(), plane) };
        Ok(Plane { fd, offset, stride })
    }

    /// The picture in rows, whichever way its bytes lie: the driver copies where
    /// it has to.
    ///
    /// To be called only when the writers are done, else it waits for them; and
    /// only while nobody is asked to write.
    ///
    /// # Errors
    /// [`GbmError`] of a driver that cannot.
    pub fn map(&self) -> Result<Mapped<'_>, GbmError> {
        let (mut stride, mut data) = (0, std::ptr::null_mut());
        let calls = self.device.calls();
        // SAFETY: see `modifier`; the rectangle is the buffer's whole, and the two
        // results are written.
        let start = unsafe {
            (self.device.functions.gbm_bo_map)(
                self.raw.as_ptr(),
                0,
                0,
                self.width,
                self.height,
                TRANSFER_READ,
                &raw mut stride,
                &raw mut data,
            )
        };
        let start = NonNull::new(start.cast()).ok_or_else(|| GbmError::last("gbm_bo_map"))?;
        let mapped = Mapped { buffer: self, start, stride: stride as usize, data };
        drop(calls);
        // Checked after there is an owner, who unmaps.
        if u64::from(stride) < u64::from(self.width) * BYTES_PER_PIXEL {
            return Err(GbmError::nonsense("gbm_bo_map", "rows shorter than the picture's"));
        }
        Ok(mapped)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let _calls = self.device.calls();
        // SAFETY: destroyed once; no mapping of it is left, since each borrows it.
        unsafe { (self.device.functions.gbm_bo_destroy)(self.raw.as_ptr()) };
    }
}

/// All rows of a buffer, as long as this lives.
#[derive(Debug)]
pub struct Mapped<'a> {
    buffer: &'a Buffer,
    start: NonNull<u8>,
    stride: usize,
    data: *mut c_void,
}

impl Mapped<'_> {
    /// Bytes from row to row.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }
}

impl Deref for Mapped<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: gbm_bo_map maps all rows of the rectangle, which is the whole
        // picture, `stride` bytes each, until gbm_bo_unmap: of the buffer itself or
        // of a copy of it, both of which have whole rows. Nobody writes to it: the
        // pool hands a buffer to readers only when the compositor is done with it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.stride * self.buffer.height as usize) }
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        let _calls = self.buffer.device.calls();
        // SAFETY: unmapped once, with what gbm_bo_map gave.
        unsafe { (self.buffer.device.functions.gbm_bo_unmap)(self.buffer.raw.as_ptr(), self.data) };
    }
}

/// `GBM_MAX_PLANES`.
const MOST_PLANES: c_int = 4;

const BYTES_PER_PIXEL: u64 = 4;
