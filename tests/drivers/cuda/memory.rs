//! Device memory: addresses that nobody can read through, and what is there.

use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::sync::Arc;

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;

use crate::code::{INVALID_VALUE, OUT_OF_MEMORY};
use crate::driver::{Driver, Handle, Result, ask, give_back, put};
use crate::external::Mapping;

/// All device memory of the process, by address.
#[derive(Default)]
pub(crate) struct DeviceMemory {
    allocations: BTreeMap<u64, Allocation>,
    /// Addresses are never given out twice, so that freed ones are found out.
    given_out: u64,
}

struct Allocation {
    context: Handle,
    bytes: Bytes,
}

/// Where device memory really is.
enum Bytes {
    Own(Vec<u8>),
    /// From a byte on, so many, in what was imported.
    Imported(Arc<Mapping>, usize, usize),
}

impl Bytes {
    fn len(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::Imported(_, _, length) => *length,
        }
    }
}

impl DeviceMemory {
    fn allocate(&mut self, context: Handle, size: usize) -> u64 {
        self.place(context, Bytes::Own(vec![RUBBISH; size]))
    }

    /// Gives imported memory an address.
    pub(crate) fn adopt(&mut self, context: Handle, mapping: Arc<Mapping>, offset: usize, length: usize) -> u64 {
        self.place(context, Bytes::Imported(mapping, offset, length))
    }

    fn place(&mut self, context: Handle, bytes: Bytes) -> u64 {
        let address = FIRST_ADDRESS + self.given_out;
        self.given_out += (bytes.len() as u64).next_multiple_of(GAP) + GAP;
        self.allocations.insert(address, Allocation { context, bytes });
        address
    }

    /// Where the allocation begins that holds these bytes, and whose it is.
    pub(crate) fn locate(&self, address: u64, length: usize) -> Result<(u64, Handle)> {
        let (&start, allocation) = self
            .allocations
            .range(..=address)
            .next_back()
            .filter(|(start, allocation)| address - **start <= allocation.bytes.len() as u64)
            .ok_or_else(|| Refusal::violation(INVALID_VALUE, format!("no device memory is at {address:#x}")))?;
        let room = allocation.bytes.len() as u64 - (address - start);
        if length as u64 <= room {
            return Ok((start, allocation.context));
        }
        let text = format!("{length} bytes at {address:#x} reach beyond the allocation, which ends after {room}");
        Err(Refusal::violation(INVALID_VALUE, text))
    }

    /// Reads bytes that [`locate`](Self::locate) has found.
    pub(crate) fn read(&self, address: u64, into: &mut [u8]) {
        let Some((&start, allocation)) = self.allocations.range(..=address).next_back() else { return };
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        match &allocation.bytes {
            Bytes::Own(bytes) => into.copy_from_slice(&bytes[offset..offset + into.len()]),
            Bytes::Imported(mapping, first, _) => mapping.read(first + offset, into),
        }
    }

    /// Writes bytes that [`locate`](Self::locate) has found.
    pub(crate) fn write(&mut self, address: u64, from: &[u8]) {
        let Some((&start, allocation)) = self.allocations.range_mut(..=address).next_back() else { return };
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        match &mut allocation.bytes {
            Bytes::Own(bytes) => bytes[offset..offset + from.len()].copy_from_slice(from),
            Bytes::Imported(mapping, first, _) => mapping.write(*first + offset, from),
        }
    }

    pub(crate) fn forget(&mut self, context: Handle) {
        self.allocations.retain(|_, allocation| allocation.context != context);
    }

    pub(crate) fn count(&self, context: Handle) -> usize {
        self.of(context).count()
    }

    pub(crate) fn bytes(&self, context: Handle) -> usize {
        self.of(context).map(|allocation| allocation.bytes.len()).sum()
    }

    fn of(&self, context: Handle) -> impl Iterator<Item = &Allocation> {
        self.allocations.values().filter(move |allocation| allocation.context == context)
    }

    fn used(&self) -> usize {
        let own = |allocation: &&Allocation| matches!(allocation.bytes, Bytes::Own(_));
        self.allocations.values().filter(own).map(|allocation| allocation.bytes.len()).sum()
    }
}

impl Driver {
    fn allocate_pitch(&mut self, width: usize, height: usize, element: c_uint) -> Result<(u64, usize)> {
        let context = self.require_current()?;
        if width == 0 || height == 0 || ![4, 8, 16].contains(&element) {
            let text = format!("{width}x{height} of elements of {element}; they must be of 4, 8 or 16 bytes");
            return Err(Refusal::violation(INVALID_VALUE, text));
        }
        let pitch = width.next_multiple_of(PITCH);
        let size = pitch.saturating_mul(height);
        if size > total().saturating_sub(self.device.used()) {
            return Err(Refusal::excusable(OUT_OF_MEMORY, "the device has no more memory"));
        }
        Ok((self.device.allocate(context, size), pitch))
    }

    fn free(&mut self, address: u64) -> Result {
        self.require_current()?;
        let Some(allocation) = self.device.allocations.get(&address) else {
            return Err(Refusal::violation(INVALID_VALUE, format!("{address:#x} is no device memory, or was freed")));
        };
        self.require_owner(allocation.context, "device memory")?;
        let end = address + allocation.bytes.len() as u64;
        if self.abandon_copies(|copy| copy.touches_device(address..end)) {
            ledger::violation("cuMemFree_v2: a copy that was not waited for still uses the memory");
        }
        self.device.allocations.remove(&address);
        Ok(())
    }
}

/// Bytes the device has.
pub(crate) fn total() -> usize {
    Orders::read().memory.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(TOTAL)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemAllocPitch_v2(
    address: *mut u64,
    pitch: *mut usize,
    width: usize,
    height: usize,
    element: c_uint,
) -> u32 {
    ask("cuMemAllocPitch_v2", || {
        // SAFETY: the caller's contract. Null is found before there is memory.
        unsafe { put(address, 0).and(put(pitch, 0)) }?;
        let (allocated, bytes) = Driver::lock().allocate_pitch(width, height, element)?;
        // SAFETY: the caller's contract.
        unsafe { put(address, allocated).and(put(pitch, bytes)) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(address: u64) -> u32 {
    give_back("cuMemFree_v2", || Driver::lock().free(address))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total_bytes: *mut usize) -> u32 {
    ask("cuMemGetInfo_v2", || {
        let driver = Driver::lock();
        driver.require_current()?;
        let total = total();
        // SAFETY: the caller's contract.
        unsafe { put(free, total.saturating_sub(driver.device.used())).and(put(total_bytes, total)) }
    })
}

/// Where no process has memory.
const FIRST_ADDRESS: u64 = 0x7_0000_0000;
/// Between two allocations, so that running over the end of one does not hit another.
const GAP: u64 = 0x1_0000;
/// What fresh memory holds: neither black nor zero.
pub(crate) const RUBBISH: u8 = 0xa5;
/// Alignment of rows.
const PITCH: usize = 512;
const TOTAL: usize = 12 << 30;
