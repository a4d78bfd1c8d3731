//! What else wants the processor: endless loops, as many on each core as asked for.

use std::hint::spin_loop;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, available_parallelism};

/// Loops, until this is dropped. Threads of this process, so that none outlives it.
#[derive(Debug)]
pub(super) struct Busy(Arc<AtomicBool>);

impl Busy {
    /// Begins so many on each core.
    ///
    /// # Errors
    /// If the kernel refuses a thread.
    pub(super) fn begin(on_each_core: u32) -> io::Result<Self> {
        let busy = Self(Arc::new(AtomicBool::new(true)));
        let cores = available_parallelism().map_or(1, usize::from);
        for _ in 0..on_each_core as usize * cores {
            let goes_on = Arc::clone(&busy.0);
            Builder::new().name("busy".to_owned()).spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    spin_loop();
                }
            })?;
        }
        Ok(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
