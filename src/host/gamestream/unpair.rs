//! `GET /unpair`: a client gives up a pairing that has not ended. HTTP proves
//! nothing about who asks, so a client that has paired stays paired; the API
//! un-pairs.

use crate::host::context::Context;
use crate::host::gamestream::Pairs;
use crate::host::gamestream::caller::Caller;
use crate::host::gamestream::pair::pairing_key;
use crate::host::gamestream::reply::Reply;
use crate::protocol::gamestream::answer;
use crate::protocol::gamestream::query::Query;

/// Drops what is pending.
pub fn answer(context: &Context, caller: Caller, pairs: &Pairs) -> Reply {
    context.pairings.abandon(&pairing_key(caller, Query::new(pairs)));
    Reply::Xml(answer::unpaired())
}
