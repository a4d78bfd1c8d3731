//! One connection of a session's client: its ticket, and the stream once the
//! client has announced it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use crate::host::adoption::connection_state::ConnectionState;
use crate::host::ports::Ports;
use crate::host::sessions::stream::{Stream, StreamEvent};
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::host::sessions::told;
use crate::ids::LobbyId;
use crate::ipc::message::MediaKind;
use crate::units::FecPercent;

/// The client's current connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) rikeyid: u32,
    since: Instant,
    control: bool,
    pub(crate) stream: Option<Stream>,
    /// Where media pings came from before there was a stream: audio's begin
    /// before ANNOUNCE, and repeat only every half second.
    early: Vec<(MediaKind, SocketAddr)>,
    /// Parity, if not as configured.
    pub(crate) fec: Option<FecPercent>,
    /// How long the client may take to connect.
    patience: Duration,
    /// Its pings say that the client is there.
    pings_suffice: bool,
}

impl Connection {
    /// A connection whose handshake may begin.
    pub(crate) fn new(ticket: Arc<Ticket>, rikeyid: u32) -> Self {
        Self {
            ticket,
            rikeyid,
            since: Instant::now(),
            control: false,
            stream: None,
            early: Vec::new(),
            fec: None,
            patience: HANDSHAKE_DEADLINE,
            pings_suffice: false,
        }
    }

    /// A connection that a host before this one had, with its stream. Its client
    /// is given time to show that it is there still.
    pub(crate) fn adopt(ticket: Arc<Ticket>, stream: Stream, state: &ConnectionState) -> Self {
        Self {
            control: state.without_control,
            stream: Some(stream),
            pings_suffice: state.pings_suffice,
            ..Self::new(ticket, state.stream.plan.audio.rikeyid)
        }
    }

    /// For a host that goes on with it; `None` before there is a stream.
    pub(crate) fn state(&self, lobby: Option<LobbyId>) -> Option<ConnectionState> {
        let (stream, ticket) = (self.stream.as_ref()?, &self.ticket);
        Some(ConnectionState {
            number: ticket.connection.number,
            unique_id: ticket.unique_id.clone(),
            peer: ticket.peer,
            local: ticket.local,
            ping_payload: ticket.ping_payload,
            connect_data: ticket.connect_data,
            terms: *ticket.terms.get()?,
            pings_suffice: self.pings_suffice,
            without_control: self.pings_suffice && self.control,
            lobby,
            stream: stream.state(),
        })
    }

    /// Whether this is the one.
    pub(crate) fn is(&self, connection: ConnectionId) -> bool {
        self.ticket.connection == connection
    }

    /// The control connection stands.
    pub(crate) const fn control_is_up(&mut self) {
        self.control = true;
    }

    /// No control connection is waited for, but a ping within `patience`, if any.
    pub(crate) const fn needs_no_control(&mut self, patience: Option<Duration>) {
        self.pings_suffice = true;
        match patience {
            Some(patience) => self.patience = patience,
            None => self.control = true,
        }
    }

    /// Whether the client has taken too long to get as far as control.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        !self.control && now.duration_since(self.since) > self.patience
    }

    /// The stream has begun: what came early counts now.
    pub(crate) fn begin(&mut self, stream: Stream, ports: Ports) {
        self.stream = Some(stream);
        for (kind, peer) in std::mem::take(&mut self.early) {
            self.ping(kind, peer, ports);
        }
    }

    /// A media PING: from here on the client's packets go there.
    pub(crate) fn ping(&mut self, kind: MediaKind, peer: SocketAddr, ports: Ports) {
        self.control |= self.pings_suffice;
        let Some(stream) = &mut self.stream else {
            self.early.retain(|(early, _)| *early != kind);
            self.early.push((kind, peer));
            return;
        };
        let port = match kind {
            MediaKind::Video => ports.video,
            MediaKind::Audio => ports.audio,
        };
        let local = SocketAddr::new(self.ticket.local, port);
        match stream.attach(kind, local, peer) {
            Ok(true) => self.ticket.events.publish(told::pinged(self.ticket.session, kind, peer)),
            Ok(false) => {}
            Err(error) => warn!(session = %self.ticket.session, ?kind, %peer, %error, "media socket"),
        }
    }
}

/// Waits for what the worker of a connection does next; for ever if there is
/// none. Cancel-safe.
pub(crate) async fn next_stream_event(connection: &mut Option<Connection>) -> StreamEvent {
    match connection.as_mut().and_then(|connection| connection.stream.as_mut()) {
        Some(stream) => stream.next_event().await,
        None => std::future::pending().await,
    }
}

/// From `/launch` to the control connection: the client gives RTSP and control
/// 10 s each.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(20);
