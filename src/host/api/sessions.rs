//! `/api/v1/sessions`: what streams, and its end.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, parse};
use crate::host::context::Context;
use crate::ids::SessionId;

/// `GET /api/v1/sessions`.
pub fn list(context: &Context) -> ApiAnswer {
    ApiAnswer::list("sessions", &context.sessions.list())
}

/// `POST /api/v1/sessions/stop`.
pub async fn stop(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Stop = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    match context.sessions.stop(SessionId(wanted.session_id.0)).await {
        Ok(()) => ApiAnswer::done(),
        // Wolf's words, which its clients know.
        Err(refusal) if refusal.status == 404 => ApiAnswer::failed("Invalid session_id"),
        Err(refusal) => ApiAnswer::failed(refusal.to_string()),
    }
}

/// Names a session.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Stop {
    /// Its number.
    session_id: WireId,
}
