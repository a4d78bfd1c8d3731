//! A session's place in a lobby.

use tokio::sync::{mpsc, oneshot};

use crate::host::doubt::Blame;
use crate::host::lobbies::command::LobbyCommand;
use crate::host::sessions::command::Command;
use crate::ids::{LobbyId, SessionId};
use crate::stream_plan::Source;

/// One visit of one session: a session that comes back has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VisitId {
    pub(crate) session: SessionId,
    pub(crate) number: u64,
}

/// A place in a lobby, kept by the session. Dropping it tells the lobby, so a
/// session cannot end, disconnect or refuse to come without leaving.
#[derive(Debug)]
pub(crate) struct Visit {
    id: VisitId,
    lobby: LobbyId,
    source: Source,
    commands: mpsc::UnboundedSender<LobbyCommand>,
}

impl Visit {
    /// A place.
    pub(crate) const fn new(
        id: VisitId,
        lobby: LobbyId,
        source: Source,
        commands: mpsc::UnboundedSender<LobbyCommand>,
    ) -> Self {
        Self { id, lobby, source, commands }
    }

    /// Where.
    pub(crate) const fn lobby(&self) -> LobbyId {
        self.lobby
    }

    /// Where picture and sound come from, and input goes.
    pub(crate) const fn source(&self) -> &Source {
        &self.source
    }

    /// The lobby's desktop is another now.
    pub(crate) fn moved(&mut self, source: Source) {
        self.source = source;
    }

    /// Says that the session shows the lobby; the future ends when the lobby
    /// knows it.
    pub(crate) fn arrived(&self, door: mpsc::Sender<Command>) -> oneshot::Receiver<()> {
        let (reply, known) = oneshot::channel();
        self.tell(LobbyCommand::Arrived { visit: self.id, source: self.source.clone(), door, reply: Some(reply) });
        known
    }

    /// The session's worker cannot capture the lobby.
    pub(crate) fn blame(&self, blame: Blame) {
        self.tell(LobbyCommand::Blamed { visit: self.id, source: self.source.clone(), blame });
    }

    fn tell(&self, command: LobbyCommand) {
        // A lobby that is gone sends its visitors home.
        let _ = self.commands.send(command);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.tell(LobbyCommand::Gone { visit: self.id });
    }
}
