//! What clients say in RTSP, and what they offer to take.

use super::key;
use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::protocol::gamestream::ping::PingPayload;
use earthshine::protocol::rtsp::handshake::{DEFAULT_MAX_PACKET_SIZE, Handshake, HandshakeConfig, Ports};
use earthshine::protocol::rtsp::message::{Progress, REQUEST_LIMIT, parse_request};
use earthshine::protocol::rtsp::sdp::Offer;
use earthshine::protocol::rtsp::sealer::{Opened, RtspSealer};
use earthshine::protocol::rtsp::stream_parameters::StreamParameters;
use earthshine::protocol::rtsp::surround::Quality;
use earthshine::protocol::side::Side;

/// Requests one after the other, played through a handshake.
pub fn rtsp_request(data: &[u8]) {
    let mut handshake = handshake();
    let mut rest = data;
    while let Ok(Progress::Complete { request, consumed }) = parse_request(rest) {
        assert!(consumed > 0 && consumed <= rest.len() && consumed <= REQUEST_LIMIT);
        let again = parse_request(&rest[..consumed]);
        assert_eq!(again, Ok(Progress::Complete { request: request.clone(), consumed }));
        let answer = handshake.handle_request(&request).response.to_bytes();
        assert!(answer.starts_with(b"RTSP/1.0 ") && !answer.contains(&0));
        rest = &rest[consumed..];
    }
}

/// Encrypted RTSP frames, and whatever was in them.
pub fn rtsp_sealed(data: &[u8]) {
    let mut host = RtspSealer::new(&key(), Side::Host);
    if let Ok(Opened::Complete { plain, consumed }) = host.open(data) {
        assert_eq!(plain.len() + 24, consumed);
        assert!(host.open(data).is_err(), "a replay was opened");
        rtsp_request(&plain);
    }
    if data.len() < REQUEST_LIMIT {
        let frame = RtspSealer::new(&key(), Side::Client).seal(data).expect("a fresh sealer seals");
        let opened = RtspSealer::new(&key(), Side::Host).open(&frame);
        assert_eq!(opened, Ok(Opened::Complete { plain: data.to_vec(), consumed: frame.len() }));
    }
}

/// The body of an ANNOUNCE.
pub fn announce(data: &[u8]) {
    if let Ok(parameters) = StreamParameters::parse(data, &offer(), Quality::High, DEFAULT_MAX_PACKET_SIZE) {
        let (video, audio) = (&parameters.video, &parameters.audio);
        assert!(video.size.width >= 64 && video.size.width <= 8192);
        assert!(video.packet_size >= 64 && video.packet_size <= DEFAULT_MAX_PACKET_SIZE);
        assert!(video.slices >= 1 && video.frame_rate.millihertz() >= 990 && video.frame_rate.millihertz() <= 484_800);
        assert!(matches!(audio.layout.channels, 2 | 6 | 8) && matches!(audio.packet_duration_ms, 5 | 10));
        for fec in [0, 20, 255] {
            assert!(video.budget.for_encoder(earthshine::units::FecPercent(fec), audio.bitrate).kbps() > 0);
        }
    }
}

fn handshake() -> Handshake {
    Handshake::new(HandshakeConfig {
        offer: offer(),
        ports: Ports { video: 47998, audio: 48000, control: 47999 },
        ping_payload: PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]),
        connect_data: 1,
        session_token: "DEADBEEFCAFE".to_owned(),
        max_packet_size: DEFAULT_MAX_PACKET_SIZE,
    })
}

fn offer() -> Offer {
    let every = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1].into_iter().flat_map(|codec| {
        [Chroma::Yuv420, Chroma::Yuv444]
            .into_iter()
            .flat_map(move |chroma| [false, true].map(|ten_bit| VideoProfile { codec, chroma, ten_bit }))
    });
    Offer { pen_touch: true, controller_touch_motion: true, reference_invalidation: true, ..Offer::of(every.collect()) }
}
