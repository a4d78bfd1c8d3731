//! The body of `sessions/start`: a stream as Wolf's `VideoSession` and
//! `AudioSession` describe it.
//!
//! Wolf listens on the `port` given there, this host on its own alone: with
//! `wait_for_ping` the port must be that one, or 0. Without, it is the client's.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::host::api::body::WireId;
use crate::host::api::terms::{channels, keys, mode, peer};
use crate::host::context::Context;
use crate::host::sessions::operated::{Destination, DirectStream};
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::handshake::DEFAULT_MAX_PACKET_SIZE;
use crate::protocol::rtsp::sdp::Encryption;
use crate::protocol::rtsp::stream_parameters::{
    AudioParameters, Budget, ClientFeatures, StreamParameters, VideoParameters,
};
use crate::protocol::rtsp::surround::{self, Quality};
use crate::units::{Bitrate, FecPercent};

/// A stream of a session.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct StartStream {
    /// The session's number, or that of its client.
    pub(super) session_id: WireId,
    video_session: VideoSession,
    audio_session: AudioSession,
}

/// Its picture.
#[derive(Debug, Deserialize, JsonSchema)]
struct VideoSession {
    display_mode: DisplayMode,
    /// Means nothing here, but for the codec that it names.
    #[serde(default)]
    gst_pipeline: String,
    /// Port of the client or, with `wait_for_ping`, of the host.
    port: u16,
    /// How long to wait for the ping, in milliseconds; 0 for the usual.
    #[serde(default)]
    timeout_ms: u64,
    /// Packets go where a ping comes from, instead of to `client_ip` and `port`.
    wait_for_ping: bool,
    /// Bytes of a packet after its 16-byte RTP part.
    packet_size: u16,
    /// Parity packets per hundred.
    #[serde(default)]
    fec_percentage: Option<u8>,
    /// Parity packets of a frame at least.
    #[serde(default)]
    min_required_fec_packets: u8,
    /// Of the encoder.
    bitrate_kbps: u32,
    /// Slices of a picture at least.
    #[serde(default)]
    slices_per_frame: u8,
    #[serde(default)]
    color_range: Range,
    #[serde(default)]
    color_space: Space,
    client_ip: String,
    #[serde(default)]
    rtp_secret_payload: Option<Payload>,
}

/// Its sound.
#[derive(Deserialize, JsonSchema)]
struct AudioSession {
    /// Packets are encrypted with the key below.
    #[serde(default)]
    encrypt_audio: bool,
    #[serde(default)]
    aes_key: String,
    #[serde(default)]
    aes_iv: String,
    /// Port of the client or, with `wait_for_ping`, of the host.
    port: u16,
    wait_for_ping: bool,
    /// Milliseconds per packet, 5 or 10.
    #[serde(default)]
    packet_duration: u8,
    #[serde(default)]
    audio_mode: AudioMode,
}

/// Never shows its key.
impl std::fmt::Debug for AudioSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioSession").field("port", &self.port).finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct DisplayMode {
    width: u32,
    height: u32,
    #[serde(rename = "refreshRate", alias = "refresh_rate")]
    refresh_rate: u32,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
struct AudioMode {
    /// 2, 6 or 8; 2 if it is not given. Streams and mapping follow from it.
    #[serde(default)]
    channels: u32,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Range {
    /// Full.
    Jpeg,
    /// Limited.
    #[default]
    Mpeg,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Space {
    Bt601,
    #[default]
    Bt709,
    Bt2020,
}

/// Sixteen bytes: as a text, or as reflect-cpp writes an array.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Payload {
    Text(String),
    Bytes(Vec<i16>),
}

impl StartStream {
    /// The stream, if it can be.
    ///
    /// # Errors
    /// What is wrong, by the name of its field.
    pub(super) fn checked(self, context: &Context) -> Result<DirectStream, String> {
        let Self { video_session: video, audio_session: audio, .. } = self;
        let Some(peer) = peer(&video.client_ip)? else {
            return Err("video_session: client_ip is needed".to_owned());
        };
        if video.wait_for_ping != audio.wait_for_ping {
            return Err("video_session and audio_session must agree on wait_for_ping".to_owned());
        }
        let destination = video.destination(&audio, context)?;
        let keys = keys(&audio.aes_key, &audio.aes_iv).map_err(|error| format!("audio_session: {error}"))?;
        if audio.encrypt_audio && keys.is_none() {
            return Err("audio_session: encrypt_audio needs an aes_key".to_owned());
        }
        let encryption = Encryption { audio: audio.encrypt_audio, ..Encryption::default() };
        let fec = video.fec_percentage.map(FecPercent);
        let parameters = StreamParameters {
            video: video.parameters(&context.profiles(None))?,
            audio: audio.parameters()?,
            encryption,
            features: ClientFeatures::default(),
        };
        Ok(DirectStream { parameters, fec, keys, peer, destination })
    }
}

impl VideoSession {
    fn destination(&self, audio: &AudioSession, context: &Context) -> Result<Destination, String> {
        if !self.wait_for_ping {
            if self.port == 0 || audio.port == 0 {
                return Err("port is 0; without wait_for_ping it must be the client's".to_owned());
            }
            return Ok(Destination::Ports { video: self.port, audio: audio.port });
        }
        let ours =
            [("video_session", self.port, context.ports.video), ("audio_session", audio.port, context.ports.audio)];
        for (name, port, listens) in ours {
            if port != 0 && port != listens {
                return Err(format!(
                    "{name}: port {port}: this host waits for pings on port {listens}; say that, or 0"
                ));
            }
        }
        let payload = self.rtp_secret_payload.as_ref().map(Payload::bytes).transpose()?.flatten();
        let patience = match self.timeout_ms {
            0 => USUAL_PATIENCE,
            millis => Duration::from_millis(millis).min(MOST_PATIENCE),
        };
        Ok(Destination::Ping { payload, patience })
    }

