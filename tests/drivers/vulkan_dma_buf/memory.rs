//! Memory that others use, too.
//!
//! What is exported is the driver's, under another name. What is imported for a picture
//! ([`crate::image`]) is a file that is mapped, and the driver's memory is that.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ash::vk::{self, Handle};
use earthshine_drivers::ledger;

use crate::device::with_renamed;
use crate::instance::renamed;
use crate::rules::{Result, ordered, require, require_equal, violation};
use crate::{chain, image, next};

/// What was imported.
struct Imported {
    device: vk::Device,
    image: vk::Image,
    address: usize,
    length: usize,
}

static ALL: LazyLock<Mutex<HashMap<u64, Imported>>> = LazyLock::new(Mutex::default);

fn all() -> MutexGuard<'static, HashMap<u64, Imported>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The picture that memory was imported for.
pub(crate) fn image_of(memory: vk::DeviceMemory) -> Option<vk::Image> {
    all().get(&memory.as_raw()).map(|imported| imported.image)
}

pub(crate) fn report_leaks(device: vk::Device) {
    let count = all().values().filter(|imported| imported.device == device).count();
    if count > 0 {
        ledger::leak(&format!("imported memory at vkDestroyDevice: {count} left"));
    }
}

pub(crate) unsafe extern "system" fn allocate(
    device: vk::Device,
    information: *const vk::MemoryAllocateInfo<'_>,
    allocator: *const vk::AllocationCallbacks<'_>,
    memory: *mut vk::DeviceMemory,
) -> vk::Result {
    if let Some(code) = ordered("vkAllocateMemory") {
        return code;
    }
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let Some(allocate) = next::function::<_, vk::PFN_vkAllocateMemory>(device, c"vkAllocateMemory") else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let chained = (*information).p_next;
        let dedicated: *mut vk::MemoryDedicatedAllocateInfo<'_> =
            chain::find(chained, vk::StructureType::MEMORY_DEDICATED_ALLOCATE_INFO);
        if let Some(image) = dedicated.as_ref().map(|dedicated| dedicated.image).filter(|image| image::is_ours(*image))
        {
            return image::answer("vkAllocateMemory", || {
                let import: *mut vk::ImportMemoryFdInfoKHR<'_> =
                    chain::find(chained, vk::StructureType::IMPORT_MEMORY_FD_INFO_KHR);
                let import = import.as_ref().ok_or_else(|| violation("a picture's memory that is not imported"))?;
                let mapped = Imported::map(device, image, import, (*information).allocation_size)?;
                let kind = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
                let mut host = vk::ImportMemoryHostPointerInfoEXT::default()
                    .handle_type(kind)
                    .host_pointer(mapped.address as *mut c_void);
                let own = vk::MemoryAllocateInfo::default()
                    .allocation_size((*information).allocation_size)
                    .memory_type_index((*information).memory_type_index)
                    .push_next(&mut host);
                let result = allocate(device, &raw const own, allocator, memory);
                if result != vk::Result::SUCCESS {
                    mapped.unmap();
                    return Err(violation(format!("the driver imports no memory of the host's: {result:?}")));
                }
                // It is the driver's from now on.
                libc::close(import.fd);
                all().insert((*memory).as_raw(), mapped);
                Ok(())
            });
        }
        let export: *mut vk::ExportMemoryAllocateInfo<'_> =
            chain::find(chained, vk::StructureType::EXPORT_MEMORY_ALLOCATE_INFO);
        let kinds = export.as_mut().map(|export| &mut export.handle_types);
        with_renamed(kinds, || allocate(device, information, allocator, memory))
    }
}

impl Imported {
    fn map(
        device: vk::Device,
        image: vk::Image,
        import: &vk::ImportMemoryFdInfoKHR<'_>,
        length: vk::DeviceSize,
    ) -> Result<Self> {
        require_equal("handle", import.handle_type, vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT)?;
        require_equal("size of the memory", length, image::length(image)?)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        // SAFETY: maps what the number stands for, which is nothing if it is wrong.
        let (address, end) = unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let address = libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, import.fd, 0);
            (address, libc::lseek(import.fd, 0, libc::SEEK_END))
        };
        require(address != libc::MAP_FAILED, || format!("descriptor {} is no memory", import.fd))?;
        let mapped = Self { device, image, address: address.addr(), length };
        if usize::try_from(end).unwrap_or(0) < length {
            mapped.unmap();
            return Err(violation("memory that ends before the picture"));
        }
        Ok(mapped)
    }

    fn unmap(self) {
        // SAFETY: mapped above, and the driver does not use it.
        unsafe { libc::munmap(self.address as *mut c_void, self.length) };
    }
}

pub(crate) unsafe extern "system" fn free(
    device: vk::Device,
    memory: vk::DeviceMemory,
    allocator: *const vk::AllocationCallbacks<'_>,
) {
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        if let Some(free) = next::function::<_, vk::PFN_vkFreeMemory>(device, c"vkFreeMemory") {
            free(device, memory, allocator);
        }
    }
    if let Some(imported) = all().remove(&memory.as_raw()) {
        imported.unmap();
    }
}

pub(crate) unsafe extern "system" fn descriptor(
    device: vk::Device,
    information: *const vk::MemoryGetFdInfoKHR<'_>,
    fd: *mut c_int,
) -> vk::Result {
    // SAFETY: the function of that name; the caller's contract.
    unsafe {
        let Some(get) = next::function::<_, vk::PFN_vkGetMemoryFdKHR>(device, c"vkGetMemoryFdKHR") else {
            return vk::Result::ERROR_INITIALIZATION_FAILED;
        };
        let mut information = *information;
        information.handle_type = renamed(information.handle_type);
        get(device, &raw const information, fd)
    }
}

/// Any type will do: the picture says which.
pub(crate) unsafe extern "system" fn types(
    _device: vk::Device,
    kind: vk::ExternalMemoryHandleTypeFlags,
    fd: c_int,
    properties: *mut vk::MemoryFdPropertiesKHR<'_>,
) -> vk::Result {
    image::answer("vkGetMemoryFdPropertiesKHR", || {
        require_equal("handle", kind, vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT)?;
        require(fd >= 0, || "no descriptor".to_owned())?;
        // SAFETY: the caller's contract.
        unsafe { (*properties).memory_type_bits = u32::MAX };
        Ok(())
    })
}
