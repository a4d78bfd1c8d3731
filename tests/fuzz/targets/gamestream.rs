//! Finding and pairing over HTTP, and the first datagram.

use earthshine::codec::VideoCodec;
use earthshine::host::client_certificate::PublicKey;
use earthshine::protocol::gamestream::answer::SessionUrl;
use earthshine::protocol::gamestream::launch_request::LaunchRequest;
use earthshine::protocol::gamestream::ping::{Ping, PingPayload};
use earthshine::protocol::gamestream::xml_reader;
use earthshine::protocol::pairing::certificate::Certificate;
use earthshine::protocol::pairing::handshake::{AwaitingPin, HostRandom};
use earthshine::protocol::pairing::pin_key::{HashKind, Pin};
use earthshine::protocol::pairing::request::PairRequest;
use earthshine::protocol::rtsp;
use earthshine::protocol::rtsp::sdp::SeenOffer;

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

/// Any certificate, for the host's part of the proof.
fn step_certificate() -> Option<Certificate> {
    Certificate::from_pem(include_bytes!("../host_certificate.pem")).ok()
}

/// Certificates as PEM or DER, and signatures checked with their keys; and the
/// key as the TLS handshake finds it.
pub fn certificate(data: &[u8]) {
    if let (Some(key), Ok(certificate)) = (PublicKey::find(data), Certificate::from_der(data.to_vec())) {
        assert_eq!(key.info().as_ref(), certificate.public_key_info());
    }
    let parsed = [Certificate::from_pem(data), Certificate::from_der(data.to_vec())];
    for certificate in parsed.into_iter().flatten() {
        let _ = certificate.client_id();
        assert!(certificate.public_key_info().len() < certificate.der().len());
        let signature = certificate.signature();
        assert!(!certificate.verifies(b"nobody signed this", signature));
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

fn query(data: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(data).into_owned().collect()
}

/// What a host answers to the load generator: documents, URLs, RTSP.
pub fn host_answer(data: &[u8]) {
    if let Ok(answer) = rtsp::answer::Answer::read(data) {
        let seen = SeenOffer::read(&answer.body);
        assert!(seen.has(VideoCodec::H264));
        let _ = answer.header("X-SS-Ping-Payload").and_then(PingPayload::from_header);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = SessionUrl::read(text);
    let Ok(answer) = xml_reader::Answer::read(text) else { return };
    for app in answer.blocks("App") {
        let _ = (app.required("AppTitle"), app.number("ID"));
    }
    if let Ok(bytes) = answer.bytes("challengeresponse") {
        assert!(bytes.len() * 2 <= text.len());
    }
}
