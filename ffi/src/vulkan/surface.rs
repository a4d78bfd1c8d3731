//! Where samples are written: rows of an encoder's format in plain memory.

use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

use ash::vk;

use super::buffer::{Buffer, Need};
use super::device::Device;
use super::error::{Named, OpenVulkanError, VulkanError};
use super::foreign::ForeignSurface;

/// Samples of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SurfaceFormat {
    /// 4:2:0, 8 bits: luma, then both differences interleaved.
    Nv12,
    /// The same with 10 bits, in the upper bits of 16.
    P010,
    /// 4:4:4, 8 bits: three planes.
    Yuv444,
    /// The same with 10 bits, in the upper bits of 16.
    Yuv444Ten,
}

impl SurfaceFormat {
    /// Bits of a sample.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Nv12 | Self::Yuv444 => 8,
            Self::P010 | Self::Yuv444Ten => 10,
        }
    }

    /// Chroma has a sample for each of luma.
    #[must_use]
    pub const fn is_444(self) -> bool {
        matches!(self, Self::Yuv444 | Self::Yuv444Ten)
    }

    /// Bytes of a sample.
    #[must_use]
    pub const fn sample_bytes(self) -> u32 {
        if self.bits() == 8 { 1 } else { 2 }
    }
}

/// Who else uses a surface's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handle {
    /// Nobody.
    None,
    /// CUDA, or another Vulkan of the same driver: an opaque descriptor.
    Opaque,
    /// Anybody: a DMA-BUF.
    Dmabuf,
}

/// A surface: luma rows, then those of chroma, all as far apart.
#[derive(Debug)]
pub struct Surface {
    pub(super) buffer: Buffer,
    format: SurfaceFormat,
    width: u32,
    height: u32,
    pitch: u32,
    handle: Handle,
    pub(super) copy: Option<ForeignSurface>,
}

/// A surface's memory, for somebody else.
#[derive(Debug)]
pub struct ExportedSurface {
    /// The memory.
    pub fd: OwnedFd,
    /// Bytes of it.
    pub length: u64,
    /// It holds nothing else, which CUDA has to be told.
    pub is_dedicated: bool,
}

impl Surface {
    /// A surface of `width` by `height` pixels, both even. What is in it is undefined.
    ///
    /// # Errors
    /// [`OpenVulkanError`].
    ///
    /// # Panics
    /// If a side is odd or zero.
    pub fn allocate(
        device: &Rc<Device>,
        format: SurfaceFormat,
        (width, height): (u32, u32),
        handle: Handle,
    ) -> Result<Self, OpenVulkanError> {
        let is_even = |side: u32| side > 0 && side.is_multiple_of(2);
        assert!(is_even(width) && is_even(height), "{width}x{height} pixels");
        let kind = handle.kind();
        if handle != Handle::None {
            require_exportable(device, kind, handle)?;
        }
        let pitch = (width * format.sample_bytes()).next_multiple_of(PITCH);
        let length = u64::from(pitch) * u64::from(rows(format, height));
        if length > device.physical().largest_surface.into() {
            let what = "storage buffers as large as the picture";
            return Err(OpenVulkanError::Lacks { device: device.physical().name.clone(), what });
        }
        let need = Need {
            length,
            usage: USAGE,
            required: vk::MemoryPropertyFlags::empty(),
            preferred: vk::MemoryPropertyFlags::DEVICE_LOCAL,
            shared: kind,
            imported: None,
        };
        let buffer = Buffer::make(device, &need)?;
        Ok(Self { buffer, format, width, height, pitch, handle, copy: None })
    }

    /// Samples.
    #[must_use]
    pub const fn format(&self) -> SurfaceFormat {
        self.format
    }

    /// Pixels in a row, and rows.
    #[must_use]
    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Bytes from one row to the next, in all planes.
    #[must_use]
    pub const fn pitch(&self) -> u32 {
        self.pitch
    }

    /// Bytes of a plane of luma: chroma begins there.
    #[must_use]
    pub const fn plane(&self) -> u64 {
        self.pitch as u64 * self.height as u64
    }

    /// Bytes of all planes.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.buffer.length
    }

    /// Its memory, to be used by somebody else for as long as it wants.
    ///
    /// # Errors
    /// [`VulkanError`], also if it was not made to be exported.
    pub fn export(&self) -> Result<ExportedSurface, VulkanError> {
        let call = "vkGetMemoryFdKHR";
        let functions = self.buffer.device.external_memory.as_ref().filter(|_| self.is_shared());
        let functions = functions.ok_or(VulkanError::of(call, vk::Result::ERROR_EXTENSION_NOT_PRESENT))?;
        let information = vk::MemoryGetFdInfoKHR::default().memory(self.buffer.memory).handle_type(self.handle.kind());
        // SAFETY: the memory was allocated to be exported as this.
        let fd = unsafe { functions.get_memory_fd(&information) }.named(call)?;
        // SAFETY: a fresh descriptor, which is ours.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(ExportedSurface { fd, length: self.buffer.allocated, is_dedicated: true })
    }

    /// Has all that is converted from now on copied to a surface of somebody else's, too,
    /// before the conversion counts as done.
    ///
    /// # Panics
    /// If that is another device's, of another format, or smaller.
    pub fn copy_to(&mut self, copy: ForeignSurface) {
        copy.check(self);
        self.copy = Some(copy);
    }

    pub(super) fn is_shared(&self) -> bool {
        self.handle != Handle::None
    }
}

impl Handle {
    const fn kind(self) -> vk::ExternalMemoryHandleTypeFlags {
        match self {
            Self::None => vk::ExternalMemoryHandleTypeFlags::empty(),
            Self::Opaque => vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD,
            Self::Dmabuf => vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Dmabuf => "buffers that can be passed on as DMA-BUFs (VK_EXT_external_memory_dma_buf)",
            _ => "buffers that can be passed on (VK_KHR_external_memory_fd)",
        }
    }
}

fn require_exportable(
    device: &Device,
    kind: vk::ExternalMemoryHandleTypeFlags,
    handle: Handle,
) -> Result<(), OpenVulkanError> {
    let physical = device.physical();
    let lacks = || OpenVulkanError::Lacks { device: physical.name.clone(), what: handle.what() };
    if !physical.exports || (handle == Handle::Dmabuf && !physical.imports_linear) {
        return Err(lacks());
    }
    let question = vk::PhysicalDeviceExternalBufferInfo::default().usage(USAGE).handle_type(kind);
    let mut answer = vk::ExternalBufferProperties::default();
    let instance = device.instance.raw();
    // SAFETY: the device is of the instance, which lives.
    unsafe { instance.get_physical_device_external_buffer_properties(physical.raw, &question, &mut answer) };
    let exportable = vk::ExternalMemoryFeatureFlags::EXPORTABLE;
    if answer.external_memory_properties.external_memory_features.contains(exportable) {
        return Ok(());
    }
    Err(lacks())
}

const fn rows(format: SurfaceFormat, height: u32) -> u32 {
    if format.is_444() { height * 3 } else { height / 2 * 3 }
}

/// Rows begin at multiples of this, which all that takes them over is content with.
const PITCH: u32 = 256;

const USAGE: vk::BufferUsageFlags = vk::BufferUsageFlags::from_raw(
    vk::BufferUsageFlags::STORAGE_BUFFER.as_raw()
        | vk::BufferUsageFlags::TRANSFER_SRC.as_raw()
        | vk::BufferUsageFlags::TRANSFER_DST.as_raw(),
);
