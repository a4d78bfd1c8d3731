//! A picture in somebody else's memory, as the kernel passes it on.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use ash::vk;

use super::device::Device;
use super::error::{Named, VulkanError};
use super::image::PixelLayout;
use super::surface::SurfaceFormat;

/// A part of a DMA-BUF picture.
#[derive(Debug, Clone, Copy)]
pub struct DmabufPlane<'a> {
    /// The buffer.
    pub fd: BorrowedFd<'a>,
    /// Bytes before its first row.
    pub offset: u32,
    /// Bytes from row to row.
    pub stride: u32,
}

/// A picture in DMA-BUFs, as linux-dmabuf and GBM describe it.
#[derive(Debug, Clone, Copy)]
pub struct Dmabuf<'a> {
    /// Its planes: one, and more where the tiling keeps notes of its own beside.
    pub planes: &'a [DmabufPlane<'a>],
    /// Tiling, `DRM_FORMAT_MOD_*`.
    pub modifier: u64,
    /// Pixels, `DRM_FORMAT_*`.
    pub fourcc: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A DMA-BUF cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportDmabufError {
    /// The device takes none of this kind.
    #[error("{device} does not take in DMA-BUFs of this kind; install a newer driver")]
    Lacks {
        /// Its name.
        device: String,
    },
    /// Nobody knows the pixels.
    #[error(
        "DMA-BUF of fourcc {fourcc:#010x}: XRGB8888, ARGB8888, XBGR8888, ABGR8888, XRGB2101010 or XBGR2101010 are known"
    )]
    Format {
        /// What it is.
        fourcc: u32,
    },
    /// It is no plane of what is written.
    #[error("DMA-BUF of fourcc {fourcc:#010x}, which is no plane of {wanted:?}")]
    Plane {
        /// What it is.
        fourcc: u32,
        /// What is written.
        wanted: SurfaceFormat,
    },
    /// The device does not know the tiling.
    #[error("DMA-BUF of modifier {modifier:#x} and {planes} planes, which the device does not take in")]
    Modifier {
        /// What it is.
        modifier: u64,
        /// How many there are.
        planes: usize,
    },
    /// Its numbers do not fit each other.
    #[error("DMA-BUF of {width}x{height}: {what}")]
    Shape {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A call failed.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
}

impl<'a> Dmabuf<'a> {
    /// Its pixels.
    ///
    /// # Errors
    /// [`ImportDmabufError::Format`].
    pub fn layout(&self) -> Result<PixelLayout, ImportDmabufError> {
        let found = FORMATS.iter().find(|(fourcc, _)| *fourcc == self.fourcc);
        found.map(|(_, layout)| *layout).ok_or(ImportDmabufError::Format { fourcc: self.fourcc })
    }

    /// Its rows, if it is nothing but rows.
    pub(super) fn only_linear_plane(&self) -> Result<DmabufPlane<'a>, ImportDmabufError> {
        let &[plane] = self.planes else { return Err(self.not_read()) };
        if self.modifier != LINEAR {
            return Err(self.not_read());
        }
        self.layout()?;
        if self.width == 0 || self.height == 0 {
            return Err(self.shape("there are no pixels"));
        }
        let row = self.width.checked_mul(4).ok_or_else(|| self.shape("it is too wide"))?;
        if plane.stride < row || !plane.stride.is_multiple_of(4) || !plane.offset.is_multiple_of(4) {
            return Err(self.shape("rows are no whole number of pixels apart"));
        }
        Ok(plane)
    }

    pub(super) fn not_read(&self) -> ImportDmabufError {
        ImportDmabufError::Modifier { modifier: self.modifier, planes: self.planes.len() }
    }

    pub(super) const fn shape(&self, what: &'static str) -> ImportDmabufError {
        ImportDmabufError::Shape { width: self.width, height: self.height, what }
    }

    /// The buffer is as long as its numbers say.
    pub(super) fn check_length(&self, fd: BorrowedFd<'_>, needed: u64) -> Result<(), ImportDmabufError> {
        // SAFETY: the descriptor is open.
        let end = unsafe { libc::lseek(fd.as_raw_fd(), 0, libc::SEEK_END) };
        // An exporter that cannot seek does not say.
        if u64::try_from(end).is_ok_and(|length| length < needed) {
            return Err(self.shape("the buffer ends before the picture"));
        }
        Ok(())
    }

    /// All planes are of one buffer.
    pub(super) fn is_one_buffer(&self) -> bool {
        let mut inodes = self.planes.iter().map(|plane| inode(plane.fd));
        let first = inodes.next().flatten();
        first.is_some() && inodes.all(|inode| inode == first)
    }
}

fn inode(fd: BorrowedFd<'_>) -> Option<(u64, u64)> {
    // SAFETY: a structure of integers, of which all bits are values.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open; writes the structure.
    let code = unsafe { libc::fstat(fd.as_raw_fd(), &raw mut status) };
    (code == 0).then_some((status.st_dev, status.st_ino))
}

/// A descriptor for the driver, which keeps what it imports.
pub(super) fn duplicate(fd: BorrowedFd<'_>) -> Result<OwnedFd, VulkanError> {
    fd.try_clone_to_owned().map_err(|_| VulkanError::of("vkAllocateMemory", vk::Result::ERROR_TOO_MANY_OBJECTS))
}

/// Memory types that a DMA-BUF can be imported as.
pub(super) fn memory_types(device: &Device, fd: BorrowedFd<'_>) -> Result<u32, VulkanError> {
    let call = "vkGetMemoryFdPropertiesKHR";
    let Some(functions) = &device.external_memory else {
        return Err(VulkanError::of(call, vk::Result::ERROR_EXTENSION_NOT_PRESENT));
    };
    let kind = vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT;
    let mut properties = vk::MemoryFdPropertiesKHR::default();
    // SAFETY: the descriptor is open and stays ours; the extension is enabled.
    unsafe { functions.get_memory_fd_properties(kind, fd.as_raw_fd(), &mut properties) }.named(call)?;
    Ok(properties.memory_type_bits)
}

/// `DRM_FORMAT_MOD_LINEAR`.
pub(super) const LINEAR: u64 = 0;

/// The code of four letters that names a DRM format.
pub(super) const fn fourcc(letters: [u8; 4]) -> u32 {
    u32::from_le_bytes(letters)
}

/// `DRM_FORMAT_*` of `drm_fourcc.h`, whose names count from the word's upper end.
pub(super) const FORMATS: [(u32, PixelLayout); 6] = [
    (fourcc(*b"XR24"), PixelLayout::Bgrx8),
    (fourcc(*b"AR24"), PixelLayout::Bgrx8),
    (fourcc(*b"XB24"), PixelLayout::Rgbx8),
    (fourcc(*b"AB24"), PixelLayout::Rgbx8),
    (fourcc(*b"XR30"), PixelLayout::Xrgb10),
    (fourcc(*b"XB30"), PixelLayout::Xbgr10),
];
