//! The attributes of an ANNOUNCE, each with the values that make sense.

use std::collections::HashMap;

use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::Colorimetry;
use crate::protocol::rtsp::announce_error::AnnounceError;
use crate::protocol::rtsp::message::shortened;
use crate::protocol::rtsp::sdp::{Encryption, Offer};
use crate::protocol::rtsp::stream_parameters::{AudioParameters, Budget, VideoParameters};
use crate::protocol::rtsp::surround::{self, Quality};
use crate::units::{Bitrate, FrameRate, Size};

/// The `a=` lines of a body. The first of equal names counts.
pub(super) struct Attributes<'a>(HashMap<&'a str, &'a str>);

impl<'a> Attributes<'a> {
    /// From the text of a body.
    pub(super) fn read(text: &'a str) -> Self {
        let mut values = HashMap::new();
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("a="));
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            values.entry(name.trim()).or_insert_with(|| value.trim());
        }
        Self(values)
    }

    /// The picture that is asked for.
    pub(super) fn video(&self, offer: &Offer, max_packet_size: u16) -> Result<VideoParameters, AnnounceError> {
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
            intra_refresh: self.number_or("x-ss-video[0].intraRefresh", 0)? != 0,
            colorimetry: self.colorimetry()?,
            minimum_parity: self.small("x-nv-vqos[0].fec.minRequiredFecPackets", Some(0), 0, 64, "0 to 64")?,
            dscp: self.number_or("x-nv-vqos[0].qosTrafficType", 0)? != 0,
        })
    }

    /// The sound that is asked for.
    pub(super) fn audio(&self, stereo: Quality) -> Result<AudioParameters, AnnounceError> {
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

    /// What is encrypted, as the client will act.
    pub(super) fn encryption(&self, offer: &Offer) -> Result<Encryption, AnnounceError> {
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

    /// A number, or this one where the attribute is not there.
    pub(super) fn number_or(&self, name: &'static str, default: u32) -> Result<u32, AnnounceError> {
        if self.0.contains_key(name) { self.number(name) } else { Ok(default) }
    }

    fn out_of_range(&self, name: &'static str, expected: &'static str) -> AnnounceError {
        let value = self.0.get(name).copied().map(shortened).unwrap_or_default();
        AnnounceError::OutOfRange { name, value, expected }
    }
}

/// Bit of `x-nv-general.featureFlags`.
const NV_AUDIO_ENCRYPTION: u32 = 0x20;
