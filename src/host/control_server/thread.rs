//! The control thread: wait, take what came, save, and only then answer.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, info, warn};

use crate::clock::Micros;
use crate::host::control_server::{Order, saved};
use crate::host::events::Event as Told;
use crate::host::events::seldom::Seldom;
use crate::host::health::Health;
use crate::host::media_ports::canonical;
use crate::host::sessions::command::Command;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::ipc::message::ToWorker;
use crate::protocol::adaptation::PROBE_INTERVAL;
use crate::protocol::adaptation::references::{self, Answer};
use crate::protocol::control::feedback::HostMessage;
use crate::protocol::control::session::{ControlSession, Event};
use crate::protocol::enet::PeerId;
use crate::protocol::enet::limits::{Limits, MOST_MTU};
use crate::protocol::enet::server::{Event as EnetEvent, Server};

/// The thread's state.
#[derive(Debug)]
pub(super) struct Thread {
    socket: UdpSocket,
    server: Server,
    directory: Arc<Directory>,
    peers: HashMap<PeerId, Peer>,
    /// News that a session's mailbox had no room for.
    undelivered: Vec<(Arc<Ticket>, Command)>,
    /// When to ask for round trips again.
    next_probe: Micros,
    /// One byte more than a datagram may have.
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Peer {
    ticket: Arc<Ticket>,
    session: ControlSession,
    /// The ticket's checkpoint is this peer's: a client may connect again
    /// before its last connection is known to be lost.
    saves: bool,
    /// IDR requests that are told: a client in trouble sends many.
    told: Seldom,
    /// States that could not be saved.
    warned: Seldom,
}

impl Thread {
    /// # Errors
    /// When the kernel has no random bytes.
    pub(super) fn new(socket: UdpSocket, directory: Arc<Directory>) -> io::Result<Self> {
        // A new client is unlikely to take the place of one to be adopted.
        let mut first = [0; 2];
        getrandom::fill(&mut first).map_err(io::Error::other)?;
        let server = Server::new(Limits::default(), u16::from_le_bytes(first));
        let buffer = vec![0; usize::from(MOST_MTU) + 1];
        let (peers, undelivered, next_probe) = (HashMap::new(), Vec::new(), Micros::now());
        Ok(Self { socket, server, directory, peers, undelivered, next_probe, buffer })
    }

    pub(super) fn run(&mut self, wake: &OwnedFd, inbox: &mpsc::Receiver<Order>, health: &Health) {
        loop {
            health.control_beats();
            let came = self.receive();
            self.deliver();
            self.adapt();
            self.save();
            self.transmit();
            // A full batch has more behind it.
            let patience = if came == BATCH { Duration::ZERO } else { self.patience() };
            wait(&self.socket, wake, patience);
            for order in inbox.try_iter() {
                match order {
                    Order::Finish(connection, message) => self.finish(connection, &message),
                    Order::Adopt(ticket) => self.adopt(ticket),
                    Order::Stop => {
                        self.save();
                        return self.transmit();
                    }
                    #[cfg(test)]
                    Order::Die => return,
                }
            }
        }
    }

    /// Takes datagrams; how many.
    fn receive(&mut self) -> usize {
        for came in 0..BATCH {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    self.server.receive(from, &self.buffer[..length], Micros::now());
                    self.take_events();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return came,
                // An ICMP error of some client; the next datagram is behind it.
                Err(_) => {}
            }
        }
        BATCH
    }

    fn take_events(&mut self) {
        while let Some(event) = self.server.next_event() {
            match event {
                EnetEvent::Connected { peer, address, data } => self.meet(peer, address, data),
                EnetEvent::Received { peer, payload, .. } => self.hear(peer, &payload),
                EnetEvent::Disconnected { peer } => self.part(peer),
            }
        }
    }

