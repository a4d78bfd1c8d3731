//! Every RTSP exchange of the recorded sessions: our answers are the recorded
//! ones to the byte, and the announced parameters are what the client was told
//! to ask for.

use std::net::Ipv4Addr;

use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::color::{ColorRange, ColorSpace};
use earthshine::protocol::gamestream::ping::{Ping, PingPayload};
use earthshine::protocol::rtsp::answer::Answer;
use earthshine::protocol::rtsp::client_handshake::{ClientHandshake, ClientHandshakeConfig, Step};
use earthshine::protocol::rtsp::handshake::{DEFAULT_MAX_PACKET_SIZE, Event, Handshake, HandshakeConfig, Ports};
use earthshine::protocol::rtsp::message::{Progress, Request, parse_request};
use earthshine::protocol::rtsp::sdp::{Encryption, Offer};
use earthshine::protocol::rtsp::sealer::{Opened, RtspSealer};
use earthshine::protocol::rtsp::stream_parameters::{Budget, StreamParameters};
use earthshine::protocol::side::Side;
use earthshine::units::{Bitrate, FrameRate, Size};
use serde_json::Value;

use crate::vectors::{SESSIONS, bytes, key, load, text};

const PORTS: Ports = Ports { video: 47998, audio: 48000, control: 47999 };

/// The recordings hide the ports of their day.
fn with_ports(text: &str) -> String {
    [("VIDEO_PORT", PORTS.video), ("AUDIO_PORT", PORTS.audio), ("CONTROL_PORT", PORTS.control), ("RTSP_PORT", 48010)]
        .into_iter()
        .fold(text.to_owned(), |text, (name, port)| text.replace(name, &port.to_string()))
}

fn parse(text: &str) -> Request {
    match parse_request(text.as_bytes()) {
        Ok(Progress::Complete { request, consumed }) => {
            assert_eq!(consumed, text.len());
            request
        }
        other => panic!("{other:?} of {text:?}"),
    }
}

/// What the recording host offered, read from its DESCRIBE answer.
fn offer(session: &Value) -> Offer {
    let answer = text(&session["rtsp"][1], "response");
    let number = |name: &str| -> u32 {
        let rest = answer.split(&format!("{name}:")).nth(1).unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    };
    let features = number("x-ss-general.featureFlags");
    let mut profiles = vec![VideoProfile::H264];
    let mut add = |codec| {
        for ten_bit in [false, true] {
            profiles.push(VideoProfile { codec, chroma: Chroma::Yuv420, ten_bit });
        }
    };
    if answer.contains("sprop-parameter-sets") {
        add(VideoCodec::Hevc);
    }
    if answer.contains("AV1/90000") {
        add(VideoCodec::Av1);
    }
    Offer {
        profiles,
        encryption_supported: Encryption::from_bits(number("x-ss-general.encryptionSupported")),
        encryption_requested: Encryption::from_bits(number("x-ss-general.encryptionRequested")),
        encryption_required: Encryption::default(),
        pen_touch: features & 1 != 0,
        controller_touch_motion: features & 2 != 0,
        reference_invalidation: true,
    }
}

fn handshake(session: &Value) -> Handshake {
    Handshake::new(HandshakeConfig {
        offer: offer(session),
        ports: PORTS,
        ping_payload: PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]),
        connect_data: 0xDEAD_BEEF,
        session_token: "DEADBEEFCAFE".into(),
        max_packet_size: DEFAULT_MAX_PACKET_SIZE,
    })
}

