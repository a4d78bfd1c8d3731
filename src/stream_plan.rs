//! Everything a worker must know to run one stream, and nothing else.
//!
//! The host makes it from what the client negotiated (launch query, ANNOUNCE)
//! and from the configuration, and sends it over IPC. Every value in it has
//! been checked: the worker trusts it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::codec::VideoProfile;
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::gpu::GpuAddress;
use crate::ids::SessionId;
use crate::protocol::secret::SessionKey;
use crate::units::{Bitrate, FecPercent, FrameRate, Size};

/// One stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPlan {
    /// Whose stream, for logs.
    pub session: SessionId,
    /// What is shown and heard.
    pub source: Source,
    /// Number of the source within the stream: 0 for the first, one more for
    /// each after it.
    pub source_number: u32,
    /// Picture.
    pub video: VideoPlan,
    /// Sound.
    pub audio: AudioPlan,
    /// How fast the client's pointer goes.
    pub pointer: PointerSpeed,
    /// Key of this connection, for whatever is sealed.
    pub key: SessionKey,
    /// Its threads go before everything else on the machine, where the kernel lets them.
    #[serde(default)]
    pub real_time: bool,
}

impl StreamPlan {
    /// A small test card for nobody: what the canary streams.
    #[must_use]
    pub fn small_test_card(encoders: Vec<EncoderFamily>) -> Self {
        Self {
            session: SessionId(0),
            source: Source::TestCard,
            source_number: 0,
            video: VideoPlan {
                profile: VideoProfile::H264,
                size: Size::new(320, 180),
                frame_rate: FrameRate::from_hz(60),
                minimum_frame_rate: FrameRate::from_hz(10),
                bitrate: Bitrate::from_kbps(2000),
                slices: 1,
                single_reference: false,
                intra_refresh: false,
                colorimetry: Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited },
                packet_size: 1392,
                fec: FecPercent(20),
                minimum_parity: 2,
                encrypted: false,
                dscp: false,
                encoders,
                gpu: None,
                other_gpus: Vec::new(),
                conversion: Conversion::Auto,
                nvenc: NvencTuning::default(),
                capture: CapturePlan::default(),
            },
            audio: AudioPlan {
                layout: AudioLayout { channels: 2, streams: 1, coupled: 1, mapping: vec![0, 1] },
                bitrate: Bitrate::from_kbps(96),
                packet_duration_ms: 5,
                encrypted: false,
                rikeyid: 0,
                dscp: false,
            },
            pointer: PointerSpeed::default(),
            key: SessionKey::new([0; 16]),
            real_time: false,
        }
    }
}

/// Factors for what a client's mouse does, 0 to 100 each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PointerSpeed {
    /// Relative motion.
    pub motion: f32,
    /// Vertical wheel.
    pub vertical_scroll: f32,
    /// Horizontal wheel.
    pub horizontal_scroll: f32,
}

impl Default for PointerSpeed {
    fn default() -> Self {
        Self { motion: 1.0, vertical_scroll: 1.0, horizontal_scroll: 1.0 }
    }
}

/// Where picture and sound come from, and where input goes.
///
/// Moving to another source (a lobby) is a new value of this type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A compositor and a sound server, reached as an ordinary client.
    Desktop {
        /// Path of the Wayland socket.
        wayland: PathBuf,
        /// Path of the PulseAudio native socket; `None` means silence.
        sound: Option<PathBuf>,
        /// Name of the compositor's seat that input goes to; `None` means the
        /// first. In a lobby each viewer may have one of their own.
        seat: Option<String>,
    },
    /// The built-in moving pattern and tone; needs no compositor.
    TestCard,
}

/// How the picture is encoded and cut into packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoPlan {
    /// Codec and profile.
    pub profile: VideoProfile,
    /// Size of the encoded picture in pixels; may differ from the desktop's.
    pub size: Size,
    /// Frames per second at most.
    pub frame_rate: FrameRate,
    /// Frames per second at least: a still picture is repeated at this rate.
    pub minimum_frame_rate: FrameRate,
    /// What the encoder may spend (parity and audio are already taken off).
    pub bitrate: Bitrate,
    /// Slices per picture at least, 1..=255.
    pub slices: u8,
    /// Encode with one reference frame only (`maxNumReferenceFrames` 1).
    pub single_reference: bool,
    /// Refresh the picture stripe by stripe, and answer lost references so.
    pub intra_refresh: bool,
    /// Matrix and range.
    pub colorimetry: Colorimetry,
    /// `packetSize`: bytes of a packet after its 16-byte RTP part.
    pub packet_size: u16,
    /// Parity per data packets.
    pub fec: FecPercent,
    /// Parity packets per FEC block at least.
    pub minimum_parity: u8,
    /// Seal packets with AES-GCM.
    pub encrypted: bool,
    /// Mark packets for the network's priority queue (DSCP CS5, 40).
    pub dscp: bool,
    /// Encoders to try, in this order.
    pub encoders: Vec<EncoderFamily>,
    /// GPU to encode on; any, in their drivers' order, if not given.
    #[serde(default)]
    pub gpu: Option<GpuAddress>,
    /// GPUs to try if that one encodes it with none of them, in this order. Pictures
    /// then go through the host's memory.
    #[serde(default)]
    pub other_gpus: Vec<GpuAddress>,
    /// Where pixels are converted for an encoder on a GPU.
    pub conversion: Conversion,
    /// What NVENC gives time for.
    pub nvenc: NvencTuning,
    /// What pictures are captured into.
    pub capture: CapturePlan,
}

