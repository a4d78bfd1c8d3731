//! Rows of bytes: of the host's, or of a DMA-BUF.

use std::os::fd::{BorrowedFd, IntoRawFd};
use std::ptr::NonNull;
use std::rc::Rc;

use ash::vk;

use super::device::Device;
use super::dmabuf::{Dmabuf, ImportDmabufError, duplicate, memory_types};
use super::error::{Named, VulkanError};

/// A buffer with its memory.
pub(super) struct Buffer {
    pub(super) device: Rc<Device>,
    pub(super) raw: vk::Buffer,
    pub(super) memory: vk::DeviceMemory,
    /// Bytes that can be used, and bytes that were allocated for them.
    pub(super) length: u64,
    pub(super) allocated: u64,
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Buffer").field("length", &self.length).finish_non_exhaustive()
    }
}

/// How a buffer comes by its memory.
pub(super) struct Need<'a> {
    pub(super) length: u64,
    pub(super) usage: vk::BufferUsageFlags,
    pub(super) required: vk::MemoryPropertyFlags,
    pub(super) preferred: vk::MemoryPropertyFlags,
    /// What its memory is shared as.
    pub(super) shared: vk::ExternalMemoryHandleTypeFlags,
    /// A DMA-BUF that is its memory already.
    pub(super) imported: Option<BorrowedFd<'a>>,
}

impl Buffer {
    pub(super) fn make(device: &Rc<Device>, need: &Need<'_>) -> Result<Self, VulkanError> {
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(need.shared);
        let mut information = vk::BufferCreateInfo::default()
            .size(need.length)
            .usage(need.usage)
            .sharing_mode(vk::SharingMode::EXCLUSIVE);
        if !need.shared.is_empty() {
            information = information.push_next(&mut external);
        }
        // SAFETY: the device lives; what is pointed to outlives the call.
        let raw = unsafe { device.raw.create_buffer(&information, None) }.named("vkCreateBuffer")?;
        let mut buffer = Self {
            device: Rc::clone(device),
            raw,
            memory: vk::DeviceMemory::null(),
            length: need.length,
            allocated: 0,
        };
        // SAFETY: the buffer is the device's.
        let wants = unsafe { device.raw.get_buffer_memory_requirements(raw) };
        buffer.allocated = wants.size;
        buffer.memory = buffer.allocate(need, wants.memory_type_bits)?;
        // SAFETY: fresh memory, of a type and size that the buffer takes.
        unsafe { device.raw.bind_buffer_memory(raw, buffer.memory, 0) }.named("vkBindBufferMemory")?;
        Ok(buffer)
    }

    fn allocate(&self, need: &Need<'_>, allowed: u32) -> Result<vk::DeviceMemory, VulkanError> {
        let device = &self.device;
        let allowed = match need.imported {
            Some(fd) => allowed & memory_types(device, fd)?,
            None => allowed,
        };
        let memory_type = device.memory_type(allowed, need.required, need.preferred)?;
        let mut dedicated = vk::MemoryDedicatedAllocateInfo::default().buffer(self.raw);
        let mut export = vk::ExportMemoryAllocateInfo::default().handle_types(need.shared);
        let mut import = vk::ImportMemoryFdInfoKHR::default().handle_type(need.shared);
        let mut information =
            vk::MemoryAllocateInfo::default().allocation_size(self.allocated).memory_type_index(memory_type);
        let taken = match need.imported {
            Some(fd) => Some(duplicate(fd)?),
            None => None,
        };
        if let Some(fd) = &taken {
            import = import.fd(std::os::fd::AsRawFd::as_raw_fd(fd));
            information = information.push_next(&mut import).push_next(&mut dedicated);
        } else if !need.shared.is_empty() {
            information = information.push_next(&mut export).push_next(&mut dedicated);
        }
        // SAFETY: the type is the device's; what is pointed to outlives the call. A
        // descriptor that is imported becomes the driver's if that goes well.
        let memory = unsafe { device.raw.allocate_memory(&information, None) }.named("vkAllocateMemory")?;
        taken.map(IntoRawFd::into_raw_fd);
        Ok(memory)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.device.is_idle() {
            // SAFETY: destroyed once, either may be null; the GPU does not use them,
            // because all that it does is waited for.
            unsafe {
                self.device.raw.destroy_buffer(self.raw, None);
                self.device.raw.free_memory(self.memory, None);
            }
        }
    }
}

