//! The server: datagrams of all clients in, events and datagrams out.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::clock::Micros;
use crate::protocol::bytes::Reader;
use crate::protocol::enet::account::Account;
use crate::protocol::enet::command::{Command, Connect};
use crate::protocol::enet::header::Header;
use crate::protocol::enet::limits::{Limits, MESSAGE_OVERHEAD, MOST_MTU, NO_PEER};
use crate::protocol::enet::peer::{Context, Flow, Inbox, Peer, Transmit};
use crate::protocol::enet::peer_state::{AdoptError, PeerState, Sessions};
use crate::protocol::enet::{PeerId, millis};

/// All peers of one socket.
///
/// The order that keeps promises: [`receive`](Self::receive) what came, take
/// the [events](Self::next_event), save every [changed](Self::next_changed) peer,
/// and only then send the [datagrams](Self::next_datagram), which acknowledge
/// what was received.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    places: Vec<Place>,
    /// Places with a peer.
    living: Vec<u16>,
    /// Where to look for a place first.
    next_place: usize,
    events: Events,
    /// Bytes that peers hold for missing messages.
    held: usize,
    changed: VecDeque<PeerId>,
    farewells: VecDeque<(SocketAddr, Vec<u8>)>,
    datagram: Vec<u8>,
    /// Which of the living transmits next.
    cursor: usize,
}

#[derive(Debug)]
struct Place {
    peer: Option<Box<Peer>>,
    /// It is kept until its last event was taken.
    waits_for_event: bool,
    last: Sessions,
}

#[derive(Debug, Default)]
struct Events {
    queue: VecDeque<Event>,
    bytes: usize,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client connected.
    Connected {
        /// From now on.
        peer: PeerId,
        /// Where it is.
        address: SocketAddr,
        /// Its word.
        data: u32,
    },
    /// A message came.
    Received {
        /// From whom.
        peer: PeerId,
        /// On which channel.
        channel: u8,
        /// The message.
        payload: Vec<u8>,
    },
    /// A client is gone: it said so, it was told to, or it did not acknowledge
    /// in time.
    Disconnected {
        /// Until now.
        peer: PeerId,
    },
}

/// Why a message is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No such peer, or it is going.
    #[error("the ENet peer is not connected")]
    NotConnected,
    /// The client has fewer channels.
    #[error("the ENet peer has no channel {0}")]
    NoChannel(u8),
    /// Longer than messages may be.
    #[error("a message of {0} bytes is too long for ENet")]
    TooLong(usize),
    /// The client does not acknowledge what was sent before.
    #[error("the ENet peer has too much waiting to be sent")]
    Full,
}

impl Server {
    /// Without peers. Places are given out from `first` on, so that a process
    /// that is to adopt peers is unlikely to give away their places before.
    #[must_use]
    pub fn new(limits: Limits, first: u16) -> Self {
        let count = limits.peers.clamp(1, NO_PEER);
        let place = || Place { peer: None, waits_for_event: false, last: Sessions::NONE };
        Self {
            limits: Limits { peers: count, channels: limits.channels.max(1), ..limits },
            places: (0..count).map(|_| place()).collect(),
            living: Vec::new(),
            next_place: usize::from(first % count),
            events: Events::default(),
            held: 0,
            changed: VecDeque::new(),
            farewells: VecDeque::new(),
            datagram: Vec::with_capacity(MOST_MTU.into()),
            cursor: 0,
        }
    }

