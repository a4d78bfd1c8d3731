//! The client's side of the RTSP handshake: which request is next, and what its
//! answer teaches. For the load generator and tests.
//!
//! Order, headers and what is echoed: moonlight-common-c `RtspConnection.c`,
//! `performRtspHandshake`; compared with recorded sessions in
//! `tests/wire/rtsp.rs`.

use std::net::IpAddr;

use crate::protocol::gamestream::answer::SessionUrl;
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::announcement::announcement;
use crate::protocol::rtsp::answer::Answer;
use crate::protocol::rtsp::handshake::Ports;
use crate::protocol::rtsp::message::Request;
use crate::protocol::rtsp::sdp::SeenOffer;
use crate::protocol::rtsp::stream_parameters::StreamParameters;

/// What a client says in every handshake.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientHandshakeConfig {
    /// `sessionUrl0` of the launch.
    pub session_url: String,
    /// The host.
    pub host: IpAddr,
    /// Write 0.0.0.0 for the host's address: asks for few bits for stereo sound.
    pub low_stereo: bool,
}

/// One request of the seven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// OPTIONS.
    Options,
    /// DESCRIBE: what the host offers.
    Describe,
    /// SETUP of audio.
    SetupAudio,
    /// SETUP of video.
    SetupVideo,
    /// SETUP of control.
    SetupControl,
    /// ANNOUNCE: what the client has decided.
    Announce,
    /// PLAY.
    Play,
}

impl Step {
    /// All of them in order.
    pub const ALL: [Self; 7] = [
        Self::Options,
        Self::Describe,
        Self::SetupAudio,
        Self::SetupVideo,
        Self::SetupControl,
        Self::Announce,
        Self::Play,
    ];

    /// For reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Options => "rtsp_options",
            Self::Describe => "rtsp_describe",
            Self::SetupAudio => "rtsp_setup_audio",
            Self::SetupVideo => "rtsp_setup_video",
            Self::SetupControl => "rtsp_setup_control",
            Self::Announce => "rtsp_announce",
            Self::Play => "rtsp_play",
        }
    }
}

/// State of one handshake.
#[derive(Debug, Clone)]
pub struct ClientHandshake {
    config: ClientHandshakeConfig,
    cseq: u32,
    token: Option<String>,
    offer: Option<SeenOffer>,
    ports: Ports,
    audio_ping: Option<PingPayload>,
    video_ping: Option<PingPayload>,
    connect_data: u32,
}

/// Why the client gives up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientHandshakeError {
    /// The host refuses a request.
    #[error("{step} is answered with status {status}")]
    Refused {
        /// Which request.
        step: &'static str,
        /// Status of the answer.
        status: u16,
    },
    /// DESCRIBE has no body, or a SETUP lacks what it is for.
    #[error("the answer to {step} has no {what}")]
    Missing {
        /// Which request.
        step: &'static str,
        /// What should be there.
        what: &'static str,
    },
}

impl ClientHandshake {
    /// Before the first request.
    #[must_use]
    pub const fn new(config: ClientHandshakeConfig) -> Self {
        Self {
            config,
            cseq: 0,
            token: None,
            offer: None,
            ports: Ports { video: 47998, audio: 48000, control: 47999 },
            audio_ping: None,
            video_ping: None,
            connect_data: 0,
        }
    }

    /// The request of a step. ANNOUNCE says what `decision` makes of the offer.
    pub fn request(&mut self, step: Step, decision: &StreamParameters) -> Request {
        self.cseq += 1;
        let host = if self.config.low_stereo { "0.0.0.0".to_owned() } else { self.config.host.to_string() };
        let mut headers = vec![("CSeq", self.cseq.to_string()), ("X-GS-ClientVersion", "14".into()), ("Host", host)];
        if let Some(token) = &self.token {
            headers.push(("Session", token.clone()));
        }
        let mut body = Vec::new();
        match step {
            Step::Describe => {
                headers.push(("Accept", "application/sdp".into()));
                headers.push(("If-Modified-Since", LONG_AGO.into()));
            }
            Step::SetupAudio | Step::SetupVideo | Step::SetupControl => {
                headers.push(("Transport", "unicast;X-GS-ClientPort=50000-50001".into()));
                headers.push(("If-Modified-Since", LONG_AGO.into()));
            }
            Step::Announce => {
                body = announcement(decision, self.config.host, self.ports.video).into_bytes();
                headers.push(("Content-type", "application/sdp".into()));
                headers.push(("Content-length", body.len().to_string()));
            }
            Step::Options | Step::Play => {}
        }
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Request { method: method(step).into(), target: self.target(step), headers, body }
    }

