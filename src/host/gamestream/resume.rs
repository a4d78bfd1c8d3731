//! `GET /resume`: back to the client's running app, with new keys.

use crate::host::context::Context;
use crate::host::gamestream::Pairs;
use crate::host::gamestream::caller::Caller;
use crate::host::gamestream::launch::{finished, order, refused};
use crate::host::gamestream::reply::Reply;
use crate::ids::ClientId;
use crate::protocol::gamestream::answer::{self, Verb};

/// Resumes what the client runs.
pub async fn answer(context: &Context, caller: Caller, client: ClientId, pairs: &Pairs) -> Reply {
    let order = match order(caller, client, pairs) {
        Ok(order) => order,
        Err(refusal) => return refused(Verb::Resume, &refusal),
    };
    let sessions = context.sessions.clone();
    // As with a launch: not left half done.
    let resumed = tokio::spawn(async move { sessions.resume(order).await });
    match finished(resumed.await) {
        Ok(resumed) => Reply::Xml(answer::resumed(&resumed.session_url)),
        Err(refusal) => refused(Verb::Resume, &refusal),
    }
}
