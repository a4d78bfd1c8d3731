//! A picture in memory of a device, as plain values that every importer takes.
//!
//! Planes, modifier, format code and size are all that Vulkan, VA-API or EGL ask
//! for. Who imports does so once per buffer and keeps what came of it beside
//! [`DmaBuffer::number`]: a pool has few buffers, and makes others only when the
//! output changes. Who does not import reads rows ([`DmaBuffer::read`]): that is
//! slower than shared memory where the driver has to copy them out of a device.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use earthshine_ffi::dma_buf::{self, Mapping};
use earthshine_ffi::gbm::{self, GbmError};
pub use earthshine_ffi::gbm::{MODIFIER_INVALID, MODIFIER_LINEAR, Plane};

use crate::units::Size;

/// A buffer of a compositor's device that holds a picture.
pub struct DmaBuffer {
    number: u64,
    size: Size,
    fourcc: u32,
    modifier: u64,
    planes: Vec<Plane>,
    /// As its driver knows it; `None` if only descriptors of it are known.
    memory: Option<gbm::Buffer>,
    /// Made when it is first read; `None` in it if that cannot be.
    mapping: OnceLock<Option<Mapping>>,
}

impl DmaBuffer {
    /// A buffer that its driver allocated.
    ///
    /// # Errors
    /// [`GbmError`] of a driver that cannot hand its memory on.
    pub(crate) fn of(memory: gbm::Buffer, size: Size, fourcc: u32, modifier: u64) -> Result<Self, GbmError> {
        let planes = memory.planes()?;
        Ok(Self { memory: Some(memory), ..Self::from_planes(planes, size, fourcc, modifier) })
    }

    /// A buffer of which only descriptors are known.
    #[must_use]
    pub fn from_planes(planes: Vec<Plane>, size: Size, fourcc: u32, modifier: u64) -> Self {
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { number, size, fourcc, modifier, planes, memory: None, mapping: OnceLock::new() }
    }

    /// Tells it from every other buffer of this process.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Size of the picture.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// DRM format code, e.g. `XR24`.
    #[must_use]
    pub const fn fourcc(&self) -> u32 {
        self.fourcc
    }

    /// How the bytes lie (DRM format modifier); [`MODIFIER_INVALID`] where only the
    /// device's driver knows.
    #[must_use]
    pub const fn modifier(&self) -> u64 {
        self.modifier
    }

    /// Its planes, one at least.
    #[must_use]
    pub fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// Waits until all that was drawn into it is there, for `patience` at most.
    /// Returns whether it is.
    ///
    /// # Errors
    /// What poll(2) reports, also of a device that failed.
    pub(crate) fn wait_written(&self, patience: Duration) -> io::Result<bool> {
        for plane in &self.planes {
            if !dma_buf::wait_written(plane.fd.as_fd(), patience)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Its rows, for the processor. Only of a picture that is finished, as all
    /// frames of a capture are.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(&self) -> Result<Reading<'_>, ReadError> {
        if let Some(mapping) = self.mapping() {
            let (offset, stride) = self.planes.first().map_or((0, 0), |plane| (plane.offset, plane.stride));
            let bytes = mapping.read().map_err(|error| ReadError::Kernel { number: self.number, error })?;
            return Ok(Reading(Bytes::Mapped { bytes, offset: offset as usize, stride: stride as usize }));
        }
        let memory = self.memory.as_ref().ok_or(ReadError::Unreadable { modifier: self.modifier })?;
        Ok(Reading(Bytes::Driver(memory.map()?)))
    }

    /// A mapping of ours, which only bytes that lie in rows allow.
    fn mapping(&self) -> Option<&Mapping> {
        let [plane] = &self.planes[..] else { return None };
        if self.modifier != MODIFIER_LINEAR {
            return None;
        }
        let make = || {
            let len = u64::from(plane.stride).checked_mul(self.size.height.into())?.checked_add(plane.offset.into())?;
            Mapping::create(plane.fd.try_clone().ok()?, usize::try_from(len).ok()?).ok()
        };
        self.mapping.get_or_init(make).as_ref()
    }
}

impl fmt::Debug for DmaBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DmaBuffer")
            .field("number", &self.number)
            .field("size", &self.size)
            .field("modifier", &format_args!("{:#x}", self.modifier))
            .field("planes", &self.planes.len())
            .finish_non_exhaustive()
    }
}

/// Rows of a picture, all of them, as long as this lives.
#[derive(Debug)]
pub struct Reading<'a>(Bytes<'a>);

#[derive(Debug)]
enum Bytes<'a> {
    Mapped { bytes: dma_buf::Reading<'a>, offset: usize, stride: usize },
    Driver(gbm::Mapped<'a>),
}

impl Reading<'_> {
    /// Bytes from row to row.
    #[must_use]
    pub const fn stride(&self) -> usize {
        match &self.0 {
            Bytes::Mapped { stride, .. } => *stride,
            Bytes::Driver(mapped) => mapped.stride(),
        }
    }
}

impl Deref for Reading<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped { bytes, offset, .. } => bytes.get(*offset..).unwrap_or_default(),
            Bytes::Driver(mapped) => mapped,
        }
    }
}

/// A picture in memory of a device cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The driver cannot bring it into rows.
    #[error("the picture cannot be read out of its device: {0}; set video.capture = \"shm\"")]
    Driver(#[from] GbmError),
    /// The kernel refused.
    #[error("DMA-BUF {number} cannot be read: {error}; set video.capture = \"shm\"")]
    Kernel {
        /// The buffer's.
        number: u64,
        /// What it said.
        error: io::Error,
    },
    /// It does not lie in rows, and its driver is not at hand.
    #[error("a DMA-BUF with modifier {modifier:#x} cannot be read by the processor")]
    Unreadable {
        /// How its bytes lie.
        modifier: u64,
    },
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_map_is_an_error_that_says_so() {
        let fd = rustix::fs::memfd_create("no DMA-BUF", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let buffer = |modifier| {
            let plane = Plane { fd: fd.try_clone().unwrap(), offset: 0, stride: 256 };
            DmaBuffer::from_planes(vec![plane], Size::new(64, 4), u32::from_le_bytes(*b"XR24"), modifier)
        };
        for modifier in [MODIFIER_LINEAR, MODIFIER_INVALID] {
            let error = buffer(modifier).read().unwrap_err();
            assert!(matches!(error, ReadError::Unreadable { .. }), "{error}");
        }
        assert_ne!(buffer(0).number(), buffer(0).number());
        assert!(buffer(0).wait_written(Duration::ZERO).unwrap(), "nobody draws into it");
    }
}