    /// What was received is acknowledged after this.
    fn save(&mut self) {
        while let Some(id) = self.server.next_changed() {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.save(&self.server, id);
            }
        }
    }

    fn transmit(&mut self) {
        while let Some((to, datagram)) = self.server.next_datagram(Micros::now()) {
            // It is lost, as on networks. One client's ICMP error is no failure of the others.
            let _ = self.socket.send_to(datagram, to);
        }
        self.take_events();
    }

    fn patience(&self) -> Duration {
        let now = Micros::now();
        let timer = self.server.next_timeout().map_or(IDLE_WAIT, |at| Duration::from_micros(at.since(now)));
        let most = if self.undelivered.is_empty() { IDLE_WAIT } else { RETRY_WAIT };
        let probe = if self.adapts() { Duration::from_micros(self.next_probe.since(now)) } else { IDLE_WAIT };
        timer.min(probe).clamp(TICK, most)
    }

    /// Whether there is a stream that follows its network.
    fn adapts(&self) -> bool {
        self.peers.values().any(|peer| peer.ticket.network.get().is_some())
    }

    /// Hears of round trips, has streams follow their networks, and asks again.
    fn adapt(&mut self) {
        for (id, peer) in &self.peers {
            let network = peer.ticket.network.get();
            while let Some((sent, heard)) = self.server.next_round_trip(*id) {
                network.inspect(|network| network.answered(sent, heard));
            }
        }
        let now = Micros::now();
        if now < self.next_probe {
            return;
        }
        self.next_probe = Micros(now.0 + PROBE_MICROS);
        for (id, peer) in &self.peers {
            if let Some(network) = peer.ticket.network.get() {
                network.tick();
                if self.server.probe(*id) {
                    network.probed();
                }
            }
        }
    }

    fn meet(&mut self, id: PeerId, address: SocketAddr, data: u32) {
        let address = canonical(address);
        let ticket = self.directory.by_connect_data(data, address.ip());
        let terms = ticket.as_ref().and_then(|ticket| ticket.terms.get().copied());
        let (Some(ticket), Some(terms)) = (ticket, terms) else {
            debug!(%address, "control connection that no session waits for");
            return self.server.disconnect_now(id, 0);
        };
        info!(session = %ticket.session, %address, "control connected");
        let session = ControlSession::new(&ticket.key, terms.v2);
        self.begin(id, ticket, session);
    }

    fn adopt(&mut self, ticket: Arc<Ticket>) {
        match saved::adopt(&ticket, &mut self.server, Micros::now()) {
            Ok((id, session)) => {
                info!(session = %ticket.session, "control connection of an earlier host adopted");
                self.begin(id, ticket, session);
            }
            Err(error) => {
                warn!(session = %ticket.session, %error, "control connection not adopted: the client will lose it");
            }
        }
    }

    fn begin(&mut self, id: PeerId, ticket: Arc<Ticket>, session: ControlSession) {
        for peer in self.peers.values_mut().filter(|peer| peer.ticket.connection == ticket.connection) {
            peer.saves = false;
        }
        self.notify(&ticket, Command::ControlUp { connection: ticket.connection });
        let (told, warned) = (Seldom::new(1, IDR_REQUESTS_TOLD), Seldom::new(1, FAILURES_TOLD));
        self.peers.insert(id, Peer { ticket, session, saves: true, told, warned });
    }

    fn hear(&mut self, id: PeerId, packet: &[u8]) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let (worker, network) = (&peer.ticket.worker, peer.ticket.network.get());
        worker.catch_up();
        match peer.session.handle_packet(packet) {
            Ok(Event::Input(event)) => {
                worker.send(&ToWorker::Input(event), None);
            }
            Ok(Event::RequestIdr) => {
                peer.answer(network.map_or(Answer::Idr, |network| network.idr_wanted()));
                if peer.told.allows(Instant::now()) {
                    peer.ticket.events.publish(Told::IdrRequest { session_id: peer.ticket.session });
                }
            }
            Ok(Event::InvalidateReferences { first, last }) => {
                peer.answer(references::lost(first, last));
            }
            Ok(Event::FecStatus(status)) => {
                network.inspect(|network| network.fec_status(&status));
            }
            Ok(_) => {}
            Err(error) => debug!(session = %peer.ticket.session, %error, "control packet dropped"),
        }
    }

    fn part(&mut self, id: PeerId) {
        let Some(Peer { ticket, saves, .. }) = self.peers.remove(&id) else { return };
        // A client that connected anew, from another address, is still there.
        let others = |(_, peer): &(&PeerId, &mut Peer)| peer.ticket.connection == ticket.connection;
        if let Some((id, other)) = self.peers.iter_mut().find(others) {
            if saves {
                other.saves = true;
                other.save(&self.server, *id);
            }
            return;
        }
        // What cannot be cleared is not adopted either: the client is gone.
        let _ = ticket.checkpoint.clear();
        info!(session = %ticket.session, "control disconnected");
        self.notify(&ticket, Command::ControlDown { connection: ticket.connection });
    }

    fn finish(&mut self, connection: ConnectionId, message: &HostMessage) {
        for (id, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.ticket.connection == connection) {
            match peer.session.seal(message) {
                Ok(sealed) if self.server.send_reliable(*id, 0, &sealed).is_ok() => {}
                _ => warn!(session = %peer.ticket.session, "control message not sent"),
            }
            self.server.disconnect_later(*id, 0);
            // Nobody shall go on with what ends.
            peer.save(&self.server, *id);
        }
    }

    fn notify(&mut self, ticket: &Arc<Ticket>, command: Command) {
        if let Err(TrySendError::Full(command)) = ticket.commands.try_send(command) {
            self.undelivered.push((Arc::clone(ticket), command));
        }
    }

    fn deliver(&mut self) {
        for (ticket, command) in std::mem::take(&mut self.undelivered) {
            self.notify(&ticket, command);
        }
    }
}

