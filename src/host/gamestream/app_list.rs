//! `GET /applist`: the apps, in the operator's order, then what was added.

use crate::host::context::Context;
use crate::host::gamestream::reply::Reply;
use crate::protocol::gamestream::app_list::{ListedApp, app_list};

/// All apps; HDR where the encoders have 10 bits.
pub fn answer(context: &Context) -> Reply {
    let hdr = context.encoders.profiles().iter().any(|profile| profile.ten_bit);
    let list = context.apps.list();
    let apps: Vec<ListedApp<'_>> =
        list.iter().map(|app| ListedApp { id: app.id(), title: &app.record().title, hdr }).collect();
    Reply::Xml(app_list(&apps))
}
