//! What the encoder's stand-in asks of this one. No program knows these calls, no
//! fault can be ordered for them, and the sibling reports what they refuse.

use std::ffi::c_int;

use earthshine_drivers::calls::Refusal;

use crate::code::{INVALID_CONTEXT, NOT_READY};
use crate::context;
use crate::driver::{Driver, Handle, Result};

impl Driver {
    fn read_device(&mut self, address: u64, context: Handle, into: Option<&mut [u8]>, end: usize) -> Result {
        let (_, owner) = self.device.locate(address, end)?;
        if owner != context {
            return Err(Refusal::violation(INVALID_CONTEXT, "the memory is another context's"));
        }
        let Some(into) = into else {
            return Ok(());
        };
        let start = address + (end - into.len()) as u64;
        if self.is_written(&(start..start + into.len() as u64)) {
            return Err(Refusal::violation(NOT_READY, "a copy into the memory was not waited for"));
        }
        self.device.read(start, into);
        Ok(())
    }
}

/// The context that is current on this thread and lives, or null.
#[unsafe(no_mangle)]
extern "C" fn earthshine_cuda_current() -> Handle {
    let driver = Driver::lock();
    context::current().filter(|handle| driver.contexts.contains_key(handle)).unwrap_or(0)
}

/// The number of a context's device; 0 of one that is unknown.
#[unsafe(no_mangle)]
extern "C" fn earthshine_cuda_device(context: Handle) -> u32 {
    Driver::lock().contexts.get(&context).map_or(0, |context| context.device)
}

/// Reads device memory of a context: `length` bytes from `offset` on. `into` may be
/// null; then nothing is read, and only the bounds and the owner are checked.
/// 0, or a code of CUDA's: 600 if a copy into the bytes was not waited for.
#[unsafe(no_mangle)]
unsafe extern "C" fn earthshine_cuda_read(
    device_pointer: u64,
    offset: usize,
    into: *mut u8,
    length: usize,
    context: Handle,
) -> c_int {
    let into = (!into.is_null()).then(|| {
        // SAFETY: the sibling passes a buffer of this length.
        unsafe { std::slice::from_raw_parts_mut(into, length) }
    });
    answer(Driver::lock().read_device(device_pointer, context, into, offset.saturating_add(length)))
}

/// Does what waits on a stream of the context that is current: the encoder waits
/// for its input stream, if it was given one.
#[unsafe(no_mangle)]
extern "C" fn earthshine_cuda_synchronize(stream: Handle) -> c_int {
    answer(Driver::lock().synchronize(stream))
}

fn answer(result: Result) -> c_int {
    result.err().map_or(0, |refusal| refusal.code.cast_signed())
}
