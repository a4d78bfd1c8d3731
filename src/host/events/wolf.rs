//! Shapes of Wolf's larger events: its `events.hpp` as reflect-cpp writes it,
//! with ids as decimal strings. Keys, PINs and ping payloads stay empty, and so
//! does what only GStreamer has.

use serde::Serialize;
use serde_json::Value;

use super::event::text;
use crate::ids::{LobbyId, SessionId};

/// A client launched or resumed an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamSession {
    /// Number of the app.
    pub app_id: String,
    /// Number of the session, under the name that Wolf has for it.
    #[serde(rename = "client_id", serialize_with = "text")]
    pub session: SessionId,
    /// Address of the client.
    pub client_ip: String,
    /// Empty: keys are not shown.
    pub aes_key: String,
    /// Empty: keys are not shown.
    pub aes_iv: String,
    /// Empty: not needed here.
    pub rtsp_fake_ip: String,
    /// Picture width in pixels.
    pub video_width: u32,
    /// Picture height in pixels.
    pub video_height: u32,
    /// Frames per second.
    pub video_refresh_rate: u32,
    /// Speakers.
    pub audio_channel_count: u8,
}

/// Size and rate of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DisplayMode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    #[serde(rename = "refreshRate")]
    pub refresh_rate: u32,
}

/// Video of a session was negotiated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VideoSession {
    /// Mode that the client asked for.
    pub display_mode: DisplayMode,
    /// Empty: GStreamer's.
    pub gst_pipeline: String,
    /// GPU that it is encoded on, if that was decided; empty: the worker chooses.
    pub render_node: String,
    /// The session.
    #[serde(serialize_with = "text")]
    pub session_id: SessionId,
    /// UDP port of the host.
    pub port: u16,
    /// Always true: packets go where pings come from.
    pub wait_for_ping: bool,
    /// Bytes of an RTP packet's payload.
    pub packet_size: u16,
    /// Parity packets per hundred.
    pub fec_percentage: u8,
    /// Parity packets of a frame at least.
    pub min_required_fec_packets: u8,
    /// Of the encoder.
    pub bitrate_kbps: u32,
    /// Slices of a frame.
    pub slices_per_frame: u8,
    /// `JPEG` (full) or `MPEG` (limited).
    pub color_range: &'static str,
    /// `BT601`, `BT709` or `BT2020`.
    pub color_space: &'static str,
    /// Address of the client.
    pub client_ip: String,
}

/// Sound of a session was negotiated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudioSession {
    /// Empty: GStreamer's.
    pub gst_pipeline: String,
    /// The session.
    #[serde(serialize_with = "text")]
    pub session_id: SessionId,
    /// Whether packets are sealed.
    pub encrypt_audio: bool,
    /// Empty: keys are not shown.
    pub aes_key: String,
    /// Empty: keys are not shown.
    pub aes_iv: String,
    /// UDP port of the host.
    pub port: u16,
    /// Always true: packets go where pings come from.
    pub wait_for_ping: bool,
    /// Address of the client.
    pub client_ip: String,
    /// Milliseconds of sound in a packet.
    pub packet_duration: u8,
    /// Speakers.
    pub audio_mode: AudioMode,
}

/// How sound is coded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudioMode {
    /// Speakers.
    pub channels: u8,
    /// Opus streams.
    pub streams: u8,
    /// Stereo ones among them.
    pub coupled_streams: u8,
    /// Bits per second.
    pub bitrate: u64,
    /// Hertz.
    pub sample_rate: u32,
}

/// A lobby is created.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CreateLobby {
    /// The lobby.
    #[serde(serialize_with = "text")]
    pub id: LobbyId,
    /// Profile that it is started for.
    pub profile_id: String,
    /// The same, under the name that lists of lobbies have for it.
    pub started_by_profile_id: String,
    /// Name that people see.
    pub name: String,
    /// Picture that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_png_path: Option<String>,
    /// Joining and stopping need a PIN, which is not told.
    pub pin_required: bool,
    /// More than one visitor at a time.
    pub multi_user: bool,
    /// Ends when the last visitor has left.
    pub stop_when_everyone_leaves: bool,
    /// Its size.
    pub video_settings: LobbyVideo,
    /// Its sound.
    pub audio_settings: LobbyAudio,
    /// Folder of its home.
    pub runner_state_folder: String,
    /// The runner, word for word as it was asked for; others hear its type
    /// alone.
    pub runner: serde_json::Value,
    /// Nobody yet.
    pub connected_sessions: [String; 0],
}

impl CreateLobby {
    /// What programs in other desktops may know: not what runs there, nor where
    /// its files are.
    #[must_use]
    pub fn for_others(&self) -> Self {
        Self { runner: for_others(&self.runner), runner_state_folder: String::new(), ..self.clone() }
    }
}

/// A runner's type and name: its command line and environment may hold secrets.
#[must_use]
pub fn for_others(runner: &Value) -> Value {
    let kept = ["type", "name"].into_iter().filter_map(|key| Some((key.to_owned(), runner.get(key)?.clone())));
    Value::Object(kept.collect())
}

/// Size of a lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LobbyVideo {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    pub refresh_rate: u32,
}

/// Sound of a lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LobbyAudio {
    /// Speakers.
    pub channel_count: u8,
}
