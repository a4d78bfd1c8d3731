//! The ENet control server: one thread, one socket, every client.
//!
//! ENet needs its timers served by whoever owns it, so it has a thread instead
//! of a task. The thread never waits for a session: input and frame requests go
//! straight to the worker's channel, everything else into the session's
//! mailbox.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID};
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, info, warn};

use crate::host::events::Event as Told;
use crate::host::events::seldom::Seldom;
use crate::host::health::Health;
use crate::host::media_ports::canonical;
use crate::host::sessions::command::Command;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::ipc::message::ToWorker;
use crate::protocol::control::feedback::HostMessage;
use crate::protocol::control::session::{ControlSession, Event};

/// Handle to the control thread.
#[derive(Debug)]
pub(crate) struct ControlServer {
    orders: mpsc::Sender<Order>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

/// What sessions ask of the control thread.
#[derive(Debug)]
enum Order {
    /// Send a last message and disconnect.
    Finish(ConnectionId, HostMessage),
    /// Go on with a connection of an earlier host.
    Adopt(Arc<Ticket>),
    /// End the thread.
    Stop,
}

/// A cheap handle for sessions.
#[derive(Debug, Clone)]
pub(crate) struct ControlHandle {
    orders: mpsc::Sender<Order>,
    wake: Arc<OwnedFd>,
}

impl ControlServer {
    /// Starts the thread on a bound socket.
    ///
    /// # Errors
    /// What `eventfd` or thread creation report.
    pub(crate) fn start(socket: UdpSocket, directory: Arc<Directory>, health: Health) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (orders, inbox) = mpsc::channel();
        let waiter = socket.try_clone()?;
        let thread = std::thread::Builder::new().name("control".into()).spawn({
            let wake = Arc::clone(&wake);
            move || match Thread::new(socket, directory) {
                Ok(mut thread) => thread.run(&waiter, &wake, &inbox, &health),
                Err(error) => tracing::error!(%error, "control server cannot start"),
            }
        })?;
        Ok(Self { orders, wake, thread: Some(thread) })
    }

    /// A handle for sessions.
    pub(crate) fn handle(&self) -> ControlHandle {
        ControlHandle { orders: self.orders.clone(), wake: Arc::clone(&self.wake) }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.handle().order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // It ends within one wait; a panic in it was reported already.
            let _ = thread.join();
        }
    }
}

impl ControlHandle {
    /// Sends a last message and disconnects.
    pub(crate) fn finish(&self, connection: ConnectionId, message: HostMessage) {
        self.order(Order::Finish(connection, message));
    }

    /// Goes on with the connection that an earlier host left in the ticket's
    /// checkpoint, as if nothing had happened: the session hears
    /// [`Command::ControlUp`]. If there is none, the log says so, and the client
    /// ends the connection when nobody answers.
    pub(crate) fn adopt(&self, ticket: Arc<Ticket>) {
        self.order(Order::Adopt(ticket));
    }

    fn order(&self, order: Order) {
        if self.orders.send(order).is_ok() {
            // A full eventfd wakes just as well.
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }
}

/// The thread's state.
struct Thread {
    host: Host<LossySocket>,
    directory: Arc<Directory>,
    peers: HashMap<PeerID, Peer>,
    /// News that a session's mailbox had no room for.
    undelivered: Vec<(Arc<Ticket>, Command)>,
}

struct Peer {
    ticket: Arc<Ticket>,
    session: ControlSession,
    /// IDR requests that are told: a client in trouble sends many.
    told: Seldom,
}

impl Thread {
    fn new(socket: UdpSocket, directory: Arc<Directory>) -> io::Result<Self> {
        let started = Instant::now();
        let settings = HostSettings {
            peer_limit: MOST_PEERS,
            time: Box::new(move || started.elapsed()),
            ..HostSettings::default()
        };
        let mut host = Host::new(LossySocket(socket), settings).map_err(|error| io::Error::other(error.to_string()))?;
        let limits = host.set_maximum_packet_size(LARGEST_MESSAGE).is_ok()
            && host.set_maximum_waiting_data(MOST_WAITING_BYTES).is_ok();
        debug_assert!(limits, "ENet accepts these sizes");
        Ok(Self { host, directory, peers: HashMap::new(), undelivered: Vec::new() })
    }

    fn run(&mut self, socket: &UdpSocket, wake: &OwnedFd, inbox: &mpsc::Receiver<Order>, health: &Health) {
        loop {
            health.control_beats();
            self.service();
            self.deliver();
            let patience = if self.peers.is_empty() { IDLE_WAIT } else { TIMER_WAIT };
            wait(socket, wake, patience);
            for order in inbox.try_iter() {
                match order {
                    Order::Finish(connection, message) => self.finish(connection, &message),
                    Order::Adopt(ticket) => warn!(session = %ticket.session, "control connection not adopted"),
                    Order::Stop => {
                        self.host.flush();
                        return;
                    }
                }
            }
        }
    }

    fn service(&mut self) {
        loop {
            // LossySocket reports no errors, so `service` has none either.
            let Ok(Some(event)) = self.host.service() else { return };
            match event.no_ref() {
                EventNoRef::Connect { peer, data } => self.meet(peer, data),
                EventNoRef::Receive { peer, packet, .. } => self.receive(peer, packet.data()),
                EventNoRef::Disconnect { peer, .. } => self.part(peer),
            }
        }
    }