    fn parameters(&self, offered: &[VideoProfile]) -> Result<VideoParameters, String> {
        let DisplayMode { width, height, refresh_rate } = self.display_mode;
        let (size, frame_rate) =
            mode(width, height, refresh_rate)?.ok_or("video_session: display_mode is nothing by nothing")?;
        let profile = VideoProfile { codec: self.codec(), chroma: Chroma::Yuv420, ten_bit: false };
        if !offered.contains(&profile) {
            return Err(format!("video_session: this host does not encode {}", profile.codec.name()));
        }
        if profile.codec == VideoCodec::H264 && size.width.max(size.height) > 4096 {
            return Err(format!("video_session: {size} is too large for H.264, at most 4096 pixels a side"));
        }
        if !(MIN_PACKET..=DEFAULT_MAX_PACKET_SIZE).contains(&self.packet_size) {
            let size = self.packet_size;
            return Err(format!(
                "video_session: packet_size {size} is not within {MIN_PACKET}..{DEFAULT_MAX_PACKET_SIZE}"
            ));
        }
        if !(1..=MOST_KBPS).contains(&self.bitrate_kbps) {
            return Err(format!("video_session: bitrate_kbps {} is not within 1..{MOST_KBPS}", self.bitrate_kbps));
        }
        Ok(VideoParameters {
            profile,
            size,
            frame_rate,
            budget: Budget::Picture(Bitrate::from_kbps(self.bitrate_kbps)),
            packet_size: self.packet_size,
            slices: self.slices_per_frame.max(1),
            single_reference: false,
            intra_refresh: false,
            colorimetry: self.colorimetry(),
            minimum_parity: self.min_required_fec_packets,
            dscp: false,
        })
    }

    /// GStreamer's pipelines name their encoder.
    fn codec(&self) -> VideoCodec {
        let pipeline = self.gst_pipeline.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| pipeline.contains(word));
        if names(&["h265", "hevc", "x265"]) {
            VideoCodec::Hevc
        } else if names(&["av1"]) {
            VideoCodec::Av1
        } else {
            VideoCodec::H264
        }
    }

    const fn colorimetry(&self) -> Colorimetry {
        let space = match self.color_space {
            Space::Bt601 => ColorSpace::Bt601,
            Space::Bt709 => ColorSpace::Bt709,
            Space::Bt2020 => ColorSpace::Bt2020,
        };
        let range = match self.color_range {
            Range::Jpeg => ColorRange::Full,
            Range::Mpeg => ColorRange::Limited,
        };
        Colorimetry { space, range }
    }
}

impl AudioSession {
    fn parameters(&self) -> Result<AudioParameters, String> {
        let channels = channels(self.audio_mode.channels)?;
        let (layout, bitrate) =
            surround::layout(channels.into(), Quality::Normal).ok_or("audio_session: audio_mode")?;
        let packet_duration_ms = match self.packet_duration {
            0 | 5 => 5,
            10 => 10,
            other => return Err(format!("audio_session: packet_duration {other} is neither 5 nor 10")),
        };
        Ok(AudioParameters { layout, bitrate, packet_duration_ms, dscp: false })
    }
}

impl Payload {
    /// `None` if nothing is in it.
    fn bytes(&self) -> Result<Option<PingPayload>, String> {
        let bytes: Vec<u8> = match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            // C++'s char may be signed.
            Self::Bytes(bytes) => bytes.iter().map(|byte| byte.to_le_bytes()[0]).collect(),
        };
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let wrong = |bytes: Vec<u8>| format!("rtp_secret_payload has {} bytes, expected 16", bytes.len());
        bytes.try_into().map(|bytes| Some(PingPayload::from_bytes(bytes))).map_err(wrong)
    }
}

const USUAL_PATIENCE: Duration = Duration::from_secs(20);
const MOST_PATIENCE: Duration = Duration::from_secs(600);
const MIN_PACKET: u16 = 64;
const MOST_KBPS: u32 = 1_000_000;
