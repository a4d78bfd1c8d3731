//! Copies of rows between host and device, which wait on a stream until then.
//!
//! Page-locked memory is read when the copy is done: a program that fills it anew
//! before it synchronised finds the wrong picture encoded, as it may with a GPU.
//! Other host memory is read at once, as the manual says.

use std::ops::Range;

use earthshine_drivers::calls::Refusal;

use crate::code::INVALID_VALUE;
use crate::driver::{Driver, Handle, Result, ask};

/// `CUDA_MEMCPY2D_v2`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Record {
    source: Side,
    target: Side,
    width: usize,
    height: usize,
}

/// One half of it: the record has the same members twice.
#[repr(C)]
#[derive(Clone, Copy)]
struct Side {
    x: usize,
    y: usize,
    memory_type: u32,
    host: usize,
    device: u64,
    array: usize,
    pitch: usize,
}

/// A copy that waits.
pub(crate) struct Copy2D {
    source: Rows,
    target: Rows,
    width: usize,
    height: usize,
}

struct Rows {
    place: Place,
    pitch: usize,
}

enum Place {
    Device(u64),
    Host(usize),
    /// What host memory held that is not page-locked.
    Staged(Vec<u8>),
}

impl Side {
    /// From the first byte to behind the last one.
    fn start(&self) -> usize {
        self.y.saturating_mul(self.pitch).saturating_add(self.x)
    }
}

impl Rows {
    fn length(&self, width: usize, height: usize) -> usize {
        height.saturating_sub(1).saturating_mul(self.pitch).saturating_add(width)
    }
}

impl Copy2D {
    pub(crate) fn touches_host(&self, bytes: Range<usize>) -> bool {
        [&self.source, &self.target].into_iter().any(|rows| match rows.place {
            Place::Host(start) => start < bytes.end && bytes.start < start + rows.length(self.width, self.height),
            _ => false,
        })
    }

    pub(crate) fn touches_device(&self, bytes: Range<u64>) -> bool {
        [&self.source, &self.target].into_iter().any(|rows| self.meets_device(rows, &bytes))
    }

    pub(crate) fn writes_device(&self, bytes: &Range<u64>) -> bool {
        self.meets_device(&self.target, bytes)
    }

    fn meets_device(&self, rows: &Rows, bytes: &Range<u64>) -> bool {
        let length = rows.length(self.width, self.height) as u64;
        matches!(rows.place, Place::Device(start) if start < bytes.end && bytes.start < start + length)
    }
}

impl Driver {
    fn queue(&mut self, record: &Record, stream: Handle) -> Result {
        self.waiting(stream)?;
        let Record { width, height, .. } = *record;
        let source = self.rows(&record.source, width, height)?;
        let target = self.rows(&record.target, width, height)?;
        if width == 0 || height == 0 {
            return Ok(());
        }
        let mut copy = Copy2D { source, target, width, height };
        let staged = matches!(copy.target.place, Place::Host(start) if !self.pinned.locate(start, 1)?);
        if let Place::Host(start) = copy.source.place
            && !self.pinned.locate(start, 1)?
        {
            let length = copy.source.length(width, height);
            let mut bytes = vec![0; length];
            read_host(start, &mut bytes);
            copy.source.place = Place::Staged(bytes);
        }
        self.waiting(stream)?.push(copy);
        // The manual: into host memory that is not page-locked, the call waits.
        if staged { self.synchronize(stream) } else { Ok(()) }
    }

    fn rows(&self, side: &Side, width: usize, height: usize) -> Result<Rows> {
        if side.x.saturating_add(width) > side.pitch {
            let text = format!("{width} bytes from {} on do not fit in a pitch of {}", side.x, side.pitch);
            return Err(Refusal::violation(INVALID_VALUE, text));
        }
        let start = side.start();
        let length = height.saturating_sub(1).saturating_mul(side.pitch).saturating_add(width);
        let place = match side.memory_type {
            HOST => Place::Host(side.host.saturating_add(start)),
            DEVICE => Place::Device(side.device.saturating_add(start as u64)),
            other => {
                let text = format!("memory type {other} is none that the stand-in knows");
                return Err(Refusal::violation(INVALID_VALUE, text));
            }
        };
        match place {
            Place::Device(address) => {
                // From the pointer that was given: it says which allocation is meant.
                let (_, owner) = self.device.locate(side.device, start.saturating_add(length))?;
                self.device.locate(address, length)?;
                self.require_owner(owner, "device memory")?;
            }
            Place::Host(address) => {
                if side.host == 0 {
                    return Err(Refusal::violation(INVALID_VALUE, "the host pointer is null"));
                }
                self.pinned.locate(side.host, start.saturating_add(length))?;
                self.pinned.locate(address, length)?;
            }
            Place::Staged(_) => {}
        }
        Ok(Rows { place, pitch: side.pitch })
    }

    /// Does a copy whose places [`queue`](Self::queue) has checked.
    pub(crate) fn perform(&mut self, copy: &Copy2D) {
        let mut row = vec![0; copy.width];
        for y in 0..copy.height {
            let offset = y * copy.source.pitch;
            match &copy.source.place {
                Place::Host(start) => read_host(start + offset, &mut row),
                Place::Staged(bytes) => row.copy_from_slice(&bytes[offset..offset + copy.width]),
                Place::Device(start) => self.device.read(start + offset as u64, &mut row),
            }
            let offset = y * copy.target.pitch;
            match &copy.target.place {
                Place::Host(start) => write_host(start + offset, &row),
                Place::Staged(_) => {}
                Place::Device(start) => self.device.write(start + offset as u64, &row),
            }
        }
    }
}

fn read_host(address: usize, into: &mut [u8]) {
    let start: *const u8 = std::ptr::with_exposed_provenance(address);
    // SAFETY: page-locked memory that is ours and not freed (freeing it drops the
    // copies that use it), or memory that the caller of `cuMemcpy2DAsync` vouches
    // for during its call.
    unsafe { start.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
}

fn write_host(address: usize, from: &[u8]) {
    let start: *mut u8 = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: as in `read_host`.
    unsafe { start.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuMemcpy2DAsync_v2(record: *const Record, stream: Handle) -> u32 {
    ask("cuMemcpy2DAsync_v2", || {
        if record.is_null() {
            return Err(Refusal::violation(INVALID_VALUE, "the record is null"));
        }
        // SAFETY: not null; the caller's contract.
        let record = unsafe { record.read() };
        Driver::lock().queue(&record, stream)
    })
}

/// `CU_MEMORYTYPE_HOST` and `CU_MEMORYTYPE_DEVICE`.
const HOST: u32 = 1;
const DEVICE: u32 = 2;
