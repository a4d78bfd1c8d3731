//! One function per parser of foreign bytes: takes any bytes, must not panic,
//! and checks what must hold for bytes that were accepted.
//!
//! Shared by the libFuzzer binaries in `fuzz_targets/` and by the ordinary test
//! `tests/fuzz_corpus.rs`. A new parser gets a function here, a line in
//! [`TARGETS`], a binary, and seeds in `corpus/NAME/`.

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::protocol::control::feedback::HostMessage;
use earthshine::protocol::control::message::ClientMessage;
use earthshine::protocol::control::session::{self, ControlSession};
use earthshine::protocol::control::{input_packet, keymap};
use earthshine::protocol::gamestream::launch_request::LaunchRequest;
use earthshine::protocol::gamestream::ping::{Ping, PingPayload};
use earthshine::protocol::pairing::certificate::Certificate;
use earthshine::protocol::pairing::handshake::{AwaitingPin, HostRandom};
use earthshine::protocol::pairing::pin_key::{HashKind, Pin};
use earthshine::protocol::pairing::request::PairRequest;
use earthshine::protocol::rtsp::handshake::{DEFAULT_MAX_PACKET_SIZE, Handshake, HandshakeConfig, Ports};
use earthshine::protocol::rtsp::message::{Progress, REQUEST_LIMIT, parse_request};
use earthshine::protocol::rtsp::sdp::{Encryption, Offer};
use earthshine::protocol::rtsp::sealer::{Opened, RtspSealer};
use earthshine::protocol::rtsp::stream_parameters::StreamParameters;
use earthshine::protocol::rtsp::surround::Quality;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::side::Side;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All of them by name, which is also the folder of their seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("rtsp_request", rtsp_request),
    ("rtsp_sealed", rtsp_sealed),
    ("announce", announce),
    ("control_packet", control_packet),
    ("control_message", control_message),
    ("input_packet", input_event),
    ("ping", ping),
    ("launch_query", launch_query),
    ("pairing", pairing),
    ("certificate", certificate),
];

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

/// Sealed control packets under both schemes.
pub fn control_packet(data: &[u8]) {
    for v2 in [true, false] {
        let mut session = ControlSession::new(&key(), v2);
        let first = session.handle_packet(data);
        if v2 && first.is_ok() {
            assert!(session.handle_packet(data).is_err(), "a replay was opened");
        }
    }
}

/// Decrypted control messages of either end.
pub fn control_message(data: &[u8]) {
    if let Ok(message) = ClientMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(ClientMessage::read(&written), Ok(message));
    }
    // What it means must not depend on when it is asked.
    assert_eq!(format!("{:?}", session::event(data)), format!("{:?}", session::event(data)));
    if let Ok(Some(message)) = HostMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(HostMessage::read(&written), Ok(Some(message)));
    }
}

/// Input packets.
pub fn input_event(data: &[u8]) {
    if let Ok(Some(event)) = input_packet::read(data) {
        let mut written = Vec::new();
        input_packet::write(&event, &mut written);
        assert_eq!(input_packet::read(&written), Ok(Some(event)));
    }
    if let [code, flag, ..] = data {
        let _ = keymap::evdev_code(*code, flag & 1 != 0);
    }
}

/// First datagrams of media streams.
pub fn ping(data: &[u8]) {
    match Ping::parse(data) {
        Some(Ping::Session { payload, .. }) => assert_eq!(payload.as_str().as_bytes(), &data[..16]),
        Some(Ping::Legacy) => assert_eq!(data, b"PING"),
        None => {}
    }
}

/// Query strings of launch and resume.
pub fn launch_query(data: &[u8]) {
    if let Ok(request) = LaunchRequest::parse(&query(data)) {
        assert!(request.app.0 > 0 && matches!(request.channels, 2 | 6 | 8));
        assert!(request.frame_rate_hz != Some(0));
    }
}

/// Query strings of pairing, one a line, played through an attempt.
pub fn pairing(data: &[u8]) {
    let mut waiting = None;
    let mut challenged = None;
    let mut revealed = None;
    for line in data.split(|byte| *byte == b'\n') {
        match PairRequest::parse(&query(line)) {
            Ok(PairRequest::GetServerCert { salt, certificate }) => {
                let pin = Pin::parse("1234").expect("four digits");
                waiting = Some(AwaitingPin::new(HashKind::Sha256, salt, *certificate).enter_pin(&pin));
            }
            Ok(PairRequest::ClientChallenge(challenge)) => {
                if let Some(step) = waiting.take() {
                    let host = step_certificate();
                    let random = HostRandom { secret: [0x40; 16], challenge: [0x60; 16] };
                    challenged = host.map(|host| step.answer_challenge(&challenge, &host, random).0);
                }
            }
            Ok(PairRequest::ServerChallengeResponse(response)) => {
                let step = challenged.take();
                let sign = |message: &[u8]| Ok::<_, ()>(message.to_vec());
                revealed = step.and_then(|step| step.reveal(&response, sign).ok()).map(|(step, _)| step);
            }
            Ok(PairRequest::ClientPairingSecret { secret, signature }) => {
                if let Some(step) = revealed.take() {
                    let _ = step.verify(&secret, &signature);
                }
            }
            Ok(PairRequest::PairChallenge) | Err(_) => {}
        }
    }
}

/// Certificates as PEM or DER, and signatures checked with their keys.
pub fn certificate(data: &[u8]) {
    let parsed = [Certificate::from_pem(data), Certificate::from_der(data.to_vec())];
    for certificate in parsed.into_iter().flatten() {
        let _ = certificate.client_id();
        assert!(certificate.public_key_info().len() < certificate.der().len());
        let signature = certificate.signature();
        assert!(!certificate.verifies(b"nobody signed this", signature));
    }
}

/// Any certificate, for the host's part of the proof.
fn step_certificate() -> Option<Certificate> {
    Certificate::from_pem(include_bytes!("host_certificate.pem")).ok()
}

/// Of the test vectors, so that recorded packets open.
fn key() -> SessionKey {
    SessionKey::new(std::array::from_fn(|at| 0x10 + u8::try_from(at).unwrap_or(0)))
}

fn query(data: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(data).into_owned().collect()
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
    Offer {
        profiles: every.collect(),
        encryption_supported: Encryption::ALL,
        encryption_requested: Encryption::default(),
        encryption_required: Encryption::default(),
        pen_touch: true,
        controller_touch_motion: true,
        reference_invalidation: true,
    }
}