    fn meet(&mut self, id: PeerID, data: u32) {
        let peer = self.host.peer_mut(id);
        let address = peer.address().map(|address| canonical(address.0));
        let ticket = address.and_then(|address| self.directory.by_connect_data(data, address.ip()));
        let terms = ticket.as_ref().and_then(|ticket| ticket.terms.get().copied());
        let (Some(ticket), Some(terms)) = (ticket, terms) else {
            debug!(?address, "control connection that no session waits for");
            peer.disconnect_now(0);
            return;
        };
        peer.set_timeout(TIMEOUT_LIMIT, TIMEOUT_MILLIS, TIMEOUT_MILLIS);
        info!(session = %ticket.session, ?address, "control connected");
        let session = ControlSession::new(&ticket.key, terms.v2);
        self.notify(&ticket, Command::ControlUp { connection: ticket.connection });
        self.peers.insert(id, Peer { ticket, session, told: Seldom::new(1, IDR_REQUESTS_TOLD) });
    }

    fn receive(&mut self, id: PeerID, packet: &[u8]) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let worker = &peer.ticket.worker;
        worker.catch_up();
        match peer.session.handle_packet(packet) {
            Ok(Event::Input(event)) => {
                worker.send(&ToWorker::Input(event), None);
            }
            Ok(Event::RequestIdr) => {
                worker.send(&ToWorker::RequestIdr, None);
                if peer.told.allows(Instant::now()) {
                    peer.ticket.events.publish(Told::IdrRequest { session_id: peer.ticket.session });
                }
            }
            Ok(Event::InvalidateReferences { first, last }) => {
                worker.send(&ToWorker::InvalidateReferences { first: first.0, last: last.0 }, None);
            }
            Ok(_) => {}
            Err(error) => debug!(session = %peer.ticket.session, %error, "control packet dropped"),
        }
    }

    fn part(&mut self, id: PeerID) {
        let Some(Peer { ticket, .. }) = self.peers.remove(&id) else { return };
        // A client that connected anew, from another address, is still there.
        if self.peers.values().any(|peer| peer.ticket.connection == ticket.connection) {
            return;
        }
        info!(session = %ticket.session, "control disconnected");
        self.notify(&ticket, Command::ControlDown { connection: ticket.connection });
    }

    fn finish(&mut self, connection: ConnectionId, message: &HostMessage) {
        let peers: Vec<_> =
            self.peers.iter().filter(|(_, peer)| peer.ticket.connection == connection).map(|(id, _)| *id).collect();
        for id in peers {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let enet = self.host.peer_mut(id);
            match peer.session.seal(message) {
                Ok(sealed) if enet.send(0, &Packet::reliable(sealed.as_slice())).is_ok() => {}
                _ => warn!(session = %peer.ticket.session, "control message not sent"),
            }
            enet.disconnect_later(0);
        }
        self.host.flush();
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

fn wait(socket: &UdpSocket, wake: &OwnedFd, patience: Duration) {
    let mut fds = [PollFd::new(socket, PollFlags::IN), PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) };
    // EINTR is a wake-up like any other.
    let _ = poll(&mut fds, Some(&patience));
    if !fds[1].revents().is_empty() {
        let _ = rustix::io::read(wake, &mut [0u8; 8]);
    }
}

/// A UDP socket that loses what it cannot send, as networks do. ENet would take
/// one client's ICMP error for a failure of the whole host.
#[derive(Debug)]
struct LossySocket(UdpSocket);

/// An address as ENet compares it: IPv4 and IPv4-mapped are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeerAddress(SocketAddr);

impl rusty_enet::Address for PeerAddress {
    fn same_host(&self, other: &Self) -> bool {
        self.0.ip() == other.0.ip()
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn is_broadcast(&self) -> bool {
        false
    }
}

impl rusty_enet::Socket for LossySocket {
    type Address = PeerAddress;
    type Error = std::convert::Infallible;

    fn send(&mut self, address: PeerAddress, buffer: &[u8]) -> Result<usize, Self::Error> {
        Ok(self.0.send_to(buffer, address.0).unwrap_or(buffer.len()))
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<(PeerAddress, PacketReceived)>, Self::Error> {
        for _ in 0..MOST_ERRORS {
            match self.0.recv_from(buffer) {
                Ok((length, peer)) => return Ok(Some((PeerAddress(peer), PacketReceived::Complete(length)))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // An ICMP error of some client; the next datagram is behind it.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// Connections at the same time, those not yet matched to a session included.
const MOST_PEERS: usize = 512;

/// Client messages are under 256 bytes; text input may grow.
const LARGEST_MESSAGE: usize = 16 * 1024;

/// What ENet may hold back for reordering, per host.
const MOST_WAITING_BYTES: usize = 4 << 20;

/// The same rule as the client's own: moonlight-common-c `ControlStream.c`
/// gives its peer 10 s.
const TIMEOUT_LIMIT: u32 = 2;
const TIMEOUT_MILLIS: u32 = 10_000;

/// How often ENet's retransmission timers are served while somebody is
/// connected. Packets wake the thread at once.
const TIMER_WAIT: Duration = Duration::from_millis(20);
const IDLE_WAIT: Duration = Duration::from_millis(500);

/// How often a client's requests for IDR frames are told.
const IDR_REQUESTS_TOLD: Duration = Duration::from_secs(1);

/// Pending socket errors taken in a row.
const MOST_ERRORS: usize = 64;
