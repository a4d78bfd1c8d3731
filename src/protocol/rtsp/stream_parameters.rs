//! ANNOUNCE: what the client decided, typed and checked.
//!
//! The body is made by moonlight-common-c `SdpGenerator.c`: lines
//! `a=name:value ` with a blank after each value, and an `m=` line no SDP
//! parser takes. Unknown names are ignored: forks add their own.

use std::collections::HashMap;

use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::Colorimetry;
use crate::protocol::rtsp::message::shortened;
use crate::protocol::rtsp::sdp::{Encryption, Offer};
use crate::protocol::rtsp::surround::{self, Quality};
use crate::stream_plan::AudioLayout;
use crate::units::{Bitrate, FecPercent, FrameRate, Size};

/// Everything a client announces that this host acts on.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamParameters {
    /// Picture.
    pub video: VideoParameters,
    /// Sound.
    pub audio: AudioParameters,
    /// What is encrypted, as the client will act.
    pub encryption: Encryption,
    /// What the client understands.
    pub features: ClientFeatures,
}

/// The picture a client wants.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoParameters {
    /// Codec and profile, one of the offered.
    pub profile: VideoProfile,
    /// Visible size in pixels.
    pub size: Size,
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// What may be spent, and on what.
    pub budget: Budget,
    /// Bytes of a packet after its 16-byte RTP part.
    pub packet_size: u16,
    /// Slices per picture, at least 1.
    pub slices: u8,
    /// Only one reference frame, for decoders that buffer otherwise.
    pub single_reference: bool,
    /// Matrix and range.
    pub colorimetry: Colorimetry,
    /// Parity packets per FEC block at least.
    pub minimum_parity: u8,
    /// Packets shall be marked for priority queues.
    pub dscp: bool,
}

/// The sound a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioParameters {
    /// Speakers and Opus streams.
    pub layout: AudioLayout,
    /// Opus bit rate over all streams.
    pub bitrate: Bitrate,
    /// Milliseconds per packet, 5 or 10.
    pub packet_duration_ms: u8,
    /// Packets shall be marked for priority queues.
    pub dscp: bool,
}

/// `x-ml-general.featureFlags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientFeatures {
    /// Sends FEC status messages (bit 0).
    pub fec_status: bool,
    /// Sends ping payload and connect data (bit 1); without it a client is
    /// known by its address alone.
    pub session_ids: bool,
}

/// What a bit rate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// The whole stream: picture, parity, sound and headers
    /// (`configuredBitrateKbps`, the user's own figure).
    Whole(Bitrate),
    /// The picture: the client took a fifth off for the rest
    /// (`maximumBitrateKbps`).
    Picture(Bitrate),
}

impl Budget {
    /// What the encoder may spend when `fec` parity and `audio` go beside it.
    ///
    /// Sound takes a fifth of the whole at most, headers a tenth at most
    /// (500 kbit/s are enough for any packet rate).
    #[must_use]
    pub fn for_encoder(self, fec: FecPercent, audio: Bitrate) -> Bitrate {
        match self {
            Self::Picture(rate) => rate,
            Self::Whole(rate) => {
                let whole = u64::from(rate.kbps());
                let audio = u64::from(audio.kbps()).min(whole / 5);
                let headers = 500.min(whole / 10);
                let picture = (whole - audio - headers) * 100 / (100 + u64::from(fec.0));
                Bitrate::from_kbps(u32::try_from(picture).unwrap_or(u32::MAX).max(1))
            }
        }
    }
}

/// Why an ANNOUNCE is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// The body is no text.
    #[error("the announced body is not text")]
    NotText,
    /// An attribute without which nothing can be streamed.
    #[error("attribute {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// An attribute that is no number, or one nobody can work with.
    #[error("attribute {name} is {value:?}, expected {expected}")]
    OutOfRange {
        /// Its name.
        name: &'static str,
        /// The value as sent, shortened.
        value: String,
        /// What would have been taken.
        expected: &'static str,
    },
    /// A packet size above what this network path carries.
    #[error("packet size {size} is above {limit}: set it to automatic in the client")]
    PacketTooLarge {
        /// Announced size in bytes.
        size: u32,
        /// Largest size in bytes.
        limit: u16,
    },
    /// A codec or profile this host did not offer.
    #[error("{profile:?} was not offered")]
    NotOffered {
        /// What was asked for.
        profile: VideoProfile,
    },
    /// H.264 ends at 4096 pixels for nearly every encoder and decoder.
    #[error("{size} is too large for H.264: choose HEVC or AV1, or at most 4096 pixels a side")]
    TooLargeForH264 {
        /// Announced size.
        size: Size,
    },
    /// The host insists on more encryption than the client will do.
    #[error("this host requires encryption {required:?}, the client chose {chosen:?}")]
    EncryptionRequired {
        /// What the host insists on.
        required: Encryption,
        /// What the client announced.
        chosen: Encryption,
    },
}

