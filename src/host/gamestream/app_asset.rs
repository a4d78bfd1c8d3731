//! `GET /appasset`: box art. Always a picture: clients show an error document
//! as a broken one.

use crate::host::context::Context;
use crate::host::gamestream::Pairs;
use crate::host::gamestream::reply::Reply;
use crate::ids::AppId;
use crate::protocol::gamestream::query::Query;

/// The picture of the app that is asked for, or some picture.
pub fn answer(context: &Context, pairs: &Pairs) -> Reply {
    let id = Query::new(pairs).get("appid").and_then(|id| id.parse().ok()).unwrap_or_default();
    Reply::Picture(context.apps.picture(AppId(id)))
}