/// Where pixels become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conversion {
    /// On the encoder's GPU if Vulkan has it, else on the CPU.
    #[default]
    Auto,
    /// On the CPU.
    Cpu,
    /// On the encoder's GPU; without Vulkan there, the encoder is passed over.
    Vulkan,
}

/// What NVENC gives time for, which it takes from the other streams on its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NvencTuning {
    /// 1 to 7: P1, the fastest, to P7, the best picture.
    pub preset: u8,
    /// A first pass of a quarter of the picture, to meet the size of each frame better.
    pub two_pass: bool,
    /// More of the bits for flat parts, where errors are seen first.
    pub spatial_aq: bool,
}

impl Default for NvencTuning {
    fn default() -> Self {
        // Without the first pass, pictures are coarse after a change: one frame of VBV is
        // all there is.
        Self { preset: 1, two_pass: true, spatial_aq: false }
    }
}

/// What a desktop's pictures are captured into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturePlan {
    /// Kind of memory.
    pub memory: CaptureMemory,
    /// DRM node to allocate DMA-BUFs on, instead of the compositor's.
    pub device: Option<PathBuf>,
    /// DRM node of the GPU that the desktop was placed on, for compositors that do not
    /// say which they use.
    #[serde(default)]
    pub placed: Option<PathBuf>,
}

/// Kinds of memory that a compositor draws pictures into for us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureMemory {
    /// DMA-BUFs if the encoder imports them and its driver says by fences when they are
    /// finished, else shared memory.
    #[default]
    Auto,
    /// Shared memory.
    Shm,
    /// DMA-BUFs, which an encoder that does not import them reads; shared memory
    /// where there are none.
    DmaBuf,
}

impl CaptureMemory {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Shm, Self::DmaBuf];

    /// As in configuration files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Shm => "shm",
            Self::DmaBuf => "dmabuf",
        }
    }
}

/// The four ways to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderFamily {
    /// NVIDIA's encode engine.
    Nvenc,
    /// VA-API (AMD, Intel).
    Vaapi,
    /// Vulkan Video.
    Vulkan,
    /// On the CPU.
    Software,
}

impl EncoderFamily {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nvenc, Self::Vaapi, Self::Vulkan, Self::Software];

    /// As in configuration files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nvenc => "nvenc",
            Self::Vaapi => "vaapi",
            Self::Vulkan => "vulkan",
            Self::Software => "software",
        }
    }

    /// What the family encodes on every machine that has it, without asking a
    /// driver: all that the host process may know. What else a GPU can is known
    /// when a worker has asked its driver.
    #[must_use]
    pub const fn certain_profiles(self) -> &'static [VideoProfile] {
        match self {
            Self::Nvenc | Self::Vaapi | Self::Software => &[VideoProfile::H264],
            Self::Vulkan => &[],
        }
    }
}

/// How the sound is encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioPlan {
    /// Speakers and Opus streams.
    pub layout: AudioLayout,
    /// Opus bit rate over all streams.
    pub bitrate: Bitrate,
    /// Milliseconds per packet, 5 or 10.
    pub packet_duration_ms: u8,
    /// Seal packets with AES-CBC.
    pub encrypted: bool,
    /// `rikeyid` as an unsigned number: seed of the IVs.
    pub rikeyid: u32,
    /// Mark packets for the network's priority queue (DSCP CS6, 48).
    pub dscp: bool,
}

/// Opus multistream layout in the order FL FR C LFE BL BR SL SR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioLayout {
    /// 2, 6 or 8.
    pub channels: u8,
    /// Opus streams.
    pub streams: u8,
    /// How many of the streams are stereo pairs.
    pub coupled: u8,
    /// For each channel the decoded channel that carries it.
    pub mapping: Vec<u8>,
}
