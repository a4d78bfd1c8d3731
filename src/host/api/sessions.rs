//! `/api/v1/sessions`: what streams, its beginning without a launch, and its
//! end.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;

use crate::config::apps::AppConfig;
use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, WireText, parse};
use crate::host::api::stream::StartStream;
use crate::host::apps::LaunchAppError;
use crate::host::context::Context;
use crate::host::sessions::Refusal;
use crate::host::sessions::operated::{Preparation, SessionKeys};
use crate::host::store::client_preferences::PartialClientSettings;
use crate::ids::{ClientId, SessionId};
use crate::ipc::message::ToWorker;
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::input_packet;
use crate::protocol::control::session as control;
use crate::protocol::secret::SessionKey;
use crate::units::{FrameRate, Size};

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

/// Begins a session in a task of its own: a caller that hangs up must not leave
/// one half made.
pub(super) async fn began(context: &Context, wanted: Preparation) -> ApiAnswer {
    let sessions = context.sessions.clone();
    match tokio::spawn(async move { sessions.prepare(wanted).await }).await {
        Ok(Ok(session)) => ApiAnswer::object(&Begun { session_id: session.to_string() }),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => ApiAnswer::failed(error.to_string()),
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
    of_refusal(tokio::spawn(async move { sessions.start_stream(session, stream).await }).await)
}

/// `POST /api/v1/sessions/pause`: ends the connection; the desktop stays.
pub async fn pause(context: &Context, body: Body) -> ApiAnswer {
    match named(context, body) {
        Ok(session) => {
            let sessions = context.sessions.clone();
            of_refusal(tokio::spawn(async move { sessions.pause(session).await }).await)
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
    match tokio::spawn(async move { sessions.rekey(session, keys).await }).await {
        Ok(Ok(launched)) => ApiAnswer::object(&Resumed { session_url: launched.session_url }),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => ApiAnswer::failed(error.to_string()),
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

fn of_refusal(outcome: Result<Result<(), Refusal>, JoinError>) -> ApiAnswer {
    match outcome {
        Ok(Ok(())) => ApiAnswer::done(),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
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

/// Keys as Wolf's callers write them: `rikey` in hex and `rikeyid` in decimal.
/// `None` if there is no key.
///
/// # Errors
/// What is wrong, for the caller.
pub(super) fn keys(aes_key: &str, aes_iv: &str) -> Result<Option<SessionKeys>, String> {
    if aes_key.is_empty() {
        return Ok(None);
    }
    let mut key = [0; 16];
    // The key itself stays unsaid.
    hex::decode_to_slice(aes_key, &mut key).map_err(|_| "aes_key is not 32 hex digits".to_owned())?;
    let signed = || aes_iv.parse::<i32>().map(i32::cast_unsigned).ok();
    let rikeyid = if aes_iv.is_empty() { Some(0) } else { aes_iv.parse().ok().or_else(signed) };
    let rikeyid = rikeyid.ok_or_else(|| format!("aes_iv is {aes_iv:?}, expected a 32-bit number"))?;
    Ok(Some(SessionKeys { key: SessionKey::new(key), rikeyid }))
}

/// A client by its number in the API; empty for none.
///
/// # Errors
/// [`INVALID_CLIENT`].
pub(super) fn client(context: &Context, id: Option<WireText>) -> Result<Option<ClientId>, String> {
    let Some(WireText(id)) = id.filter(|id| !id.0.is_empty()) else { return Ok(None) };
    let found = id.parse().ok().and_then(|id| context.clients.find_short(id));
    found.map(|client| Some(client.id)).ok_or_else(|| INVALID_CLIENT.to_owned())
}

/// An app of the list or of a profile, by its id.
///
/// # Errors
/// That there is none, or that it does not run here.
pub(super) fn app(context: &Context, id: &str) -> Result<AppConfig, String> {
    if let Some(app) = context.apps.find(id) {
        return app.launchable().map_err(|error| error.to_string());
    }
    let record = context.people.app(id).ok_or_else(|| "Invalid app_id".to_owned())?;
    record.program().map_err(|reason| LaunchAppError::NotHere { title: record.title.clone(), reason }.to_string())
}

/// A mode, or none if it is nothing by nothing.
///
/// # Errors
/// What is out of range.
pub(super) fn mode(width: u32, height: u32, refresh_rate: u32) -> Result<Option<(Size, FrameRate)>, String> {
    if width == 0 || height == 0 {
        return Ok(None);
    }
    if !(MIN_SIDE..=MAX_SIDE).contains(&width) || !(MIN_SIDE..=MAX_SIDE).contains(&height) {
        return Err(format!("video: {width}x{height} is not within {MIN_SIDE}..{MAX_SIDE} pixels a side"));
    }
    let refresh_rate = if refresh_rate == 0 { USUAL_RATE } else { refresh_rate };
    if refresh_rate > MAX_RATE {
        return Err(format!("video: refresh rate {refresh_rate} is above {MAX_RATE}"));
    }
    Ok(Some((Size::new(width, height), FrameRate::from_hz(refresh_rate))))
}

/// Two, six or eight speakers; two if nobody said.
///
/// # Errors
/// What is none of them.
pub(super) fn channels(count: u32) -> Result<u8, String> {
    match count {
        0 | 2 => Ok(2),
        6 => Ok(6),
        8 => Ok(8),
        other => Err(format!("audio: channel count {other} is none of 2, 6, 8")),
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

/// A client's address; `None` if it is empty or says nothing.
///
/// # Errors
/// That it is none.
pub(super) fn peer(client_ip: &str) -> Result<Option<IpAddr>, String> {
    if client_ip.is_empty() {
        return Ok(None);
    }
    let peer: IpAddr = client_ip.parse().map_err(|_| format!("client_ip is {client_ip:?}, expected an IP address"))?;
    Ok(Some(peer.to_canonical()).filter(|peer| !peer.is_unspecified()))
}

/// A desktop with nothing in it, for sessions that name no app.
fn empty_desktop() -> AppConfig {
    AppConfig {
        title: "Empty desktop".to_owned(),
        id: None,
        command: String::new(),
        test_card: false,
        compositor: None,
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

const INVALID_CLIENT: &str = "Invalid client_id";
const MIN_SIDE: u32 = 64;
const MAX_SIDE: u32 = 8192;
const MAX_RATE: u32 = 240;
const USUAL_RATE: u32 = 60;

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

    #[test]
    fn keys_are_hex_and_a_signed_or_unsigned_number() {
        let key = "000102030405060708090a0b0c0d0e0f";
        let id = |aes_iv| keys(key, aes_iv).map(|keys| keys.map(|keys| keys.rikeyid));
        assert_eq!(
            [id("0123456789"), id("-1"), id("4294967295")],
            [Ok(Some(123_456_789)), Ok(Some(u32::MAX)), Ok(Some(u32::MAX))]
        );
        assert_eq!((id(""), keys("", "x")), (Ok(Some(0)), Ok(None)));
        assert!(id("4294967296").is_err() && keys("00", "0").is_err());
    }

    #[test]
    fn modes_and_addresses_have_a_range() {
        assert_eq!(mode(0, 0, 0), Ok(None));
        assert_eq!(mode(1920, 1080, 0), Ok(Some((Size::new(1920, 1080), FrameRate::from_hz(60)))));
        assert!(mode(63, 1080, 60).is_err() && mode(1920, 9000, 60).is_err() && mode(1920, 1080, 241).is_err());
        assert_eq!((channels(0), channels(8)), (Ok(2), Ok(8)));
        assert!(channels(3).is_err());
        assert_eq!((peer(""), peer("0.0.0.0")), (Ok(None), Ok(None)));
        assert_eq!(peer("::ffff:10.0.0.1"), Ok(Some([10, 0, 0, 1].into())));
        assert!(peer("localhost").is_err());
    }
}
