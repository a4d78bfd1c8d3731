//! What Wolf has for containers and PipeWire and this host has not: answered
//! in words, so that callers need not guess.

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, parse};
use crate::host::api::route::Answering;
use crate::host::context::Context;

/// `GET /api/v1/docker/images/inspect`: no image is here, in Wolf's status for
/// that.
pub fn inspect<'a>(_: &'a Context, _: &'a str) -> Answering<'a> {
    Box::pin(async { ApiAnswer::Failure(StatusCode::NOT_FOUND, NO_CONTAINERS.to_owned()) })
}

/// `POST /api/v1/docker/images/pull`.
pub async fn pull(_: &Context, body: Body) -> ApiAnswer {
    match parse::<Pull>(body) {
        Ok(wanted) => ApiAnswer::failed(format!("{}: {NO_CONTAINERS}", wanted.image_name)),
        Err(answer) => answer,
    }
}

/// `POST /api/v1/lobbies/set-pipewire-node-id`.
pub async fn set_pipewire_node(_: &Context, body: Body) -> ApiAnswer {
    match parse::<PipewireNode>(body) {
        Ok(wanted) => ApiAnswer::failed(format!(
            "lobby {}: PipeWire node {} is not taken: pictures come from the lobby's compositor here",
            wanted.lobby_id, wanted.node_id
        )),
        Err(answer) => answer,
    }
}

/// An image that is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Pull {
    image_name: String,
}

/// A picture source that is offered.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct PipewireNode {
    lobby_id: String,
    node_id: u32,
}

const NO_CONTAINERS: &str = "containers are not supported by this host; use runners of type \"process\"";
