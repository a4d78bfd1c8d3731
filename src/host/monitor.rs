//! The monitor: a thread that looks at all that the host started.
//!
//! What it reads is in `/proc` and in the counters pages. It is a thread of its
//! own because a read of `/proc` may wait for a process that is stuck, and so
//! that it goes on when the host's tasks do not. Nobody waits for it: what it
//! found last is there for all to read, with its age.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::error;

use crate::host::capacity::sampler::Sampler;
use crate::host::health::threads::{Living, WorkerThreads};
use crate::host::health::verdict::Status;
use crate::host::lobbies::Lobbies;
use crate::host::service_manager::ServiceManager;
use crate::host::sessions::Sessions;
use crate::host::supervision::Supervision;

/// What the monitor looks at and tells.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) sessions: Sessions,
    pub(crate) lobbies: Lobbies,
    pub(crate) supervision: Supervision,
    pub(crate) service_manager: ServiceManager,
}

/// The running thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Monitor {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Starts it.
    ///
    /// # Errors
    /// If the kernel refuses a thread.
    pub(crate) fn start(watched: Watched) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("monitor".to_owned()).spawn(move || {
            let mut rounds = Rounds::new(watched);
            while stopped.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                rounds.make(Instant::now());
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop = None;
        // One that reads of a process that is stuck is left behind.
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

/// The thread's state.
struct Rounds {
    watched: Watched,
    threads: WorkerThreads,
    sampler: Sampler,
    retry: Instant,
    sample: Instant,
    status: Option<Status>,
    host_moved: bool,
}

impl Rounds {
    fn new(watched: Watched) -> Self {
        let now = Instant::now();
        Self {
            watched,
            threads: WorkerThreads::default(),
            sampler: Sampler::default(),
            retry: now,
            sample: now,
            status: None,
            host_moved: true,
        }
    }

    fn make(&mut self, now: Instant) {
        let supervision = self.watched.supervision.clone();
        self.look_at_threads(now);
        if self.retry <= now {
            self.retry = now + RETRY_INTERVAL;
            supervision.quarantine.retry();
        }
        if self.sample <= now {
            self.sample = now + SAMPLE_INTERVAL;
            let usage = self.sampler.sample(&self.watched.sessions, &self.watched.lobbies);
            supervision.capacity.measured(usage);
        }
        self.tell_service_manager(now);
    }

    fn look_at_threads(&mut self, now: Instant) {
        let records = self.watched.sessions.records();
        let living: Vec<_> = records
            .into_iter()
            .filter_map(|(session, record)| {
                let (pid, counters) = (record.view().worker_pid, record.counters()?);
                (pid != 0).then_some(Living { session, pid, counters })
            })
            .collect();
        self.threads.look(&living, now);
        self.watched.supervision.health.workers_seen(self.threads.seen(now));
    }

    fn tell_service_manager(&mut self, now: Instant) {
        let health = &self.watched.supervision.health;
        let (moves, status) = (health.host_moves(), health.canary_status());
        if self.host_moved && !moves {
            error!(beats = ?health.host_beats(), "the host stands still");
        }
        self.host_moved = moves;
        if moves && status != Status::Critical {
            self.watched.service_manager.is_well(now);
        }
        if self.status.replace(status) != Some(status) {
            self.watched.service_manager.status(&format!("canary: {}", status.name()));
        }
    }
}

/// How often heartbeats are looked at.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How often what does not die is killed again.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// How often the use of cores and memory is measured.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(2);
