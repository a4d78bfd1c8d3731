//! The doors of the API: the operator's socket, and one for each desktop.

use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::host::api::answer;
use crate::host::api::caller::{Caller, is_welcome};
use crate::host::api::scoped;
use crate::host::api::socket::ApiSocket;
use crate::host::context::Context;
use crate::host::desktop_sockets::{DesktopSocket, DesktopSocketQueue};
use crate::host::http::connection::{self, Deadlines};
use crate::host::http::server::{drain, pause_after, stopped};
use crate::host::life::Phase;
use crate::host::scope::Scope;

/// Serves the API until `shutdown` turns true; returns when all is closed.
pub async fn serve(
    socket: ApiSocket,
    mut desktops: DesktopSocketQueue,
    context: Arc<Context>,
    deadlines: Deadlines,
    mut shutdown: watch::Receiver<bool>,
) {
    let operator = Arc::new(Caller::new(Scope::Host));
    let mut connections = JoinSet::new();
    let mut doors = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            Some(_) = doors.join_next(), if !doors.is_empty() => {}
            desktop = desktops.next() => {
                doors.spawn(serve_desktop(desktop, Arc::clone(&context), deadlines, shutdown.clone()));
            }
            accepted = socket.accept(), if has_room(&connections, &context, &operator) => match accepted {
                Ok(stream) => receive(&mut connections, stream, None, &context, &operator, deadlines),
                Err(error) => pause_after(&error).await,
            }
        }
    }
    if context.life.phase() == Phase::Left {
        // The next host has the socket already.
        socket.leave();
    } else {
        drop(socket);
    }
    context.events.close();
    drain(connections, deadlines.shutdown).await;
    drain(doors, deadlines.shutdown).await;
}

/// Serves a desktop's socket until the desktop ends.
async fn serve_desktop(
    desktop: DesktopSocket,
    context: Arc<Context>,
    deadlines: Deadlines,
    mut shutdown: watch::Receiver<bool>,
) {
    let DesktopSocket { listener, scope, uid, mut closed } = desktop;
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return warn!(?scope, %error, "a desktop's programs cannot call"),
    };
    let caller = Arc::new(Caller::new(scope));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Nothing is ever sent: the other end is dropped.
            _ = &mut closed => break,
            () = stopped(&mut shutdown) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if has_room(&connections, &context, &caller) => match accepted {
                Ok((stream, _)) => receive(&mut connections, stream, Some(uid), &context, &caller, deadlines),
                Err(error) => pause_after(&error).await,
            }
        }
    }
    drop(listener);
    // Who listens to events does not end by itself.
    drain(connections, deadlines.shutdown).await;
}

/// How many connections a door has, and the limit's name.
fn limit(context: &Context, caller: &Caller) -> (usize, &'static str) {
    let limits = &context.config.now().limits;
    match caller.scope {
        Scope::Host => (limits.api_connections, "limits.api_connections"),
        Scope::Session(_) | Scope::Lobby(_) => {
            (limits.api_connections_per_desktop, "limits.api_connections_per_desktop")
        }
    }
}

/// Where so many are being refused that this is work too, callers wait.
fn has_room(connections: &JoinSet<()>, context: &Context, caller: &Caller) -> bool {
    connections.len() < limit(context, caller).0 + AT_THE_DOOR
}

/// Serves a connection, or tells it which limit is reached.
fn receive(
    connections: &mut JoinSet<()>,
    stream: UnixStream,
    desktop_uid: Option<u32>,
    context: &Arc<Context>,
    caller: &Arc<Caller>,
    deadlines: Deadlines,
) {
    let (most, limit) = limit(context, caller);
    if connections.len() < most {
        connections.spawn(serve_one(stream, desktop_uid, Arc::clone(context), Arc::clone(caller), deadlines));
    } else {
        context.life.refused(limit);
        connections.spawn(async move {
            connection::serve(stream, &deadlines, |_| async { scoped::full(limit, most).into_response() }).await;
        });
    }
}

async fn serve_one(
    stream: UnixStream,
    desktop_uid: Option<u32>,
    context: Arc<Context>,
    caller: Arc<Caller>,
    deadlines: Deadlines,
) {
    match is_welcome(&stream, desktop_uid) {
        Ok(true) => {
            connection::serve(stream, &deadlines, |request| answer(&context, &caller, &deadlines, request)).await;
        }
        Ok(false) => {
            debug!(scope = ?caller.scope, "somebody else's program calls the API");
            connection::serve(stream, &deadlines, |_| async { scoped::not_welcome().into_response() }).await;
        }
        Err(error) => debug!(%error, "peer of an API socket"),
    }
}

/// Connections beyond the limit that are told so at the same time.
const AT_THE_DOOR: usize = 16;
