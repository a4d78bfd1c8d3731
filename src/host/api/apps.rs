//! `/api/v1/apps`: what clients can launch.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireText, parse};
use crate::host::api::lobbies::require_gpu;
use crate::host::apps::record::AppRecord;
use crate::host::context::Context;

/// `GET /api/v1/apps`.
pub fn list(context: &Context) -> ApiAnswer {
    let list = context.apps.list();
    let apps: Vec<&AppRecord> = list.iter().map(|app| app.record()).collect();
    ApiAnswer::list("apps", &apps)
}

/// `POST /api/v1/apps/add`: another app, or another in place of one with the
/// same id.
pub async fn add(context: &Context, body: Body) -> ApiAnswer {
    let record: AppRecord = match parse(body) {
        Ok(record) => record,
        Err(answer) => return answer,
    };
    let is_here = match record.gpu() {
        Ok(gpu) => require_gpu(context, gpu.as_ref()),
        Err(error) => Err(ApiAnswer::failed(format!("render_node: {error}"))),
    };
    if let Err(answer) = is_here {
        return answer;
    }
    let apps = context.apps.clone();
    ApiAnswer::of_task(tokio::task::spawn_blocking(move || apps.add(record)).await)
}

/// `POST /api/v1/apps/delete`: a success also if there is none, as with Wolf.
pub async fn delete(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Delete = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let apps = context.apps.clone();
    ApiAnswer::of_task(tokio::task::spawn_blocking(move || apps.delete(&wanted.id.0)).await)
}

/// Names an app.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Delete {
    /// Its id.
    id: WireText,
}
