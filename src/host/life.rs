//! What the host process is up to: it serves, is being drained, or leaves its
//! place to another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use crate::host::sessions::Refusal;

/// The host's phase; cheap to clone, every clone is the same one.
#[derive(Debug, Clone)]
pub struct Life {
    phase: watch::Sender<Phase>,
    since: Instant,
    /// How often each limit was reached.
    refusals: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

/// A phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Everybody is welcome.
    #[default]
    Serving,
    /// Nobody new; what runs goes on.
    Draining(Drain),
    /// Nobody new: another process takes over as soon as nothing is half done.
    Leaving,
    /// Gone, as far as others can see; its desktops are the next host's.
    Left,
}

/// How long a drain lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// The host ends when nothing runs any more.
    pub exit_when_empty: bool,
    /// When it ends whatever runs.
    pub deadline: Option<Instant>,
}

/// A host as the API shows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostView {
    /// `serving`, `draining` or `leaving`.
    pub state: &'static str,
    /// Process id.
    pub pid: u32,
    /// Version of the program.
    pub version: &'static str,
    /// Seconds since this process started.
    pub uptime_seconds: u64,
    /// Sessions, paused ones included.
    pub sessions: usize,
    /// Lobbies.
    pub lobbies: usize,
    /// It ends when nothing runs any more.
    pub exit_when_empty: bool,
    /// Seconds until it ends whatever runs, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u64>,
}

impl Default for Life {
    fn default() -> Self {
        Self { phase: watch::Sender::default(), since: Instant::now(), refusals: Arc::default() }
    }
}

impl Life {
    /// The phase now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Begins another phase.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Waits until there is another phase than before. Cancel-safe.
    pub(crate) async fn changed(&self, before: Phase) -> Phase {
        let mut receiver = self.phase.subscribe();
        match receiver.wait_for(|phase| *phase != before).await {
            Ok(phase) => *phase,
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether something new may begin.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the user.
    pub(crate) fn admit(&self) -> Result<(), Refusal> {
        self.stays()?;
        match self.phase() {
            Phase::Draining(_) => Err(Refusal {
                status: 503,
                text: "This host takes no new sessions: it is being drained for maintenance. Apps that run go on."
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether something may begin that another host could not go on with.
    ///
    /// # Errors
    /// [`Refusal`] with a text for the user.
    pub(crate) fn stays(&self) -> Result<(), Refusal> {
        match self.phase() {
            Phase::Serving | Phase::Draining(_) => Ok(()),
            Phase::Leaving | Phase::Left => {
                Err(Refusal { status: 503, text: "This host is being upgraded. Try again in a moment.".to_owned() })
            }
        }
    }

    /// Counts somebody who was refused because of a limit, named by its key.
    pub(crate) fn refused(&self, limit: &'static str) {
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner).entry(limit).or_default() += 1;
    }

    /// How often each limit was reached.
    pub(crate) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For the API.
    #[must_use]
    pub fn view(&self, sessions: usize, lobbies: usize) -> HostView {
        let phase = self.phase();
        let drain = match phase {
            Phase::Draining(drain) => Some(drain),
            _ => None,
        };
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now()).as_secs();
        HostView {
            state: phase.name(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.since.elapsed().as_secs(),
            sessions,
            lobbies,
            exit_when_empty: drain.is_some_and(|drain| drain.exit_when_empty),
            deadline_seconds: drain.and_then(|drain| drain.deadline).map(left),
        }
    }
}

impl Phase {
    /// Its name in the API and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Draining(_) => "draining",
            Self::Leaving | Self::Left => "leaving",
        }
    }

    /// Whether a host in which so much runs is to end now.
    #[must_use]
    pub fn is_over(self, running: usize, now: Instant) -> bool {
        match self {
            Self::Draining(drain) => {
                drain.exit_when_empty && running == 0 || drain.deadline.is_some_and(|deadline| deadline <= now)
            }
            _ => false,
        }
    }
}

/// How often a host that is drained looks whether it is empty.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_ends_when_nothing_runs_or_at_its_deadline() {
        let now = Instant::now();
        let drain = |exit_when_empty, deadline| Phase::Draining(Drain { exit_when_empty, deadline });
        assert!(!drain(false, None).is_over(0, now));
        assert!(drain(true, None).is_over(0, now) && !drain(true, None).is_over(1, now));
        let end = now + Duration::from_secs(1);
        assert!(!drain(true, Some(end)).is_over(1, now) && drain(true, Some(end)).is_over(1, end));
        assert!(!Phase::Serving.is_over(0, now));
    }

    #[tokio::test]
    async fn phases_are_seen_by_every_clone() {
        let life = Life::default();
        assert!(life.admit().is_ok());
        life.clone().enter(Phase::Leaving);
        assert_eq!(life.changed(Phase::Serving).await, Phase::Leaving);
        assert!(life.admit().unwrap_err().text.contains("upgraded"));
        assert_eq!(life.view(1, 2).state, "leaving");
    }
}
