//! `/api/v1/clients`, `/api/v1/unpair/client`: who is paired.

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, parse};
use crate::host::context::Context;
use crate::host::events::Event;
use crate::host::store::paired_clients::PairedClient;

/// `GET /api/v1/clients`.
pub fn list(context: &Context) -> ApiAnswer {
    let first_uid = context.config.desktop.first_uid;
    let clients: Vec<ClientView> =
        context.clients.list().into_iter().map(|client| ClientView::new(client, first_uid)).collect();
    ApiAnswer::list("clients", &clients)
}

/// `POST /api/v1/unpair/client`: forgets a client and ends its stream.
pub async fn unpair(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Unpair = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let Some(client) = context.clients.find_short(wanted.client_id.0) else {
        return ApiAnswer::Failure(StatusCode::NOT_FOUND, "Client not found".into());
    };
    let clients = context.clients.clone();
    let removed = tokio::task::spawn_blocking(move || clients.remove(client.id)).await;
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

/// A paired client.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ClientView {
    /// Its number.
    client_id: String,
    /// Wolf keeps a client's files in a folder of this name.
    app_state_folder: String,
    settings: ClientSettings,
    name: String,
    /// Unix time in seconds.
    paired_at: u64,
}

/// Settings that Wolf has per client; what we have none of is at Wolf's
/// default.
#[derive(Debug, Serialize, JsonSchema)]
struct ClientSettings {
    run_uid: u32,
    run_gid: u32,
    controllers_override: [String; 0],
    mouse_acceleration: f32,
    v_scroll_acceleration: f32,
    h_scroll_acceleration: f32,
}

impl ClientView {
    fn new(client: PairedClient, first_uid: u32) -> Self {
        let uid = first_uid.saturating_add(client.slot);
        let id = client.id.short().to_string();
        Self {
            client_id: id.clone(),
            app_state_folder: id,
            settings: ClientSettings {
                run_uid: uid,
                run_gid: uid,
                controllers_override: [],
                mouse_acceleration: 1.0,
                v_scroll_acceleration: 1.0,
                h_scroll_acceleration: 1.0,
            },
            name: client.name,
            paired_at: client.paired_at,
        }
    }
}
