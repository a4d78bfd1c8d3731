//! Memory for OpenH264 that is not touched before it is used.
//!
//! The library asks for bitstream buffers as large as the raw picture, several
//! per thread, and has each filled with zeros: 25 MiB at 1080p with two threads,
//! of which a stream uses a few hundred kilobytes. Fresh memory is zero
//! already, and costs nothing until it is written to.
//!
//! The linker puts [`zeroed`] in the place of the library's own function
//! (`--wrap`, see the `build.rs` of both packages). Without that the library
//! works the same and takes more memory.

use std::ffi::{c_char, c_void};

use super::Encoder;

unsafe extern "C" {
    /// `WelsCommon::CMemoryAlign::WelsMalloc`: `size` bytes, or null.
    #[link_name = "_ZN10WelsCommon12CMemoryAlign10WelsMallocEjPKc"]
    fn allocate(this: *mut c_void, size: u32, tag: *const c_char) -> *mut c_void;
}

/// `WelsCommon::CMemoryAlign::WelsMallocz`: `size` bytes of zeros, or null.
///
/// # Safety
/// As for the function it replaces: `this` is the library's allocator, `tag`
/// null or a string that ends.
#[unsafe(export_name = "__wrap__ZN10WelsCommon12CMemoryAlign11WelsMalloczEjPKc")]
unsafe extern "C" fn zeroed(this: *mut c_void, size: u32, tag: *const c_char) -> *mut c_void {
    // SAFETY: the arguments are passed on as they came.
    let block = unsafe { allocate(this, size, tag) };
    if !block.is_null() {
        // SAFETY: `allocate` gave this many bytes to us and nobody else, from
        // malloc: private anonymous memory.
        unsafe { zero(block.cast(), size as usize) };
    }
    block
}

/// Zeroes a block; whole pages by giving them back to the kernel, which hands
/// out zeros at the next access.
///
/// # Safety
/// `start` must be writable for `len` bytes that nobody else uses, in private
/// anonymous memory.
unsafe fn zero(start: *mut u8, len: usize) {
    let head = start.align_offset(PAGE);
    if len < SMALL || head > len {
        // SAFETY: the caller vouches for the whole block.
        unsafe { start.write_bytes(0, len) };
        return;
    }
    let pages = (len - head) / PAGE * PAGE;
    // SAFETY: `head` and `head + pages` are within the block.
    let (middle, tail) = unsafe { (start.add(head), start.add(head + pages)) };
    // SAFETY: whole pages of the block, whose contents nobody needs; in private
    // anonymous memory they read as zero afterwards (madvise(2)).
    let given_back = unsafe { libc::madvise(middle.cast(), pages, libc::MADV_DONTNEED) } == 0;
    // SAFETY: the rest of the block, and all of it if the kernel refused (the
    // pages may be locked).
    unsafe {
        start.write_bytes(0, head);
        tail.write_bytes(0, len - head - pages);
        if !given_back {
            middle.write_bytes(0, pages);
        }
    }
}

impl Encoder {
    /// Makes whoever links an encoder link [`zeroed`] too.
    pub(super) fn link_memory() {
        std::hint::black_box(zeroed as unsafe extern "C" fn(*mut c_void, u32, *const c_char) -> *mut c_void);
    }
}

/// The largest page size of the systems we run on: the kernel would give back
/// all of a page of which a part is named.
const PAGE: usize = 64 << 10;
/// Blocks below this come from the heap and are soon used.
const SMALL: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_zero_from_its_first_to_its_last_byte() {
        for len in [0, 1, 100, SMALL - 1, SMALL, SMALL + 1, 3 * SMALL + 77, 9 * PAGE] {
            for offset in [0, 1, 16, 63, PAGE - 1] {
                let mut memory = vec![0xAA_u8; offset + len + PAGE];
                // SAFETY: within a vector of ours, whose memory is malloc's.
                unsafe { zero(memory.as_mut_ptr().add(offset), len) };
                assert!(memory[offset..offset + len].iter().all(|&byte| byte == 0), "{len} at {offset}");
                assert!(memory[..offset].iter().all(|&byte| byte == 0xAA), "{len} at {offset}: before it");
                assert!(memory[offset + len..].iter().all(|&byte| byte == 0xAA), "{len} at {offset}: behind it");
            }
        }
    }
}