impl Peer {
    /// Has the worker answer a client that lost frames.
    fn answer(&self, answer: Answer) {
        let message = match answer {
            Answer::Invalidate { first, last } => ToWorker::InvalidateReferences { first: first.0, last: last.0 },
            Answer::Idr => ToWorker::RequestIdr,
            Answer::Nothing => return,
        };
        self.ticket.worker.send(&message, None);
    }

    fn save(&mut self, server: &Server, id: PeerId) {
        if self.saves
            && let Err(error) = saved::save(&self.ticket, server.export(id), &self.session)
            && self.warned.allows(Instant::now())
        {
            warn!(session = %self.ticket.session, %error, "another host could not go on with this connection");
        }
    }
}

fn wait(socket: &UdpSocket, wake: &OwnedFd, patience: Duration) {
    let mut fds = [PollFd::new(socket, PollFlags::IN), PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN)];
    // Never more than a second: `IDLE_WAIT`.
    let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) };
    // EINTR is a wake-up like any other.
    let _ = poll(&mut fds, Some(&patience));
    if !fds[1].revents().is_empty() {
        let _ = rustix::io::read(wake, &mut [0u8; 8]);
    }
}

/// Datagrams that are taken before the first of them is answered.
const BATCH: usize = 64;

/// The thread says that it lives at least so often.
const IDLE_WAIT: Duration = Duration::from_millis(500);
/// Before a session's full mailbox is tried again.
const RETRY_WAIT: Duration = Duration::from_millis(20);
/// ENet's timers have this step; what was due has been sent.
const TICK: Duration = Duration::from_millis(1);

/// Microseconds between two questions for a round trip.
#[allow(clippy::cast_possible_truncation, reason = "some milliseconds")]
const PROBE_MICROS: u64 = PROBE_INTERVAL.as_micros() as u64;
/// How often a client's requests for IDR frames are told.
const IDR_REQUESTS_TOLD: Duration = Duration::from_secs(1);
/// How often it is told that a connection's state cannot be saved.
const FAILURES_TOLD: Duration = Duration::from_secs(60);