/// Plays a recording through a handshake.
fn replay(name: &str) -> StreamParameters {
    let session = load(name);
    let mut handshake = handshake(&session);
    let (mut announced, mut plays) = (None, 0);
    for exchange in session["rtsp"].as_array().unwrap() {
        let reply = handshake.handle_request(&parse(&with_ports(text(exchange, "request"))));
        let answer = String::from_utf8(reply.response.to_bytes()).unwrap();
        let mut expected = with_ports(text(exchange, "response"));
        if name.ends_with("short_rotation") {
            // This recording is of a host that got 7.1 wrong.
            expected = expected.replace("85301245367", "85301245673");
        }
        assert_eq!(answer, expected, "{name}");
        match reply.event {
            Some(Event::Announced(parameters)) => announced = Some(*parameters),
            Some(Event::Play) => plays += 1,
            Some(Event::Refused(error)) => panic!("{name}: {error}"),
            None => {}
        }
    }
    assert_eq!(plays, 1, "{name}");
    announced.unwrap()
}

#[test]
fn every_answer_is_the_recorded_one_and_every_announcement_is_understood() {
    for name in SESSIONS {
        let parameters = replay(name);
        let asked = &load(name)["config_values"];
        let number = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        let video = &parameters.video;
        assert_eq!(video.size, Size::new(number(&asked["size"][0]), number(&asked["size"][1])), "{name}");
        assert_eq!(video.frame_rate, FrameRate::from_hz(number(&asked["fps"])), "{name}");
        let whole = number(&asked["bitrate"]);
        if name == "session_h264_non_sunshine" {
            assert_eq!(video.budget, Budget::Picture(Bitrate::from_kbps(whole * 4 / 5)), "{name}");
        } else {
            assert_eq!(video.budget, Budget::Whole(Bitrate::from_kbps(whole)), "{name}");
        }
        assert_eq!((video.colorimetry.space, video.colorimetry.range), (ColorSpace::Bt709, ColorRange::Limited));
        assert_eq!((video.slices, video.single_reference, video.minimum_parity), (1, false, 2), "{name}");
        assert!(video.dscp && parameters.audio.dscp, "{name}");
        assert_eq!(u32::from(parameters.audio.layout.channels), number(&asked["audio"]), "{name}");
        assert_eq!(parameters.audio.packet_duration_ms, 5, "{name}");
    }
}

/// Plays a recording from the client's side: our requests for what the real
/// client had decided, and its host's answers.
#[test]
fn the_clients_side_asks_as_the_real_client_did() {
    for name in SESSIONS {
        // The one recording of a client that takes us for NVIDIA's has an
        // announcement without what its parameters could be told from.
        if name == "session_h264_non_sunshine" {
            continue;
        }
        let (session, decision) = (load(name), replay(name));
        let exchanges = session["rtsp"].as_array().unwrap();
        let options = parse(&with_ports(text(&exchanges[0], "request")));
        let low_stereo = options.header("Host") == Some("0.0.0.0");
        let config =
            ClientHandshakeConfig { session_url: options.target, host: Ipv4Addr::LOCALHOST.into(), low_stereo };
        let mut client = ClientHandshake::new(config);
        for (step, exchange) in Step::ALL.into_iter().zip(exchanges) {
            let mut request = String::from_utf8(client.request(step, &decision).to_bytes()).unwrap();
            if name.starts_with("session_h264_71_normal") {
                // Sound that is encrypted though nobody offered it is told by
                // NVIDIA's flag alone; we say it both ways.
                request = request.replace("encryptionEnabled:4", "encryptionEnabled:0");
            }
            assert_eq!(request, with_ports(text(exchange, "request")), "{name}");
            let answer = Answer::read(with_ports(text(exchange, "response")).as_bytes()).unwrap();
            client.handle_answer(step, &answer).unwrap();
        }
        assert_eq!(client.ports(), PORTS, "{name}");
        let payload = PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]);
        assert_eq!((client.audio_ping(), client.video_ping()), (Some(payload), Some(payload)), "{name}");
        assert_eq!(client.connect_data(), 0xDEAD_BEEF, "{name}");
        let offered = offer(&session);
        let seen = client.offer().unwrap();
        assert_eq!(seen.encryption_supported, offered.encryption_supported, "{name}");
        assert_eq!(seen.encryption_requested, offered.encryption_requested, "{name}");
        assert!(offered.profiles.iter().all(|profile| seen.has(profile.codec)), "{name}");
    }
}

