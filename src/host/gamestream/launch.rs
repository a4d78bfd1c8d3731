//! `GET /launch`: start an app; the RTSP handshake follows within
//! milliseconds.

use crate::host::context::Context;
use crate::host::gamestream::Pairs;
use crate::host::gamestream::caller::Caller;
use crate::host::gamestream::reply::Reply;
use crate::host::sessions::{LaunchOrder, Refusal};
use crate::ids::ClientId;
use crate::protocol::gamestream::answer::{self, Verb};
use crate::protocol::gamestream::launch_request::LaunchRequest;
use crate::protocol::gamestream::query::Query;

/// Starts what the query asks for.
pub async fn answer(context: &Context, caller: Caller, client: ClientId, pairs: &Pairs) -> Reply {
    let order = match order(caller, client, pairs) {
        Ok(order) => order,
        Err(refusal) => return refused(Verb::Launch, &refusal),
    };
    let sessions = context.sessions.clone();
    // A task of its own: a client that hangs up must not leave a launch half
    // done.
    let launched = tokio::spawn(async move { sessions.launch(order).await });
    match finished(launched.await) {
        Ok(launched) => Reply::Xml(answer::launched(&launched.session_url)),
        Err(refusal) => refused(Verb::Launch, &refusal),
    }
}

/// What is asked for, checked.
pub(super) fn order(caller: Caller, client: ClientId, pairs: &Pairs) -> Result<LaunchOrder, Refusal> {
    let request = LaunchRequest::parse(pairs).map_err(|error| Refusal { status: 400, text: error.to_string() })?;
    let unique_id = Query::new(pairs).get("uniqueid").unwrap_or_default().to_owned();
    Ok(LaunchOrder { client, unique_id, request, local: caller.ends.local, peer: caller.ends.peer })
}

/// The outcome of a task, whose own end is a refusal, too.
pub(super) fn finished<T>(outcome: Result<Result<T, Refusal>, tokio::task::JoinError>) -> Result<T, Refusal> {
    outcome.unwrap_or_else(|error| Err(Refusal { status: 503, text: format!("The host is stopping: {error}") }))
}

/// An error with the element that Android cannot do without.
pub(super) fn refused(verb: Verb, refusal: &Refusal) -> Reply {
    Reply::Xml(answer::refused(verb, refusal.status, &refusal.text))
}
