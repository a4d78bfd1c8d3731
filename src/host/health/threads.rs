//! Heartbeats of all workers' threads, as they are looked at twice a second.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::host::health::STUCK_AFTER;
use crate::ids::SessionId;
use crate::ipc::counters_page::{CountersPage, WorkerThread};

/// What is known of the workers' threads.
#[derive(Debug, Default)]
pub(crate) struct WorkerThreads {
    workers: HashMap<SessionId, Worker>,
}

/// A worker to look at.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) session: SessionId,
    pub(crate) pid: u32,
    pub(crate) counters: Arc<CountersPage>,
}

#[derive(Debug)]
struct Worker {
    pid: u32,
    since: Instant,
    threads: [Seen; WorkerThread::ALL.len()],
}

#[derive(Debug, Clone)]
struct Seen {
    tid: u32,
    beats: u64,
    at: Instant,
    stack: String,
}

/// A worker's thread as it was looked at last.
#[derive(Debug, Clone)]
pub(crate) struct ThreadSeen {
    pub(crate) session: SessionId,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) thread: WorkerThread,
    pub(crate) beats: u64,
    pub(crate) silent: Duration,
    pub(crate) alive: Duration,
    pub(crate) stuck: bool,
    /// Where in the kernel it waits, if it is stuck.
    pub(crate) stack: String,
}

impl WorkerThreads {
    /// Looks at all workers; those that are not named are forgotten. Reads
    /// `/proc` for threads that are new or stuck: blocking.
    pub(crate) fn look(&mut self, living: &[Living], now: Instant) {
        self.workers
            .retain(|session, worker| living.iter().any(|one| one.session == *session && one.pid == worker.pid));
        for Living { session, pid, counters } in living {
            let worker = self.workers.entry(*session).or_insert_with(|| Worker::new(*pid, now));
            worker.look(counters, now);
        }
    }

    /// All threads that have begun to beat.
    pub(crate) fn seen(&self, now: Instant) -> Vec<ThreadSeen> {
        let mut sessions: Vec<_> = self.workers.iter().collect();
        sessions.sort_by_key(|(session, _)| **session);
        sessions.into_iter().flat_map(|(session, worker)| worker.seen(*session, now)).collect()
    }
}

impl Worker {
    fn new(pid: u32, now: Instant) -> Self {
        let nothing = Seen { tid: 0, beats: 0, at: now, stack: String::new() };
        Self { pid, since: now, threads: WorkerThread::ALL.map(|_| nothing.clone()) }
    }

    fn look(&mut self, counters: &CountersPage, now: Instant) {
        for thread in WorkerThread::ALL {
            let beats = counters.beats(thread);
            let seen = &mut self.threads[thread as usize];
            if beats != seen.beats {
                (seen.beats, seen.at) = (beats, now);
                seen.stack.clear();
            }
        }
        if self.threads.iter().any(|seen| seen.beats > 0 && seen.tid == 0) {
            self.find_threads();
        }
        for seen in &mut self.threads {
            if seen.is_stuck(now) && seen.stack.is_empty() {
                seen.stack = kernel_stack(self.pid, seen.tid);
            }
        }
    }

    fn find_threads(&mut self) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        for task in tasks {
            let tid = task.file_name().to_str().and_then(|name| name.parse().ok());
            let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            let named = WorkerThread::ALL.into_iter().find(|thread| thread.name() == name.trim());
            if let (Some(tid), Some(thread)) = (tid, named) {
                self.threads[thread as usize].tid = tid;
            }
        }
        // The main thread bears the process's name.
        self.threads[WorkerThread::Main as usize].tid = self.pid;
    }

    fn seen(&self, session: SessionId, now: Instant) -> impl Iterator<Item = ThreadSeen> + '_ {
        WorkerThread::ALL.into_iter().zip(&self.threads).filter(|(_, seen)| seen.beats > 0).map(
            move |(thread, seen)| ThreadSeen {
                session,
                pid: self.pid,
                tid: seen.tid,
                thread,
                beats: seen.beats,
                silent: now.saturating_duration_since(seen.at),
                alive: now.saturating_duration_since(self.since),
                stuck: seen.is_stuck(now),
                stack: seen.stack.clone(),
            },
        )
    }
}

impl Seen {
    fn is_stuck(&self, now: Instant) -> bool {
        self.beats > 0 && now.saturating_duration_since(self.at) > STUCK_AFTER
    }
}

/// The kernel's stack where it shows it (to root), else the function it waits in.
fn kernel_stack(pid: u32, tid: u32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/task/{tid}/{file}")).unwrap_or_default();
    let stack = read("stack");
    if stack.trim().is_empty() { read("wchan") } else { stack }.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_stands_still_is_stuck_until_it_moves() {
        let page = Arc::new(CountersPage::create().unwrap());
        let (session, pid) = (SessionId(5), std::process::id());
        let living = [Living { session, pid, counters: Arc::clone(&page) }];
        let mut threads = WorkerThreads::default();
        let start = Instant::now();
        page.beat(WorkerThread::Encode);
        threads.look(&living, start);
        let seen = threads.seen(start);
        assert_eq!(seen.len(), 1, "those that never beat do not exist");
        assert_eq!((seen[0].thread, seen[0].beats, seen[0].stuck), (WorkerThread::Encode, 1, false));

        let late = start + STUCK_AFTER + Duration::from_millis(1);
        threads.look(&living, late);
        let seen = threads.seen(late);
        assert!(seen[0].stuck && seen[0].silent > STUCK_AFTER);

        page.beat(WorkerThread::Encode);
        threads.look(&living, late);
        assert!(!threads.seen(late)[0].stuck);
        threads.look(&[], late);
        assert!(threads.seen(late).is_empty());
    }

    #[test]
    fn a_successors_threads_begin_anew() {
        let page = Arc::new(CountersPage::create().unwrap());
        page.beat(WorkerThread::Main);
        let living = |pid| [Living { session: SessionId(1), pid, counters: Arc::clone(&page) }];
        let mut threads = WorkerThreads::default();
        let start = Instant::now();
        threads.look(&living(1), start);
        let later = start + Duration::from_secs(100);
        threads.look(&living(2), later);
        let seen = threads.seen(later);
        assert_eq!((seen[0].pid, seen[0].alive), (2, Duration::ZERO));
    }
}
