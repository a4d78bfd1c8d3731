//! What callers other than the operator may do: one table.
//!
//! Programs in a session's desktop and in a lobby's have sockets of their own.
//! What is not in this table they may not do, so a new route is the operator's
//! alone until somebody puts it here. In the system before this, whatever ran
//! in one container could control all tenants.

use hyper::Method;

use crate::host::api::body::Body;
use crate::host::api::caller::Caller;
use crate::host::api::icons;
use crate::host::api::route::Answering;
use crate::host::api::scoped;
use crate::host::context::Context;
use crate::host::scope::Scope;

/// Whether and how a call is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// Not at all.
    Denied,
    /// As the operator's: nothing in it is of others, or it minds the scope by
    /// itself.
    Same,
    /// By a handler of its own, which minds the scope.
    Own(OwnHandler),
    /// A GET with a query, by a handler for callers who may see less.
    Ask(AskHandler),
}

/// Answers a query of a caller with a limited scope.
pub(super) type AskHandler = for<'a> fn(&'a Context, &'a str) -> Answering<'a>;

/// Answers a caller with a limited scope.
pub(super) type OwnHandler = for<'a> fn(&'a Context, &'a Caller, Body) -> Answering<'a>;

/// One line of the table.
#[derive(Debug)]
struct Entry {
    method: Method,
    path: &'static str,
    session: Access,
    lobby: Access,
}

/// How a call is answered.
pub(super) fn access(scope: Scope, method: &Method, path: &str) -> Access {
    let entry = TABLE.iter().find(|entry| entry.method == method && entry.path == path);
    match (scope, entry) {
        (Scope::Host, _) => Access::Same,
        (Scope::Session(_), Some(entry)) => entry.session,
        (Scope::Lobby(_), Some(entry)) => entry.lobby,
        (Scope::Session(_) | Scope::Lobby(_), None) => Access::Denied,
    }
}

/// A handler as a function pointer that boxes its future.
macro_rules! own {
    ($handler:path) => {
        Access::Own(|context, caller, body| Box::pin($handler(context, caller, body)))
    };
}

const DENIED: Access = Access::Denied;

#[rustfmt::skip]
static TABLE: &[Entry] = &[
    // method, path, programs in a session's desktop, programs in a lobby's
    entry(Method::GET,  "/api/v1/events",           Access::Same,                 Access::Same),
    entry(Method::GET,  "/api/v1/openapi-schema",   Access::Same,                 Access::Same),
    entry(Method::GET,  "/api/v1/apps",             Access::Same,                 DENIED),
    entry(Method::GET,  "/api/v1/profiles",         Access::Same,                 DENIED),
    entry(Method::GET,  "/api/v1/sessions",         own!(scoped::sessions),       DENIED),
    entry(Method::GET,  "/api/v1/utils/get-icon",   Access::Ask(icons::get_of_apps), DENIED),
    entry(Method::POST, "/api/v1/runners/start",    own!(scoped::start_runner),   DENIED),
    entry(Method::GET,  "/api/v1/lobbies",          own!(scoped::lobbies),        own!(scoped::lobbies)),
    entry(Method::POST, "/api/v1/lobbies/create",   own!(scoped::create_lobby),   DENIED),
    entry(Method::POST, "/api/v1/lobbies/join",     own!(scoped::join),           DENIED),
    entry(Method::POST, "/api/v1/lobbies/leave",    own!(scoped::leave),          DENIED),
    entry(Method::POST, "/api/v1/lobbies/stop",     own!(scoped::stop_own_lobby), own!(scoped::stop_lobby)),
    // No operator asks so: it is no route.
    entry(Method::GET,  "/status",                  DENIED,                       own!(scoped::status)),
];

const fn entry(method: Method, path: &'static str, session: Access, lobby: Access) -> Entry {
    Entry { method, path, session, lobby }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::api::routes::ROUTES;
    use crate::ids::{LobbyId, SessionId, Uuid};

    const SESSION: Scope = Scope::Session(SessionId(1));

    fn lobby() -> Scope {
        Scope::Lobby(LobbyId(Uuid::random().unwrap()))
    }

    /// `-` denied, `=` as the operator's, `o` by a handler of its own.
    fn sign(access: Access) -> char {
        match access {
            Access::Denied => '-',
            Access::Same => '=',
            Access::Own(_) | Access::Ask(_) => 'o',
        }
    }

    #[test]
    fn everything_that_others_may_do_is_here_and_no_more() {
        let expected = [
            ("/api/v1/apps", "=-"),
            ("/api/v1/events", "=="),
            ("/api/v1/lobbies", "oo"),
            ("/api/v1/lobbies/create", "o-"),
            ("/api/v1/lobbies/join", "o-"),
            ("/api/v1/lobbies/leave", "o-"),
            ("/api/v1/lobbies/stop", "oo"),
            ("/api/v1/openapi-schema", "=="),
            ("/api/v1/profiles", "=-"),
            ("/api/v1/runners/start", "o-"),
            ("/api/v1/sessions", "o-"),
            ("/api/v1/utils/get-icon", "o-"),
        ];
        for route in ROUTES {
            let of = |scope| sign(access(scope, &route.method(), route.path));
            let found: String = [of(SESSION), of(lobby())].into_iter().collect();
            let wanted = expected.iter().find(|(path, _)| *path == route.path).map_or("--", |(_, signs)| signs);
            assert_eq!(found, wanted, "{} {}", route.method(), route.path);
            assert_eq!(sign(access(Scope::Host, &route.method(), route.path)), '=');
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_denied_whatever_the_method() {
        for scope in [SESSION, lobby()] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::CONNECT] {
                for path in ["", "/", "/api/v1/something-new", "/api/v1/lobbies/", "/api/v1/LOBBIES"] {
                    assert_eq!(sign(access(scope, &method, path)), '-', "{method} {path}");
                }
            }
            for entry in TABLE {
                let other = if entry.method == Method::GET { Method::POST } else { Method::GET };
                assert_eq!(sign(access(scope, &other, entry.path)), '-', "{other} {}", entry.path);
            }
        }
    }

    #[test]
    fn every_entry_is_of_a_route() {
        for entry in TABLE {
            let known = ROUTES.iter().any(|route| route.method() == entry.method && route.path == entry.path);
            assert!(known || entry.path == "/status", "{} {}", entry.method, entry.path);
        }
    }
}
