//! `/api/v1/profiles`: the people that Wolf UI lets choose from.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireText, parse};
use crate::host::context::Context;
use crate::host::profiles::Profile;

/// `GET /api/v1/profiles`: without the one that Moonlight lists.
pub fn list(context: &Context) -> ApiAnswer {
    ApiAnswer::list("profiles", &context.people.list().profiles)
}

/// `POST /api/v1/profiles/add`: another profile, or another in place of one
/// with the same id.
pub async fn add(context: &Context, body: Body) -> ApiAnswer {
    let profile: Profile = match parse(body) {
        Ok(profile) => profile,
        Err(answer) => return answer,
    };
    let people = context.people.clone();
    ApiAnswer::of_task(tokio::task::spawn_blocking(move || people.add(profile)).await)
}

/// `POST /api/v1/profiles/remove`: a success also if there is none, as with
/// Wolf.
pub async fn remove(context: &Context, body: Body) -> ApiAnswer {
    let wanted: Remove = match parse(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    let people = context.people.clone();
    ApiAnswer::of_task(tokio::task::spawn_blocking(move || people.remove(&wanted.id.0)).await)
}

/// Names a profile.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Remove {
    /// Its id.
    id: WireText,
}
