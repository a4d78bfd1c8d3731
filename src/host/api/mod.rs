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
pub mod clients;
pub mod events;
pub mod latency;
pub mod lobbies;
pub mod openapi;
pub mod pairing;
pub mod route;
pub mod routes;
pub mod sessions;
pub mod socket;
pub mod system;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::{Action, Route};
use crate::host::api::routes::ROUTES;
use crate::host::api::socket::ApiSocket;
use crate::host::context::Context;
use crate::host::http::connection::{self, Deadlines};
use crate::host::http::server::{drain, pause_after, stopped};
use crate::host::http::{Request, Response};
use crate::host::scope::Scope;

/// Serves the API until `shutdown` turns true; returns when all is closed.
pub async fn serve(
    socket: ApiSocket,
    context: Arc<Context>,
    deadlines: Deadlines,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            // Over the limit callers wait in the queue: they are local.
            accepted = socket.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok(stream) => {
                    let context = Arc::clone(&context);
                    connections.spawn(async move {
                        connection::serve(stream, &deadlines, |request| answer(&context, &deadlines, request)).await;
                    });
                }
                Err(error) => pause_after(&error).await,
            }
        }
    }
    drop(socket);
    context.events.close();
    drain(connections, deadlines.shutdown).await;
}

async fn answer(context: &Context, deadlines: &Deadlines, request: Request) -> Response {
    debug!(method = %request.method(), path = request.uri().path(), "api request");
    let (head, body) = request.into_parts();
    let asked = |route: &&Route| route.path == head.uri.path() && route.method() == head.method;
    let Some(route) = ROUTES.iter().find(asked) else { return ApiAnswer::NotFound.into_response() };
    let answer = match route.action {
        Action::Listen => return events::subscribe(&context.events, Scope::Host, &head, deadlines.keepalive),
        Action::Read(read) => read(context),
        Action::Ask(ask) => ask(context, head.uri.query().unwrap_or_default()).await,
        Action::Do(act) => act(context, body::read(&head, body).await).await,
    };
    answer.into_response()
}

/// Callers at one time; enough for every tool of one machine.
const MAX_CONNECTIONS: usize = 64;
