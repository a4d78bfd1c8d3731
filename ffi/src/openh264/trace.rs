//! Where the library's log goes: its last error, kept for our own errors.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

/// Keeps the last message. The library's threads may write to it.
#[derive(Debug, Default)]
pub(super) struct Trace {
    last: Mutex<String>,
}

impl Trace {
    /// The last message; empty if there was none since the last call.
    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `WELS_LOG_ERROR`: nothing but errors is formatted at all.
pub(super) const LEVEL: c_int = 1;

/// A `WelsTraceCallback` whose context is a [`Trace`].
pub(super) unsafe extern "C" fn keep_message(context: *mut c_void, _level: c_int, message: *const c_char) {
    if context.is_null() || message.is_null() {
        return;
    }
    // SAFETY: the context is the Trace that `Encoder::catch_messages` handed
    // over; it outlives the encoder and is only used by shared reference.
    let trace = unsafe { &*context.cast::<Trace>() };
    // SAFETY: the library passes a NUL-terminated buffer valid for this call
    // (welsCodecTrace.cpp).
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy();
    let mut last = trace.last.lock().unwrap_or_else(PoisonError::into_inner);
    last.clear();
    last.push_str(text.trim_end());
}
