//! `/api/v1/sessions`: what streams, its beginning without a launch, and its
//! end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::apps::AppConfig;
use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, WireText, parse};
use crate::host::api::stream::StartStream;
use crate::host::api::terms::{app, channels, client, keys, mode, peer};
use crate::host::context::Context;
use crate::host::sessions::Refusal;
use crate::host::sessions::operated::Preparation;
use crate::host::store::client_preferences::PartialClientSettings;
use crate::ids::SessionId;
use crate::ipc::message::ToWorker;
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::input_packet;
use crate::protocol::control::session as control;

/// `GET /api/v1/sessions`.
pub fn list(context: &Context) -> ApiAnswer {
    ApiAnswer::list("sessions", &context.sessions.list())
}

/// `POST /api/v1/sessions/add`: a session with its desktop, before its client
/// comes. With the client's address and keys, RTSP may follow at once.
pub async fn add(context: &Context, body: Body) -> ApiAnswer {
    let wanted = match parse::<AddSession>(body).and_then(|wanted| wanted.checked(context).map_err(ApiAnswer::failed)) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    began(context, wanted).await
}

/// Begins a session.
pub(super) async fn began(context: &Context, wanted: Preparation) -> ApiAnswer {
    let sessions = context.sessions.clone();
    match to_its_end(async move { sessions.prepare(wanted).await }).await {
        Ok(session) => ApiAnswer::object(&Begun { session_id: session.to_string() }),
        Err(answer) => answer,
    }
}

/// `POST /api/v1/sessions/start`: streams without RTSP.
pub async fn start(context: &Context, body: Body) -> ApiAnswer {
    let wanted: StartStream = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let Some(session) = context.sessions.resolve(wanted.session_id.0) else { return no_session() };
    let stream = match wanted.checked(context) {
        Ok(stream) => stream,
        Err(text) => return ApiAnswer::failed(text),
    };
    let sessions = context.sessions.clone();
    done(to_its_end(async move { sessions.start_stream(session, stream).await }).await)
}

/// `POST /api/v1/sessions/pause`: ends the connection; the desktop stays.
pub async fn pause(context: &Context, body: Body) -> ApiAnswer {
    match named(context, body) {
        Ok(session) => {
            let sessions = context.sessions.clone();
            done(to_its_end(async move { sessions.pause(session).await }).await)
        }
        Err(answer) => answer,
    }
}

/// `POST /api/v1/sessions/resume`: new keys, with which the client may connect
/// again. Desktop and application are as they were.
pub async fn resume(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Resume = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let Some(session) = context.sessions.resolve(wanted.session_id.0) else { return no_session() };
    let keys = match keys(&wanted.aes_key, &wanted.aes_iv) {
        Ok(Some(keys)) => keys,
        Ok(None) => return ApiAnswer::failed("aes_key is empty, expected 32 hex digits"),
        Err(text) => return ApiAnswer::failed(text),
    };
    let sessions = context.sessions.clone();
    match to_its_end(async move { sessions.rekey(session, keys).await }).await {
        Ok(launched) => ApiAnswer::object(&Resumed { session_url: launched.session_url }),
        Err(answer) => answer,
    }
}

/// `POST /api/v1/sessions/stop`.
pub async fn stop(context: &Context, body: Body) -> ApiAnswer {
    match named(context, body) {
        Ok(session) => match context.sessions.stop(session).await {
            Ok(()) => ApiAnswer::done(),
            Err(refusal) => refused(&refusal),
        },
        Err(answer) => answer,
    }
}

/// `POST /api/v1/sessions/input`: as if the client had sent it.
pub async fn input(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Input = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let Some(session) = context.sessions.resolve(wanted.session_id.0) else { return no_session() };
    let event = match event(&wanted.input_packet_hex) {
        Ok(event) => event,
        Err(text) => return ApiAnswer::failed(format!("input_packet_hex: {text}")),
    };
    // A packet that asks for nothing is done.
    let Some(event) = event else { return ApiAnswer::done() };
    let Some(worker) = context.sessions.worker(session).flatten() else {
        return ApiAnswer::failed(format!("session {session} has no stream that input could go to; start one first"));
    };
    match worker.send(&ToWorker::Input(event), None) {
        true => ApiAnswer::done(),
        false => ApiAnswer::failed(format!("the worker of session {session} takes no input now; try again")),
    }
}

/// The session that a body names, and nothing else.
fn named(context: &Context, body: Body) -> Result<SessionId, ApiAnswer> {
    let wanted: NameSession = parse(body)?;
    context.sessions.resolve(wanted.session_id.0).ok_or_else(no_session)
}

/// In Wolf's words, which its clients know.
pub(super) fn no_session() -> ApiAnswer {
    ApiAnswer::failed("Invalid session_id")
}

