//! `/api/v1/runners/start`, `/api/v1/apps/start`: programs and apps begun by
//! the API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::apps::AppConfig;
use crate::desktop::spec::AppSpec;
use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, WireText, parse};
use crate::host::api::sessions::{began, no_session, refused};
use crate::host::api::terms::{app, channels, client, mode};
use crate::host::apps::runner::{Program, Runner};
use crate::host::context::Context;
use crate::host::sessions::operated::Preparation;
use crate::ids::SessionId;

/// `POST /api/v1/runners/start`: another program in a session's desktop.
pub async fn start(context: &Context, body: Body) -> ApiAnswer {
    let wanted: StartRunner = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let Some(session) = context.sessions.resolve(wanted.session_id.0) else { return no_session() };
    let program = match Runner::parse(&wanted.runner).and_then(|runner| runner.program()) {
        Ok(Program { command, environment }) => AppSpec { command, environment, working_directory: None },
        Err(error) => return ApiAnswer::failed(error.to_string()),
    };
    run(context, session, program, wanted.stop_stream_when_over).await
}

/// `POST /api/v1/apps/start`: an app in a session's desktop, or in a session of
/// its own, which its client finds when it comes.
pub async fn start_app(context: &Context, body: Body) -> ApiAnswer {
    let wanted: StartApp = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let app = match app(context, &wanted.app_id.0) {
        Ok(app) => app,
        Err(text) => return ApiAnswer::failed(text),
    };
    let Some(session) = &wanted.session_id else {
        return match wanted.preparation(context, app) {
            Ok(preparation) => began(context, preparation).await,
            Err(text) => ApiAnswer::failed(text),
        };
    };
    let Some(session) = context.sessions.resolve(session.0) else { return no_session() };
    if app.test_card {
        return ApiAnswer::failed(format!("{} is no program that could run in a desktop", app.title));
    }
    let AppConfig { command, environment, working_directory, .. } = app;
    run(context, session, AppSpec { command, environment, working_directory }, false).await
}

async fn run(context: &Context, session: SessionId, program: AppSpec, ends_session: bool) -> ApiAnswer {
    let sessions = context.sessions.clone();
    match tokio::spawn(async move { sessions.run(session, program, ends_session).await }).await {
        Ok(Ok(pid)) => ApiAnswer::object(&Running { session_id: session.to_string(), pid }),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
}

impl StartApp {
    fn preparation(self, context: &Context, app: AppConfig) -> Result<Preparation, String> {
        Ok(Preparation {
            client: client(context, self.client_id)?,
            app,
            mode: mode(self.video_width, self.video_height, self.video_refresh_rate)?,
            channels: channels(self.audio_channel_count)?,
            keys: None,
            peer: None,
            settings: None,
        })
    }
}

/// A program for a session's desktop.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct StartRunner {
    /// Its end is that of the session.
    stop_stream_when_over: bool,
    #[schemars(with = "Runner")]
    runner: Value,
    /// The session's number, or that of its client.
    session_id: WireId,
}

/// An app, and where to start it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct StartApp {
    /// App of the list or of a profile.
    #[serde(alias = "id")]
    app_id: WireText,
    /// A session whose desktop it shall run in, beside its own app.
    #[serde(default)]
    session_id: Option<WireId>,
    /// A paired client whose session it shall be, if no session is named; with
    /// neither, the session is nobody's.
    #[serde(default)]
    client_id: Option<WireText>,
    /// Pixels; 0 for the usual.
    #[serde(default)]
    video_width: u32,
    /// Pixels; 0 for the usual.
    #[serde(default)]
    video_height: u32,
    /// Frames per second; 0 for the usual.
    #[serde(default)]
    video_refresh_rate: u32,
    /// 2, 6 or 8.
    #[serde(default)]
    audio_channel_count: u32,
}

/// A program that runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Running {
    /// In which session.
    session_id: String,
    /// Its process id.
    pid: u32,
}
