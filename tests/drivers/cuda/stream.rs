//! Streams: what waits on one is done when it is synchronised, and not before.

use std::ffi::{c_int, c_uint};

use earthshine_drivers::calls::Refusal;

use crate::code::{INVALID_HANDLE, INVALID_VALUE};
use crate::copy::Copy2D;
use crate::driver::{Driver, Handle, Result, ask, give_back, put};

/// A stream that lives.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) waiting: Vec<Copy2D>,
}

impl Driver {
    fn create_stream(&mut self, flags: c_uint) -> Result<Handle> {
        let context = self.require_current()?;
        if flags & !NON_BLOCKING != 0 {
            return Err(Refusal::violation(INVALID_VALUE, format!("unknown flags {flags:#x}")));
        }
        let handle = self.new_handle();
        if let Some(context) = self.contexts.get_mut(&context) {
            context.streams.insert(handle, Stream::default());
        }
        Ok(handle)
    }

    /// Work that waits is done still, as the manual says, before the stream goes.
    fn destroy_stream(&mut self, stream: Handle) -> Result {
        if stream == 0 {
            return Err(Refusal::violation(INVALID_HANDLE, "the default stream cannot be destroyed"));
        }
        self.synchronize(stream)?;
        for context in self.contexts.values_mut() {
            context.streams.remove(&stream);
        }
        Ok(())
    }

    /// Does what waits on a stream of the context that is current.
    pub(crate) fn synchronize(&mut self, stream: Handle) -> Result {
        let waiting = std::mem::take(self.waiting(stream)?);
        for copy in &waiting {
            self.perform(copy);
        }
        Ok(())
    }

    /// What waits on a stream of the context that is current.
    pub(crate) fn waiting(&mut self, stream: Handle) -> Result<&mut Vec<Copy2D>> {
        let current = self.require_current()?;
        if stream != 0 {
            let owner = self.contexts.iter().find(|(_, context)| context.streams.contains_key(&stream));
            let unknown = || Refusal::violation(INVALID_HANDLE, format!("stream {stream:#x} is unknown, or destroyed"));
            let owner = *owner.ok_or_else(unknown)?.0;
            self.require_owner(owner, "the stream")?;
        }
        let context = self.contexts.get_mut(&current);
        let waiting = context.and_then(|context| match stream {
            0 => Some(&mut context.default_stream),
            _ => context.streams.get_mut(&stream).map(|stream| &mut stream.waiting),
        });
        waiting.ok_or(Refusal::violation(INVALID_HANDLE, "the stream is gone"))
    }

    /// Whether anything waits that writes to these bytes of device memory.
    pub(crate) fn is_written(&self, bytes: &std::ops::Range<u64>) -> bool {
        self.contexts
            .values()
            .flat_map(|context| context.streams.values().map(|stream| &stream.waiting).chain([&context.default_stream]))
            .flatten()
            .any(|copy| copy.writes_device(bytes))
    }

    /// Drops what waits and is so; whether there was anything.
    pub(crate) fn abandon_copies(&mut self, is_so: impl Fn(&Copy2D) -> bool) -> bool {
        let mut found = false;
        for context in self.contexts.values_mut() {
            let streams = context.streams.values_mut().map(|stream| &mut stream.waiting);
            for waiting in streams.chain([&mut context.default_stream]) {
                let before = waiting.len();
                waiting.retain(|copy| !is_so(copy));
                found |= waiting.len() < before;
            }
        }
        found
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) -> u32 {
    ask("cuCtxGetStreamPriorityRange", || {
        Driver::lock().require_current()?;
        for (target, value) in [(least, LEAST_PRIORITY), (greatest, GREATEST_PRIORITY)] {
            // The manual: either may be null.
            if !target.is_null() {
                // SAFETY: the caller's contract.
                unsafe { put(target, value) }?;
            }
        }
        Ok(())
    })
}

/// A priority out of range is clamped and no mistake, as the manual says.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuStreamCreateWithPriority(stream: *mut Handle, flags: c_uint, _priority: c_int) -> u32 {
    ask("cuStreamCreateWithPriority", || {
        // SAFETY: the caller's contract. Null is found before there is a stream.
        unsafe { put(stream, 0) }?;
        let handle = Driver::lock().create_stream(flags)?;
        // SAFETY: the caller's contract.
        unsafe { put(stream, handle) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: Handle) -> u32 {
    give_back("cuStreamDestroy_v2", || Driver::lock().destroy_stream(stream))
}

/// Ordered to fail, nothing waits any more all the same: the program may free what
/// the copies were from.
#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: Handle) -> u32 {
    give_back("cuStreamSynchronize", || Driver::lock().synchronize(stream))
}

/// `CU_STREAM_NON_BLOCKING`.
const NON_BLOCKING: c_uint = 1;
/// Lower numbers are greater priorities.
const LEAST_PRIORITY: c_int = 0;
const GREATEST_PRIORITY: c_int = -5;
