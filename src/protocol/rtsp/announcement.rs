//! The body of ANNOUNCE as a client writes it: the inverse of
//! [`StreamParameters::parse`], for the load generator.
//!
//! Lines and their order: moonlight-common-c `SdpGenerator.c`; compared with
//! recorded ones in `tests/wire/rtsp.rs`.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::codec::{Chroma, VideoCodec};
use crate::protocol::rtsp::stream_parameters::{AudioParameters, Budget, StreamParameters, VideoParameters};
use crate::units::Bitrate;

/// The body for a host at this address whose video port is known from SETUP.
#[must_use]
pub fn announcement(parameters: &StreamParameters, host: IpAddr, video_port: u16) -> String {
    let mut body = Body::opened(host);
    let StreamParameters { video, audio, encryption, features } = parameters;
    body.line("x-ml-general.featureFlags", u32::from(features.fec_status) | u32::from(features.session_ids) << 1);
    body.line("x-ss-general.encryptionEnabled", encryption.bits());
    body.line("x-ss-video[0].chromaSamplingType", u32::from(video.profile.chroma == Chroma::Yuv444));
    // As the client that this is written after, which has no such line.
    if video.intra_refresh {
        body.line("x-ss-video[0].intraRefresh", 1);
    }
    body.picture(video);
    body.line("x-nv-vqos[0].fec.enable", 1);
    body.line("x-nv-vqos[0].videoQualityScoreUpdateTime", 5000);
    body.line("x-nv-vqos[0].qosTrafficType", if video.dscp { 5 } else { 0 });
    body.line("x-nv-aqos.qosTrafficType", if audio.dscp { 4 } else { 0 });
    body.line("x-nv-general.featureFlags", if encryption.audio { 167 } else { 135 });
    body.line("x-nv-general.useReliableUdp", 13);
    body.line("x-nv-vqos[0].fec.minRequiredFecPackets", u32::from(video.minimum_parity));
    for constant in ["x-nv-vqos[0].bllFec.enable", "x-nv-vqos[0].drc.enable", "x-nv-general.enableRecoveryMode"] {
        body.line(constant, 0);
    }
    body.line("x-nv-video[0].videoEncoderSlicesPerFrame", u32::from(video.slices));
    if video.profile.codec != VideoCodec::Av1 {
        body.line("x-nv-clientSupportHevc", u32::from(video.profile.codec == VideoCodec::Hevc));
    }
    body.line("x-nv-vqos[0].bitStreamFormat", video.profile.codec.to_wire());
    body.line("x-nv-video[0].dynamicRangeMode", u32::from(video.profile.ten_bit));
    body.line("x-nv-video[0].maxNumReferenceFrames", u32::from(video.single_reference));
    body.line("x-nv-video[0].clientRefreshRateX100", video.frame_rate.millihertz() / 10);
    body.sound(audio);
    body.line("x-nv-video[0].encoderCscMode", video.colorimetry.to_csc_mode());
    body.closed(video_port)
}

struct Body(String);

impl Body {
    fn opened(host: IpAddr) -> Self {
        let version = if host.is_ipv4() { "IPv4" } else { "IPv6" };
        Self(format!("v=0\r\no=android 0 14 IN {version} {host}\r\ns=NVIDIA Streaming Client\r\n"))
    }

