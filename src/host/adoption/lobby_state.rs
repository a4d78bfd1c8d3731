//! What a lobby is, for the host that comes after this one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::adoption::record_file::RecordFile;
use crate::host::adoption::session_state::DesktopState;
use crate::host::lobbies::home::LobbyHome;
use crate::host::lobbies::spec::LobbySpec;
use crate::host::store::versioned_file::Format;
use crate::ids::LobbyId;

/// All that a lobby consists of, but for its processes. Visitors are not part
/// of it: they come back by themselves, or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LobbyState {
    pub(crate) lobby: LobbyId,
    /// Place among the others, by age.
    pub(crate) number: u64,
    /// Seconds since 1970 at which it was created.
    pub(crate) created: u64,
    pub(crate) spec: LobbySpec,
    pub(crate) home: LobbyHome,
    /// Somebody has been there.
    pub(crate) visited: bool,
    pub(crate) desktop: DesktopState,
}

/// Where the records of all lobbies are.
pub(crate) fn directory(runtime: &Path) -> PathBuf {
    runtime.join("lobbies")
}

/// The record of one lobby.
pub(crate) fn record(runtime: &Path, lobby: LobbyId) -> RecordFile {
    RecordFile::new(&directory(runtime), &lobby.to_string(), FORMAT)
}

pub(crate) const FORMAT: Format = Format { name: "earthshine lobby", version: 1 };
