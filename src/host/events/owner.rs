//! Whose desktop an event is about.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::ids::{LobbyId, SessionId};

/// Whose desktop is meant. As JSON, `session_id` or `lobby_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A session's own.
    Session(SessionId),
    /// A lobby's.
    Lobby(LobbyId),
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Session(session) => map.serialize_entry("session_id", &session.to_string())?,
            Self::Lobby(lobby) => map.serialize_entry("lobby_id", &lobby.to_string())?,
        }
        map.end()
    }
}
