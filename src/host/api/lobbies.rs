//! `/api/v1/lobbies`: desktops that outlive their visitors.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::gpu::GpuName;
use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, parse};
use crate::host::api::terms::{MAX_RATE, MAX_SIDE, MIN_SIDE};
use crate::host::apps::record::text_or_null;
use crate::host::apps::runner::{Program, Runner};
use crate::host::context::Context;
use crate::host::lobbies::LobbyError;
use crate::host::lobbies::spec::{LobbySpec, Pin, Right};
use crate::ids::LobbyId;
use crate::units::{FrameRate, Size};

/// `GET /api/v1/lobbies`.
pub fn list(context: &Context) -> ApiAnswer {
    ApiAnswer::list("lobbies", &context.lobbies.list())
}

/// `POST /api/v1/lobbies/create`: answers when the lobby's desktop is up.
pub async fn create(context: &Context, body: Body) -> ApiAnswer {
    match wanted(body) {
        Ok(spec) => start(context, spec).await,
        Err(answer) => answer,
    }
}

/// The lobby that a caller asks for, or the answer that says what is wrong.
pub(super) fn wanted(body: Body) -> Result<LobbySpec, ApiAnswer> {
    parse::<CreateLobby>(body).and_then(|wanted| wanted.checked().map_err(ApiAnswer::failed))
}

/// Starts a lobby.
pub(super) async fn start(context: &Context, spec: LobbySpec) -> ApiAnswer {
    if let Err(answer) = require_gpu(context, spec.gpu.as_ref()) {
        return answer;
    }
    let lobbies = context.lobbies.clone();
    // A task of its own: a caller that hangs up must not leave a lobby half
    // made.
    match tokio::spawn(async move { lobbies.create(spec).await }).await {
        Ok(Ok(id)) => ApiAnswer::object(&Created { lobby_id: id.to_string() }),
        Ok(Err(error)) => ApiAnswer::failed(error.to_string()),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
}

/// A GPU that is named has to be here, whether or not another could take its place: who
/// names one now means it, and wants to know.
pub(super) fn require_gpu(context: &Context, gpu: Option<&GpuName>) -> Result<(), ApiAnswer> {
    let Some(gpu) = gpu.filter(|gpu| gpu.is_fixed()) else { return Ok(()) };
    context.placement().find(gpu).map(drop).map_err(|missing| ApiAnswer::failed(missing.to_string()))
}

/// `POST /api/v1/lobbies/join`: answers when the session shows the lobby.
pub async fn join(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Join = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let sessions = context.sessions.clone();
    let join = async move {
        let lobby = lobby_id(&wanted.lobby_id)?;
        let session = sessions.resolve(wanted.moonlight_session_id.0).ok_or(LobbyError::Gone)?;
        sessions.join(session, lobby, Right::Pin(wanted.pin.as_ref())).await
    };
    done(tokio::spawn(join).await.unwrap_or(Err(LobbyError::Gone)))
}

/// `POST /api/v1/lobbies/leave`: always a success, as with Wolf.
pub async fn leave(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Leave = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let session = context.sessions.resolve(wanted.moonlight_session_id.0);
    if let (Ok(lobby), Some(session)) = (lobby_id(&wanted.lobby_id), session) {
        context.lobbies.leave(lobby, session).await;
    }
    ApiAnswer::done()
}

/// `POST /api/v1/lobbies/stop`.
pub async fn stop(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Stop = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let lobbies = context.lobbies.clone();
    let stop = async move {
        let right = if wanted.force { Right::Operator } else { Right::Pin(wanted.pin.as_ref()) };
        lobbies.stop(lobby_id(&wanted.lobby_id)?, right).await
    };
    done(tokio::spawn(stop).await.unwrap_or(Err(LobbyError::Gone)))
}

/// `POST /api/v1/lobbies/renew`: puts off the end of a lease.
pub async fn renew(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Renew = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    done(lobby_id(&wanted.lobby_id).and_then(|lobby| context.lobbies.renew(lobby)))
}

/// `POST /api/v1/sessions/configure`: the client's next connection goes
/// straight to a lobby.
pub async fn configure(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Configure = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let lobby = match lobby_id(&wanted.immediate_lobby_id) {
        Ok(lobby) => lobby,
        Err(error) => return ApiAnswer::failed(error.to_string()),
    };
    // Who may configure sessions is the operator, who knows the PINs.
    if !context.sessions.appoint(&wanted.client_unique_id, lobby) {
        return ApiAnswer::failed("too many clients are expected already; try again in a minute");
    }
    ApiAnswer::object(&Configured {
        message: format!("the next connection of {} within a minute goes to lobby {lobby}", wanted.client_unique_id),
    })
}

fn done(outcome: Result<(), LobbyError>) -> ApiAnswer {
    match outcome {
        Ok(()) => ApiAnswer::done(),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
}

fn lobby_id(text: &str) -> Result<LobbyId, LobbyError> {
    text.parse().map_err(|_| LobbyError::NoLobby)
}

/// A session, and the lobby it shall show.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Join {
    lobby_id: String,
    moonlight_session_id: WireId,
    #[serde(default)]
    pin: Option<Pin>,
}

/// A session, and the lobby it shall leave.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Leave {
    lobby_id: String,
    moonlight_session_id: WireId,
}

