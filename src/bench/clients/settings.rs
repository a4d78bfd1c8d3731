//! What every client of a run asks for, and what it decides once it has seen
//! the host's offer.

use std::time::Duration;

use anyhow::{bail, ensure};

use crate::cli::ClientsArgs;
use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::protocol::rtsp::handshake::DEFAULT_MAX_PACKET_SIZE;
use crate::protocol::rtsp::sdp::{Encryption, SeenOffer};
use crate::protocol::rtsp::stream_parameters::{
    AudioParameters, Budget, ClientFeatures, StreamParameters, VideoParameters,
};
use crate::protocol::rtsp::surround::{self, Quality};
use crate::units::{Bitrate, FrameRate, Size};

/// The same for all clients.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) app: String,
    pub(super) size: Size,
    pub(super) fps: u32,
    pub(super) bitrate: Bitrate,
    pub(super) codec: VideoCodec,
    /// The user wants everything encrypted.
    pub(super) encrypt: bool,
    /// The client is too old for encrypted RTSP.
    pub(super) plain_rtsp: bool,
    /// The client is too old to say in pings and CONNECT whose they are.
    pub(super) nameless: bool,
    pub(super) input: bool,
    pub(super) duration: Duration,
    pub(super) stagger: Duration,
}

impl Settings {
    /// From the command line.
    pub(super) fn new(args: &ClientsArgs) -> anyhow::Result<Self> {
        ensure!(args.fps > 0, "--fps must be at least 1");
        ensure!(args.bitrate > 0, "--bitrate must be at least 1");
        Ok(Self {
            app: args.app.clone(),
            size: args.size,
            fps: args.fps,
            bitrate: Bitrate::from_kbps(args.bitrate),
            codec: args.codec,
            encrypt: args.encrypt,
            plain_rtsp: args.plain_rtsp,
            nameless: false,
            input: args.input,
            duration: Duration::from_secs(args.seconds),
            stagger: Duration::from_millis(args.stagger),
        })
    }

    /// Few bits for stereo sound, by the real client's rule.
    pub(super) const fn low_stereo(&self) -> bool {
        self.bitrate.kbps() < 15_000
    }

    /// What the client decides. Before the offer is known it is a guess that
    /// nobody is told.
    pub(super) fn decide(&self, offer: Option<&SeenOffer>) -> anyhow::Result<StreamParameters> {
        let encryption = offer.map(|offer| self.encryption(offer)).unwrap_or_default();
        if offer.is_some_and(|offer| !offer.has(self.codec)) {
            bail!("the host does not offer {}", self.codec.name());
        }
        let quality = if self.low_stereo() { Quality::Normal } else { Quality::High };
        let Some((layout, bitrate)) = surround::layout(2, quality) else { bail!("no layout for stereo") };
        Ok(StreamParameters {
            video: VideoParameters {
                profile: VideoProfile { codec: self.codec, chroma: Chroma::Yuv420, ten_bit: false },
                size: self.size,
                frame_rate: FrameRate::from_hz(self.fps),
                budget: Budget::Whole(self.bitrate),
                packet_size: DEFAULT_MAX_PACKET_SIZE - if encryption.video { SEAL_LEN } else { 0 },
                slices: 1,
                single_reference: true,
                intra_refresh: false,
                colorimetry: Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited },
                minimum_parity: 2,
                dscp: true,
            },
            audio: AudioParameters {
                layout,
                bitrate,
                packet_duration_ms: if self.bitrate.kbps() < 5000 { 10 } else { 5 },
                dscp: true,
            },
            encryption,
            features: ClientFeatures { fec_status: true, session_ids: !self.nameless },
        })
    }

    /// As the real client combines what host and user want.
    fn encryption(&self, offer: &SeenOffer) -> Encryption {
        let (supported, requested) = (offer.encryption_supported, offer.encryption_requested);
        Encryption {
            control_v2: supported.control_v2,
            video: supported.video && self.encrypt || requested.video,
            audio: supported.audio && self.encrypt || requested.audio,
        }
    }
}

/// The client makes packets smaller by what sealing adds.
const SEAL_LEN: u16 = 32;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{BenchCommand, Cli, Command};

    fn settings(flags: &str) -> Settings {
        let line = format!("earthshine bench clients {flags}");
        let Command::Bench(args) = Cli::try_parse_from(line.split_whitespace()).unwrap().command else { panic!() };
        let BenchCommand::Clients(args) = args.command else { panic!("not {line}") };
        Settings::new(&args).unwrap()
    }

    const OFFER: SeenOffer = SeenOffer {
        encryption_supported: Encryption::ALL,
        encryption_requested: Encryption { control_v2: true, video: false, audio: false },
        hevc: false,
        av1: false,
    };

    #[test]
    fn video_and_sound_are_encrypted_if_either_end_wants_it() {
        let encryption = |flags, offer: &SeenOffer| settings(flags).decide(Some(offer)).unwrap().encryption.bits();
        assert_eq!(encryption("", &OFFER), 1);
        assert_eq!(encryption("--encrypt", &OFFER), 7);
        assert_eq!(encryption("", &SeenOffer { encryption_requested: Encryption::ALL, ..OFFER }), 7);
        let none = SeenOffer { encryption_supported: Encryption::default(), ..OFFER };
        assert_eq!(encryption("--encrypt", &none), 0);
        assert_eq!(settings("--encrypt").decide(Some(&OFFER)).unwrap().video.packet_size, 1360);
    }

    #[test]
    fn a_low_bitrate_saves_on_sound_too() {
        let audio = |flags| settings(flags).decide(None).unwrap().audio;
        assert_eq!((audio("--bitrate 1000").packet_duration_ms, audio("--bitrate 1000").bitrate.kbps()), (10, 96));
        assert_eq!((audio("--bitrate 20000").packet_duration_ms, audio("--bitrate 20000").bitrate.kbps()), (5, 512));
    }

    #[test]
    fn a_codec_that_is_not_offered_is_named() {
        let error = settings("--codec hevc").decide(Some(&OFFER)).unwrap_err().to_string();
        assert!(error.contains("hevc"), "{error}");
    }
}