impl StreamParameters {
    /// Reads the body of an ANNOUNCE against what was offered.
    ///
    /// `stereo` is the quality of stereo sound, which is not in the body (a
    /// client says low by writing 0.0.0.0 for the host's address);
    /// `max_packet_size` is in bytes after the RTP part.
    ///
    /// # Errors
    /// [`AnnounceError`].
    pub fn parse(body: &[u8], offer: &Offer, stereo: Quality, max_packet_size: u16) -> Result<Self, AnnounceError> {
        let text = std::str::from_utf8(body).map_err(|_| AnnounceError::NotText)?;
        let attributes = Attributes::read(text);
        let video = attributes.video(offer, max_packet_size)?;
        let audio = attributes.audio(stereo)?;
        let encryption = attributes.encryption(offer)?;
        let features = attributes.number_or("x-ml-general.featureFlags", 0)?;
        let features = ClientFeatures { fec_status: features & 1 != 0, session_ids: features & 2 != 0 };
        Ok(Self { video, audio, encryption, features })
    }
}

/// The `a=` lines of a body. The first of equal names counts.
struct Attributes<'a>(HashMap<&'a str, &'a str>);

impl<'a> Attributes<'a> {
    fn read(text: &'a str) -> Self {
        let mut values = HashMap::new();
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("a="));
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            values.entry(name.trim()).or_insert_with(|| value.trim());
        }
        Self(values)
    }

    fn video(&self, offer: &Offer, max_packet_size: u16) -> Result<VideoParameters, AnnounceError> {
        let size =
            Size::new(self.side("x-nv-video[0].clientViewportWd")?, self.side("x-nv-video[0].clientViewportHt")?);
        let profile = self.profile(offer)?;
        if profile.codec == VideoCodec::H264 && size.width.max(size.height) > 4096 {
            return Err(AnnounceError::TooLargeForH264 { size });
        }
        Ok(VideoParameters {
            profile,
            size,
            frame_rate: self.frame_rate()?,
            budget: self.budget()?,
            packet_size: self.packet_size(max_packet_size)?,
            slices: self.small("x-nv-video[0].videoEncoderSlicesPerFrame", None, 1, 255, "1 to 255")?,
            single_reference: self.number("x-nv-video[0].maxNumReferenceFrames")? == 1,
            colorimetry: self.colorimetry()?,
            minimum_parity: self.small("x-nv-vqos[0].fec.minRequiredFecPackets", Some(0), 0, 64, "0 to 64")?,
            dscp: self.number_or("x-nv-vqos[0].qosTrafficType", 0)? != 0,
        })
    }

    fn audio(&self, stereo: Quality) -> Result<AudioParameters, AnnounceError> {
        const CHANNELS: &str = "x-nv-audio.surround.numChannels";
        const DURATION: &str = "x-nv-aqos.packetDuration";
        let channels = self.number(CHANNELS)?;
        let quality = match (channels, self.number_or("x-nv-audio.surround.AudioQuality", 0)?) {
            (2, _) => stereo,
            (_, 0) => Quality::Normal,
            _ => Quality::High,
        };
        let (layout, bitrate) =
            surround::layout(channels, quality).ok_or_else(|| self.out_of_range(CHANNELS, "2, 6 or 8"))?;
        let packet_duration_ms = match self.number_or(DURATION, 5)? {
            5 => 5,
            10 => 10,
            _ => return Err(self.out_of_range(DURATION, "5 or 10 milliseconds")),
        };
        let dscp = self.number_or("x-nv-aqos.qosTrafficType", 0)? != 0;
        Ok(AudioParameters { layout, bitrate, packet_duration_ms, dscp })
    }

    fn encryption(&self, offer: &Offer) -> Result<Encryption, AnnounceError> {
        let mut chosen = Encryption::from_bits(self.number_or("x-ss-general.encryptionEnabled", 0)?);
        // The client itself acts on this flag, and sets it even towards a host
        // that offered no encryption at all (session_h264_71_normal.json).
        chosen.audio |= self.number_or("x-nv-general.featureFlags", 135)? & NV_AUDIO_ENCRYPTION != 0;
        if chosen.contains(offer.encryption_required) {
            Ok(chosen)
        } else {
            Err(AnnounceError::EncryptionRequired { required: offer.encryption_required, chosen })
        }
    }

    fn profile(&self, offer: &Offer) -> Result<VideoProfile, AnnounceError> {
        const FORMAT: &str = "x-nv-vqos[0].bitStreamFormat";
        let codec = VideoCodec::from_wire(self.number_or(FORMAT, 0)?)
            .ok_or_else(|| self.out_of_range(FORMAT, "0 H.264, 1 HEVC or 2 AV1"))?;
        let chroma = if self.flag("x-ss-video[0].chromaSamplingType")? { Chroma::Yuv444 } else { Chroma::Yuv420 };
        let profile = VideoProfile { codec, chroma, ten_bit: self.flag("x-nv-video[0].dynamicRangeMode")? };
        if offer.profiles.contains(&profile) { Ok(profile) } else { Err(AnnounceError::NotOffered { profile }) }
    }

    /// `maxFPS`, or the display's exact rate when both mean the same (59.94 for
    /// 60): within 1 %.
    fn frame_rate(&self) -> Result<FrameRate, AnnounceError> {
        const MAX_FPS: &str = "x-nv-video[0].maxFPS";
        let hz = self.number(MAX_FPS)?;
        if !(1..=480).contains(&hz) {
            return Err(self.out_of_range(MAX_FPS, "1 to 480 frames per second"));
        }
        let exact = self.number_or("x-nv-video[0].clientRefreshRateX100", 0)?;
        if exact.abs_diff(hz * 100) <= hz {
            Ok(FrameRate::from_millihertz(exact * 10))
        } else {
            Ok(FrameRate::from_hz(hz))
        }
    }

    fn budget(&self) -> Result<Budget, AnnounceError> {
        const WHOLE: &str = "x-ml-video.configuredBitrateKbps";
        const PICTURE: &str = "x-nv-vqos[0].bw.maximumBitrateKbps";
        let whole = self.number_or(WHOLE, 0)?;
        let (name, kbps) = if whole == 0 { (PICTURE, self.number(PICTURE)?) } else { (WHOLE, whole) };
        if !(50..=2_000_000).contains(&kbps) {
            return Err(self.out_of_range(name, "50 to 2000000 kbit/s"));
        }
        let rate = Bitrate::from_kbps(kbps);
        Ok(if whole == 0 { Budget::Picture(rate) } else { Budget::Whole(rate) })
    }

    fn packet_size(&self, limit: u16) -> Result<u16, AnnounceError> {
        const NAME: &str = "x-nv-video[0].packetSize";
        let size = self.number(NAME)?;
        if size < 64 {
            return Err(self.out_of_range(NAME, "64 bytes or more"));
        }
        u16::try_from(size).ok().filter(|size| *size <= limit).ok_or(AnnounceError::PacketTooLarge { size, limit })
    }

    fn colorimetry(&self) -> Result<Colorimetry, AnnounceError> {
        const NAME: &str = "x-nv-video[0].encoderCscMode";
        Colorimetry::from_csc_mode(self.number_or(NAME, 0)?).ok_or_else(|| self.out_of_range(NAME, "0 to 5"))
    }

    fn side(&self, name: &'static str) -> Result<u32, AnnounceError> {
        let pixels = self.number(name)?;
        if (64..=8192).contains(&pixels) { Ok(pixels) } else { Err(self.out_of_range(name, "64 to 8192 pixels")) }
    }

    fn flag(&self, name: &'static str) -> Result<bool, AnnounceError> {
        match self.number_or(name, 0)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.out_of_range(name, "0 or 1")),
        }
    }

    fn small(
        &self,
        name: &'static str,
        default: Option<u32>,
        least: u8,
        most: u8,
        expected: &'static str,
    ) -> Result<u8, AnnounceError> {
        let number = default.map_or_else(|| self.number(name), |default| self.number_or(name, default))?;
        u8::try_from(number)
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.out_of_range(name, expected))
    }

    fn number(&self, name: &'static str) -> Result<u32, AnnounceError> {
        let value = self.0.get(name).ok_or(AnnounceError::Missing { name })?;
        value.parse().map_err(|_| self.out_of_range(name, "a number"))
    }

    fn number_or(&self, name: &'static str, default: u32) -> Result<u32, AnnounceError> {
        if self.0.contains_key(name) { self.number(name) } else { Ok(default) }
    }

    fn out_of_range(&self, name: &'static str, expected: &'static str) -> AnnounceError {
        let value = self.0.get(name).copied().map(shortened).unwrap_or_default();
        AnnounceError::OutOfRange { name, value, expected }
    }
}

