//! Messages between a host and its keeper, the process that holds what must
//! outlive the host.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ids::SessionId;

/// Host to keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToKeeper {
    /// Hold the descriptor that comes with this, in place of an earlier one of
    /// the same name.
    Keep(String),
    /// Let go of it.
    Forget(String),
    /// End, and let go of all: the host ends in order, or another keeper has it.
    End,
}

/// Keeper to host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromKeeper {
    /// A descriptor that the dead host had it hold.
    Kept(String),
    /// That was all.
    Complete,
}

/// The name under which a session's worker is kept, as a pidfd.
#[must_use]
pub fn process_name(session: SessionId) -> String {
    format!("session {session} {PROCESS}")
}

/// Whether a descriptor of that name is a pidfd.
#[must_use]
pub fn is_process(name: &str) -> bool {
    name.ends_with(PROCESS)
}

const PROCESS: &str = "process";

/// Where the keeper of the last host listens for the next one.
#[must_use]
pub fn socket(runtime: &Path) -> PathBuf {
    runtime.join("keeper.sock")
}
