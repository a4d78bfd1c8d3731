//! What others ask of a lobby.

use tokio::sync::{mpsc, oneshot};

use crate::host::doubt::Blame;
use crate::host::lobbies::visit::{Visit, VisitId};
use crate::host::sessions::command::Command;
use crate::ids::SessionId;
use crate::stream_plan::Source;

/// What others ask of a lobby. Nobody waits to ask: what is asked is bounded by
/// the callers of the API and by one visit for each session.
#[derive(Debug)]
pub(crate) enum LobbyCommand {
    /// A place for a session; with `anew`, in place of the one it has.
    Admit { session: SessionId, anew: bool, reply: oneshot::Sender<Admission> },
    /// The session shows the lobby, as it was at `source`, and can be told what
    /// happens there.
    Arrived { visit: VisitId, source: Source, door: mpsc::Sender<Command>, reply: Option<oneshot::Sender<()>> },
    /// The visit is over: the session dropped it.
    Gone { visit: VisitId },
    /// A visitor's worker cannot capture the desktop at `source`.
    Blamed { visit: VisitId, source: Source, blame: Blame },
    /// Send a session home.
    Dismiss { session: SessionId, reply: oneshot::Sender<()> },
    /// Put off the end of the lease.
    Renew,
    /// End the lobby.
    Stop,
}

/// Whether a session may come in.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Its place.
    Welcome(Visit),
    /// It has one already.
    IsThere,
    /// There is none left.
    Full,
}
