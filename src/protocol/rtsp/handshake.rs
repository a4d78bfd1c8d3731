//! One client's whole handshake, across its TCP connections.
//!
//! The order is OPTIONS, DESCRIBE, SETUP of audio, video and control, ANNOUNCE,
//! PLAY (moonlight-common-c `RtspConnection.c`, `performRtspHandshake`).
//! OPTIONS and DESCRIBE may be repeated; SETUP wants a DESCRIBE, ANNOUNCE wants
//! all three SETUPs, PLAY wants an accepted ANNOUNCE. A refused ANNOUNCE ends
//! the handshake: the client drops the session, and so must the host.

use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::announce_error::AnnounceError;
use crate::protocol::rtsp::message::{Request, Response, Status};
use crate::protocol::rtsp::sdp::Offer;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::rtsp::surround::Quality;

/// What one client is told. Random values come from the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeConfig {
    /// What the host can do.
    pub offer: Offer,
    /// Where the streams are.
    pub ports: Ports,
    /// What the client's pings will carry.
    pub ping_payload: PingPayload,
    /// What the client's ENet CONNECT will carry.
    pub connect_data: u32,
    /// `Session` token: letters and digits.
    pub session_token: String,
    /// Largest `packetSize` the network path takes, in bytes; usually
    /// [`DEFAULT_MAX_PACKET_SIZE`].
    pub max_packet_size: u16,
}

/// UDP ports of the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Video, 47998 by default.
    pub video: u16,
    /// Audio, 48000 by default.
    pub audio: u16,
    /// Control, 47999 by default.
    pub control: u16,
}

/// What the host is to do after a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The client has decided; build the session.
    Announced(Box<StreamParameters>),
    /// The client is ready for the first packet.
    Play,
    /// What the client decided cannot be streamed; drop the session.
    Refused(AnnounceError),
}

/// What comes of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// To send before the connection is closed.
    pub response: Response,
    /// To act on, if anything.
    pub event: Option<Event>,
}

/// State of one handshake.
#[derive(Debug, Clone)]
pub struct Handshake {
    config: HandshakeConfig,
    step: Step,
    stereo: Quality,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing but OPTIONS so far.
    Opening,
    /// DESCRIBE was answered; which streams are set up.
    SettingUp { audio: bool, video: bool, control: bool },
    /// ANNOUNCE was accepted.
    Announced,
    /// PLAY was answered.
    Playing,
    /// ANNOUNCE was refused.
    Refused,
}

#[derive(Clone, Copy)]
enum Stream {
    Audio,
    Video,
    Control,
}

impl Handshake {
    /// A handshake that has not begun.
    #[must_use]
    pub const fn new(config: HandshakeConfig) -> Self {
        Self { config, step: Step::Opening, stereo: Quality::High }
    }

    /// Answers one request.
    pub fn handle_request(&mut self, request: &Request) -> Reply {
        self.note_address(request);
        if let Some(session) = request.header("Session")
            && session.split(';').next().map(str::trim) != Some(self.config.session_token.as_str())
        {
            return fail(request, Status::SessionNotFound);
        }
        match request.method.as_str() {
            "OPTIONS" => ok(Response::new(Status::Ok, request.cseq())),
            "DESCRIBE" => self.describe(request),
            "SETUP" => self.setup(request),
            "ANNOUNCE" => self.announce(request),
            "PLAY" => self.play(request),
            _ => fail(request, Status::NotImplemented),
        }
    }

    /// A client that wants few bits for stereo sound writes 0.0.0.0 where the
    /// host's address belongs.
    fn note_address(&mut self, request: &Request) {
        let host = request.header("Host").unwrap_or_default();
        if host.contains("0.0.0.0") || request.target.contains("//0.0.0.0") {
            self.stereo = Quality::Normal;
        }
    }

    fn describe(&mut self, request: &Request) -> Reply {
        match self.step {
            Step::Opening => self.step = Step::SettingUp { audio: false, video: false, control: false },
            Step::SettingUp { .. } => {}
            Step::Announced | Step::Playing | Step::Refused => return fail(request, Status::NotValidInThisState),
        }
        ok(Response::new(Status::Ok, request.cseq()).with_body(&self.config.offer.to_sdp()))
    }

