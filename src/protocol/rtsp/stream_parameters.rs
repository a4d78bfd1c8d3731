//! ANNOUNCE: what the client decided, typed and checked.
//!
//! The body is made by moonlight-common-c `SdpGenerator.c`: lines
//! `a=name:value ` with a blank after each value, and an `m=` line no SDP
//! parser takes. Unknown names are ignored: forks add their own.

use crate::codec::VideoProfile;
use crate::color::Colorimetry;
use crate::protocol::rtsp::announce_error::AnnounceError;
use crate::protocol::rtsp::attributes::Attributes;
use crate::protocol::rtsp::sdp::{Encryption, Offer};
use crate::protocol::rtsp::surround::Quality;
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
    /// The picture shall be refreshed stripe by stripe. The client of
    /// moonlight-common-c does not ask for it; Sunshine reads it, for others.
    pub intra_refresh: bool,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::VideoCodec;
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
