//! Who asks, as far as the connection tells.

use std::net::IpAddr;

use crate::host::http::server::Ends;
use crate::host::store::paired_clients::PairedClients;
use crate::ids::ClientId;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Addresses.
    pub ends: Ends,
    /// What the connection proves.
    pub channel: Channel,
}

/// What a connection proves about its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// HTTP: nothing.
    Plain,
    /// HTTPS: that it has the key of this certificate, if it showed one.
    Secure(Option<ClientId>),
}

/// Whose request it is, for the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A paired client.
    Client(ClientId),
    /// Somebody at this address.
    Address(IpAddr),
}

impl Caller {
    /// Whose request it is, for the limits.
    pub(crate) fn who(&self, clients: &PairedClients) -> Who {
        self.paired(clients).map_or(Who::Address(self.ends.peer), Who::Client)
    }

    /// The client, if it is paired: asked anew for each request, because it
    /// may have been unpaired since.
    #[must_use]
    pub fn paired(&self, clients: &PairedClients) -> Option<ClientId> {
        match self.channel {
            Channel::Plain => None,
            Channel::Secure(id) => id.filter(|id| clients.contains(*id)),
        }
    }
}