#[test]
fn the_encrypted_session_has_everything_on() {
    let parameters = replay("session_av1_enc");
    assert_eq!(parameters.encryption, Encryption::ALL);
    let profile = VideoProfile { codec: VideoCodec::Av1, chroma: Chroma::Yuv420, ten_bit: true };
    assert_eq!(parameters.video.profile, profile);
    assert_eq!(parameters.video.packet_size, 1360);
    assert!(parameters.features.fec_status && parameters.features.session_ids);
    assert_eq!(parameters.audio.bitrate, Bitrate::from_kbps(512));
}

#[test]
fn audio_can_be_encrypted_although_nothing_was_offered() {
    let parameters = replay("session_h264_71_normal");
    assert_eq!(parameters.encryption, Encryption { audio: true, ..Encryption::default() });
    assert_eq!(parameters.audio.layout.streams, 5);
}

#[test]
fn surround_quality_is_as_announced() {
    assert_eq!(replay("session_hevc_71_hq").audio.layout.streams, 8);
    assert_eq!(replay("session_h264_plain_51").audio.layout.streams, 4);
}

#[test]
fn bodies_without_the_hidden_ports_have_the_announced_length() {
    for name in SESSIONS {
        let session = load(name);
        let request = parse(&with_ports(text(&session["rtsp"][5], "request")));
        assert_eq!(request.header("content-length").unwrap(), request.body.len().to_string(), "{name}");
    }
}

#[test]
fn encrypted_frames_are_the_recorded_bytes() {
    let session = load("session_av1_enc");
    let key = key(&session, "rikey_hex");
    let mut compared = 0;
    let mut host = RtspSealer::new(&key, Side::Host);
    let mut client = RtspSealer::new(&key, Side::Client);
    for exchange in session["rtsp"].as_array().unwrap() {
        // Those that are not exact still use up a number.
        let Some(_) = exchange["request_wire_hex"].as_str() else {
            client.seal(b"").unwrap();
            host.seal(b"").unwrap();
            continue;
        };
        let (frame, plain) = (bytes(exchange, "request_wire_hex"), bytes(exchange, "request_plain_hex"));
        assert_eq!(client.seal(&plain).unwrap(), frame);
        assert_eq!(host.open(&frame).unwrap(), Opened::Complete { plain, consumed: frame.len() });
        let (frame, plain) = (bytes(exchange, "response_wire_hex"), bytes(exchange, "response_plain_hex"));
        assert_eq!(host.seal(&plain).unwrap(), frame);
        assert_eq!(client.open(&frame).unwrap(), Opened::Complete { plain, consumed: frame.len() });
        compared += 1;
    }
    assert!(compared >= 2);
}

#[test]
fn computed_cipher_vectors_open() {
    let vectors = load("crypto");
    for vector in vectors["rtsp_aes_gcm"].as_array().unwrap() {
        let side = if text(vector, "sender") == "client" { Side::Host } else { Side::Client };
        let frame = bytes(vector, "wire_hex");
        let opened = RtspSealer::new(&key(&vectors, "key_hex"), side).open(&frame).unwrap();
        let plain = text(vector, "plain").as_bytes().to_vec();
        assert_eq!(opened, Opened::Complete { plain, consumed: frame.len() });
    }
}

#[test]
fn recorded_pings_carry_the_payload_of_setup() {
    let payload = PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]);
    for name in SESSIONS {
        let pings = &load(name)["udp"];
        for (kind, at) in [("video_pings", 0), ("video_pings", 2), ("audio_pings", 1)] {
            let datagram = hex::decode(pings[kind][at].as_str().unwrap()).unwrap();
            let sequence = u32::try_from(at + 1).unwrap();
            assert_eq!(Ping::parse(&datagram), Some(Ping::Session { payload, sequence }), "{name}");
        }
    }
}
