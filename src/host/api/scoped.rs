//! Calls from within a desktop: the operator's routes, for what concerns the
//! caller's own session or lobby.
//!
//! A program in a session's desktop (wolf-ui is one) sees which lobbies there
//! are, but not what runs in them and who is there; moves its own session and
//! no other; starts programs beside itself; and ends lobbies that its own client
//! has created. A program in a
//! lobby's desktop sees and ends that lobby.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, WireId, parse};
use crate::host::api::caller::Caller;
use crate::host::api::{lobbies, runners};
use crate::host::context::Context;
use crate::host::events::wolf::for_others;
use crate::host::lobbies::spec::Right;
use crate::host::lobbies::view::LobbyView;
use crate::host::scope::Scope;
use crate::ids::{ClientId, LobbyId, SessionId};

/// What is answered to a call that is not the caller's to make.
pub(super) fn denied(scope: Scope) -> ApiAnswer {
    let text = match scope {
        Scope::Session(session) => {
            format!("This socket is for session {session}: it can see and do what concerns that session alone.")
        }
        Scope::Lobby(lobby) => {
            format!("This socket is for lobby {lobby}: it can see and do what concerns that lobby alone.")
        }
        Scope::Host => "This is not allowed.".to_owned(),
    };
    ApiAnswer::Failure(StatusCode::FORBIDDEN, format!("{text} Use the host's own socket for everything else."))
}

/// What is answered to somebody else's program.
pub(super) fn not_welcome() -> ApiAnswer {
    let text = "This socket is for another user: root and the host's, and those of the desktop that it belongs to.";
    ApiAnswer::Failure(StatusCode::FORBIDDEN, text.to_owned())
}

