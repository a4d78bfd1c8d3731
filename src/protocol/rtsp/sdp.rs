//! The DESCRIBE body: what this host offers.
//!
//! Clients search it line by line for known substrings (moonlight-common-c
//! `RtspConnection.c`, `performRtspHandshake`), so there is no SDP header. No
//! attribute name here may be part of another line.

use std::fmt::Write as _;

use crate::codec::{VideoCodec, VideoProfile};
use crate::protocol::rtsp::surround::{self, Quality};

/// Which streams are encrypted with the new scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encryption {
    /// Control messages with 12-byte IVs that no two messages share (bit 0).
    pub control_v2: bool,
    /// Video packets (bit 1).
    pub video: bool,
    /// Audio packets (bit 2).
    pub audio: bool,
}

impl Encryption {
    /// Everything.
    pub const ALL: Self = Self { control_v2: true, video: true, audio: true };

    /// Nothing.
    pub const NONE: Self = Self { control_v2: false, video: false, audio: false };

    /// Value of the `x-ss-general.encryption*` attributes.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.control_v2 as u32 | (self.video as u32) << 1 | (self.audio as u32) << 2
    }

    /// From the value of such an attribute; unknown bits are ignored.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self { control_v2: bits & 1 != 0, video: bits & 2 != 0, audio: bits & 4 != 0 }
    }

    /// Whether everything in `wanted` is on.
    #[must_use]
    pub const fn contains(self, wanted: Self) -> bool {
        self.bits() & wanted.bits() == wanted.bits()
    }
}

/// What the host can and wants to do for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Profiles that some encoder of this host can be opened with.
    pub profiles: Vec<VideoProfile>,
    /// What a client may switch on.
    pub encryption_supported: Encryption,
    /// What a client must switch on if it can, whatever its user prefers.
    pub encryption_requested: Encryption,
    /// What the host insists on: an ANNOUNCE without it is refused.
    pub encryption_required: Encryption,
    /// Clients may send touch and pen events instead of playing a mouse.
    pub pen_touch: bool,
    /// Clients may send gamepad touchpads and motion sensors.
    pub controller_touch_motion: bool,
    /// Lost frames can be answered by leaving them out as references.
    pub reference_invalidation: bool,
}

impl Offer {
    /// These profiles; encryption for who wants it, and nothing else.
    #[must_use]
    pub const fn of(profiles: Vec<VideoProfile>) -> Self {
        Self {
            profiles,
            encryption_supported: Encryption::ALL,
            encryption_requested: Encryption::NONE,
            encryption_required: Encryption::NONE,
            pen_touch: false,
            controller_touch_motion: false,
            reference_invalidation: false,
        }
    }

    /// The body, a line feed after every line.
    #[must_use]
    pub fn to_sdp(&self) -> String {
        let features = u32::from(self.pen_touch) | u32::from(self.controller_touch_motion) << 1;
        let mut body = format!(
            "a=x-ss-general.featureFlags:{features}\n\
             a=x-ss-general.encryptionSupported:{}\n\
             a=x-ss-general.encryptionRequested:{}\n",
            self.encryption_supported.bits(),
            self.encryption_requested.bits(),
        );
        if self.reference_invalidation {
            body.push_str("a=x-nv-video[0].refPicInvalidation:1\n");
        }
        if self.has_codec(VideoCodec::Hevc) {
            body.push_str("sprop-parameter-sets=AAAAAU\n");
        }
        if self.has_codec(VideoCodec::Av1) {
            body.push_str("a=rtpmap:98 AV1/90000\n");
        }
        for (channels, quality) in SURROUND_LINES {
            if let Some((layout, _)) = surround::layout(channels, quality) {
                // Writing to a String cannot fail.
                let _ = writeln!(body, "a=fmtp:97 surround-params={}", surround::params(&layout, quality));
            }
        }
        body
    }

