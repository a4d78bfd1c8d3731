//! Whether new streams would work, and whether what runs moves.
//!
//! Threads are not counted; that missed a dead system once. The verdict comes
//! from [`canary`]s, which stream a few frames in a process of their own, and
//! from heartbeats: of the host's own loops and of every thread of every worker.
//! All of it is collected in the background; a request reads what is there.

pub(crate) mod canary;
pub(crate) mod threads;
mod tried;
pub(crate) mod turns;
pub mod verdict;
pub mod view;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tracing::warn;

use crate::host::events::{Event, Events};
use crate::host::health::canary::Outcome;
use crate::host::health::threads::ThreadSeen;
use crate::host::health::tried::Tried;
use crate::host::health::turns::{Candidate, Turn};
use crate::host::health::verdict::Status;

/// Handle to what is known; cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    started: Instant,
    events: Events,
    canary: Mutex<CanaryState>,
    /// Threads of workers, as the monitor saw them, and when.
    workers: Mutex<(Instant, Vec<ThreadSeen>)>,
    host_loop: Beat,
    control: Beat,
    longest_lag_micros: AtomicU64,
}

#[derive(Debug, Default)]
struct CanaryState {
    /// By the name of what is tried.
    tried: BTreeMap<String, Tried>,
    last: Option<(Instant, Outcome)>,
    last_failure: String,
    runs: u64,
    failures: u64,
}

impl CanaryState {
    fn status(&self) -> Status {
        tried::overall(self.tried.values().map(Tried::status))
    }
}

/// A heartbeat of a part of the host itself.
#[derive(Debug, Default)]
pub(crate) struct Beat {
    count: AtomicU64,
    /// Microseconds after the start of the host, of the last one.
    at: AtomicU64,
}

/// A heartbeat as it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BeatSeen {
    pub(crate) count: u64,
    pub(crate) age: Duration,
}

impl Health {
    /// Nothing is known yet.
    pub(crate) fn new(events: Events) -> Self {
        Self {
            inner: Arc::new(Inner {
                started: Instant::now(),
                events,
                canary: Mutex::default(),
                workers: Mutex::new((Instant::now(), Vec::new())),
                host_loop: Beat::default(),
                control: Beat::default(),
                longest_lag_micros: AtomicU64::new(0),
            }),
        }
    }

    /// For how long the host has run.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.inner.started.elapsed()
    }

    /// Beats for the host's tasks until it is dropped: what a task waits beyond
    /// its time, every other waits too.
    pub(crate) async fn probe_host_loop(self) {
        loop {
            self.beat(&self.inner.host_loop);
            let asleep = Instant::now();
            sleep(PROBE_INTERVAL).await;
            let lag = asleep.elapsed().saturating_sub(PROBE_INTERVAL);
            let micros = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
            self.inner.longest_lag_micros.fetch_max(micros, Ordering::Relaxed);
            if lag > LAG_TO_TELL {
                warn!(?lag, "the host's tasks waited");
            }
        }
    }

    /// The control server's thread is alive.
    pub(crate) fn control_beats(&self) {
        self.beat(&self.inner.control);
    }

    /// The longest that a task of the host has waited beyond its time.
    #[must_use]
    pub fn longest_lag(&self) -> Duration {
        Duration::from_micros(self.inner.longest_lag_micros.load(Ordering::Relaxed))
    }

    /// Whether the host's own loops move.
    #[must_use]
    pub fn host_moves(&self) -> bool {
        self.host_beats().iter().all(|(_, beat)| beat.age < STUCK_AFTER)
    }

    pub(crate) fn host_beats(&self) -> [(&'static str, BeatSeen); 2] {
        [("host", self.seen(&self.inner.host_loop)), ("control", self.seen(&self.inner.control))]
    }

    /// Canaries are for these GPUs from now on, or for whichever a stream would get if
    /// there are none: what they said of others says nothing any more.
    pub(crate) fn canaries_try(&self, candidates: &[Candidate]) {
        let mut canary = self.canary();
        let before = canary.status();
        let is_tried = |name: &str| candidates.iter().any(|candidate| candidate.turn.name() == name);
        // Before the first canary of a GPU, the one for whichever it was is all there is.
        canary.tried.retain(|name, _| name.is_empty() || is_tried(name));
        for candidate in candidates {
            canary.tried.entry(candidate.turn.name()).or_default().spare(candidate.spared.clone());
        }
        self.tell(canary, before, "there are other canaries now");
    }

    /// Canaries have nothing against it.
    pub(crate) fn is_well(&self, turn: &Turn) -> bool {
        self.canary().tried.get(&turn.name()).is_none_or(|tried| tried.status() == Status::Healthy)
    }

    /// Its last canary failed, and the one before did not.
    pub(crate) fn is_unlucky(&self, turn: &Turn) -> bool {
        self.canary().tried.get(&turn.name()).is_some_and(|tried| tried.failures() == 1)
    }

    /// Notes how a canary did. Returns the status of all if it is another now.
    pub(crate) fn canary_returned(&self, turn: &Turn, outcome: Outcome) -> Option<Status> {
        let mut canary = self.canary();
        let before = canary.status();
        canary.runs += 1;
        if !outcome.ok {
            canary.failures += 1;
            canary.last_failure = turn.say(&outcome.error);
        }
        let reason = if outcome.ok { "canaries are well".to_owned() } else { turn.say(&outcome.error) };
        if turn.gpu.is_some() {
            canary.tried.remove("");
        }
        canary.tried.entry(turn.name()).or_default().note(outcome.clone());
        canary.last = Some((Instant::now(), outcome));
        self.tell(canary, before, &reason)
    }

    /// The operator wants no canaries: nothing is known any more.
    pub(crate) fn no_canaries(&self) {
        let mut canary = self.canary();
        let before = canary.status();
        canary.tried.clear();
        self.tell(canary, before, "there are no canaries any more");
    }

    /// Tells of a status that is another than `before`, and returns it.
    fn tell(&self, canary: MutexGuard<'_, CanaryState>, before: Status, reason: &str) -> Option<Status> {
        let status = canary.status();
        drop(canary);
        if status == before {
            return None;
        }
        let event = Event::CanaryChanged { status: status.name().to_owned(), reason: reason.to_owned() };
        self.inner.events.publish(event);
        Some(status)
    }

    /// What canaries say.
    #[must_use]
    pub fn canary_status(&self) -> Status {
        self.canary().status()
    }

    /// The monitor has looked at the workers' threads.
    pub(crate) fn workers_seen(&self, threads: Vec<ThreadSeen>) {
        *self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), threads);
    }

    pub(crate) fn workers(&self) -> (Instant, Vec<ThreadSeen>) {
        self.inner.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn canary(&self) -> MutexGuard<'_, CanaryState> {
        self.inner.canary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self, beat: &Beat) {
        let at = u64::try_from(self.uptime().as_micros()).unwrap_or(u64::MAX);
        beat.at.store(at, Ordering::Relaxed);
        beat.count.fetch_add(1, Ordering::Relaxed);
    }

    fn seen(&self, beat: &Beat) -> BeatSeen {
        let at = Duration::from_micros(beat.at.load(Ordering::Relaxed));
        BeatSeen { count: beat.count.load(Ordering::Relaxed), age: self.uptime().saturating_sub(at) }
    }
}

const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// A scheduler's hiccup on a busy machine is shorter.
const LAG_TO_TELL: Duration = Duration::from_secs(1);

/// A thread that has not beaten for so long is called stuck: as the supervisor
/// does with a worker's.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(2);