pub(super) fn refused(refusal: &Refusal) -> ApiAnswer {
    match refusal.status {
        404 => no_session(),
        _ => ApiAnswer::failed(refusal.to_string()),
    }
}

/// Does something in a task of its own: a caller that hangs up must not leave it
/// half done.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, ApiAnswer> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome.map_err(|refusal| refused(&refusal)),
        Err(error) => Err(ApiAnswer::failed(error.to_string())),
    }
}

fn done(outcome: Result<(), ApiAnswer>) -> ApiAnswer {
    outcome.map_or_else(|answer| answer, |()| ApiAnswer::done())
}

/// The event in a packet, with or without the header of its control message.
fn event(text: &str) -> Result<Option<InputEvent>, String> {
    let bytes = hex::decode(text.trim()).map_err(|error| error.to_string())?;
    if !bytes.starts_with(&INPUT_MESSAGE) {
        return input_packet::read(&bytes).map_err(|error| error.to_string());
    }
    match control::event(&bytes).map_err(|error| error.to_string())? {
        control::Event::Input(event) => Ok(Some(event)),
        _ => Ok(None),
    }
}

impl AddSession {
    fn checked(self, context: &Context) -> Result<Preparation, String> {
        let app = match self.app_id.filter(|id| !id.0.is_empty()) {
            Some(id) => app(context, &id.0)?,
            None => empty_desktop(),
        };
        if let Some(settings) = &self.client_settings {
            settings.check().map_err(|error| error.to_string())?;
        }
        Ok(Preparation {
            client: client(context, self.client_id)?,
            app,
            mode: mode(self.video_width, self.video_height, self.video_refresh_rate)?,
            channels: channels(self.audio_channel_count)?,
            keys: keys(&self.aes_key, &self.aes_iv)?,
            peer: peer(&self.client_ip)?,
            settings: self.client_settings,
        })
    }
}

/// A desktop with nothing in it, for sessions that name no app.
fn empty_desktop() -> AppConfig {
    AppConfig {
        title: "Empty desktop".to_owned(),
        id: None,
        command: String::new(),
        test_card: false,
        compositor: None,
        gpu: None,
        environment: Default::default(),
        icon: None,
        working_directory: None,
    }
}

/// A session to begin, in the shape in which sessions are listed.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct AddSession {
    /// App of the list or of a profile; none for an empty desktop.
    #[serde(default)]
    app_id: Option<WireText>,
    /// Paired client whose session it is; none for a session of nobody, which
    /// has a home that ends with it.
    #[serde(default)]
    client_id: Option<WireText>,
    /// Address that the client will come from.
    #[serde(default)]
    client_ip: String,
    /// `rikey`, 32 hex digits; empty for none.
    #[serde(default)]
    aes_key: String,
    /// `rikeyid`, a decimal number.
    #[serde(default)]
    aes_iv: String,
    /// Pixels; 0 for the usual.
    video_width: u32,
    /// Pixels; 0 for the usual.
    video_height: u32,
    /// Frames per second; 0 for the usual.
    video_refresh_rate: u32,
    /// 2, 6 or 8.
    audio_channel_count: u32,
    /// Instead of what is decided for the client.
    #[serde(default)]
    client_settings: Option<PartialClientSettings>,
}

/// A session that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Begun {
    /// Its number.
    session_id: String,
}

/// Names a session.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NameSession {
    /// Its number, or that of its client.
    pub(super) session_id: WireId,
}

/// New keys for a session.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Resume {
    /// Its number, or that of its client.
    session_id: WireId,
    /// `rikey`, 32 hex digits.
    aes_key: String,
    /// `rikeyid`, a decimal number.
    aes_iv: String,
}

/// Where the client of a session goes with its new keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Resumed {
    /// For RTSP.
    session_url: String,
}

/// Something that the user of a session did.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Input {
    /// The session's number, or that of its client.
    session_id: WireId,
    /// One input packet of Moonlight's control stream in hex, with or without
    /// the header of its message.
    input_packet_hex: String,
}

/// Type of the control message that input comes in, little-endian.
const INPUT_MESSAGE: [u8; 2] = [0x06, 0x02];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_packets_are_read_with_and_without_their_header() {
        let moved = InputEvent::MouseMove { dx: 3, dy: -4 };
        let mut packet = Vec::new();
        input_packet::write(&moved, &mut packet);
        assert_eq!(event(&hex::encode(&packet)), Ok(Some(moved.clone())));
        let length = u16::try_from(packet.len()).unwrap().to_le_bytes();
        let message = [&INPUT_MESSAGE[..], &length, &packet].concat();
        assert_eq!(event(&hex::encode_upper(message)), Ok(Some(moved)));
        for bad in ["", "zz", "00", "0602", "0000000508000000ff"] {
            assert!(event(bad).is_err(), "{bad}");
        }
    }
}
