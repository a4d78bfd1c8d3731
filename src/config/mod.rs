//! What an operator decides, typed and checked.
//!
//! The embedded `defaults.toml` is a complete configuration; a file given with
//! `--config` overrides single values of it and adds apps. Unknown keys and
//! values out of range are errors that name the key and what is allowed.

pub mod api;
pub mod apps;
pub mod directories;
pub mod file;
pub mod live;
mod ranges;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::file::ConfigError;

use crate::config::api::ApiConfig;
use crate::config::apps::AppConfig;
use crate::gpu::GpuName;
use crate::stream_plan::{CaptureMemory, Conversion, EncoderFamily};

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine as clients see it.
    pub host: HostConfig,
    /// The API over TCP.
    pub api: ApiConfig,
    /// Picture.
    pub video: VideoConfig,
    /// What a stream does on a bad network.
    pub network: NetworkConfig,
    /// Desktops.
    pub desktop: DesktopConfig,
    /// Who is taken.
    pub admission: AdmissionConfig,
    /// Canaries.
    pub health: HealthConfig,
    /// How much at most.
    pub limits: LimitsConfig,
    /// Apps in the order clients list them.
    #[serde(rename = "app")]
    pub apps: Vec<AppConfig>,
}

/// `[host]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Name that clients show; empty means the machine's host name.
    pub name: String,
    /// Announce the host by mDNS.
    pub discovery: bool,
    /// Sessions at the same time at most.
    pub max_sessions: usize,
    /// Lobbies at the same time at most.
    pub max_lobbies: usize,
    /// Streams' threads go before everything else on the machine, where the kernel lets
    /// them.
    pub real_time: bool,
}

/// `[video]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoConfig {
    /// Encoders to try, in this order.
    pub encoders: Vec<EncoderFamily>,
    /// GPU of apps and lobbies that name none.
    pub gpu: GpuName,
    /// Another GPU encodes where the one that was named, or that the desktop is on,
    /// does not.
    pub gpu_fallback: bool,
    /// Where pixels are converted for an encoder on a GPU.
    pub conversion: Conversion,
    /// NVENC's preset, 1 (fastest) to 7 (best).
    pub nvenc_preset: u8,
    /// NVENC takes a first pass of a quarter of the picture.
    pub nvenc_two_pass: bool,
    /// NVENC gives flat parts more of the bits.
    pub nvenc_spatial_aq: bool,
    /// Parity packets per hundred data packets, 0..=255.
    pub fec_percent: u8,
    /// Frames per second that a still picture is repeated at.
    pub minimum_frame_rate: u32,
    /// Bit rate limit in kbit/s, whatever clients ask for.
    pub max_bitrate_kbps: u32,
    /// What desktops' pictures are captured into.
    pub capture: CaptureMemory,
    /// DRM node for DMA-BUFs; empty for the compositor's.
    pub capture_device: PathBuf,
}

/// `[network]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Bit rate and parity follow what the network carries and loses.
    pub adapt: bool,
    /// Bit rate in kbit/s that is left to the picture, however bad the network is.
    pub minimum_bitrate_kbps: u32,
    /// Parity packets per hundred data packets at most, 0..=100.
    pub maximum_fec_percent: u8,
}

/// `[desktop]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesktopConfig {
    /// Compositor of apps that name none.
    pub compositor: CompositorKind,
    /// Command line instead of the built-in one; empty means built-in.
    pub compositor_command: Vec<String>,
    /// What compositors draw with.
    pub renderer: Renderer,
    /// Refresh rate of the output in multiples of the stream's, about.
    pub refresh: u32,
    /// Offer an X11 display to apps, where Xwayland is installed.
    pub xwayland: bool,
    /// How long a desktop may take to become ready.
    #[serde(with = "seconds")]
    pub ready_deadline: Duration,
    /// How long a desktop is kept after its client has gone.
    #[serde(with = "seconds")]
    pub idle_limit: Duration,
    /// How long desktops go on without a host, in which another may adopt them.
    #[serde(with = "seconds")]
    pub adopt_grace: Duration,
    /// First user id of desktops when the host runs as root: every client's
    /// desktops run under an id of their own.
    pub first_uid: u32,
}

/// `[admission]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionConfig {
    /// Percent of all cores that streams and desktops may use together.
    #[serde(with = "unless_zero")]
    pub cpu_percent: Option<u32>,
    /// Megabytes of memory that newcomers must leave.
    #[serde(with = "unless_zero")]
    pub memory_reserve_mb: Option<u64>,
    /// Processes that cannot be killed, above which nobody is taken.
    #[serde(with = "unless_negative")]
    pub max_quarantined: Option<usize>,
    /// Megabytes of a GPU's memory that must be left for a newcomer who can use
    /// nothing else.
    #[serde(with = "unless_zero")]
    pub gpu_memory_reserve_mb: Option<u64>,
    /// Encode sessions on each GPU, of all programs, for newcomers who can use
    /// nothing else.
    #[serde(with = "unless_zero")]
    pub encoder_sessions: Option<u32>,
}

/// `[health]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthConfig {
    /// From one canary to the next; zero for none.
    #[serde(with = "seconds")]
    pub canary_interval: Duration,
    /// How long a canary may take.
    #[serde(with = "seconds")]
    pub canary_deadline: Duration,
    /// Command line instead of the built-in canary; empty means built-in.
    pub canary_command: Vec<String>,
}

/// `[limits]`: how much at most, so that nobody can take all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections of one listener (HTTP, HTTPS) at the same time.
    pub connections: usize,
    /// Of these, connections of one address.
    pub connections_per_address: usize,
    /// TLS handshakes at the same time.
    pub handshakes: usize,
    /// Pairings at the same time.
    pub pairings: usize,
    /// Of these, pairings of one address.
    pub pairings_per_address: usize,
    /// Requests of one client, or address if it is not paired, in a second on
    /// average; for a moment, ten times as many.
    pub requests_per_second: u32,
    /// Launches and resumes of one client in a minute on average; for a moment,
    /// as many.
    pub launches_per_minute: u32,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// RTSP connections at the same time.
    pub rtsp_connections: usize,
    /// Connections to the API's socket at the same time.
    pub api_connections: usize,
    /// The same to the socket of each desktop.
    pub api_connections_per_desktop: usize,
    /// Of the operator's, those that listen to events.
    pub event_subscribers: usize,
    /// Of each desktop's, those that listen to events.
    pub event_subscribers_per_desktop: usize,
}

/// Compositors we know how to start and resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositorKind {
    /// sway, headless.
    Sway,
    /// cage, headless.
    Cage,
    /// labwc, headless.
    Labwc,
}

/// What a compositor draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renderer {
    /// The GPU where there is a render node, else the CPU.
    Auto,
    /// The CPU.
    Pixman,
    /// OpenGL ES 2.
    Gles2,
    /// Vulkan.
    Vulkan,
}

/// Limits where 0 means none.
mod unless_zero {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, T: Serialize + Default + Copy>(
        limit: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        limit.unwrap_or_default().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de> + Default + PartialEq,
    {
        Ok(Some(T::deserialize(deserializer)?).filter(|limit| *limit != T::default()))
    }
}

/// Limits where 0 is one, and -1 means none.
mod unless_negative {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(limit: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
        limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
        match i64::deserialize(deserializer)? {
            -1 => Ok(None),
            number => usize::try_from(number)
                .map(Some)
                .map_err(|_| serde::de::Error::custom(format!("{number} is neither a limit nor -1"))),
        }
    }
}

/// Durations as seconds, possibly fractions, in configuration files.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| serde::de::Error::custom(format!("{seconds} seconds: {error}")))
    }
}
