//! An allocator that counts, for tests of what must not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, and how often each thread has asked it.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

impl CountingAllocator {
    /// Allocations and reallocations that `act` makes on this thread. Counts only in a
    /// program whose `#[global_allocator]` this is.
    pub fn count(act: impl FnOnce()) -> u64 {
        let before = ALLOCATIONS.get();
        act();
        ALLOCATIONS.get() - before
    }
}

// SAFETY: all calls go to the system's allocator unchanged; counting is in a
// thread-local integer that needs no allocation and no destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note();
        // SAFETY: as above; the memory came from the system's allocator.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn note() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}
