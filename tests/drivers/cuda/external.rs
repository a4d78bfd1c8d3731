//! Memory of Vulkan's, imported: the driver has it for as long as it is not
//! destroyed, and a program must not close what it gave away.
//!
//! The only Vulkan that this can be played with is Mesa's on the CPU (lavapipe),
//! whose opaque descriptors are files in memory with a page before the data.

use std::collections::HashMap;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::ledger;

use crate::code::{INVALID_HANDLE, INVALID_VALUE};
use crate::driver::{Driver, Handle, Result, ask, give_back, put};

/// All that is imported in the process.
#[derive(Default)]
pub(crate) struct ExternalMemory {
    imported: HashMap<Handle, Imported>,
}

struct Imported {
    context: Handle,
    mapping: Arc<Mapping>,
    /// What the program gave away, and what file it was then.
    fd: c_int,
    file: (u64, u64),
}

/// A file's bytes behind its first page.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: plain bytes, which are only looked at under the driver's lock.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn of(fd: c_int, length: usize) -> Option<Self> {
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a fresh mapping, at an address that the kernel chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, access, shared, fd, DATA) };
        if start == libc::MAP_FAILED {
            return None;
        }
        Some(Self { start: NonNull::new(start.cast())?, length })
    }

    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Copies what is there now: Vulkan may write to it at any time.
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) {
        assert!(offset + into.len() <= self.length, "found by `locate`");
        // SAFETY: inside of the mapping, as asserted.
        unsafe { self.start.as_ptr().add(offset).copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
    }

    pub(crate) fn write(&self, offset: usize, from: &[u8]) {
        assert!(offset + from.len() <= self.length, "found by `locate`");
        // SAFETY: inside of the mapping, as asserted.
        unsafe { self.start.as_ptr().add(offset).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped so, and unmapped once.
        unsafe { libc::munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
    }
}

impl ExternalMemory {
    pub(crate) fn forget(&mut self, context: Handle) {
        self.imported.retain(|_, imported| imported.context != context);
    }

    pub(crate) fn count(&self, context: Handle) -> usize {
        self.imported.values().filter(|imported| imported.context == context).count()
    }
}

/// `CUDA_EXTERNAL_MEMORY_HANDLE_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct HandleRecord {
    kind: c_uint,
    /// The union has pointers.
    padding: u32,
    fd: c_int,
    rest: [u32; 3],
    size: u64,
    flags: c_uint,
    reserved: [c_uint; 16],
}

/// `CUDA_EXTERNAL_MEMORY_BUFFER_DESC`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct BufferRecord {
    offset: u64,
    size: u64,
    flags: c_uint,
    reserved: [c_uint; 16],
}

impl Driver {
    fn import(&mut self, record: &HandleRecord) -> Result<Handle> {
        let context = self.require_current()?;
        if record.kind != OPAQUE_FD || record.flags & !DEDICATED != 0 || record.reserved != [0; 16] {
            let text =
                format!("type {} with flags {:#x}; only opaque descriptors are known", record.kind, record.flags);
            return Err(Refusal::violation(INVALID_VALUE, text));
        }
        let (file, length) = look(record.fd)
            .ok_or_else(|| Refusal::violation(INVALID_VALUE, format!("descriptor {} is not open", record.fd)))?;
        let size = usize::try_from(record.size).unwrap_or(usize::MAX);
        let room = usize::try_from(length).unwrap_or(0).saturating_sub(usize::try_from(DATA).unwrap_or(0));
        if size == 0 || size > room {
            let text = format!("{size} bytes of an allocation of {room}");
            return Err(Refusal::violation(INVALID_VALUE, text));
        }
        let mapping = Mapping::of(record.fd, size)
            .ok_or_else(|| Refusal::violation(INVALID_VALUE, "the descriptor is no memory of this device's"))?;
        let handle = self.new_handle();
        let imported = Imported { context, mapping: Arc::new(mapping), fd: record.fd, file };
        self.external.imported.insert(handle, imported);
        ledger::event(&format!("import external {size}"));
        Ok(handle)
    }