    fn setup(&mut self, request: &Request) -> Reply {
        let Step::SettingUp { audio, video, control } = &mut self.step else {
            return fail(request, Status::NotValidInThisState);
        };
        let Some(stream) = stream_of(&request.target) else {
            return fail(request, Status::NotFound);
        };
        let config = &self.config;
        let port = match stream {
            Stream::Audio => {
                *audio = true;
                config.ports.audio
            }
            Stream::Video => {
                *video = true;
                config.ports.video
            }
            Stream::Control => {
                *control = true;
                config.ports.control
            }
        };
        let response = Response::new(Status::Ok, request.cseq())
            .with_header("Session", &format!("{};timeout = 90", config.session_token))
            .with_header("Transport", &format!("server_port={port}"));
        ok(match stream {
            Stream::Audio | Stream::Video => response.with_header("X-SS-Ping-Payload", config.ping_payload.as_str()),
            Stream::Control => response.with_header("X-SS-Connect-Data", &config.connect_data.to_string()),
        })
    }

    fn announce(&mut self, request: &Request) -> Reply {
        if self.step != (Step::SettingUp { audio: true, video: true, control: true }) {
            return fail(request, Status::NotValidInThisState);
        }
        let config = &self.config;
        match StreamParameters::parse(&request.body, &config.offer, self.stereo, config.max_packet_size) {
            Ok(parameters) => {
                self.step = Step::Announced;
                let response = Response::new(Status::Ok, request.cseq());
                Reply { response, event: Some(Event::Announced(Box::new(parameters))) }
            }
            Err(error) => {
                self.step = Step::Refused;
                let status = match error {
                    AnnounceError::EncryptionRequired { .. } => Status::Forbidden,
                    _ => Status::BadRequest,
                };
                Reply { event: Some(Event::Refused(error)), ..fail(request, status) }
            }
        }
    }

    fn play(&mut self, request: &Request) -> Reply {
        let event = match self.step {
            Step::Announced => Some(Event::Play),
            // Old clients play audio and video one by one.
            Step::Playing => None,
            Step::Opening | Step::SettingUp { .. } | Step::Refused => {
                return fail(request, Status::NotValidInThisState);
            }
        };
        self.step = Step::Playing;
        Reply { response: Response::new(Status::Ok, request.cseq()), event }
    }
}

/// Only the text between `=` and the first `/` matters.
fn stream_of(target: &str) -> Option<Stream> {
    let name = target.split_once("streamid=")?.1;
    match name.split('/').next() {
        Some("audio") => Some(Stream::Audio),
        Some("video") => Some(Stream::Video),
        Some("control") => Some(Stream::Control),
        _ => None,
    }
}

const fn ok(response: Response) -> Reply {
    Reply { response, event: None }
}

fn fail(request: &Request, status: Status) -> Reply {
    Reply { response: Response::new(status, request.cseq()), event: None }
}