    /// Takes the answer to a step.
    ///
    /// # Errors
    /// [`ClientHandshakeError`].
    pub fn handle_answer(&mut self, step: Step, answer: &Answer) -> Result<(), ClientHandshakeError> {
        if answer.status != 200 {
            return Err(ClientHandshakeError::Refused { step: step.name(), status: answer.status });
        }
        let missing = |what| ClientHandshakeError::Missing { step: step.name(), what };
        match step {
            Step::Describe if answer.body.is_empty() => return Err(missing("body")),
            Step::Describe => self.offer = Some(SeenOffer::read(&answer.body)),
            Step::SetupAudio => {
                let session = answer.header("Session").ok_or_else(|| missing("Session"))?;
                self.token = session.split(';').next().map(str::to_owned);
                self.audio_ping = ping_payload(answer);
                self.ports.audio = server_port(answer).unwrap_or(self.ports.audio);
            }
            Step::SetupVideo => {
                self.video_ping = ping_payload(answer);
                self.ports.video = server_port(answer).unwrap_or(self.ports.video);
            }
            Step::SetupControl => {
                let data = answer.header("X-SS-Connect-Data").and_then(|data| data.parse().ok());
                self.connect_data = data.unwrap_or(0);
                self.ports.control = server_port(answer).unwrap_or(self.ports.control);
            }
            Step::Options | Step::Announce | Step::Play => {}
        }
        Ok(())
    }

    /// What the host offers; known after DESCRIBE.
    #[must_use]
    pub const fn offer(&self) -> Option<&SeenOffer> {
        self.offer.as_ref()
    }

    /// Where the streams are; known after the SETUPs.
    #[must_use]
    pub const fn ports(&self) -> Ports {
        self.ports
    }

    /// What pings to the audio port carry; without, they are of the old form.
    #[must_use]
    pub const fn audio_ping(&self) -> Option<PingPayload> {
        self.audio_ping
    }

    /// What pings to the video port carry.
    #[must_use]
    pub const fn video_ping(&self) -> Option<PingPayload> {
        self.video_ping
    }

    /// Data word of the ENet CONNECT.
    #[must_use]
    pub const fn connect_data(&self) -> u32 {
        self.connect_data
    }

    fn target(&self, step: Step) -> String {
        match step {
            Step::Options | Step::Describe if self.config.low_stereo => {
                format!("rtsp://0.0.0.0:{}", SessionUrl::read(&self.config.session_url).port)
            }
            Step::Options | Step::Describe => self.config.session_url.clone(),
            Step::SetupAudio => "streamid=audio/0/0".into(),
            Step::SetupVideo => "streamid=video/0/0".into(),
            Step::SetupControl | Step::Announce => "streamid=control/13/0".into(),
            Step::Play => "/".into(),
        }
    }
}

const fn method(step: Step) -> &'static str {
    match step {
        Step::Options => "OPTIONS",
        Step::Describe => "DESCRIBE",
        Step::SetupAudio | Step::SetupVideo | Step::SetupControl => "SETUP",
        Step::Announce => "ANNOUNCE",
        Step::Play => "PLAY",
    }
}

fn ping_payload(answer: &Answer) -> Option<PingPayload> {
    answer.header("X-SS-Ping-Payload").and_then(PingPayload::from_header)
}

fn server_port(answer: &Answer) -> Option<u16> {
    let (_, after) = answer.header("Transport")?.split_once("server_port=")?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).map_or(after, |end| &after[..end]);
    digits.parse().ok().filter(|port| *port != 0)
}

const LONG_AGO: &str = "Thu, 01 Jan 1970 00:00:00 GMT";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::rtsp::message::{Response, Status};

    fn handshake() -> ClientHandshake {
        let session_url = "rtsp://127.0.0.1:48010".into();
        ClientHandshake::new(ClientHandshakeConfig { session_url, host: [127, 0, 0, 1].into(), low_stereo: false })
    }

    fn answer(response: &Response) -> Answer {
        Answer::read(&response.to_bytes()).unwrap()
    }

    #[test]
    fn refusals_and_empty_answers_end_it() {
        let forbidden = answer(&Response::new(Status::Forbidden, 6));
        let refused = handshake().handle_answer(Step::Announce, &forbidden);
        assert_eq!(refused, Err(ClientHandshakeError::Refused { step: "rtsp_announce", status: 403 }));
        let nothing = answer(&Response::new(Status::Ok, 2));
        let missing = |step| handshake().handle_answer(step, &nothing).unwrap_err().to_string();
        assert_eq!(missing(Step::Describe), "the answer to rtsp_describe has no body");
        assert_eq!(missing(Step::SetupAudio), "the answer to rtsp_setup_audio has no Session");
    }

    #[test]
    fn ports_without_a_number_stay_at_their_defaults() {
        let mut handshake = handshake();
        let ranged = Response::new(Status::Ok, 4).with_header("Transport", "server_port=50000-50001");
        handshake.handle_answer(Step::SetupVideo, &answer(&ranged)).unwrap();
        let silent = Response::new(Status::Ok, 5).with_header("Transport", "server_port=0");
        handshake.handle_answer(Step::SetupControl, &answer(&silent)).unwrap();
        assert_eq!(handshake.ports(), Ports { video: 50000, audio: 48000, control: 47999 });
        assert_eq!((handshake.video_ping(), handshake.connect_data()), (None, 0));
    }
}
