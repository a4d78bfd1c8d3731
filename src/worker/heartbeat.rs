//! How a worker's threads show that they live, and learn that they should end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ipc::counters_page::{CountersPage, WorkerThread};
use crate::ipc::flight_recorder::What;

/// Longest time a thread waits for anything before it beats again. The host
/// calls a thread hung after two seconds.
pub const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// A thread's own handle: its heartbeat, the counters, and the order to stop.
#[derive(Debug, Clone)]
pub struct Pulse {
    thread: WorkerThread,
    counters: Arc<CountersPage>,
    stop: Arc<AtomicBool>,
}

impl Pulse {
    /// The handle of `thread`; `stop` is shared by all threads of a worker.
    #[must_use]
    pub const fn new(thread: WorkerThread, counters: Arc<CountersPage>, stop: Arc<AtomicBool>) -> Self {
        Self { thread, counters, stop }
    }

    /// Beats. Returns whether the thread should go on. Call it at least every
    /// [`LONGEST_WAIT`], and never from another thread.
    #[must_use]
    pub fn beat(&self) -> bool {
        self.counters.beat(self.thread);
        !self.stop.load(Ordering::Acquire)
    }

    /// Writes down what the thread does; see [`What`] for the meaning of the
    /// numbers. Cheap, and waits for nothing.
    pub fn note(&self, what: What, about: u32, value: u64) {
        self.counters.recorder().note(self.thread, what, about, value);
    }

    /// The shared counters.
    #[must_use]
    pub fn counters(&self) -> &CountersPage {
        &self.counters
    }
}
