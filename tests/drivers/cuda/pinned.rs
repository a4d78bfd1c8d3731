//! Page-locked host memory: the only kind that a copy is asynchronous from.

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::ffi::c_uint;

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::ledger;

use crate::code::{INVALID_VALUE, OUT_OF_MEMORY};
use crate::driver::{Driver, Handle, Result, ask, give_back, put};
use crate::memory::RUBBISH;

/// All page-locked memory of the process, by address.
#[derive(Default)]
pub(crate) struct PinnedMemory {
    blocks: BTreeMap<usize, Block>,
}

struct Block {
    context: Handle,
    address: usize,
    layout: Layout,
}

impl Block {
    fn allocate(context: Handle, size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, PAGE).ok().filter(|layout| layout.size() > 0)?;
        // SAFETY: the layout is not of size zero.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            return None;
        }
        // SAFETY: `alloc` gave us this many bytes.
        unsafe { start.write_bytes(RUBBISH, size) };
        Some(Self { context, address: start.expose_provenance(), layout })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and a block is dropped once.
        unsafe { dealloc(std::ptr::with_exposed_provenance_mut(self.address), self.layout) };
    }
}

impl PinnedMemory {
    /// Whether an address lies in page-locked memory; refused if it does and the
    /// bytes do not.
    pub(crate) fn locate(&self, address: usize, length: usize) -> Result<bool> {
        let Some(block) = self.blocks.range(..=address).next_back().map(|(_, block)| block) else {
            return Ok(false);
        };
        let offset = address - block.address;
        if offset >= block.layout.size() {
            return Ok(false);
        }
        if length <= block.layout.size() - offset {
            return Ok(true);
        }
        let text = format!("{length} bytes at {offset} of page-locked memory of {}", block.layout.size());
        Err(Refusal::violation(INVALID_VALUE, text))
    }

    pub(crate) fn forget(&mut self, context: Handle) {
        self.blocks.retain(|_, block| block.context != context);
    }

    pub(crate) fn count(&self, context: Handle) -> usize {
        self.of(context).count()
    }

    pub(crate) fn bytes(&self, context: Handle) -> usize {
        self.of(context).map(|block| block.layout.size()).sum()
    }

    fn of(&self, context: Handle) -> impl Iterator<Item = &Block> {
        self.blocks.values().filter(move |block| block.context == context)
    }
}

impl Driver {
    fn allocate_pinned(&mut self, size: usize, flags: c_uint) -> Result<usize> {
        let context = self.require_current()?;
        if size == 0 || flags & !KNOWN_FLAGS != 0 {
            return Err(Refusal::violation(INVALID_VALUE, format!("{size} bytes with flags {flags:#x}")));
        }
        let block = Block::allocate(context, size).ok_or(Refusal::excusable(OUT_OF_MEMORY, "no memory"))?;
        let address = block.address;
        self.pinned.blocks.insert(address, block);
        Ok(address)
    }

    fn free_pinned(&mut self, address: usize) -> Result {
        self.require_current()?;
        let Some(block) = self.pinned.blocks.get(&address) else {
            let text = format!("{address:#x} is no page-locked memory, or was freed");
            return Err(Refusal::violation(INVALID_VALUE, text));
        };
        self.require_owner(block.context, "page-locked memory")?;
        let end = address + block.layout.size();
        if self.abandon_copies(|copy| copy.touches_host(address..end)) {
            ledger::violation("cuMemFreeHost: a copy that was not waited for still uses the memory");
        }
        self.pinned.blocks.remove(&address);
        Ok(())
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemHostAlloc(address: *mut usize, size: usize, flags: c_uint) -> u32 {
    ask("cuMemHostAlloc", || {
        // SAFETY: the caller's contract. Null is found before there is memory.
        unsafe { put(address, 0) }?;
        let allocated = Driver::lock().allocate_pinned(size, flags)?;
        // SAFETY: the caller's contract.
        unsafe { put(address, allocated) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(address: usize) -> u32 {
    give_back("cuMemFreeHost", || Driver::lock().free_pinned(address))
}

const PAGE: usize = 4096;
/// PORTABLE, DEVICEMAP and WRITECOMBINED.
const KNOWN_FLAGS: c_uint = 7;
