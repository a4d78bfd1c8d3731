//! Whose eyes and hands a caller of the API has.
//!
//! A program that runs in somebody's desktop may see and do what concerns that
//! desktop, and nothing else: one of the systems before this gave every
//! container a socket that controlled all tenants.

use crate::host::events::Event;
use crate::ids::{LobbyId, SessionId};

/// What a caller may see and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything: the operator.
    Host,
    /// What concerns one session: programs in its own desktop.
    Session(SessionId),
    /// What concerns one lobby: programs in its desktop.
    Lobby(LobbyId),
}

impl Scope {
    /// Whether an event is for these ears.
    #[must_use]
    pub fn hears(self, event: &Event) -> bool {
        match self {
            Self::Host => true,
            Self::Session(session) => event.session() == Some(session) || is_for_sessions(event),
            Self::Lobby(lobby) => event.lobby() == Some(lobby) || is_for_everybody(event),
        }
    }
}

/// Which lobbies there are: sessions may list and join them.
fn is_for_sessions(event: &Event) -> bool {
    matches!(event, Event::CreateLobby(_) | Event::StopLobby { .. }) || is_for_everybody(event)
}

fn is_for_everybody(event: &Event) -> bool {
    matches!(event, Event::Draining { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::events::Owner;
    use crate::ids::Uuid;

    #[test]
    fn nobody_hears_of_others() {
        let (session, lobby) = (SessionId(1), LobbyId(Uuid::random().unwrap()));
        let (other_session, other_lobby) = (SessionId(2), LobbyId(Uuid::random().unwrap()));
        let visit = |lobby_id, moonlight_session_id| Event::JoinLobby { lobby_id, moonlight_session_id };
        let ends = |owner| Event::AppExited { owner, status: String::new() };
        let hears = |event: Event| [Scope::Session(session), Scope::Lobby(lobby)].map(|scope| scope.hears(&event));
        assert_eq!(hears(visit(lobby, session)), [true, true]);
        assert_eq!(hears(visit(lobby, other_session)), [false, true]);
        assert_eq!(hears(visit(other_lobby, session)), [true, false]);
        assert_eq!(hears(visit(other_lobby, other_session)), [false, false]);
        assert_eq!(hears(ends(Owner::Session(session))), [true, false]);
        assert_eq!(hears(ends(Owner::Lobby(lobby))), [false, true]);
        assert_eq!(hears(Event::StopLobby { lobby_id: other_lobby }), [true, false]);
        assert_eq!(hears(Event::StopStream { session_id: other_session }), [false, false]);
        assert_eq!(hears(Event::Draining { deadline_seconds: 1 }), [true, true]);
        let pairing = Event::PairSignal { client_ip: String::new(), host_ip: String::new() };
        assert_eq!(hears(pairing.clone()), [false, false]);
        assert!(Scope::Host.hears(&pairing));
    }
}
