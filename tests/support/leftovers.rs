//! Nothing may be left: what a host held before a scenario and after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::deadline::settle;
use super::process;

/// What a host process and its directories hold at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holdings {
    descriptors: usize,
    threads: usize,
    children: Vec<process::Process>,
    sockets: BTreeSet<PathBuf>,
    runtime_files: BTreeSet<PathBuf>,
    processes: BTreeSet<u32>,
    forgotten_connections: usize,
}

impl Holdings {
    /// Looks.
    pub(crate) fn of(host: u32, scratch: &Path, runtime_dir: &Path) -> Self {
        let children = process::descendants(host);
        let keepers = children.iter().filter(|child| child.command.contains(" keeper "));
        Self {
            // Its keeper holds copies of much of what it has.
            descriptors: process::descriptors(host).len()
                + keepers.map(|keeper| process::descriptors(keeper.pid).len()).sum::<usize>(),
            threads: process::threads(host).len(),
            children,
            sockets: process::unix_sockets(runtime_dir),
            runtime_files: process::files(runtime_dir),
            processes: process::that_know(scratch).into_iter().map(|process| process.pid).collect(),
            forgotten_connections: process::tcp_states(host)
                .into_iter()
                .filter(|state| *state == process::CLOSE_WAIT)
                .count(),
        }
    }

    /// The same, for scenarios of seconds: tokio keeps an idle blocking thread for
    /// ten, so threads are not compared.
    #[must_use]
    pub(crate) fn but_threads(self) -> Self {
        Self { threads: usize::MAX, ..self }
    }

    /// What there is now and was not before, in words.
    ///
    /// # Errors
    /// The list of what is too much.
    pub(crate) fn not_more_than(&self, before: &Self) -> Result<(), String> {
        let mut complaints = Vec::new();
        let mut more = |what: &str, now: usize, then: usize| {
            if now > then {
                complaints.push(format!("{now} {what}, {then} before"));
            }
        };
        more("descriptors", self.descriptors, before.descriptors);
        more("threads", self.threads, before.threads);
        more("connections in CLOSE_WAIT", self.forgotten_connections, 0);
        let new_children: Vec<_> = {
            // By number: whether it runs or sleeps is not the question.
            let known = |child: &process::Process| before.children.iter().any(|known| known.pid == child.pid);
            self.children.iter().filter(|child| !known(child)).collect()
        };
        if !new_children.is_empty() {
            complaints.push(format!("children {new_children:?}"));
        }
        let strangers: Vec<_> =
            self.processes.difference(&before.processes).filter_map(|pid| process::read(*pid)).collect();
        if !strangers.is_empty() {
            complaints.push(format!("processes {strangers:?}"));
        }
        for (what, now, then) in
            [("sockets", &self.sockets, &before.sockets), ("files", &self.runtime_files, &before.runtime_files)]
        {
            let new: Vec<_> = now.difference(then).collect();
            if !new.is_empty() {
                complaints.push(format!("{what} {new:?}"));
            }
        }
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
    }
}

/// Threads and descriptors may take a moment to go: tokio keeps an idle
/// blocking thread for ten seconds.
pub(crate) const SETTLING: Duration = Duration::from_secs(40);

/// Waits until a host holds no more than before.
///
/// # Panics
/// If something is left; the message lists it.
pub(crate) fn assert_nothing_left(before: &Holdings, look: impl Fn() -> Holdings) {
    settle("something is left", SETTLING, || look().not_more_than(before));
}