    /// Takes a datagram. What makes no sense is dropped.
    pub fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Micros) {
        let now = millis(now);
        let mut reader = Reader::new(datagram);
        let Ok(header) = Header::read(&mut reader) else { return };
        if header.compressed || datagram.len() > MOST_MTU.into() {
            return;
        }
        if header.peer != NO_PEER {
            let place = self.places.get(usize::from(header.peer));
            if place.and_then(|place| place.peer.as_ref()).is_some_and(|peer| peer.is_from(from, header.session)) {
                self.take_commands(PeerId(header.peer), &mut reader, header.sent_time, now);
            }
        } else if let Ok((_, Command::Connect(connect))) = Command::read(&mut reader) {
            self.greet(from, &connect, now);
        }
    }

    /// What happened since the last call.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.queue.pop_front()?;
        match &event {
            Event::Received { payload, .. } => self.events.bytes -= payload.len() + MESSAGE_OVERHEAD,
            Event::Disconnected { peer } => self.places[usize::from(peer.0)].waits_for_event = false,
            Event::Connected { .. } => {}
        }
        Some(event)
    }

    /// A peer whose state is another than when this said so last.
    pub fn next_changed(&mut self) -> Option<PeerId> {
        while let Some(id) = self.changed.pop_front() {
            if self.peer_mut(id).is_some_and(Peer::take_change) {
                return Some(id);
            }
        }
        None
    }

    /// The next datagram to send, and where to. `None` when there is nothing
    /// more for now; peers may be found lost on the way.
    pub fn next_datagram(&mut self, now: Micros) -> Option<(SocketAddr, &[u8])> {
        if let Some((to, datagram)) = self.farewells.pop_front() {
            self.datagram = datagram;
            return Some((to, &self.datagram));
        }
        while let Some(id) = self.living.get(self.cursor).copied().map(PeerId) {
            let Some(peer) = self.places[usize::from(id.0)].peer.as_mut() else { break };
            let to = peer.state().address();
            match peer.transmit(millis(now), &mut self.datagram) {
                Transmit::Nothing => self.cursor += 1,
                Transmit::Datagram(start) => return Some((to, &self.datagram[start..])),
                Transmit::Last(start) => {
                    self.part(id);
                    return Some((to, &self.datagram[start..]));
                }
                Transmit::Lost => self.part(id),
            }
        }
        self.cursor = 0;
        None
    }

    /// When to ask for datagrams again, if nothing comes; it may be past.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Micros> {
        if !self.farewells.is_empty() {
            return Some(Micros(0));
        }
        let deadlines = self.living.iter().filter_map(|id| self.places[usize::from(*id)].peer.as_ref()?.deadline());
        deadlines.min().map(|millis| Micros(millis.saturating_mul(1000)))
    }

    /// Queues a message that arrives, after those before it on its channel.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_reliable(&mut self, peer: PeerId, channel: u8, payload: &[u8]) -> Result<(), SendError> {
        let limit = self.limits.message;
        let connected = self.peer_mut(peer).filter(|peer| peer.is_connected());
        let sender = connected.ok_or(SendError::NotConnected)?;
        if !sender.has_channel(channel) {
            return Err(SendError::NoChannel(channel));
        }
        if payload.len() > limit {
            return Err(SendError::TooLong(payload.len()));
        }
        let known = sender.is_changed();
        if !sender.send(channel, payload) {
            return Err(SendError::Full);
        }
        if !known {
            self.changed.push_back(peer);
        }
        Ok(())
    }

    /// Pings a peer with the next datagrams, even if it was heard of; `false` if it is not
    /// connected, or acknowledges nothing.
    pub fn probe(&mut self, peer: PeerId) -> bool {
        self.peer_mut(peer).is_some_and(Peer::probe)
    }

    /// When something that this peer has acknowledged had been sent, and when the
    /// acknowledgement came; each is told once. Times are whole milliseconds.
    pub fn next_round_trip(&mut self, peer: PeerId) -> Option<(Micros, Micros)> {
        let (sent, heard) = self.peer_mut(peer)?.next_trip()?;
        Some((Micros(sent * 1000), Micros(heard * 1000)))
    }

    /// Disconnects when all that was queued is acknowledged.
    pub fn disconnect_later(&mut self, peer: PeerId, data: u32) {
        match self.peer_mut(peer) {
            Some(known) if known.is_greeting() => self.disconnect_now(peer, data),
            Some(known) if !known.is_parting() => known.disconnect_later(data),
            _ => {}
        }
    }

    /// Forgets a peer, with one datagram that says so and no event.
    pub fn disconnect_now(&mut self, peer: PeerId, data: u32) {
        if let Some(gone) = self.vacate(peer)
            && !gone.is_parting()
        {
            self.farewells.push_back(gone.farewell(data));
        }
        if self.farewells.len() > self.places.len() {
            self.farewells.pop_front();
        }
        self.events.forget(peer);
        if let Some(place) = self.places.get_mut(usize::from(peer.0)) {
            place.waits_for_event = false;
        }
    }

    /// The state of a connected peer, for [`adopt`](Self::adopt) in another
    /// process.
    #[must_use]
    pub fn export(&self, peer: PeerId) -> Option<&PeerState> {
        let peer = self.places.get(usize::from(peer.0))?.peer.as_ref()?;
        peer.is_connected().then(|| peer.state())
    }

    /// Goes on with a peer of another process, in the place it had there.
    ///
    /// # Errors
    /// [`AdoptError`].
    pub fn adopt(&mut self, state: PeerState, now: Micros) -> Result<PeerId, AdoptError> {
        let (id, sessions) = (state.id(), state.sessions());
        let peer = Peer::adopt(state, &self.limits, millis(now))?;
        if peer.held() > self.allowed(0) {
            return Err(AdoptError::Full);
        }
        let place = self.places.get(usize::from(id.0)).ok_or(AdoptError::NoPlace(id.0))?;
        if place.peer.is_some() || place.waits_for_event {
            return Err(AdoptError::Taken(id.0));
        }
        self.settle(id, sessions, peer);
        self.changed.push_back(id);
        Ok(id)
    }

    /// Peers, those not yet connected included.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.living.len()
    }

    /// Bytes that wait for missing messages, or to be taken.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.held + self.events.bytes
    }

    fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.places.get_mut(usize::from(id.0))?.peer.as_deref_mut()
    }

    /// What a peer that holds so much may hold in all.
    fn allowed(&self, held: usize) -> usize {
        let others = self.waiting_bytes() - held;
        self.limits.all_bytes.saturating_sub(others).min(self.limits.peer_bytes)
    }

    fn greet(&mut self, from: SocketAddr, connect: &Connect, now: u64) {
        let again =
            |id: &u16| self.places[usize::from(*id)].peer.as_ref().is_some_and(|peer| peer.is_made_by(from, connect));
        let possible = (1..=255).contains(&connect.channels) && connect.peer < NO_PEER;
        if !possible || self.living.iter().any(again) {
            return;
        }
        let Some(id) = self.find_place() else { return };
        let last = self.places[usize::from(id.0)].last;
        let peer = Peer::greet(id, from, connect, last, &self.limits, now);
        self.next_place = usize::from(id.0) + 1;
        self.settle(id, peer.state().sessions(), peer);
    }

    /// A place for a new peer: a free one, or that of the one who has taken
    /// longest to answer. Anybody can send a CONNECT in any name.
    fn find_place(&mut self) -> Option<PeerId> {
        let free = |at: &usize| self.places[*at].peer.is_none() && !self.places[*at].waits_for_event;
        let count = self.places.len();
        let order = (0..count).map(|step| (self.next_place + step) % count);
        if let Some(at) = order.into_iter().find(free) {
            return u16::try_from(at).ok().map(PeerId);
        }
        let greeting = |id: &u16| self.places[usize::from(*id)].peer.as_ref().is_some_and(|peer| peer.is_greeting());
        let oldest = self.living.iter().copied().find(greeting).map(PeerId)?;
        self.vacate(oldest);
        Some(oldest)
    }

    fn settle(&mut self, id: PeerId, last: Sessions, peer: Peer) {
        self.held += peer.held();
        self.living.push(id.0);
        self.places[usize::from(id.0)] = Place { peer: Some(Box::new(peer)), waits_for_event: false, last };
    }

    fn vacate(&mut self, id: PeerId) -> Option<Peer> {
        let peer = self.places.get_mut(usize::from(id.0))?.peer.take()?;
        self.held -= peer.held();
        self.living.retain(|living| *living != id.0);
        self.changed.retain(|changed| *changed != id);
        Some(*peer)
    }

    /// A peer is gone; that is told if its coming was.
    fn part(&mut self, id: PeerId) {
        if self.vacate(id).is_some_and(|peer| !peer.is_greeting()) {
            self.places[usize::from(id.0)].waits_for_event = true;
            self.events.queue.push_back(Event::Disconnected { peer: id });
        }
    }

    fn take_commands(&mut self, id: PeerId, reader: &mut Reader<'_>, sent_time: Option<u16>, now: u64) {
        let Some(held) = self.peer_mut(id).map(|peer| peer.held()) else { return };
        let account = Account::new(held, self.allowed(held));
        let Some(peer) = self.places[usize::from(id.0)].peer.as_mut() else { return };
        let known = peer.is_changed();
        let inbox = PeerInbox { events: &mut self.events, peer: id };
        let mut context = Context { now, limits: &self.limits, account, inbox };
        let mut gone = false;
        while !reader.rest().is_empty() {
            let Ok(command) = Command::read(reader) else { break };
            match peer.handle(command, sent_time, &mut context) {
                Flow::Next => {}
                Flow::Connected(data) => context.inbox.connected(peer.state().address(), data),
                Flow::Stop => break,
                Flow::Gone => {
                    gone = true;
                    break;
                }
            }
        }
        self.held = self.held - held + peer.held();
        if peer.is_changed() && !known {
            self.changed.push_back(id);
        }
        if gone {
            self.part(id);
        }
    }
}

impl Events {
    /// A peer that nobody wants to hear of any more.
    fn forget(&mut self, gone: PeerId) {
        let is_of = |event: &Event| match event {
            Event::Connected { peer, .. } | Event::Received { peer, .. } | Event::Disconnected { peer } => {
                *peer == gone
            }
        };
        for event in self.queue.iter().filter(|event| is_of(event)) {
            if let Event::Received { payload, .. } = event {
                self.bytes -= payload.len() + MESSAGE_OVERHEAD;
            }
        }
        self.queue.retain(|event| !is_of(event));
    }
}

struct PeerInbox<'a> {
    events: &'a mut Events,
    peer: PeerId,
}

impl PeerInbox<'_> {
    fn connected(&mut self, address: SocketAddr, data: u32) {
        self.events.queue.push_back(Event::Connected { peer: self.peer, address, data });
    }
}

impl Inbox for PeerInbox<'_> {
    fn put(&mut self, channel: u8, payload: Vec<u8>) {
        self.events.bytes += payload.len() + MESSAGE_OVERHEAD;
        self.events.queue.push_back(Event::Received { peer: self.peer, channel, payload });
    }
}
