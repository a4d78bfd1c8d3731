//! What a checkpoint holds: a peer of ENet, and the numbers of its sealed
//! messages. No key and no plain text: messages that wait are sealed.

use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::host::sessions::checkpoint::{LoadError, SaveError};
use crate::host::sessions::ticket::Ticket;
use crate::protocol::control::sealer::Sequences;
use crate::protocol::control::session::ControlSession;
use crate::protocol::enet::PeerId;
use crate::protocol::enet::peer_state::{AdoptError, PeerState};
use crate::protocol::enet::server::Server;

/// Why a connection is not adopted.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdoptControlError {
    /// The handshake was not over.
    #[error("the client had not announced its stream")]
    NoTerms,
    /// The checkpoint has no state.
    #[error("its checkpoint cannot be used: {0}")]
    Load(#[from] LoadError),
    /// ENet does not take the state.
    #[error(transparent)]
    Peer(#[from] AdoptError),
}

/// Saves a connection. One that is over leaves nothing to go on with.
pub(super) fn save(ticket: &Ticket, peer: Option<&PeerState>, session: &ControlSession) -> Result<(), SaveError> {
    let Some(peer) = peer else { return ticket.checkpoint.clear() };
    let saved = ticket.checkpoint.save(&Saved { peer, sequences: session.sequences() });
    // An older state would promise what nobody knows of.
    saved.inspect_err(|_| drop(ticket.checkpoint.clear()))
}

/// Goes on with what the ticket's checkpoint has.
pub(super) fn adopt(
    ticket: &Ticket,
    server: &mut Server,
    now: Micros,
) -> Result<(PeerId, ControlSession), AdoptControlError> {
    let terms = ticket.terms.get().ok_or(AdoptControlError::NoTerms)?;
    let found: Found = ticket.checkpoint.load()?;
    let peer = server.adopt(found.peer, now)?;
    Ok((peer, ControlSession::resume(&ticket.key, terms.v2, found.sequences)))
}

#[derive(Serialize)]
struct Saved<'a> {
    peer: &'a PeerState,
    sequences: &'a Sequences,
}

#[derive(Deserialize)]
struct Found {
    peer: PeerState,
    sequences: Sequences,
}
