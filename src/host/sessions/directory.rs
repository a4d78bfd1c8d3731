//! All connections that packets may arrive for, found by their secrets.
//!
//! Two clients behind one address must never get each other's packets, so an
//! address alone counts only if exactly one connection can be meant.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::protocol::gamestream::ping::PingPayload;

/// The tickets of all living connections.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    tickets: Mutex<Vec<Arc<Ticket>>>,
}

impl Directory {
    /// Adds a connection.
    pub(crate) fn insert(&self, ticket: Arc<Ticket>) {
        self.lock().push(ticket);
    }

    /// Forgets a connection.
    pub(crate) fn remove(&self, connection: ConnectionId) {
        self.lock().retain(|ticket| ticket.connection != connection);
    }

    /// The connection with this ping payload.
    pub(crate) fn by_ping(&self, payload: &PingPayload) -> Option<Arc<Ticket>> {
        self.lock().iter().find(|ticket| ticket.ping_payload == *payload).cloned()
    }

    /// The only connection of an old client at this address.
    pub(crate) fn by_legacy_ping(&self, peer: IpAddr) -> Option<Arc<Ticket>> {
        self.only(|ticket| ticket.peer == peer && sends_no_secrets(ticket))
    }

    /// The connection that an ENet CONNECT is for: by its data word, or the
    /// only old client at this address.
    pub(crate) fn by_connect_data(&self, data: u32, peer: IpAddr) -> Option<Arc<Ticket>> {
        let by_data = |ticket: &&Arc<Ticket>| {
            ticket.connect_data == data && ticket.terms.get().is_some_and(|terms| terms.sends_secrets)
        };
        let found = self.lock().iter().find(by_data).cloned();
        found.or_else(|| self.only(|ticket| ticket.peer == peer && sends_no_secrets(ticket)))
    }

    /// Connections from this address whose RTSP handshake is not over, newest
    /// first.
    pub(crate) fn in_handshake(&self, peer: IpAddr) -> Vec<Arc<Ticket>> {
        let waiting = |ticket: &&Arc<Ticket>| ticket.peer == peer && !ticket.announced();
        self.lock().iter().rev().filter(waiting).cloned().collect()
    }

    /// Connections from this address in any state, newest first: PLAY comes
    /// after ANNOUNCE.
    pub(crate) fn at_address(&self, peer: IpAddr) -> Vec<Arc<Ticket>> {
        self.lock().iter().rev().filter(|ticket| ticket.peer == peer).cloned().collect()
    }

    fn only(&self, wanted: impl Fn(&Ticket) -> bool) -> Option<Arc<Ticket>> {
        let tickets = self.lock();
        let mut matching = tickets.iter().filter(|ticket| wanted(ticket));
        let first = matching.next()?;
        if matching.next().is_some() {
            tracing::warn!(peer = %first.peer, "several old clients at one address cannot be told apart");
            return None;
        }
        Some(Arc::clone(first))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Ticket>>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client without `x-ml-general.featureFlags` bit 1. One whose handshake is
/// not over counts too: its audio pings begin before ANNOUNCE.
fn sends_no_secrets(ticket: &Ticket) -> bool {
    ticket.terms.get().is_none_or(|terms| !terms.sends_secrets)
}
