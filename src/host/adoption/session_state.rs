//! What a session is, for the host that comes after this one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::apps::AppConfig;
use crate::host::adoption::adoptions::Adoptions;
use crate::host::adoption::connection_state::ConnectionState;
use crate::host::adoption::record_file::RecordFile;
use crate::host::lobbies::home::LobbyHome;
use crate::host::store::client_preferences::PartialClientSettings;
use crate::host::store::versioned_file::Format;
use crate::ids::{ClientId, SessionId};
use crate::units::{FrameRate, Size};

/// All that a session consists of, but for its processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionState {
    pub(crate) session: SessionId,
    pub(crate) client: ClientId,
    pub(crate) app: AppConfig,
    pub(crate) mode: (Size, FrameRate),
    pub(crate) channels: u8,
    /// Connections so far.
    pub(crate) connections: u64,
    /// Workers replaced in connections that are over.
    pub(crate) past_restarts: u32,
    /// Its desktop, if it runs.
    pub(crate) desktop: Option<DesktopState>,
    /// Home of a client that has none of its own.
    pub(crate) guest_home: Option<LobbyHome>,
    /// What the API decided for it alone.
    #[serde(default)]
    pub(crate) settings: PartialClientSettings,
    /// Its client's connection, once that has a stream.
    #[serde(default)]
    pub(crate) connection: Option<ConnectionState>,
    /// When hosts went on with it.
    #[serde(default)]
    pub(crate) adoptions: Adoptions,
}

/// Which desktop belongs to something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DesktopState {
    pub(crate) directory: PathBuf,
    /// Desktops started in place of a dead one.
    pub(crate) restarts: u32,
}

/// Where the records of all sessions are.
pub(crate) fn directory(runtime: &Path) -> PathBuf {
    runtime.join("sessions")
}

/// The record of one session.
pub(crate) fn record(runtime: &Path, session: SessionId) -> RecordFile {
    RecordFile::new(&directory(runtime), &session.to_string(), FORMAT)
}

pub(crate) const FORMAT: Format = Format { name: "earthshine session", version: 1 };