/// Memory of the host that the GPU copies from and to.
#[derive(Debug)]
pub struct HostBuffer {
    pub(super) buffer: Buffer,
    pointer: NonNull<u8>,
}

impl HostBuffer {
    /// So many bytes, zero, to be written here and read by the GPU.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub fn to_device(device: &Rc<Device>, length: u64) -> Result<Self, VulkanError> {
        Self::make(device, length, vk::BufferUsageFlags::TRANSFER_SRC, vk::MemoryPropertyFlags::empty())
    }

    /// So many bytes, zero, to be written by the GPU and read here.
    ///
    /// # Errors
    /// [`VulkanError`].
    pub fn from_device(device: &Rc<Device>, length: u64) -> Result<Self, VulkanError> {
        Self::make(device, length, vk::BufferUsageFlags::TRANSFER_DST, vk::MemoryPropertyFlags::HOST_CACHED)
    }

    fn make(
        device: &Rc<Device>,
        length: u64,
        usage: vk::BufferUsageFlags,
        preferred: vk::MemoryPropertyFlags,
    ) -> Result<Self, VulkanError> {
        let required = vk::MemoryPropertyFlags::HOST_VISIBLE | vk::MemoryPropertyFlags::HOST_COHERENT;
        let shared = vk::ExternalMemoryHandleTypeFlags::empty();
        let need = Need { length, usage, required, preferred, shared, imported: None };
        let buffer = Buffer::make(device, &need)?;
        let flags = vk::MemoryMapFlags::empty();
        // SAFETY: the memory is of a type that can be mapped, and is mapped once;
        // freeing it ends that.
        let pointer = unsafe { device.raw.map_memory(buffer.memory, 0, vk::WHOLE_SIZE, flags) };
        let pointer = NonNull::new(pointer.named("vkMapMemory")?.cast::<u8>())
            .ok_or(VulkanError::of("vkMapMemory", vk::Result::ERROR_MEMORY_MAP_FAILED))?;
        let this = Self { buffer, pointer };
        // SAFETY: so many bytes are mapped.
        unsafe { pointer.as_ptr().write_bytes(0, this.length()) };
        Ok(this)
    }

    fn length(&self) -> usize {
        usize::try_from(self.buffer.length).unwrap_or(0)
    }

    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped and were written once. The GPU writes to
        // them only in calls that wait for it and borrow the buffer alone.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.length()) }
    }

    /// To be filled.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow is the only one.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.length()) }
    }
}

/// A DMA-BUF of plain rows, taken in as bytes: for devices that take in no picture
/// with a tiling. Its pixels are copied once, on the device.
#[derive(Debug)]
pub struct DmabufBuffer {
    pub(super) buffer: Buffer,
    /// Bytes before its first row, and from row to row.
    pub(super) offset: u64,
    pub(super) stride: u32,
}

impl DmabufBuffer {
    /// Takes a DMA-BUF in; its descriptor is still the caller's.
    ///
    /// # Errors
    /// [`ImportDmabufError`].
    pub fn import(device: &Rc<Device>, dmabuf: &Dmabuf<'_>) -> Result<Self, ImportDmabufError> {
        if !device.physical().imports_linear {
            return Err(ImportDmabufError::Lacks { device: device.physical().name.clone() });
        }
        let plane = dmabuf.only_linear_plane()?;
        let end = u64::from(plane.offset) + u64::from(plane.stride) * u64::from(dmabuf.height);
        let need = Need {
            length: end,
            usage: vk::BufferUsageFlags::TRANSFER_SRC,
            required: vk::MemoryPropertyFlags::empty(),
            preferred: vk::MemoryPropertyFlags::empty(),
            shared: vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT,
            imported: Some(plane.fd),
        };
        dmabuf.check_length(plane.fd, end)?;
        let buffer = Buffer::make(device, &need)?;
        Ok(Self { buffer, offset: plane.offset.into(), stride: plane.stride })
    }

    /// It may be this DMA-BUF, taken in: it has the same rows.
    #[must_use]
    pub fn is_of(&self, dmabuf: &Dmabuf<'_>) -> bool {
        let end = self.offset + u64::from(self.stride) * u64::from(dmabuf.height);
        dmabuf.planes.len() == 1 && dmabuf.planes[0].stride == self.stride && end == self.buffer.length
    }
}
