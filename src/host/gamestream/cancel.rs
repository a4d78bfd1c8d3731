//! `GET /cancel`: the client's session and its app end. Clients ask
//! `serverinfo` right after the answer and report error 599 if the app is
//! still there, so the answer comes when it is not.

use crate::host::context::Context;
use crate::host::gamestream::launch::{finished, refused};
use crate::host::gamestream::reply::Reply;
use crate::ids::ClientId;
use crate::protocol::gamestream::answer::{self, Verb};

/// Ends what the client runs; nothing to end is a success, too.
pub async fn answer(context: &Context, client: ClientId) -> Reply {
    let sessions = context.sessions.clone();
    // Goes on even if the client does not wait for it.
    let cancelled = tokio::spawn(async move { sessions.cancel(client).await });
    match finished(cancelled.await) {
        Ok(()) => Reply::Xml(answer::cancelled()),
        Err(refusal) => refused(Verb::Cancel, &refusal),
    }
}
