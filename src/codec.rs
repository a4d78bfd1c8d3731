//! Video codecs and profiles as GameStream negotiates them.

use serde::{Deserialize, Serialize};

/// What the encoder produces (`x-nv-vqos[0].bitStreamFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264 / AVC, format 0.
    H264,
    /// H.265 / HEVC, format 1.
    Hevc,
    /// AV1, format 2.
    Av1,
}

impl VideoCodec {
    /// From `bitStreamFormat`; `None` for a number no client sends.
    #[must_use]
    pub const fn from_wire(format: u32) -> Option<Self> {
        match format {
            0 => Some(Self::H264),
            1 => Some(Self::Hevc),
            2 => Some(Self::Av1),
            _ => None,
        }
    }

    /// Value of `bitStreamFormat`.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        match self {
            Self::H264 => 0,
            Self::Hevc => 1,
            Self::Av1 => 2,
        }
    }

    /// Name in logs, metrics and the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }
}

/// Chroma subsampling (`x-ss-video[0].chromaSamplingType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Chroma {
    /// 4:2:0.
    Yuv420,
    /// 4:4:4.
    Yuv444,
}

/// Codec with everything that decides its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VideoProfile {
    /// Bitstream format.
    pub codec: VideoCodec,
    /// Chroma subsampling.
    pub chroma: Chroma,
    /// 10 bits per sample instead of 8 (`dynamicRangeMode` 1).
    pub ten_bit: bool,
}

impl VideoProfile {
    /// H.264 High, 8 bit, 4:2:0: what every client and every encoder has.
    pub const H264: Self = Self { codec: VideoCodec::H264, chroma: Chroma::Yuv420, ten_bit: false };

    /// The four of a codec: the likeliest first.
    pub fn all_of(codec: VideoCodec) -> impl Iterator<Item = Self> {
        let samples = [Chroma::Yuv420, Chroma::Yuv444].into_iter().flat_map(|chroma| [(chroma, false), (chroma, true)]);
        samples.map(move |(chroma, ten_bit)| Self { codec, chroma, ten_bit })
    }

    /// As people say it, e.g. "hevc 10 bit 4:2:0".
    #[must_use]
    pub fn name(&self) -> String {
        let depth = if self.ten_bit { 10 } else { 8 };
        let chroma = match self.chroma {
            Chroma::Yuv420 => "4:2:0",
            Chroma::Yuv444 => "4:4:4",
        };
        format!("{} {depth} bit {chroma}", self.codec.name())
    }

    /// Bit of `ServerCodecModeSupport` (moonlight-common-c `Limelight.h`, `SCM_*`).
    /// 0 for combinations the protocol has no bit for.
    #[must_use]
    pub const fn server_codec_mode(self) -> u32 {
        match (self.codec, self.chroma, self.ten_bit) {
            (VideoCodec::H264, Chroma::Yuv420, false) => 0x0000_0001,
            (VideoCodec::H264, Chroma::Yuv444, false) => 0x0004_0000,
            (VideoCodec::H264, _, true) => 0,
            (VideoCodec::Hevc, Chroma::Yuv420, false) => 0x0000_0100,
            (VideoCodec::Hevc, Chroma::Yuv420, true) => 0x0000_0200,
            (VideoCodec::Hevc, Chroma::Yuv444, false) => 0x0008_0000,
            (VideoCodec::Hevc, Chroma::Yuv444, true) => 0x0010_0000,
            (VideoCodec::Av1, Chroma::Yuv420, false) => 0x0001_0000,
            (VideoCodec::Av1, Chroma::Yuv420, true) => 0x0002_0000,
            (VideoCodec::Av1, Chroma::Yuv444, false) => 0x0020_0000,
            (VideoCodec::Av1, Chroma::Yuv444, true) => 0x0040_0000,
        }
    }
}
