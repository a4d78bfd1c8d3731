//! How far a session is.

use schemars::JsonSchema;
use serde::Serialize;

/// What a session waits for, if it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionPhase {
    /// Its desktop starts.
    #[default]
    Starting,
    /// Its client is expected to announce a stream.
    Handshake,
    /// Its stream goes to the client.
    Streaming,
    /// It has no connection; its desktop runs.
    Paused,
}

impl SessionPhase {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Starting, Self::Handshake, Self::Streaming, Self::Paused];

    /// Whether it is about to stream.
    #[must_use]
    pub const fn is_starting(self) -> bool {
        matches!(self, Self::Starting | Self::Handshake)
    }

    /// As the API and the metrics call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Handshake => "handshake",
            Self::Streaming => "streaming",
            Self::Paused => "paused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_and_the_metrics_use_the_same_names() {
        for phase in SessionPhase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
    }
}
