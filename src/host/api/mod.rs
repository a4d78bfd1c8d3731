//! The REST API on a Unix socket, in the shapes that clients of Wolf use.
//!
//! Every status line says `OK` and HTTP/1.0, there is no Content-Type, an
//! error is a 500 with `{"success":false,"error":".."}` and an unknown route
//! an empty 404: clients written for Wolf depend on it. Unlike Wolf, the socket
//! is closed after the answer. Ids are decimal strings, and are taken as
//! strings or numbers. One resource a file.

pub mod answer;
pub mod apps;
pub mod body;
pub mod caller;
pub mod clients;
pub mod containers;
pub mod events;
pub mod host;
pub mod icons;
pub mod keyboard;
pub mod latency;
pub mod lobbies;
pub mod memory;
pub mod openapi;
pub mod pairing;
mod permissions;
pub mod profiles;
pub mod route;
pub mod routes;
pub mod runners;
mod scoped;
pub mod screenshots;
pub mod server;
pub mod sessions;
pub mod socket;
mod stream;
pub mod system;
pub mod tcp;
mod terms;

use tracing::debug;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::caller::Caller;
use crate::host::api::permissions::Access;
use crate::host::api::route::Action;
use crate::host::api::routes::ROUTES;
use crate::host::context::Context;
use crate::host::http::connection::Deadlines;
use crate::host::http::{Request, Response};

/// Answers one call.
async fn answer(context: &Context, caller: &Caller, deadlines: &Deadlines, request: Request) -> Response {
    debug!(method = %request.method(), path = request.uri().path(), scope = ?caller.scope, "api request");
    let (head, body) = request.into_parts();
    let most = context.config.now().limits.body_bytes;
    match permissions::access(caller.scope, &head.method, head.uri.path()) {
        Access::Denied => return scoped::denied(caller.scope).into_response(),
        Access::Own(handler) => {
            return handler(context, caller, body::read(&head, body, most).await).await.into_response();
        }
        Access::Ask(handler) => return handler(context, head.uri.query().unwrap_or_default()).await.into_response(),
        Access::Same => {}
    }
    let of_method = ROUTES.iter().filter(|route| route.method() == head.method);
    let asked = of_method.filter_map(|route| Some((route, route.names_in(head.uri.path())?))).next();
    let Some((route, named)) = asked else { return ApiAnswer::NotFound.into_response() };
    let answer = match route.action {
        Action::Listen => return events::subscribe(&context.events, caller.scope, &head, deadlines.keepalive),
        Action::Read(read) => read(context),
        Action::Ask(ask) => ask(context, &(named + head.uri.query().unwrap_or_default())).await,
        Action::Do(act) => act(context, body::read(&head, body, most).await).await,
    };
    answer.into_response()
}