    /// Every value has a blank behind it.
    fn line(&mut self, name: &str, value: u32) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "a={name}:{value} \r\n");
    }

    fn picture(&mut self, video: &VideoParameters) {
        self.line("x-nv-video[0].clientViewportWd", video.size.width);
        self.line("x-nv-video[0].clientViewportHt", video.size.height);
        self.line("x-nv-video[0].maxFPS", video.frame_rate.millihertz().saturating_add(500) / 1000);
        self.line("x-nv-video[0].packetSize", u32::from(video.packet_size));
        self.line("x-nv-video[0].rateControlMode", 4);
        self.line("x-nv-video[0].timeoutLengthMs", 7000);
        self.line("x-nv-video[0].framesWithInvalidRefThreshold", 0);
        let (whole, picture) = match video.budget {
            Budget::Whole(rate) => (Some(rate), Bitrate::from_kbps(rate.kbps() / 5 * 4)),
            Budget::Picture(rate) => (None, rate),
        };
        let picture = picture.kbps().min(HIGHEST_PICTURE_KBPS);
        self.line("x-nv-video[0].initialBitrateKbps", picture);
        self.line("x-nv-video[0].initialPeakBitrateKbps", picture);
        self.line("x-nv-vqos[0].bw.minimumBitrateKbps", picture);
        self.line("x-nv-vqos[0].bw.maximumBitrateKbps", picture);
        if let Some(whole) = whole {
            self.line("x-ml-video.configuredBitrateKbps", whole.kbps());
        }
    }

    fn sound(&mut self, audio: &AudioParameters) {
        let channels = u32::from(audio.layout.channels);
        let mask = match channels {
            6 => 0x3F,
            8 => 0x63F,
            _ => 3,
        };
        // A stream per channel is what high quality means for surround sound.
        let high = channels > 2 && audio.layout.coupled == 0;
        self.line("x-nv-audio.surround.numChannels", channels);
        self.line("x-nv-audio.surround.channelMask", mask);
        self.line("x-nv-audio.surround.enable", u32::from(channels > 2));
        self.line("x-nv-audio.surround.AudioQuality", u32::from(high));
        self.line("x-nv-aqos.packetDuration", u32::from(audio.packet_duration_ms));
    }

    fn closed(mut self, video_port: u16) -> String {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "t=0 0\r\nm=video {video_port}  \r\n");
        self.0
    }
}

/// The old attributes end here; newer hosts read `configuredBitrateKbps`.
const HIGHEST_PICTURE_KBPS: u32 = 100_000;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::codec::VideoProfile;
    use crate::color::{ColorRange, ColorSpace, Colorimetry};
    use crate::protocol::rtsp::sdp::{Encryption, Offer};
    use crate::protocol::rtsp::stream_parameters::ClientFeatures;
    use crate::protocol::rtsp::surround::{self, Quality};
    use crate::units::{FrameRate, Size};

    fn parameters(profile: VideoProfile, channels: u32, quality: Quality, budget: Budget) -> StreamParameters {
        let (layout, bitrate) = surround::layout(channels, quality).unwrap();
        StreamParameters {
            video: VideoParameters {
                profile,
                size: Size::new(320, 180),
                frame_rate: FrameRate::from_millihertz(59_940),
                budget,
                packet_size: 1360,
                slices: 4,
                single_reference: true,
                intra_refresh: channels == 6,
                colorimetry: Colorimetry { space: ColorSpace::Bt2020, range: ColorRange::Full },
                minimum_parity: 2,
                dscp: true,
            },
            audio: AudioParameters { layout, bitrate, packet_duration_ms: 10, dscp: false },
            encryption: Encryption { control_v2: true, video: false, audio: true },
            features: ClientFeatures { fec_status: true, session_ids: true },
        }
    }

    #[test]
    fn the_host_reads_what_a_client_writes() {
        let hevc = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv444, ten_bit: true };
        let av1 = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit: false };
        let (whole, picture) = (Budget::Whole(Bitrate::from_kbps(1000)), Budget::Picture(Bitrate::from_kbps(800)));
        for (profile, channels, quality, budget) in [
            (VideoProfile::H264, 2, Quality::High, whole),
            (hevc, 6, Quality::High, picture),
            (av1, 8, Quality::Normal, whole),
        ] {
            let offer = Offer::of(vec![profile]);
            let wanted = parameters(profile, channels, quality, budget);
            let body = announcement(&wanted, Ipv4Addr::LOCALHOST.into(), 47998);
            let read = StreamParameters::parse(body.as_bytes(), &offer, Quality::High, 1392);
            assert_eq!(read, Ok(wanted), "{body}");
        }
    }
}
