//! Processes that even SIGKILL does not end: stuck inside the kernel, most
//! likely in a driver.
//!
//! Each may hold what it had when it got stuck: an encoder session, memory of a
//! device, a lock inside a driver. So they are counted and shown, killed again
//! now and then, and too many of them close the host to newcomers.

use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::process::Signal;
use schemars::JsonSchema;
use serde::Serialize;
use tracing::{info, warn};

use crate::desktop::Stuck;
use crate::desktop::process::ProcessId;
use crate::host::events::{Event, Events};
use crate::ids::SessionId;

/// Handle to all captives of a host; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Quarantine {
    captives: Arc<Mutex<Vec<Captive>>>,
    events: Events,
}

/// Something that does not die.
#[derive(Debug)]
pub(crate) struct Captive {
    /// Tells it from the others of its host.
    number: u64,
    kind: Kind,
    /// Whose worker it was.
    session: Option<SessionId>,
    processes: Vec<ProcessId>,
    since: Instant,
    attempts: u32,
    wait_channel: String,
    /// What is to be removed when its processes are gone.
    desktop: Option<Stuck>,
}

/// What a captive was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A session's worker.
    Worker,
    /// Processes of a desktop.
    Desktop,
    /// A canary.
    Canary,
    /// The process that asks GPUs.
    Gpus,
    /// The process that asks what encoders make.
    Encoders,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Worker, Self::Desktop, Self::Canary, Self::Gpus, Self::Encoders];

    /// Label in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Desktop => "desktop",
            Self::Canary => "canary",
            Self::Gpus => "gpus",
            Self::Encoders => "encoders",
        }
    }
}

/// A captive process as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaptiveView {
    /// What it was.
    pub kind: Kind,
    /// Process id.
    pub pid: u32,
    /// Whose worker it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// For how long it has been known not to die.
    pub age_seconds: u64,
    /// How often it has been killed since.
    pub attempts: u32,
    /// Where in the kernel its threads wait, each as `name:function`; empty
    /// until it was looked at.
    pub wait_channel: String,
}

impl Captive {
    /// A worker.
    pub(crate) fn worker(session: SessionId, process: ProcessId) -> Self {
        Self { session: Some(session), ..Self::of(Kind::Worker, vec![process]) }
    }

    /// A process of the host's own that is no worker.
    pub(crate) fn helper(kind: Kind, process: ProcessId) -> Self {
        Self::of(kind, vec![process])
    }

    /// What is left of a desktop.
    pub(crate) fn desktop(stuck: Stuck) -> Self {
        let processes = stuck.processes().to_vec();
        Self { desktop: Some(stuck), ..Self::of(Kind::Desktop, processes) }
    }

    /// Desktop processes of an earlier host.
    pub(crate) fn left_over(processes: Vec<ProcessId>) -> Self {
        Self::of(Kind::Desktop, processes)
    }

    fn of(kind: Kind, processes: Vec<ProcessId>) -> Self {
        let (since, wait_channel) = (Instant::now(), String::new());
        Self { number: 0, kind, session: None, processes, since, attempts: 0, wait_channel, desktop: None }
    }

    fn views(&self) -> impl Iterator<Item = CaptiveView> + '_ {
        self.processes.iter().enumerate().map(|(index, process)| CaptiveView {
            kind: self.kind,
            pid: process.pid,
            session_id: self.session.map(|session| session.to_string()),
            age_seconds: self.since.elapsed().as_secs(),
            attempts: self.attempts,
            wait_channel: if index == 0 { self.wait_channel.clone() } else { String::new() },
        })
    }
}

impl Quarantine {
    /// Nobody is in it.
    pub(crate) fn new(events: Events) -> Self {
        Self { captives: Arc::default(), events }
    }

    /// Sets something aside that was killed and did not die.
    pub(crate) fn take(&self, mut captive: Captive) {
        let pid = captive.processes.first().map_or(0, |process| process.pid);
        let (kind, session) = (captive.kind, captive.session);
        let mut captives = self.lock();
        captive.number = captives.last().map_or(0, |last| last.number + 1);
        captives.push(captive);
        let quarantined = count(&captives);
        drop(captives);
        warn!(kind = kind.name(), pid, quarantined, "quarantined: it cannot be killed");
        self.events.publish(match session {
            Some(session_id) => Event::WorkerQuarantined { session_id, pid, quarantined },
            None => Event::ProcessQuarantined { kind: kind.name().to_owned(), pid, quarantined },
        });
    }

