//! How many sessions a GPU has at a time: the limit is the machine's, and every
//! stream is a process of its own.
//!
//! A session holds the lock of a file for as long as it is open, so that a process
//! that is killed gives its sessions back, as with the real driver.

use std::fs::File;

use earthshine_drivers::calls::Refusal;
use earthshine_drivers::faults::Orders;
use earthshine_drivers::{ledger, places};
use earthshine_ffi::nvenc::sys::NVENCSTATUS;

use crate::words::Result;

/// A session's place among those of the machine.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Locked while it is open; none where no test watches.
    _file: Option<File>,
}

impl Slot {
    pub(crate) fn take(device: u32) -> Result<Self> {
        let Some(directory) = ledger::directory() else {
            return Ok(Self { _file: None });
        };
        let (free, held) = places::take(directory, device).unwrap_or_default();
        match Orders::read().limit(device) {
            // What the real driver says then, too.
            Some(limit) if held >= limit => {
                Err(Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY.0, "the GPU has no more sessions"))
            }
            _ => Ok(Self { _file: free }),
        }
    }
}
