//! Memory of another interface's, Vulkan's, as device memory of CUDA's.
//!
//! Who writes it there has to have finished before it is read here: conversions wait
//! for their GPU, so no semaphore goes between the two.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::rc::Rc;

use super::context::Context;
use super::error::CudaError;
use super::functions::{
    DevicePointer, EXTERNAL_DEDICATED, EXTERNAL_OPAQUE_FD, ExternalHandle, ExternalMemoryBuffer, ExternalMemoryHandle,
    RawExternalMemory,
};

/// Memory that was imported, and mapped whole.
#[derive(Debug)]
pub struct ExternalMemory {
    context: Rc<Context>,
    raw: RawExternalMemory,
    /// 0 as long as it is not mapped.
    pointer: DevicePointer,
    length: u64,
}

impl ExternalMemory {
    /// Takes over the opaque descriptor of an allocation of `length` bytes on the
    /// context's device. `is_dedicated` says that the allocation was made for one
    /// thing alone.
    ///
    /// # Errors
    /// [`CudaError`]; nothing stays.
    pub fn import(context: &Rc<Context>, fd: OwnedFd, length: u64, is_dedicated: bool) -> Result<Self, CudaError> {
        let handle = ExternalMemoryHandle {
            kind: EXTERNAL_OPAQUE_FD,
            handle: ExternalHandle { fd: fd.as_raw_fd(), rest: [0; 3] },
            size: length,
            flags: if is_dedicated { EXTERNAL_DEDICATED } else { 0 },
            reserved: [0; 16],
        };
        let mut raw = std::ptr::null_mut();
        // SAFETY: reads a structure of the header's shape, writes a handle; the
        // descriptor is open, and the driver's if this goes well.
        let status = unsafe { (context.functions().cuImportExternalMemory)(&raw mut raw, &raw const handle) };
        context.check("cuImportExternalMemory", status)?;
        let _ = fd.into_raw_fd();
        let mut memory = Self { context: Rc::clone(context), raw, pointer: 0, length };
        memory.map()?;
        Ok(memory)
    }

    fn map(&mut self) -> Result<(), CudaError> {
        let buffer = ExternalMemoryBuffer { offset: 0, size: self.length, flags: 0, reserved: [0; 16] };
        let functions = self.context.functions();
        // SAFETY: the memory is ours; reads a structure of the header's shape, writes
        // an address.
        let status =
            unsafe { (functions.cuExternalMemoryGetMappedBuffer)(&raw mut self.pointer, self.raw, &raw const buffer) };
        self.context.check("cuExternalMemoryGetMappedBuffer", status)
    }

    /// Bytes of it.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    pub(crate) const fn pointer(&self) -> DevicePointer {
        self.pointer
    }
}

impl Drop for ExternalMemory {
    fn drop(&mut self) {
        let functions = self.context.functions();
        if self.pointer != 0 {
            // SAFETY: freed once, before what it was mapped from; the context lives and
            // is current on this thread.
            unsafe { (functions.cuMemFree_v2)(self.pointer) };
        }
        // SAFETY: destroyed once.
        unsafe { (functions.cuDestroyExternalMemory)(self.raw) };
    }
}
