//! What is known of a connected client, as plain data for another process.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::protocol::enet::PeerId;
use crate::protocol::enet::channel::Channel;
use crate::protocol::enet::command::Connect;
use crate::protocol::enet::limits::{
    LEAST_MTU, LEAST_WINDOW, Limits, MOST_MTU, MOST_WINDOW, NO_PEER, NO_SESSION, OUR_MTU, WINDOW_SCALE,
};
use crate::protocol::enet::outgoing::Outgoing;
use crate::protocol::enet::round_trip::RoundTrip;
use crate::protocol::enet::unsequenced::UnsequencedWindow;

/// All that another process needs to go on with a connected peer: plain data,
/// at most a few hundred kilobytes. Times are of the monotonic clock, which all
/// processes of a machine share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerState {
    pub(super) version: u16,
    pub(super) id: u16,
    pub(super) address: SocketAddr,
    /// What the client calls itself.
    pub(super) remote: u16,
    pub(super) connect_id: u32,
    pub(super) sessions: Sessions,
    pub(super) mtu: u16,
    /// What VERIFY_CONNECT promised.
    pub(super) window: u32,
    /// The client's, in bytes a second; 0 is no limit.
    pub(super) incoming_bandwidth: u32,
    pub(super) channels: Vec<Channel>,
    pub(super) unsequenced: UnsequencedWindow,
    /// Number of our last command without a channel.
    pub(super) sent: u16,
    pub(super) outgoing: Outgoing,
    pub(super) round_trip: RoundTrip,
    /// When something was acknowledged last, in ms.
    pub(super) heard: u64,
}

/// Tells connections in the same place apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sessions {
    /// In datagrams from the client.
    pub(super) incoming: u8,
    /// In datagrams to it.
    pub(super) outgoing: u8,
}

/// Why a state cannot be adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// Another program wrote it.
    #[error("the ENet state is of version {0}, this program adopts {VERSION}")]
    Version(u16),
    /// The server has no place of that number.
    #[error("there is no place {0} for an ENet peer")]
    NoPlace(u16),
    /// Another client connected before.
    #[error("place {0} belongs to another ENet peer by now")]
    Taken(u16),
    /// It waits for more than there may be.
    #[error("no memory for what the ENet peer has waiting")]
    Full,
    /// It contradicts itself.
    #[error("the ENet state is broken: {0}")]
    Broken(&'static str),
}

impl PeerState {
    /// A client that said CONNECT, in a place whose last sessions are known.
    pub(super) fn new(
        id: PeerId,
        address: SocketAddr,
        connect: &Connect,
        last: Sessions,
        limits: &Limits,
        now: u64,
    ) -> Self {
        let channels = usize::try_from(connect.channels).unwrap_or(usize::MAX).min(limits.channels.into());
        let mtu = u16::try_from(connect.mtu).unwrap_or(u16::MAX).clamp(LEAST_MTU, OUR_MTU);
        Self {
            version: VERSION,
            id: id.0,
            address,
            remote: connect.peer,
            connect_id: connect.connect_id,
            sessions: last.next(connect),
            mtu,
            window: connect.window.clamp(LEAST_WINDOW, MOST_WINDOW),
            incoming_bandwidth: connect.incoming_bandwidth,
            channels: vec![Channel::default(); channels],
            unsequenced: UnsequencedWindow::default(),
            sent: 0,
            outgoing: Outgoing::default(),
            round_trip: RoundTrip::new(connect.throttle),
            heard: now,
        }
    }

    /// Which place it has.
    #[must_use]
    pub const fn id(&self) -> PeerId {
        PeerId(self.id)
    }

    /// Where the client is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) const fn sessions(&self) -> Sessions {
        self.sessions
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.channels.iter().map(Channel::held_bytes).sum()
    }

    pub(super) fn check(&self, limits: &Limits) -> Result<(), AdoptError> {
        let broken = |what| Err(AdoptError::Broken(what));
        if self.version != VERSION {
            return Err(AdoptError::Version(self.version));
        }
        if self.id >= limits.peers {
            return Err(AdoptError::NoPlace(self.id));
        }
        if self.remote >= NO_PEER || self.sessions.incoming > 3 || self.sessions.outgoing > 3 {
            return broken("ids");
        }
        if !(LEAST_MTU..=MOST_MTU).contains(&self.mtu) {
            return broken("MTU");
        }
        if self.channels.is_empty() || self.channels.len() > limits.channels.into() {
            return broken("number of channels");
        }
        if !self.channels.iter().all(|channel| channel.is_sound(limits.message)) {
            return broken("order of a channel");
        }
        if !self.outgoing.is_sound(limits.message, self.mtu, self.channels.len()) {
            return broken("what waits to be sent");
        }
        Ok(())
    }

    pub(super) const fn next_number(&mut self) -> u16 {
        self.sent = self.sent.wrapping_add(1);
        self.sent
    }

    /// Payload bytes that may be under way.
    pub(super) fn usable_window(&self) -> u32 {
        let window = match self.incoming_bandwidth {
            0 => MOST_WINDOW,
            bandwidth => (bandwidth / WINDOW_SCALE).saturating_mul(LEAST_WINDOW).clamp(LEAST_WINDOW, MOST_WINDOW),
        };
        self.round_trip.throttled(window).max(self.mtu.into())
    }

    pub(super) fn verification(&self) -> Connect {
        Connect {
            peer: self.id,
            incoming_session: self.sessions.outgoing,
            outgoing_session: self.sessions.incoming,
            mtu: self.mtu.into(),
            window: self.window,
            channels: u32::try_from(self.channels.len()).unwrap_or(u32::MAX),
            incoming_bandwidth: 0,
            outgoing_bandwidth: 0,
            throttle: self.round_trip.parameters(),
            connect_id: self.connect_id,
            data: 0,
        }
    }
}

impl Sessions {
    /// Of a place that nobody had.
    pub(super) const NONE: Self = Self { incoming: NO_SESSION, outgoing: NO_SESSION };

    /// For the next connection in a place: neither the last one there nor the
    /// client's last one.
    pub(super) fn next(self, connect: &Connect) -> Self {
        let next = |asked: u8, last: u8| {
            let next = if asked == NO_SESSION { last } else { asked }.wrapping_add(1) & 3;
            if next == last { (next + 1) & 3 } else { next }
        };
        Self {
            outgoing: next(connect.incoming_session, self.outgoing),
            incoming: next(connect.outgoing_session, self.incoming),
        }
    }
}

/// Of [`PeerState`]. Any change of what it consists of is another version.
const VERSION: u16 = 1;
