//! What a lobby is made of.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::gpu::GpuName;
use crate::host::events::Event;
use crate::host::events::wolf::{CreateLobby, LobbyAudio, LobbyVideo};
use crate::ids::{ClientId, LobbyId};
use crate::protocol::secret::debug_without_secrets;
use crate::units::{FrameRate, Size};

/// What a lobby is made of; it does not change while the lobby lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LobbySpec {
    /// Name that people see.
    pub name: String,
    /// Profile that it was started for.
    pub profile: String,
    /// Picture that people see.
    pub icon: Option<String>,
    /// More than one visitor at a time.
    pub multi_user: bool,
    /// Needed to join and to stop it.
    pub pin: Option<Pin>,
    /// Ends when the last visitor has left.
    pub stop_when_everyone_leaves: bool,
    /// Size of the output in pixels.
    pub size: Size,
    /// Refresh rate of the output.
    pub frame_rate: FrameRate,
    /// Speakers: 2, 6 or 8.
    pub channels: u8,
    /// Command line for `sh -c`.
    pub command: String,
    /// Variables added to the environment of compositor and application.
    pub environment: BTreeMap<String, String>,
    /// The runner as it was asked for, shown again word for word: callers find
    /// their lobbies by what they wrote into it.
    pub runner: serde_json::Value,
    /// Home that is there again for the next lobby of the same name; empty for
    /// one that ends with the lobby.
    pub state_folder: String,
    /// User to run as, if the caller says.
    pub run_uid: Option<u32>,
    /// One lobby for each key, however often it is asked for.
    pub idempotency_key: Option<String>,
    /// Ends if it is not renewed within this time.
    pub lease: Option<Duration>,
    /// The client whose program asked for it, if it was not the operator.
    pub created_by: Option<ClientId>,
    /// GPU that it draws on, if not the host's default.
    #[serde(default)]
    pub gpu: Option<GpuName>,
}

impl LobbySpec {
    /// The event of its creation. The PIN is not told.
    pub(crate) fn created(&self, id: LobbyId) -> Event {
        Event::CreateLobby(Box::new(CreateLobby {
            id,
            profile_id: self.profile.clone(),
            started_by_profile_id: self.profile.clone(),
            name: self.name.clone(),
            icon_png_path: self.icon.clone(),
            pin_required: self.pin.is_some(),
            multi_user: self.multi_user,
            stop_when_everyone_leaves: self.stop_when_everyone_leaves,
            video_settings: LobbyVideo {
                width: self.size.width,
                height: self.size.height,
                refresh_rate: self.frame_rate.whole_hz(),
            },
            audio_settings: LobbyAudio { channel_count: self.channels },
            runner_state_folder: self.state_folder.clone(),
            runner: self.runner.clone(),
            connected_sessions: [],
        }))
    }
}

/// By what right somebody joins or stops a lobby.
#[derive(Debug, Clone, Copy)]
pub enum Right<'a> {
    /// By knowing its PIN, or that it has none.
    Pin(Option<&'a Pin>),
    /// By running the host.
    Operator,
}

impl Right<'_> {
    /// Whether it is good for a lobby with this PIN.
    pub(crate) fn opens(self, pin: Option<&Pin>) -> bool {
        match self {
            Self::Pin(known) => known == pin,
            Self::Operator => true,
        }
    }
}

/// Digits as Wolf's clients send them: a list of small numbers. Compared in
/// constant time, and never shown.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Pin(Vec<i16>);

impl PartialEq for Pin {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |pin: &Self| pin.0.iter().flat_map(|digit| digit.to_le_bytes()).collect::<Vec<_>>();
        bytes(self).ct_eq(&bytes(other)).into()
    }
}

impl Eq for Pin {}

debug_without_secrets!(Pin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_equal_by_their_digits_and_stay_unseen() {
        let pin = |digits: &[i16]| Pin(digits.to_vec());
        assert_eq!(pin(&[1, 2, 3, 4]), pin(&[1, 2, 3, 4]));
        assert_ne!(pin(&[1, 2, 3, 4]), pin(&[1, 2, 3]));
        assert_ne!(pin(&[1, 2, 3, 4]), pin(&[1, 2, 3, 5]));
        assert_eq!(format!("{:?}", pin(&[1])), "Pin(..)");
    }
}