/// A lobby to end.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Stop {
    lobby_id: String,
    #[serde(default)]
    pin: Option<Pin>,
    /// Ours: stop it without its PIN.
    #[serde(default)]
    force: bool,
}

/// A lobby with a lease.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Renew {
    lobby_id: String,
}

/// A client, and the lobby it shall see first.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Configure {
    client_unique_id: String,
    immediate_lobby_id: String,
}

/// A lobby that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    /// Its UUID.
    lobby_id: String,
}

/// What was configured.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Configured {
    /// In words.
    message: String,
}

/// A lobby as callers ask for it. GStreamer's fields are taken and mean nothing here.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct CreateLobby {
    #[serde(default)]
    profile_id: String,
    name: String,
    #[serde(default)]
    icon_png_path: Option<String>,
    #[serde(default = "yes")]
    multi_user: bool,
    #[serde(default)]
    pin: Option<Pin>,
    #[serde(default = "yes")]
    stop_when_everyone_leaves: bool,
    video_settings: VideoSettings,
    audio_settings: AudioSettings,
    #[serde(default)]
    client_settings: Option<ClientSettings>,
    #[serde(default)]
    runner_state_folder: String,
    #[schemars(with = "Runner")]
    runner: Value,
    /// Ours: one lobby for each key.
    #[serde(default)]
    idempotency_key: Option<String>,
    /// Ours: the lobby ends if it is not renewed within this many seconds.
    #[serde(default)]
    lease_seconds: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct VideoSettings {
    width: u32,
    height: u32,
    refresh_rate: u32,
    /// GPU that the lobby draws on: a render node as with Wolf, or, ours, a place on the
    /// PCI bus; `auto` for the one with most room, empty for the host's default.
    #[serde(default, deserialize_with = "text_or_null")]
    wayland_render_node: String,
    /// The same; its programs draw where their compositor does.
    #[serde(default, deserialize_with = "text_or_null")]
    runner_render_node: String,
}

impl VideoSettings {
    /// The GPU that both fields name, or one of them.
    fn gpu(&self) -> Result<Option<GpuName>, String> {
        let named = |field: &str, text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|error| format!("video_settings: {field}: {error}")),
        };
        let wayland: Option<GpuName> = named("wayland_render_node", &self.wayland_render_node)?;
        let runner = named("runner_render_node", &self.runner_render_node)?;
        match (wayland, runner) {
            (Some(one), Some(other)) if one != other => Err(format!(
                "video_settings: wayland_render_node is {one} and runner_render_node {other}: a lobby is on one GPU"
            )),
            (one, other) => Ok(one.or(other)),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct AudioSettings {
    channel_count: u8,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ClientSettings {
    #[serde(default)]
    run_uid: Option<u32>,
}

impl CreateLobby {
    fn checked(self) -> Result<LobbySpec, String> {
        let gpu = self.video_settings.gpu()?;
        let VideoSettings { width, height, refresh_rate, .. } = self.video_settings;
        if !(MIN_SIDE..=MAX_SIDE).contains(&width) || !(MIN_SIDE..=MAX_SIDE).contains(&height) {
            return Err(format!("video_settings: {width}x{height} is not within {MIN_SIDE}..{MAX_SIDE} pixels a side"));
        }
        if !(1..=MAX_RATE).contains(&refresh_rate) {
            return Err(format!("video_settings: refresh_rate {refresh_rate} is not within 1..{MAX_RATE}"));
        }
        let channels = self.audio_settings.channel_count;
        if ![2, 6, 8].contains(&channels) {
            return Err(format!("audio_settings: channel_count {channels} is none of 2, 6, 8"));
        }
        if self.name.len() > MAX_NAME || self.name.contains(char::is_control) {
            return Err(format!("name is longer than {MAX_NAME} bytes or has control characters"));
        }
        let Program { command, environment } =
            Runner::parse(&self.runner).and_then(|runner| runner.program()).map_err(|error| error.to_string())?;
        Ok(LobbySpec {
            name: self.name,
            profile: self.profile_id,
            icon: self.icon_png_path,
            multi_user: self.multi_user,
            pin: self.pin,
            stop_when_everyone_leaves: self.stop_when_everyone_leaves,
            size: Size::new(width, height),
            frame_rate: FrameRate::from_hz(refresh_rate),
            channels,
            command,
            environment,
            runner: self.runner,
            state_folder: self.runner_state_folder,
            run_uid: self.client_settings.and_then(|settings| settings.run_uid).filter(|uid| *uid >= FIRST_PERSON),
            idempotency_key: self.idempotency_key,
            created_by: None,
            gpu,
            lease: self.lease_seconds.map(|seconds| Duration::from_secs(seconds.into())),
        })
    }
}

const fn yes() -> bool {
    true
}

const MAX_NAME: usize = 256;

/// Users below are the system's; Wolf's clients say 0 for "any".
const FIRST_PERSON: u32 = 1000;
