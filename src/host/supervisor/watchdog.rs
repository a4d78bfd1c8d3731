//! Notices a worker's thread that stands still.

use std::time::{Duration, Instant};

use crate::ipc::counters_page::{CountersPage, WorkerThread};

/// Watches the heartbeats of one worker.
#[derive(Debug)]
pub(crate) struct Watchdog {
    started: Instant,
    ready: bool,
    seen: [(u64, Instant); WorkerThread::ALL.len()],
}

/// What a watchdog found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hang {
    /// The worker did not get ready.
    Start,
    /// A thread's counter stands still.
    Thread(WorkerThread),
}

impl Watchdog {
    /// Watches a worker that was just started.
    pub(crate) fn new(now: Instant) -> Self {
        Self { started: now, ready: false, seen: [(0, now); WorkerThread::ALL.len()] }
    }

    /// The worker said that it is ready.
    pub(crate) const fn ready(&mut self) {
        self.ready = true;
    }

    /// Looks at the counters. Call it several times per [`HEARTBEAT_DEADLINE`].
    pub(crate) fn check(&mut self, counters: &CountersPage, now: Instant) -> Option<Hang> {
        let mut still = None;
        for thread in WorkerThread::ALL {
            let (beats, since) = &mut self.seen[thread as usize];
            let current = counters.beats(thread);
            if current != *beats {
                (*beats, *since) = (current, now);
            } else if current > 0 && now.duration_since(*since) > HEARTBEAT_DEADLINE {
                still = still.or(Some(Hang::Thread(thread)));
            }
        }
        if !self.ready && now.duration_since(self.started) > START_DEADLINE {
            return Some(Hang::Start);
        }
        still
    }
}

/// How long a thread may stand still. Threads beat at least every 250 ms.
pub(crate) const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(2);

/// How long a worker may take to open its encoder and connect to its desktop.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_beats_is_never_called_hung() {
        let page = CountersPage::create().unwrap();
        let start = Instant::now();
        let mut watchdog = Watchdog::new(start);
        watchdog.ready();
        for second in 0..100 {
            page.beat(WorkerThread::Encode);
            assert_eq!(watchdog.check(&page, start + Duration::from_secs(second)), None);
        }
    }

    #[test]
    fn a_thread_that_stops_is_named_and_one_never_started_is_not() {
        let page = CountersPage::create().unwrap();
        let start = Instant::now();
        let mut watchdog = Watchdog::new(start);
        watchdog.ready();
        page.beat(WorkerThread::Encode);
        assert_eq!(watchdog.check(&page, start), None);
        assert_eq!(watchdog.check(&page, start + HEARTBEAT_DEADLINE), None);
        let late = start + HEARTBEAT_DEADLINE + Duration::from_millis(1);
        assert_eq!(watchdog.check(&page, late), Some(Hang::Thread(WorkerThread::Encode)));
    }

    #[test]
    fn a_worker_that_never_gets_ready_is_noticed() {
        let page = CountersPage::create().unwrap();
        let start = Instant::now();
        let mut watchdog = Watchdog::new(start);
        assert_eq!(watchdog.check(&page, start + START_DEADLINE), None);
        assert_eq!(watchdog.check(&page, start + START_DEADLINE + Duration::from_secs(1)), Some(Hang::Start));
    }
}
