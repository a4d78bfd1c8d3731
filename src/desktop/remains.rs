//! What is left of a desktop that ends, and of one some of whose processes do
//! not die.

use std::path::PathBuf;
use std::time::Duration;

use super::members::Members;
use super::process::ProcessId;
use super::{runtime_dir, x_display};

/// What is left of a desktop that is to go.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) members: Members,
    pub(super) directory: PathBuf,
    pub(super) compositor: Vec<ProcessId>,
}

impl Remains {
    /// Kills and removes. Blocking. The directory of a desktop with a process
    /// that does not die is left, with its record, to whoever
    /// [tries again](Stuck::retry), or to the next host's sweep.
    pub(super) fn remove(self) -> Option<Stuck> {
        let left = self.members.kill_all(KILL_DEADLINE);
        if !left.is_empty() {
            tracing::warn!(directory = ?self.directory, ?left, "processes do not die");
            return Some(Stuck { remains: self, left });
        }
        self.clear();
        None
    }

    fn clear(&self) {
        self.members.release();
        x_display::remove_left_over(&self.compositor);
        runtime_dir::remove(&self.directory);
    }
}

/// What is left of a desktop some of whose processes do not die.
#[derive(Debug)]
pub struct Stuck {
    remains: Remains,
    left: Vec<ProcessId>,
}

impl Stuck {
    /// Those that do not die.
    #[must_use]
    pub fn processes(&self) -> &[ProcessId] {
        &self.left
    }

    /// Kills them again, and removes the rest if all are gone. Returns whether
    /// they are. Blocking, without waiting.
    pub fn retry(&mut self) -> bool {
        let left = self.remains.members.kill_all(Duration::ZERO);
        if left.is_empty() {
            self.remains.clear();
            return true;
        }
        self.left = left;
        false
    }
}

/// How long killed processes may take to be gone.
pub(super) const KILL_DEADLINE: Duration = Duration::from_secs(3);
