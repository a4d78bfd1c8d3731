//! `GET /serverinfo`: polled every few seconds by every client that shows its
//! list of hosts, so it reads memory and nothing else.

use crate::host::context::Context;
use crate::host::gamestream::caller::Caller;
use crate::host::gamestream::reply::Reply;
use crate::protocol::gamestream::server_info::ServerInfo;

/// What this caller may know about the host.
pub fn answer(context: &Context, caller: Caller) -> Reply {
    let client = caller.paired(&context.clients);
    let info = ServerInfo {
        hostname: &context.facts.name,
        unique_id: context.identity.unique_id(),
        https_port: context.ports.https,
        http_port: context.ports.http,
        mac: client.and_then(|_| context.facts.mac(caller.ends.local)),
        local: caller.ends.local,
        profiles: &context.profiles(None),
        paired: client.is_some(),
        running: client.and_then(|client| context.sessions.running_app(client)),
    };
    Reply::Xml(info.to_xml())
}