/// Bit of `x-nv-general.featureFlags`.
const NV_AUDIO_ENCRYPTION: u32 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::{ColorRange, ColorSpace};

    fn offer() -> Offer {
        Offer::of(vec![VideoProfile::H264])
    }

    const LEAST: &str = "v=0\r\n\
        a=x-nv-video[0].clientViewportWd:1280 \r\n\
        a=x-nv-video[0].clientViewportHt:720 \r\n\
        a=x-nv-video[0].maxFPS:60 \r\n\
        a=x-nv-video[0].packetSize:1024 \r\n\
        a=x-nv-vqos[0].bw.maximumBitrateKbps:8000 \r\n\
        a=x-nv-video[0].videoEncoderSlicesPerFrame:1 \r\n\
        a=x-nv-video[0].maxNumReferenceFrames:1 \r\n\
        a=x-nv-audio.surround.numChannels:2 \r\n\
        m=video 47998  \r\n";

    fn parse(body: &str) -> Result<StreamParameters, AnnounceError> {
        StreamParameters::parse(body.as_bytes(), &offer(), Quality::High, 1392)
    }

    fn parse_with(line: &str) -> Result<StreamParameters, AnnounceError> {
        parse(&format!("{line}\r\n{LEAST}"))
    }

    #[test]
    fn a_body_of_required_attributes_gets_the_defaults() {
        let parameters = parse(LEAST).unwrap();
        assert_eq!(parameters.video.profile, VideoProfile::H264);
        assert_eq!(parameters.video.budget, Budget::Picture(Bitrate::from_kbps(8000)));
        assert_eq!(parameters.video.frame_rate, FrameRate::from_hz(60));
        let colorimetry = Colorimetry { space: ColorSpace::Bt601, range: ColorRange::Limited };
        assert_eq!(parameters.video.colorimetry, colorimetry);
        assert!(parameters.video.single_reference);
        assert_eq!(parameters.audio.packet_duration_ms, 5);
        assert_eq!(parameters.audio.bitrate, Bitrate::from_kbps(512));
        assert_eq!(parameters.encryption, Encryption::default());
    }

    #[test]
    fn each_required_attribute_is_missed_by_name() {
        for line in LEAST.lines().filter(|line| line.starts_with("a=")) {
            let name = line[2..].split(':').next().unwrap();
            match parse(&LEAST.replace(line, "")) {
                Err(AnnounceError::Missing { name: missed }) => assert_eq!(missed, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn values_nobody_can_work_with_are_refused_with_the_value() {
        for (name, value) in [
            ("x-nv-video[0].clientViewportWd", "0"),
            ("x-nv-video[0].clientViewportHt", "8193"),
            ("x-nv-video[0].maxFPS", "0"),
            ("x-nv-video[0].maxFPS", "481"),
            ("x-nv-video[0].maxFPS", "sixty"),
            ("x-nv-video[0].packetSize", "63"),
            ("x-nv-vqos[0].bw.maximumBitrateKbps", "49"),
            ("x-ml-video.configuredBitrateKbps", "4294967295"),
            ("x-nv-video[0].videoEncoderSlicesPerFrame", "0"),
            ("x-nv-video[0].videoEncoderSlicesPerFrame", "256"),
            ("x-nv-vqos[0].fec.minRequiredFecPackets", "65"),
            ("x-nv-audio.surround.numChannels", "4"),
            ("x-nv-aqos.packetDuration", "20"),
            ("x-nv-video[0].encoderCscMode", "6"),
            ("x-nv-video[0].dynamicRangeMode", "2"),
            ("x-ss-video[0].chromaSamplingType", "-1"),
            ("x-nv-vqos[0].bitStreamFormat", "3"),
        ] {
            match parse_with(&format!("a={name}:{value} ")) {
                Err(AnnounceError::OutOfRange { name: found, value: carried, .. }) => {
                    assert_eq!((found, carried.as_str()), (name, value));
                }
                other => panic!("{name}:{value}: {other:?}"),
            }
        }
        assert_eq!(
            parse_with("a=x-nv-video[0].packetSize:1408 "),
            Err(AnnounceError::PacketTooLarge { size: 1408, limit: 1392 })
        );
    }

    #[test]
    fn refresh_rate_counts_only_within_one_percent_of_the_frame_rate() {
        let rate = |x100: u32| {
            let line = format!("a=x-nv-video[0].clientRefreshRateX100:{x100} ");
            parse_with(&line).unwrap().video.frame_rate.millihertz()
        };
        assert_eq!(rate(5994), 59_940);
        assert_eq!(rate(6060), 60_600);
        assert_eq!(rate(6061), 60_000);
        assert_eq!(rate(14_400), 60_000);
        assert_eq!(rate(u32::MAX), 60_000);
    }

    #[test]
    fn profiles_that_were_not_offered_are_refused() {
        let hevc = parse_with("a=x-nv-vqos[0].bitStreamFormat:1 ");
        assert!(matches!(hevc, Err(AnnounceError::NotOffered { profile }) if profile.codec == VideoCodec::Hevc));
        let ten_bit = parse_with("a=x-nv-video[0].dynamicRangeMode:1 ");
        assert!(matches!(ten_bit, Err(AnnounceError::NotOffered { profile }) if profile.ten_bit));
        let large = parse_with("a=x-nv-video[0].clientViewportWd:5120 ");
        assert_eq!(large, Err(AnnounceError::TooLargeForH264 { size: Size::new(5120, 720) }));
    }

    #[test]
    fn audio_encryption_follows_the_nv_flag() {
        let parameters = parse_with("a=x-nv-general.featureFlags:167 ").unwrap();
        assert_eq!(parameters.encryption, Encryption { audio: true, ..Encryption::default() });
    }

    #[test]
    fn encryption_the_host_insists_on_must_be_announced() {
        let strict = Offer { encryption_required: Encryption::ALL, ..offer() };
        let parse = |body: &str| StreamParameters::parse(body.as_bytes(), &strict, Quality::High, 1392);
        assert!(matches!(parse(LEAST), Err(AnnounceError::EncryptionRequired { .. })));
        assert!(parse(&format!("a=x-ss-general.encryptionEnabled:7\n{LEAST}")).is_ok());
    }

    #[test]
    fn stereo_quality_comes_from_outside_and_surround_quality_from_the_body() {
        let low = StreamParameters::parse(LEAST.as_bytes(), &offer(), Quality::Normal, 1392).unwrap();
        assert_eq!(low.audio.bitrate, Bitrate::from_kbps(96));
        let surround = parse_with("a=x-nv-audio.surround.numChannels:6\na=x-nv-audio.surround.AudioQuality:1").unwrap();
        assert_eq!(surround.audio.layout.streams, 6);
    }

    #[test]
    fn the_encoder_gets_what_parity_sound_and_headers_leave() {
        let whole = Budget::Whole(Bitrate::from_kbps(20_000));
        let audio = Bitrate::from_kbps(512);
        assert_eq!(whole.for_encoder(FecPercent(20), audio).kbps(), (20_000 - 512 - 500) * 100 / 120);
        let tiny = Budget::Whole(Bitrate::from_kbps(50));
        assert_eq!(tiny.for_encoder(FecPercent(0), audio).kbps(), 35);
        let picture = Budget::Picture(Bitrate::from_kbps(8000));
        assert_eq!(picture.for_encoder(FecPercent(20), audio).kbps(), 8000);
    }
}