    fn map_external(&mut self, handle: Handle, record: &BufferRecord) -> Result<u64> {
        let context = self.require_current()?;
        let unknown = || Refusal::violation(INVALID_HANDLE, "the external memory is unknown, or destroyed");
        let imported = self.external.imported.get(&handle).ok_or_else(unknown)?;
        let (owner, mapping) = (imported.context, Arc::clone(&imported.mapping));
        self.require_owner(owner, "the external memory")?;
        if record.flags != 0 || record.reserved != [0; 16] {
            return Err(Refusal::violation(INVALID_VALUE, "flags and reserved members must be 0"));
        }
        let end = record.offset.checked_add(record.size).and_then(|end| usize::try_from(end).ok());
        let (offset, size) = (usize::try_from(record.offset).unwrap_or(usize::MAX), record.size);
        if size == 0 || end.is_none_or(|end| end > mapping.length()) {
            let text = format!("{size} bytes from {offset} on are not in {}", mapping.length());
            return Err(Refusal::violation(INVALID_VALUE, text));
        }
        Ok(self.device.adopt(context, mapping, offset, usize::try_from(size).unwrap_or(0)))
    }

    fn destroy_external(&mut self, handle: Handle) -> Result {
        self.require_current()?;
        let unknown = || Refusal::violation(INVALID_HANDLE, "the external memory is unknown, or destroyed");
        let imported = self.external.imported.remove(&handle).ok_or_else(unknown)?;
        if Arc::strong_count(&imported.mapping) > 1 {
            ledger::violation("cuDestroyExternalMemory: what was mapped from it is not freed");
        }
        if look(imported.fd).is_none_or(|(file, _)| file != imported.file) {
            ledger::violation("cuDestroyExternalMemory: the program closed a descriptor that it had given away");
            return Ok(());
        }
        // SAFETY: the descriptor is the driver's since it was imported.
        unsafe { libc::close(imported.fd) };
        Ok(())
    }
}

/// Which file it is, and how long.
fn look(fd: c_int) -> Option<((u64, u64), u64)> {
    // SAFETY: a structure of integers, of which all bits are values.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: any number may be asked for; writes the structure.
    let code = unsafe { libc::fstat(fd, &raw mut status) };
    (code == 0).then_some(((status.st_dev, status.st_ino), status.st_size.unsigned_abs()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuImportExternalMemory(memory: *mut Handle, record: *const HandleRecord) -> u32 {
    ask("cuImportExternalMemory", || {
        // SAFETY: the caller's contract. Null is found before anything is imported.
        unsafe { put(memory, 0) }?;
        if record.is_null() {
            return Err(Refusal::violation(INVALID_VALUE, "the record is null"));
        }
        // SAFETY: not null; the caller's contract.
        let handle = Driver::lock().import(&unsafe { record.read() })?;
        // SAFETY: the caller's contract.
        unsafe { put(memory, handle) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuExternalMemoryGetMappedBuffer(
    address: *mut u64,
    memory: Handle,
    record: *const BufferRecord,
) -> u32 {
    ask("cuExternalMemoryGetMappedBuffer", || {
        // SAFETY: the caller's contract. Null is found before anything is mapped.
        unsafe { put(address, 0) }?;
        if record.is_null() {
            return Err(Refusal::violation(INVALID_VALUE, "the record is null"));
        }
        // SAFETY: not null; the caller's contract.
        let mapped = Driver::lock().map_external(memory, &unsafe { record.read() })?;
        // SAFETY: the caller's contract.
        unsafe { put(address, mapped) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDestroyExternalMemory(memory: Handle) -> u32 {
    give_back("cuDestroyExternalMemory", || Driver::lock().destroy_external(memory))
}

/// `CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD`.
const OPAQUE_FD: c_uint = 1;
/// `CUDA_EXTERNAL_MEMORY_DEDICATED`.
const DEDICATED: c_uint = 1;
/// Where Mesa's file has its data.
const DATA: libc::off_t = 4096;
