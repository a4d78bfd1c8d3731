//! What others ask of a session, and why one ends.

use std::net::SocketAddr;

use tokio::sync::oneshot;

use crate::desktop::spec::AppSpec;
use crate::host::lobbies::LobbyError;
use crate::host::lobbies::visit::Visit;
use crate::host::sessions::operated::{DirectStream, Preparation, SessionKeys};
use crate::host::sessions::ticket::ConnectionId;
use crate::host::sessions::{LaunchOrder, Launched, Refusal};
use crate::ids::LobbyId;
use crate::ipc::message::MediaKind;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::stream_plan::Source;

/// What others ask of a session.
#[derive(Debug)]
pub(crate) enum Command {
    /// `/launch` or `/resume`: a new connection of its client.
    /// With a visit, the session begins in that lobby.
    Connect { order: Box<LaunchOrder>, visit: Option<Visit>, reply: oneshot::Sender<Result<Launched, Refusal>> },
    /// ANNOUNCE of a connection; `true` if the stream was started.
    Announced { connection: ConnectionId, parameters: Box<StreamParameters>, reply: oneshot::Sender<bool> },
    /// A media PING of a connection.
    Ping { connection: ConnectionId, kind: MediaKind, peer: SocketAddr },
    /// The control connection stands.
    ControlUp { connection: ConnectionId },
    /// The control connection is gone.
    ControlDown { connection: ConnectionId },
    /// Show a lobby from now on.
    Visit { visit: Visit, reply: VisitReply },
    /// The lobby's desktop is another now.
    LobbyMoved { lobby: LobbyId, source: Source },
    /// The visit of this lobby is over: show the session's own desktop.
    GoHome { lobby: LobbyId },
    /// Begin without a client.
    Prepare { wanted: Box<Preparation>, reply: oneshot::Sender<Result<(), Refusal>> },
    /// End the connection; the desktop stays.
    Pause { reply: oneshot::Sender<Result<(), Refusal>> },
    /// Let the client connect again with these keys.
    Rekey { keys: SessionKeys, reply: oneshot::Sender<Result<Launched, Refusal>> },
    /// Stream without a handshake.
    Stream { stream: Box<DirectStream>, reply: oneshot::Sender<Result<(), Refusal>> },
    /// Run another program in the session's desktop.
    Run { program: Box<AppSpec>, ends_session: bool, reply: oneshot::Sender<Result<u32, Refusal>> },
    /// End the session.
    End(Ending),
}

/// How a visit began: what is sent ends when the lobby knows of it, too.
pub(crate) type VisitReply = oneshot::Sender<Result<oneshot::Receiver<()>, LobbyError>>;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The user quit the app.
    Cancelled,
    /// The API stopped it.
    Stopped,
    /// The same client launched something else.
    Superseded,
    /// The host shuts down.
    HostStops,
    /// The application ended.
    AppClosed,
    /// Nobody came back within the idle limit.
    Idle,
    /// The desktop or the stream broke for good.
    Broken,
}
