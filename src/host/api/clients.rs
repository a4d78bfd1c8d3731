//! `/api/v1/clients`, `/api/v1/unpair/client`: who is paired, and what is
//! decided for them.

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, parse};
use crate::host::context::Context;
use crate::host::events::Event;
use crate::host::store::client_preferences::{ClientSettings, PartialClientSettings, Preferences};
use crate::host::store::paired_clients::PairedClient;
use crate::host::store::versioned_file::SaveStateError;

/// `GET /api/v1/clients`.
pub fn list(context: &Context) -> ApiAnswer {
    let first_uid = context.config.now().desktop.first_uid;
    let view = |client: PairedClient| {
        let decided = context.preferences.get(client.id);
        ClientView::new(client, decided, first_uid)
    };
    let clients: Vec<ClientView> = context.clients.list().into_iter().map(view).collect();
    ApiAnswer::list("clients", &clients)
}

/// `POST /api/v1/clients/settings`: for the client's next connection.
pub async fn update_settings(context: &Context, body: Body) -> ApiAnswer {
    let wanted: UpdateSettings = match parse(body) {
        Ok(wanted) => wanted,
        // Wolf's status for this one.
        Err(answer) => return answer.with_status(StatusCode::BAD_REQUEST),
    };
    let Some(client) = context.clients.find_short(wanted.client_id.0) else {
        return ApiAnswer::Failure(StatusCode::NOT_FOUND, "Client not found".into());
    };
    let preferences = context.preferences.clone();
    let change =
        Preferences { app_state_folder: wanted.app_state_folder, settings: wanted.settings.unwrap_or_default() };
    ApiAnswer::of_task(tokio::task::spawn_blocking(move || preferences.set(client.id, change)).await)
}

/// `POST /api/v1/unpair/client`: forgets a client and ends its stream.
pub async fn unpair(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Unpair = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer.with_status(StatusCode::BAD_REQUEST),
    };
    let Some(client) = context.clients.find_short(wanted.client_id.0) else {
        return ApiAnswer::Failure(StatusCode::NOT_FOUND, "Client not found".into());
    };
    let (clients, preferences) = (context.clients.clone(), context.preferences.clone());
    let remove = move || {
        let removed = clients.remove(client.id)?;
        preferences.forget(client.id)?;
        Ok::<_, SaveStateError>(removed)
    };
    let removed = tokio::task::spawn_blocking(remove).await;
    match removed {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return ApiAnswer::failed(error.to_string()),
        Err(error) => return ApiAnswer::failed(error.to_string()),
    }
    info!(client = %client.id, "unpaired");
    context.events.publish(Event::ClientUnpaired { client_id: client.id });
    match context.sessions.cancel(client.id).await {
        Ok(()) => ApiAnswer::done(),
        Err(refusal) => ApiAnswer::failed(format!("unpaired, but its session goes on: {refusal}")),
    }
}

/// Names a client.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Unpair {
    /// Its number.
    client_id: WireId,
}

/// A client, and what is decided for it. What is not given stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct UpdateSettings {
    /// Its number.
    client_id: WireId,
    /// Folder that the homes of its apps are in.
    #[serde(default)]
    app_state_folder: Option<String>,
    /// All else.
    #[serde(default)]
    settings: Option<PartialClientSettings>,
}

/// A paired client.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ClientView {
    /// Its number.
    client_id: String,
    /// Folder that the homes of its apps are in.
    app_state_folder: String,
    settings: ClientSettings,
    name: String,
    /// Unix time in seconds.
    paired_at: u64,
}

impl ClientView {
    fn new(client: PairedClient, decided: Preferences, first_uid: u32) -> Self {
        let id = client.id.short().to_string();
        Self {
            app_state_folder: decided.app_state_folder.unwrap_or_else(|| id.clone()),
            client_id: id,
            settings: ClientSettings::complete(decided.settings, first_uid.saturating_add(client.slot)),
            name: client.name,
            paired_at: client.paired_at,
        }
    }
}