/// What clients use on an Ethernet path: 16 bytes of RTP, 28 of UDP and IPv4,
/// and slack for tunnels below 1500.
pub const DEFAULT_MAX_PACKET_SIZE: u16 = 1392;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::VideoProfile;
    use crate::protocol::rtsp::sdp::Encryption;

    fn handshake() -> Handshake {
        Handshake::new(HandshakeConfig {
            offer: Offer {
                pen_touch: true,
                controller_touch_motion: true,
                reference_invalidation: true,
                ..Offer::of(vec![VideoProfile::H264])
            },
            ports: Ports { video: 47998, audio: 48000, control: 47999 },
            ping_payload: PingPayload::from_random([0xab; 8]),
            connect_data: 7,
            session_token: "TOKEN".into(),
            max_packet_size: DEFAULT_MAX_PACKET_SIZE,
        })
    }

    fn request(method: &str, target: &str, body: &str) -> Request {
        let headers = vec![("CSeq".into(), "5".into()), ("Session".into(), "TOKEN".into())];
        Request { method: method.into(), target: target.into(), headers, body: body.into() }
    }

    const SDP: &str = "a=x-nv-video[0].clientViewportWd:1280\na=x-nv-video[0].clientViewportHt:720\n\
        a=x-nv-video[0].maxFPS:60\na=x-nv-video[0].packetSize:1024\na=x-nv-vqos[0].bw.maximumBitrateKbps:8000\n\
        a=x-nv-video[0].videoEncoderSlicesPerFrame:1\na=x-nv-video[0].maxNumReferenceFrames:1\n\
        a=x-nv-audio.surround.numChannels:2\n";

    fn set_up(handshake: &mut Handshake) {
        for (method, target) in [
            ("OPTIONS", "rtsp://h:1"),
            ("DESCRIBE", "rtsp://h:1"),
            ("SETUP", "streamid=audio/0/0"),
            ("SETUP", "streamid=video/0/0"),
            ("SETUP", "streamid=control/1/0"),
        ] {
            let reply = handshake.handle_request(&request(method, target, ""));
            assert_eq!((reply.response.status(), reply.event), (Status::Ok, None), "{method} {target}");
        }
    }

    #[test]
    fn the_whole_order_leads_to_one_announced_and_one_play() {
        let mut handshake = handshake();
        set_up(&mut handshake);
        let reply = handshake.handle_request(&request("ANNOUNCE", "streamid=control/13/0", SDP));
        assert!(matches!(reply.event, Some(Event::Announced(_))));
        let play = request("PLAY", "/", "");
        assert_eq!(handshake.handle_request(&play).event, Some(Event::Play));
        let again = handshake.handle_request(&play);
        assert_eq!((again.response.status(), again.event), (Status::Ok, None));
    }

    #[test]
    fn steps_out_of_order_are_refused_and_change_nothing() {
        let mut handshake = handshake();
        for (method, target) in [("SETUP", "streamid=audio/0/0"), ("ANNOUNCE", "streamid=control/13/0"), ("PLAY", "/")]
        {
            let reply = handshake.handle_request(&request(method, target, SDP));
            assert_eq!((reply.response.status(), reply.event), (Status::NotValidInThisState, None), "{method}");
        }
        set_up(&mut handshake);
        let announce = request("ANNOUNCE", "streamid=control/13/0", SDP);
        assert!(handshake.handle_request(&announce).event.is_some());
        assert_eq!(handshake.handle_request(&announce).response.status(), Status::NotValidInThisState);
        assert_eq!(handshake.handle_request(&request("PLAY", "/", "")).event, Some(Event::Play));
    }

    #[test]
    fn unknown_methods_targets_and_sessions_have_their_own_status() {
        let mut handshake = handshake();
        let status = |handshake: &mut Handshake, request: &Request| handshake.handle_request(request).response.status();
        assert_eq!(status(&mut handshake, &request("TEARDOWN", "/", "")), Status::NotImplemented);
        set_up(&mut handshake);
        assert_eq!(status(&mut handshake, &request("SETUP", "streamid=mic/0/0", "")), Status::NotFound);
        let mut stranger = request("SETUP", "streamid=video/0/0", "");
        stranger.headers[1].1 = "OTHER".into();
        assert_eq!(status(&mut handshake, &stranger), Status::SessionNotFound);
        stranger.headers[1].1 = "TOKEN;timeout = 90".into();
        assert_eq!(status(&mut handshake, &stranger), Status::Ok);
    }

    #[test]
    fn a_refused_announce_ends_the_handshake() {
        let mut handshake = handshake();
        set_up(&mut handshake);
        let reply = handshake.handle_request(&request("ANNOUNCE", "streamid=control/13/0", ""));
        assert_eq!(reply.response.status(), Status::BadRequest);
        assert!(matches!(reply.event, Some(Event::Refused(AnnounceError::Missing { .. }))));
        let retry = handshake.handle_request(&request("ANNOUNCE", "streamid=control/13/0", SDP));
        assert_eq!(retry.response.status(), Status::NotValidInThisState);
    }

    #[test]
    fn mandatory_encryption_is_answered_with_forbidden() {
        let mut handshake = handshake();
        handshake.config.offer.encryption_required = Encryption::ALL;
        set_up(&mut handshake);
        let reply = handshake.handle_request(&request("ANNOUNCE", "streamid=control/13/0", SDP));
        assert_eq!(reply.response.status(), Status::Forbidden);
    }

    #[test]
    fn an_address_of_zeros_asks_for_low_stereo_quality() {
        for (target, host) in [("rtsp://0.0.0.0:48010", "h"), ("rtsp://h:48010", "0.0.0.0")] {
            let mut handshake = handshake();
            let mut options = request("OPTIONS", target, "");
            options.headers.push(("Host".into(), host.into()));
            handshake.handle_request(&options);
            set_up(&mut handshake);
            let reply = handshake.handle_request(&request("ANNOUNCE", "streamid=control/13/0", SDP));
            let Some(Event::Announced(parameters)) = reply.event else { panic!("{reply:?}") };
            assert_eq!(parameters.audio.bitrate.kbps(), 96);
        }
    }
}
