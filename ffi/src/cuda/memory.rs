//! Memory of a device, and memory of the host that the device reads from.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;

use super::context::Context;
use super::error::CudaError;
use super::functions::{Copy2d, DevicePointer, MEMORY_DEVICE, MEMORY_HOST};
use super::stream::Stream;

/// Rows of bytes on the device, `pitch` bytes apart.
#[derive(Debug)]
pub struct DeviceMemory {
    context: Rc<Context>,
    pointer: DevicePointer,
    pitch: usize,
    rows: usize,
}

impl DeviceMemory {
    /// `rows` rows of `width` bytes.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn allocate(context: &Rc<Context>, width: usize, rows: usize) -> Result<Self, CudaError> {
        let (mut pointer, mut pitch) = (0, 0);
        // SAFETY: writes an address and a number; 16 is an element size it takes.
        let status =
            unsafe { (context.functions().cuMemAllocPitch_v2)(&raw mut pointer, &raw mut pitch, width, rows, 16) };
        context.check("cuMemAllocPitch", status)?;
        Ok(Self { context: Rc::clone(context), pointer, pitch, rows })
    }

    /// Bytes from one row to the next.
    #[must_use]
    pub const fn pitch(&self) -> usize {
        self.pitch
    }

    pub(crate) const fn pointer(&self) -> DevicePointer {
        self.pointer
    }

    /// Copies parts of `source` here, and waits until they are there.
    ///
    /// # Errors
    /// [`CudaError`].
    ///
    /// # Panics
    /// If the plane is outside of either memory.
    pub fn upload(&mut self, planes: &[Plane], source: &HostMemory, stream: &Stream) -> Result<(), CudaError> {
        assert!(Rc::ptr_eq(&self.context, stream.context()), "a stream of another context");
        for plane in planes {
            let last = plane.to + (plane.rows - 1) * plane.to_pitch + plane.width;
            assert!(last <= self.pitch * self.rows && plane.width <= plane.to_pitch, "{plane:?} is outside");
            let last = plane.from + (plane.rows - 1) * plane.from_pitch + plane.width;
            assert!(last <= source.length && plane.width <= plane.from_pitch, "{plane:?} is outside");
        }
        for plane in planes {
            let copy = Copy2d {
                source_x_bytes: 0,
                source_y: 0,
                source_type: MEMORY_HOST,
                // SAFETY: inside of the allocation, as asserted.
                source_host: unsafe { source.pointer.as_ptr().add(plane.from) }.cast(),
                source_device: 0,
                source_array: std::ptr::null_mut(),
                source_pitch: plane.from_pitch,
                target_x_bytes: 0,
                target_y: 0,
                target_type: MEMORY_DEVICE,
                target_host: std::ptr::null_mut(),
                target_device: self.pointer + plane.to as u64,
                target_array: std::ptr::null_mut(),
                target_pitch: plane.to_pitch,
                width_bytes: plane.width,
                height: plane.rows,
            };
            // SAFETY: both sides lie inside of their allocations, as asserted, and
            // nobody writes to the source before the stream is waited for below.
            let status = unsafe { (self.context.functions().cuMemcpy2DAsync_v2)(&raw const copy, stream.raw()) };
            if let Err(error) = self.context.check("cuMemcpy2DAsync", status) {
                let _ = stream.synchronize();
                return Err(error);
            }
        }
        stream.synchronize()
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // SAFETY: freed once; the context lives and is current on this thread.
        unsafe { (self.context.functions().cuMemFree_v2)(self.pointer) };
    }
}

/// A part of a picture that is copied: where it is, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// Bytes in a row.
    pub width: usize,
    /// Rows, at least one.
    pub rows: usize,
    /// Its first byte in the host's memory.
    pub from: usize,
    /// Bytes from row to row there.
    pub from_pitch: usize,
    /// Its first byte in the device's memory.
    pub to: usize,
    /// Bytes from row to row there.
    pub to_pitch: usize,
}

/// Memory of the host that stays where it is, so that the device reads it without
/// a copy of the driver's.
#[derive(Debug)]
pub struct HostMemory {
    context: Rc<Context>,
    pointer: NonNull<u8>,
    length: usize,
}

impl HostMemory {
    /// So many bytes, zero.
    ///
    /// # Errors
    /// [`CudaError`].
    pub fn allocate(context: &Rc<Context>, length: usize) -> Result<Self, CudaError> {
        let mut pointer: *mut c_void = std::ptr::null_mut();
        // SAFETY: writes an address.
        let status = unsafe { (context.functions().cuMemHostAlloc)(&raw mut pointer, length, 0) };
        context.check("cuMemHostAlloc", status)?;
        let pointer = NonNull::new(pointer.cast::<u8>()).ok_or_else(|| CudaError {
            call: "cuMemHostAlloc",
            code: 0,
            name: "no memory and no error".to_owned(),
        })?;
        // SAFETY: the driver gave us so many bytes.
        unsafe { pointer.as_ptr().write_bytes(0, length) };
        Ok(Self { context: Rc::clone(context), pointer, length })
    }

    /// To be filled.
    #[must_use]
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes are ours, and were written once.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.length) }
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        // SAFETY: freed once; no copy from it is under way, because each is waited
        // for where it is ordered.
        unsafe { (self.context.functions().cuMemFreeHost)(self.pointer.as_ptr().cast()) };
    }
}