/// What is answered over a limit of connections.
pub(super) fn full(limit: &str, most: usize) -> ApiAnswer {
    let text = format!("{most} connections are open here, and more are not served ({limit}). Try again.");
    ApiAnswer::Failure(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// `GET /api/v1/sessions`: the caller's own.
pub(super) async fn sessions(context: &Context, caller: &Caller, _: Body) -> ApiAnswer {
    let Scope::Session(session) = caller.scope else { return denied(caller.scope) };
    let mut sessions = context.sessions.list();
    sessions.retain(|view| view.session_id == session.to_string());
    ApiAnswer::list("sessions", &sessions)
}

/// `GET /api/v1/lobbies`: for a lobby itself, for a session all as far as they
/// are its business.
pub(super) async fn lobbies(context: &Context, caller: &Caller, _: Body) -> ApiAnswer {
    let mut lobbies = context.lobbies.list();
    match caller.scope {
        Scope::Host => {}
        Scope::Lobby(lobby) => lobbies.retain(|view| view.id == lobby.to_string()),
        Scope::Session(session) => {
            let own = client(context, session).map_or_else(Vec::new, |client| context.lobbies.created_by(client));
            lobbies = lobbies.into_iter().map(|view| seen_by(view, session, &own)).collect();
        }
    }
    ApiAnswer::list("lobbies", &lobbies)
}

/// `GET /status`: Helix's programs in a lobby ask its socket so.
pub(super) async fn status(context: &Context, caller: &Caller, _: Body) -> ApiAnswer {
    let Scope::Lobby(lobby) = caller.scope else { return denied(caller.scope) };
    let lobby_id = lobby.to_string();
    match context.lobbies.list().into_iter().find(|view| view.id == lobby_id) {
        Some(LobbyView { state: status, .. }) => ApiAnswer::object(&LobbyStatus { lobby_id, status }),
        None => ApiAnswer::failed("Lobby not found"),
    }
}

/// `POST /api/v1/lobbies/create`. What it runs, and where its files are, is in
/// the caller's own corner: no user, state folder or idempotency key of others.
pub(super) async fn create_lobby(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    let Scope::Session(session) = caller.scope else { return denied(caller.scope) };
    let Some(client) = client(context, session) else { return denied(caller.scope) };
    if !caller.may_try() {
        return too_often();
    }
    let mut spec = match lobbies::wanted(body) {
        Ok(spec) => spec,
        Err(answer) => return answer,
    };
    let corner = format!("client-{}", client.short());
    spec.run_uid = None;
    if !spec.state_folder.is_empty() {
        spec.state_folder = format!("{corner}/{}", spec.state_folder);
    }
    spec.idempotency_key = spec.idempotency_key.map(|key| format!("{corner}/{key}"));
    spec.created_by = Some(client);
    lobbies::start(context, spec).await
}

/// `POST /api/v1/lobbies/join`, with the caller's own session.
pub(super) async fn join(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    if let Err(answer) = names_own_session(caller.scope, &body) {
        return answer;
    }
    if !caller.may_try() {
        return too_often();
    }
    lobbies::join(context, body).await
}

/// `POST /api/v1/lobbies/leave`, with the caller's own session.
pub(super) async fn leave(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    match names_own_session(caller.scope, &body) {
        Ok(()) => lobbies::leave(context, body).await,
        Err(answer) => answer,
    }
}

/// `POST /api/v1/runners/start` in the desktop that the caller runs in, where
/// it could start the program itself.
pub(super) async fn start_runner(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    let named: NamesRunner = match parse(body.clone()) {
        Ok(named) => named,
        Err(answer) => return answer,
    };
    let is_own = |session: &SessionId| caller.scope == Scope::Session(*session);
    if context.sessions.resolve(named.session_id.0).filter(is_own).is_none() {
        return denied(caller.scope);
    }
    if !caller.may_try() {
        return too_often();
    }
    runners::start(context, body).await
}

/// `POST /api/v1/lobbies/stop` of a lobby that the caller's client has created.
pub(super) async fn stop_own_lobby(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    let Scope::Session(session) = caller.scope else { return denied(caller.scope) };
    let lobby = match named_lobby(&body) {
        Ok(lobby) => lobby,
        Err(answer) => return answer,
    };
    let is_own = client(context, session).is_some_and(|client| context.lobbies.created_by(client).contains(&lobby));
    if is_own { end(context, lobby).await } else { denied(caller.scope) }
}

/// `POST /api/v1/lobbies/stop` of the lobby that the caller runs in.
pub(super) async fn stop_lobby(context: &Context, caller: &Caller, body: Body) -> ApiAnswer {
    match named_lobby(&body) {
        Ok(lobby) if caller.scope == Scope::Lobby(lobby) => end(context, lobby).await,
        Ok(_) => denied(caller.scope),
        Err(answer) => answer,
    }
}

async fn end(context: &Context, lobby: LobbyId) -> ApiAnswer {
    let lobbies = context.lobbies.clone();
    // A task of its own: the caller may end with the lobby.
    ApiAnswer::of_task(tokio::spawn(async move { lobbies.stop(lobby, Right::Operator).await }).await)
}

fn too_often() -> ApiAnswer {
    let text = "This session has created or joined lobbies, or started programs, too often; wait a few seconds.";
    ApiAnswer::Failure(StatusCode::TOO_MANY_REQUESTS, text.to_owned())
}

/// A lobby as a session may see it.
fn seen_by(view: LobbyView, session: SessionId, own: &[LobbyId]) -> LobbyView {
    if own.iter().any(|lobby| lobby.to_string() == view.id) {
        return LobbyView { desktop: None, ..view };
    }
    let me = session.to_string();
    LobbyView {
        runner: for_others(&view.runner),
        // How many there are, but not who.
        connected_sessions: view
            .connected_sessions
            .into_iter()
            .map(|visitor| if visitor == me { visitor } else { String::new() })
            .collect(),
        idempotency_key: None,
        desktop: None,
        ..view
    }
}

fn client(context: &Context, session: SessionId) -> Option<ClientId> {
    context.sessions.client_of(session)
}

fn names_own_session(scope: Scope, body: &Body) -> Result<(), ApiAnswer> {
    let named: NamesSession = parse(body.clone())?;
    let is_own = scope == Scope::Session(SessionId(named.moonlight_session_id.0));
    if is_own { Ok(()) } else { Err(denied(scope)) }
}

fn named_lobby(body: &Body) -> Result<LobbyId, ApiAnswer> {
    let named: NamesLobby = parse(body.clone())?;
    named.lobby_id.parse().map_err(|_| ApiAnswer::failed("Invalid lobby ID"))
}

#[derive(Serialize)]
struct LobbyStatus {
    lobby_id: String,
    status: String,
}

#[derive(Deserialize)]
struct NamesSession {
    moonlight_session_id: WireId,
}

#[derive(Deserialize)]
struct NamesRunner {
    session_id: WireId,
}

#[derive(Deserialize)]
struct NamesLobby {
    lobby_id: String,
}
