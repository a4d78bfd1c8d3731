//! The HTTP side of GameStream, one endpoint a file.
//!
//! Errors are HTTP 200 with the `status_code` in the XML: with any other HTTP
//! status clients show their own text and never read ours. Plain HTTP serves
//! `serverinfo`, `pair` and `unpair`; everything else needs the certificate of
//! a paired client (protocol notes: HTTP rules).

pub mod app_asset;
pub mod app_list;
pub mod caller;
pub mod cancel;
pub mod launch;
pub mod pair;
pub mod pictures;
pub mod reply;
pub mod resume;
pub mod server_info;
pub mod unpair;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use tracing::debug;

use crate::host::context::Context;
pub use crate::host::gamestream::caller::{Caller, Channel};
use crate::host::gamestream::reply::Reply;
use crate::host::http::{Request, Response};
use crate::host::token_bucket::Rate;
use crate::ids::ClientId;

/// Decoded names and values of a query string.
pub type Pairs = [(String, String)];

/// Answers one request.
pub async fn answer(context: &Arc<Context>, caller: Caller, request: Request) -> Response {
    // The query may hold keys and certificates: never logged.
    debug!(peer = %caller.ends.peer, method = %request.method(), path = request.uri().path(), "request");
    if request.method() != Method::GET {
        return Reply::NotFound.into_response();
    }
    let limit = context.config.now().limits.requests_per_second;
    let who = caller.who(&context.clients);
    let rate = Rate::of(limit, Duration::from_secs(1), limit.saturating_mul(10));
    if !context.requests.allows(who, rate, Instant::now()) {
        context.life.refused("limits.requests_per_second");
        let text = format!("This client asks more than {limit} times a second (limits.requests_per_second).");
        return Reply::error(503, &text).into_response();
    }
    let query: Vec<_> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    route(context, caller, request.uri().path(), &query).await.into_response()
}

async fn route(context: &Arc<Context>, caller: Caller, path: &str, query: &Pairs) -> Reply {
    match path {
        "/serverinfo" => server_info::answer(context, caller),
        "/pair" => pair::answer(context, caller, query).await,
        "/unpair" => unpair::answer(context, caller, query),
        "/applist" | "/appasset" | "/launch" | "/resume" | "/cancel" => match caller.paired(&context.clients) {
            Some(client) => route_paired(context, caller, client, path, query).await,
            None => Reply::error(401, "This client is not paired with this host. Pair it first."),
        },
        _ => Reply::NotFound,
    }
}

async fn route_paired(context: &Arc<Context>, caller: Caller, client: ClientId, path: &str, query: &Pairs) -> Reply {
    match path {
        "/applist" => app_list::answer(context),
        "/appasset" => app_asset::answer(context, query),
        "/launch" => launch::answer(context, caller, client, query).await,
        "/resume" => resume::answer(context, caller, client, query).await,
        "/cancel" => cancel::answer(context, client).await,
        _ => Reply::NotFound,
    }
}
