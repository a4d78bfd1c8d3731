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
pub mod lobbies;
pub mod pairing;
pub mod sessions;
pub mod socket;

use std::sync::Arc;

use hyper::Method;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::debug;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::socket::ApiSocket;
use crate::host::context::Context;
use crate::host::http::connection::{self, Deadlines};
use crate::host::http::server::{drain, pause_after, stopped};
use crate::host::http::{Request, Response};

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
                        connection::serve(stream, &deadlines, |request| answer(&context, request)).await;
                    });
                }
                Err(error) => pause_after(&error).await,
            }
        }
    }
    drop(socket);
    drain(connections, deadlines.shutdown).await;
}

async fn answer(context: &Context, request: Request) -> Response {
    debug!(method = %request.method(), path = request.uri().path(), "api request");
    route(context, request).await.into_response()
}

async fn route(context: &Context, request: Request) -> ApiAnswer {
    let (head, body) = request.into_parts();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/api/v1/pair/pending") => pairing::pending(context),
        (&Method::POST, "/api/v1/pair/client") => pairing::enter_pin(context, body::read(&head, body).await),
        (&Method::POST, "/api/v1/unpair/client") => clients::unpair(context, body::read(&head, body).await).await,
        (&Method::GET, "/api/v1/clients") => clients::list(context),
        (&Method::GET, "/api/v1/apps") => apps::list(context),
        (&Method::GET, "/api/v1/sessions") => sessions::list(context),
        (&Method::POST, "/api/v1/sessions/configure") => lobbies::configure(context, body::read(&head, body).await),
        (&Method::GET, "/api/v1/lobbies") => lobbies::list(context),
        (&Method::POST, "/api/v1/lobbies/create") => lobbies::create(context, body::read(&head, body).await).await,
        (&Method::POST, "/api/v1/lobbies/join") => lobbies::join(context, body::read(&head, body).await).await,
        (&Method::POST, "/api/v1/lobbies/leave") => lobbies::leave(context, body::read(&head, body).await).await,
        (&Method::POST, "/api/v1/lobbies/renew") => lobbies::renew(context, body::read(&head, body).await),
        (&Method::POST, "/api/v1/lobbies/stop") => lobbies::stop(context, body::read(&head, body).await).await,
        (&Method::POST, "/api/v1/sessions/stop") => sessions::stop(context, body::read(&head, body).await).await,
        _ => ApiAnswer::NotFound,
    }
}

/// Callers at one time; enough for every tool of one machine.
const MAX_CONNECTIONS: usize = 64;
