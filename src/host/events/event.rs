//! All that is told, as types.
//!
//! What Wolf has keeps Wolf's names and shapes
//! (`wolf::core::events::..`, which wolf-ui switches on; it cuts lobby ids out
//! of the JSON by position, so `StopLobbyEvent`, `JoinLobbyEvent` and
//! `LeaveLobbyEvent` have exactly these fields in this order). What Wolf has no
//! name for is called `earthshine::..`.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::owner::Owner;
use super::wolf::{AudioSession, CreateLobby, StreamSession, VideoSession};
use crate::ids::{ClientId, LobbyId, SessionId};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Event {
    /// A client waits for its PIN.
    PairSignal {
        /// Its address.
        client_ip: String,
        /// Our address that it reached.
        host_ip: String,
    },
    /// A client launched an app that did not run.
    StreamSession(StreamSession),
    /// A session's application is started.
    StartRunner {
        /// Always true: a session ends with its application.
        stop_stream_when_over: bool,
        /// What is run.
        runner: serde_json::Value,
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// Video of a connection was negotiated: the stream begins.
    VideoSession(Box<VideoSession>),
    /// Sound of a connection was negotiated.
    AudioSession(Box<AudioSession>),
    /// Video packets go to this address from now on.
    RtpVideoPing {
        /// Address of the client.
        client_ip: String,
        /// Its port.
        client_port: u16,
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// Sound packets go to this address from now on.
    RtpAudioPing {
        /// Address of the client.
        client_ip: String,
        /// Its port.
        client_port: u16,
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// A client asked for an IDR frame; told once a second at most.
    IdrRequest {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// A client's connection has ended; its session waits.
    PauseStream {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// A client came back to its session.
    ResumeStream {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// A session has ended, and nothing of it is left.
    StopStream {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
    },
    /// A running stream shows something else from now on.
    SwitchStreamProducer {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Number of the session for its own desktop, or of a lobby.
        interpipe_src_id: String,
    },
    /// A lobby is created.
    CreateLobby(Box<CreateLobby>),
    /// A session shows a lobby.
    JoinLobby {
        /// The lobby.
        #[serde(serialize_with = "text")]
        lobby_id: LobbyId,
        /// The session.
        #[serde(serialize_with = "text")]
        moonlight_session_id: SessionId,
    },
    /// A session has left a lobby.
    LeaveLobby {
        /// The lobby.
        #[serde(serialize_with = "text")]
        lobby_id: LobbyId,
        /// The session.
        #[serde(serialize_with = "text")]
        moonlight_session_id: SessionId,
    },
    /// A lobby ends: it cannot be joined any more.
    StopLobby {
        /// The lobby.
        #[serde(serialize_with = "text")]
        lobby_id: LobbyId,
    },

    /// Why a session ends; [`StopStream`](Self::StopStream) follows.
    SessionEnding {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// `cancelled`, `stopped`, `superseded`, `host_stops`, `app_closed`,
        /// `idle` or `broken`.
        reason: String,
    },
    /// Why a lobby ends.
    LobbyEnding {
        /// The lobby.
        #[serde(serialize_with = "text")]
        lobby_id: LobbyId,
        /// In words.
        reason: String,
    },
    /// A launch, resume or new lobby was refused.
    SessionRefused {
        /// The client, in the API's number; empty where there is none.
        client_id: String,
        /// What it asked for.
        app: String,
        /// What its user was told.
        reason: String,
    },
    /// A worker is ready with this encoder.
    WorkerReady {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Its process.
        pid: u32,
        /// Name of the encoder.
        encoder: String,
    },
    /// A worker could not open an encoder of its list and tries the next.
    EncoderPassedOver {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// `nvenc`, `vaapi`, `vulkan` or `software`.
        encoder: &'static str,
        /// On which GPU; empty if none was named, or for `software`.
        gpu: String,
        /// Why it did not open.
        reason: String,
    },
    /// A desktop or a stream is on another GPU than was asked for, or a stream on another
    /// than its desktop.
    GpuPassedOver {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// The GPU that it should be on.
        wanted: String,
        /// The one that it is on; empty for none: the processor encodes, or nobody knows
        /// of a GPU.
        gpu: String,
        /// Why.
        reason: String,
    },
    /// A worker died or was found hanging.
    WorkerFailed {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Its process.
        pid: u32,
        /// What it died of.
        cause: String,
    },
    /// A worker was found hanging, and is killed; [`WorkerFailed`](Self::WorkerFailed)
    /// is told as well.
    WorkerHung {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Its process.
        pid: u32,
        /// Which thread stands still, in words.
        cause: String,
    },
    /// A worker's thread stands still because it gets no processor; the worker
    /// has more time before it is killed.
    WorkerStarved {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Its process.
        pid: u32,
        /// Which thread, in words.
        cause: String,
    },
    /// Evidence of a worker's death was written.
    EvidenceWritten {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// The file.
        path: String,
    },
    /// A worker's successor was started.
    WorkerReplaced {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Process of the new one.
        pid: u32,
        /// Workers started after the first.
        restarts: u32,
    },
    /// A worker that cannot be killed was set aside.
    WorkerQuarantined {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Its process.
        pid: u32,
        /// How many there are now.
        quarantined: usize,
    },
    /// A process of a desktop, or a canary, that cannot be killed was set aside.
    ProcessQuarantined {
        /// `desktop` or `canary`.
        kind: String,
        /// Its process.
        pid: u32,
        /// How many there are now.
        quarantined: usize,
    },
    /// A quarantined process has ended after all.
    QuarantineReleased {
        /// Its process.
        pid: u32,
        /// How many are left.
        quarantined: usize,
    },
    /// A stream's bit rate was taken back for its network; told every ten seconds at most.
    BitrateReduced {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// What the client asked for, as far as it is for the picture.
        asked_kbps: u32,
        /// What the encoder may spend now.
        bitrate_kbps: u32,
        /// `queue`, `silence`, `loss` or `no_room`.
        reason: &'static str,
    },
    /// A desktop was started again.
    DesktopRestarted {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// Why.
        reason: String,
    },
    /// A sound server was started again.
    SoundServerRestarted {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// Why.
        reason: String,
    },
    /// An application has ended.
    AppExited {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// Its exit status in words.
        status: String,
    },
    /// A desktop was ended because nobody used it.
    Reaped {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
        /// For how long nobody had.
        idle_seconds: u64,
    },
    /// Held keys and buttons were let go for a client that is gone.
    InputReleased {
        /// The session.
        #[serde(serialize_with = "text")]
        session_id: SessionId,
        /// Why.
        reason: String,
    },
    /// A session or lobby of an earlier host process was taken over.
    Adopted {
        /// Whose.
        #[serde(flatten)]
        owner: Owner,
    },
    /// The canary's verdict is another now.
    CanaryChanged {
        /// `healthy`, `degraded` or `critical`.
        status: String,
        /// In words.
        reason: String,
    },
    /// The host takes nobody any more and ends when all are gone, or then.
    Draining {
        /// Seconds until it ends.
        deadline_seconds: u64,
    },
    /// The configuration was read again.
    ConfigReloaded {
        /// Keys that have other values now.
        changed: Vec<String>,
        /// Keys whose new values need a restart.
        needs_restart: Vec<String>,
        /// Why it was not taken; empty if it was.
        error: String,
    },
    /// A client has paired.
    ClientPaired {
        /// The client, in the API's number.
        #[serde(serialize_with = "short")]
        client_id: ClientId,
    },
    /// A client is forgotten.
    ClientUnpaired {
        /// The client, in the API's number.
        #[serde(serialize_with = "short")]
        client_id: ClientId,
    },
}

impl Event {
    /// What the stream of events calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PairSignal { .. } => "wolf::core::events::PairSignal",
            Self::StreamSession(_) => "wolf::core::events::StreamSession",
            Self::StartRunner { .. } => "wolf::core::events::StartRunner",
            Self::VideoSession(_) => "wolf::core::events::VideoSession",
            Self::AudioSession(_) => "wolf::core::events::AudioSession",
            Self::RtpVideoPing { .. } => "wolf::core::events::RTPVideoPingEvent",
            Self::RtpAudioPing { .. } => "wolf::core::events::RTPAudioPingEvent",
            Self::IdrRequest { .. } => "wolf::core::events::IDRRequestEvent",
            Self::PauseStream { .. } => "wolf::core::events::PauseStreamEvent",
            Self::ResumeStream { .. } => "wolf::core::events::ResumeStreamEvent",
            Self::StopStream { .. } => "wolf::core::events::StopStreamEvent",
            Self::SwitchStreamProducer { .. } => "wolf::core::events::SwitchStreamProducerEvents",
            Self::CreateLobby(_) => "wolf::core::events::CreateLobbyEvent",
            Self::JoinLobby { .. } => "wolf::core::events::JoinLobbyEvent",
            Self::LeaveLobby { .. } => "wolf::core::events::LeaveLobbyEvent",
            Self::StopLobby { .. } => "wolf::core::events::StopLobbyEvent",
            Self::SessionEnding { .. } => "earthshine::SessionEnding",
            Self::LobbyEnding { .. } => "earthshine::LobbyEnding",
            Self::SessionRefused { .. } => "earthshine::SessionRefused",
            Self::WorkerReady { .. } => "earthshine::WorkerReady",
            Self::EncoderPassedOver { .. } => "earthshine::EncoderPassedOver",
            Self::GpuPassedOver { .. } => "earthshine::GpuPassedOver",
            Self::WorkerFailed { .. } => "earthshine::WorkerFailed",
            Self::WorkerHung { .. } => "earthshine::WorkerHung",
            Self::WorkerStarved { .. } => "earthshine::WorkerStarved",
            Self::EvidenceWritten { .. } => "earthshine::EvidenceWritten",
            Self::WorkerReplaced { .. } => "earthshine::WorkerReplaced",
            Self::WorkerQuarantined { .. } => "earthshine::WorkerQuarantined",
            Self::ProcessQuarantined { .. } => "earthshine::ProcessQuarantined",
            Self::QuarantineReleased { .. } => "earthshine::QuarantineReleased",
            Self::BitrateReduced { .. } => "earthshine::BitrateReduced",
            Self::DesktopRestarted { .. } => "earthshine::DesktopRestarted",
            Self::SoundServerRestarted { .. } => "earthshine::SoundServerRestarted",
            Self::AppExited { .. } => "earthshine::AppExited",
            Self::Reaped { .. } => "earthshine::Reaped",
            Self::InputReleased { .. } => "earthshine::InputReleased",
            Self::Adopted { .. } => "earthshine::Adopted",
            Self::CanaryChanged { .. } => "earthshine::CanaryChanged",
            Self::Draining { .. } => "earthshine::Draining",
            Self::ConfigReloaded { .. } => "earthshine::ConfigReloaded",
            Self::ClientPaired { .. } => "earthshine::ClientPaired",
            Self::ClientUnpaired { .. } => "earthshine::ClientUnpaired",
        }
    }

    /// The session that it is about, if it is about one.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::StreamSession(StreamSession { session, .. }) => Some(*session),
            Self::VideoSession(video) => Some(video.session_id),
            Self::AudioSession(audio) => Some(audio.session_id),
            Self::StartRunner { session_id, .. }
            | Self::RtpVideoPing { session_id, .. }
            | Self::RtpAudioPing { session_id, .. }
            | Self::IdrRequest { session_id }
            | Self::PauseStream { session_id }
            | Self::ResumeStream { session_id }
            | Self::StopStream { session_id }
            | Self::SwitchStreamProducer { session_id, .. }
            | Self::SessionEnding { session_id, .. }
            | Self::WorkerReady { session_id, .. }
            | Self::EncoderPassedOver { session_id, .. }
            | Self::WorkerFailed { session_id, .. }
            | Self::WorkerHung { session_id, .. }
            | Self::WorkerStarved { session_id, .. }
            | Self::EvidenceWritten { session_id, .. }
            | Self::WorkerReplaced { session_id, .. }
            | Self::WorkerQuarantined { session_id, .. }
            | Self::BitrateReduced { session_id, .. }
            | Self::InputReleased { session_id, .. }
            | Self::JoinLobby { moonlight_session_id: session_id, .. }
            | Self::LeaveLobby { moonlight_session_id: session_id, .. } => Some(*session_id),
            Self::DesktopRestarted { owner: Owner::Session(session), .. }
            | Self::GpuPassedOver { owner: Owner::Session(session), .. }
            | Self::SoundServerRestarted { owner: Owner::Session(session), .. }
            | Self::AppExited { owner: Owner::Session(session), .. }
            | Self::Reaped { owner: Owner::Session(session), .. }
            | Self::Adopted { owner: Owner::Session(session) } => Some(*session),
            _ => None,
        }
    }

    /// The lobby that it is about, if it is about one.
    #[must_use]
    pub const fn lobby(&self) -> Option<LobbyId> {
        match self {
            Self::CreateLobby(created) => Some(created.id),
            Self::JoinLobby { lobby_id, .. }
            | Self::LeaveLobby { lobby_id, .. }
            | Self::StopLobby { lobby_id }
            | Self::LobbyEnding { lobby_id, .. } => Some(*lobby_id),
            Self::DesktopRestarted { owner: Owner::Lobby(lobby), .. }
            | Self::GpuPassedOver { owner: Owner::Lobby(lobby), .. }
            | Self::SoundServerRestarted { owner: Owner::Lobby(lobby), .. }
            | Self::AppExited { owner: Owner::Lobby(lobby), .. }
            | Self::Reaped { owner: Owner::Lobby(lobby), .. }
            | Self::Adopted { owner: Owner::Lobby(lobby) } => Some(*lobby),
            _ => None,
        }
    }
}

/// Ids are strings in Wolf's JSON.
pub(super) fn text<S: Serializer>(id: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

fn short<S: Serializer>(client: &ClientId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&client.short())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &Event) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn wolf_ui_finds_lobby_ids_where_it_cuts_them_out() {
        let id = "01234567-89ab-4def-8123-456789abcdef";
        let (lobby_id, session) = (id.parse().unwrap(), SessionId(7));
        assert_eq!(json(&Event::StopLobby { lobby_id }), format!("{{\"lobby_id\":\"{id}\"}}"));
        let visit = format!("{{\"lobby_id\":\"{id}\",\"moonlight_session_id\":\"7\"}}");
        assert_eq!(json(&Event::JoinLobby { lobby_id, moonlight_session_id: session }), visit);
        assert_eq!(json(&Event::LeaveLobby { lobby_id, moonlight_session_id: session }), visit);
    }

    #[test]
    fn owners_and_clients_are_told_as_the_api_names_them() {
        let session = SessionId(u64::MAX);
        let event = Event::AppExited { owner: Owner::Session(session), status: "exit status 1".to_owned() };
        assert_eq!(json(&event), format!("{{\"session_id\":\"{session}\",\"status\":\"exit status 1\"}}"));
        assert_eq!((event.session(), event.lobby()), (Some(session), None));
        let paired = Event::ClientPaired { client_id: ClientId([1; 32]) };
        assert_eq!(json(&paired), format!("{{\"client_id\":\"{}\"}}", 0x0101_0101_0101_0101_u64));
    }

    #[test]
    fn a_session_is_told_in_wolfs_shape() {
        let event = Event::StopStream { session_id: SessionId(3) };
        assert_eq!(
            (event.name(), json(&event).as_str()),
            ("wolf::core::events::StopStreamEvent", "{\"session_id\":\"3\"}")
        );
    }
}
