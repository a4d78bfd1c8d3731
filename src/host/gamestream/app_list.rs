//! `GET /applist`: the apps, in the operator's order, then what was added.

use crate::host::context::Context;
use crate::host::gamestream::reply::Reply;
use crate::protocol::gamestream::app_list::{ListedApp, app_list};

/// All apps. None is HDR: what desktops draw has 8 bits, also where encoders have 10,
/// and clients take the word of it for what their screen shall do.
pub fn answer(context: &Context) -> Reply {
    let hdr = false;
    let list = context.apps.list();
    let apps: Vec<ListedApp<'_>> =
        list.iter().map(|app| ListedApp { id: app.id(), title: &app.record().title, hdr }).collect();
    Reply::Xml(app_list(&apps))
}
