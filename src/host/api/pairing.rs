//! `/api/v1/pair/..`: who waits for a PIN, and the PIN.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, parse};
use crate::host::context::Context;

/// `GET /api/v1/pair/pending`.
pub fn pending(context: &Context) -> ApiAnswer {
    let requests: Vec<PendingView> = context
        .pairings
        .waiting()
        .into_iter()
        .map(|waiting| PendingView { pair_secret: waiting.pair_secret, client_ip: waiting.address.to_string() })
        .collect();
    ApiAnswer::list("requests", &requests)
}

/// `POST /api/v1/pair/client`: the PIN that the client shows. Success means
/// that the client goes on with it, not that it is right: the client finds
/// that out.
pub async fn enter_pin(context: &Context, body: Body) -> ApiAnswer {
    let entered: EnteredPin = match parse(body) {
        Ok(entered) => entered,
        Err(answer) => return answer,
    };
    match context.pairings.enter_pin(&entered.pair_secret, &entered.pin) {
        Ok(()) => ApiAnswer::done(),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
}

/// A client that waits for its PIN.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PendingView {
    /// Names the pairing.
    pair_secret: String,
    /// Address of the client.
    client_ip: String,
}

/// A PIN for a client that waits.
#[derive(Deserialize, JsonSchema)]
pub(super) struct EnteredPin {
    /// Names the pairing.
    pair_secret: String,
    /// The four digits that the client shows.
    pin: String,
}