    fn has_codec(&self, codec: VideoCodec) -> bool {
        self.profiles.iter().any(|profile| profile.codec == codec)
    }
}

/// What a client finds in the body, by the same search for substrings. For the
/// load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenOffer {
    /// What the client may switch on.
    pub encryption_supported: Encryption,
    /// What the client must switch on if it can.
    pub encryption_requested: Encryption,
    /// The host can do HEVC.
    pub hevc: bool,
    /// The host can do AV1.
    pub av1: bool,
}

impl SeenOffer {
    /// Reads the body of a DESCRIBE. What is not there is not offered.
    #[must_use]
    pub fn read(body: &str) -> Self {
        Self {
            encryption_supported: Encryption::from_bits(number_after(body, "x-ss-general.encryptionSupported")),
            encryption_requested: Encryption::from_bits(number_after(body, "x-ss-general.encryptionRequested")),
            hevc: body.contains("sprop-parameter-sets=AAAAAU"),
            av1: body.contains("AV1/90000"),
        }
    }

    /// Whether a codec is there. H.264 always is.
    #[must_use]
    pub const fn has(&self, codec: VideoCodec) -> bool {
        match codec {
            VideoCodec::H264 => true,
            VideoCodec::Hevc => self.hevc,
            VideoCodec::Av1 => self.av1,
        }
    }
}

/// The number after the first colon after a name; 0 without one.
fn number_after(body: &str, name: &str) -> u32 {
    let value = body.split_once(name).and_then(|(_, after)| after.split_once(':')).map_or("", |(_, value)| value);
    let digits = value.find(|c: char| !c.is_ascii_digit()).map_or(value, |end| &value[..end]);
    digits.parse().unwrap_or(0)
}

/// Lines of the body in the order clients expect: normal quality first. Six and
/// eight channels must be there even if the desktop's sound is stereo.
const SURROUND_LINES: [(u32, Quality); 5] =
    [(2, Quality::Normal), (6, Quality::Normal), (6, Quality::High), (8, Quality::Normal), (8, Quality::High)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Chroma;

    fn offer() -> Offer {
        Offer { pen_touch: true, ..Offer::of(vec![VideoProfile::H264]) }
    }

    #[test]
    fn codec_and_invalidation_lines_appear_only_when_offered() {
        let body = offer().to_sdp();
        for absent in ["sprop-parameter-sets", "AV1/90000", "refPicInvalidation"] {
            assert!(!body.contains(absent), "{absent}");
        }
        let hevc = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit: true };
        let body = Offer { profiles: vec![hevc], reference_invalidation: true, ..offer() }.to_sdp();
        assert!(body.contains("sprop-parameter-sets=AAAAAU\n"));
        assert!(body.contains("a=x-nv-video[0].refPicInvalidation:1\n"));
        assert!(!body.contains("AV1/90000"));
    }

    #[test]
    fn a_client_finds_what_was_offered() {
        let av1 = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit: false };
        let requested = Encryption { control_v2: true, ..Encryption::default() };
        let seen = SeenOffer::read(&Offer { profiles: vec![av1], encryption_requested: requested, ..offer() }.to_sdp());
        assert_eq!((seen.encryption_supported, seen.encryption_requested), (Encryption::ALL, requested));
        assert!(seen.has(VideoCodec::H264) && seen.has(VideoCodec::Av1) && !seen.has(VideoCodec::Hevc));
        assert_eq!(SeenOffer::read("x-ss-general.encryptionSupported").encryption_supported, Encryption::default());
    }

    #[test]
    fn flags_are_bit_masks() {
        let body = offer().to_sdp();
        assert!(body.contains("featureFlags:1\n"));
        assert!(body.contains("encryptionSupported:7\n"));
        assert!(body.contains("encryptionRequested:0\n"));
        for bits in 0..8 {
            assert_eq!(Encryption::from_bits(bits | 0x100).bits(), bits);
        }
    }
}
