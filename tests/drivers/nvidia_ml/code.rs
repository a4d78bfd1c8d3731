//! What calls answer: `nvmlReturn_t`.

use std::ffi::{CStr, c_char};

pub(crate) const UNINITIALIZED: u32 = 1;
pub(crate) const INVALID_ARGUMENT: u32 = 2;
pub(crate) const INSUFFICIENT_SIZE: u32 = 7;
pub(crate) const GPU_IS_LOST: u32 = 15;

/// Meaning of a code; those that tests order are here, too.
const fn describe(code: u32) -> &'static CStr {
    match code {
        0 => c"Success",
        UNINITIALIZED => c"Uninitialized",
        INVALID_ARGUMENT => c"Invalid Argument",
        3 => c"Not Supported",
        4 => c"Insufficient Permissions",
        INSUFFICIENT_SIZE => c"Insufficient Size",
        9 => c"Driver Not Loaded",
        GPU_IS_LOST => c"GPU is lost",
        18 => c"Driver/library version mismatch",
        _ => c"Unknown Error",
    }
}

#[unsafe(no_mangle)]
extern "C" fn nvmlErrorString(code: u32) -> *const c_char {
    describe(code).as_ptr()
}