    /// Processes now.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        count(&self.lock())
    }

    /// Processes of one kind now.
    #[must_use]
    pub(crate) fn count_of(&self, kind: Kind) -> usize {
        self.lock().iter().filter(|captive| captive.kind == kind).map(|captive| captive.processes.len()).sum()
    }

    /// All processes, for the API.
    #[must_use]
    pub(crate) fn views(&self) -> Vec<CaptiveView> {
        self.lock().iter().flat_map(Captive::views).collect()
    }

    /// Kills all again and lets those go that are gone. Reads `/proc`: blocking.
    /// For one caller at a time.
    pub(crate) fn retry(&self) {
        // Nobody waits for the lock while we look, and all stay listed.
        let all: Vec<_> = self.lock().iter().map(|captive| (captive.number, captive.processes.clone())).collect();
        for (number, processes) in all {
            let mut left = kill(&processes);
            if left.is_empty() {
                left = self.clear(number);
            }
            let wait_channel = left.first().map(|process| wait_channels(process.pid)).unwrap_or_default();
            let mut captives = self.lock();
            let Some(place) = captives.iter().position(|captive| captive.number == number) else { continue };
            if left.is_empty() {
                let captive = captives.remove(place);
                let quarantined = count(&captives);
                drop(captives);
                let pid = processes.first().map_or(0, |process| process.pid);
                let seconds = captive.since.elapsed().as_secs();
                info!(kind = captive.kind.name(), pid, seconds, "has died after all");
                self.events.publish(Event::QuarantineReleased { pid, quarantined });
            } else {
                let captive = &mut captives[place];
                captive.attempts = captive.attempts.saturating_add(1);
                (captive.processes, captive.wait_channel) = (left, wait_channel);
            }
        }
    }

    /// Removes what is left of a desktop whose stuck processes are gone. Returns
    /// such as still do not die.
    fn clear(&self, number: u64) -> Vec<ProcessId> {
        let mine = |captive: &&mut Captive| captive.number == number;
        let Some(mut stuck) = self.lock().iter_mut().find(mine).and_then(|captive| captive.desktop.take()) else {
            return Vec::new();
        };
        if stuck.retry() {
            return Vec::new();
        }
        let left = stuck.processes().to_vec();
        if let Some(captive) = self.lock().iter_mut().find(mine) {
            captive.desktop = Some(stuck);
        }
        left
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Captive>> {
        self.captives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Kills processes; returns those that are there still. Not those that "run": of
/// a process whose main thread is dead while another is stuck, the number stays
/// and looks like a zombie's.
fn kill(processes: &[ProcessId]) -> Vec<ProcessId> {
    let left: Vec<_> = processes.iter().copied().filter(|process| process.exists()).collect();
    for process in &left {
        process.signal(Signal::KILL);
    }
    left
}

fn count(captives: &[Captive]) -> usize {
    captives.iter().map(|captive| captive.processes.len()).sum()
}

/// Where in the kernel the threads of a process wait.
fn wait_channels(pid: u32) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let channels = tasks.take(MOST_THREADS).filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let channel = fs::read_to_string(task.path().join("wchan")).ok()?;
        Some(format!("{}:{}", name.trim(), channel.trim()))
    });
    channels.collect::<Vec<_>>().join(" ")
}

const MOST_THREADS: usize = 16;

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> (Child, ProcessId) {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = ProcessId::of(child.id()).unwrap();
        (child, id)
    }

    #[test]
    fn what_does_not_die_is_counted_and_shown_until_it_does() {
        let quarantine = Quarantine::new(Events::new("test"));
        let (mut child, id) = sleeper();
        quarantine.take(Captive::worker(SessionId(3), id));
        assert_eq!((quarantine.count(), quarantine.count_of(Kind::Worker), quarantine.count_of(Kind::Gpus)), (1, 1, 0));
        let view = quarantine.views().remove(0);
        assert_eq!((view.pid, view.session_id.as_deref(), view.attempts), (id.pid, Some("3"), 0));

        // Dead, and nobody has noticed: as good as stuck.
        quarantine.retry();
        quarantine.retry();
        let view = quarantine.views().remove(0);
        assert_eq!(view.attempts, 2);
        assert!(view.wait_channel.starts_with("sleep:"), "{view:?}");
        child.wait().unwrap();
        quarantine.retry();
        assert_eq!(quarantine.views(), []);
        assert_eq!(quarantine.count(), 0);
    }
}
