//! The control server against ENet's own client, over a real socket, and one
//! server that goes on where another was killed.

use std::convert::Infallible;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use crate::host::bind::bind_udp;
use crate::host::control_server::ControlServer;
use crate::host::events::Events;
use crate::host::health::Health;
use crate::host::sessions::checkpoint::Checkpoint;
use crate::host::sessions::command::Command;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::ticket::{ConnectionId, Ticket};
use crate::ids::SessionId;
use crate::ipc::channel::Channel;
use crate::ipc::message::ToWorker;
use crate::protocol::control::client_session::ClientControlSession;
use crate::protocol::control::feedback::{HostMessage, Termination};
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::message::ClientMessage;
use crate::protocol::secret::SessionKey;
use crate::units::FrameIndex;

#[tokio::test]
async fn a_client_is_met_heard_and_seen_off() {
    let mut bench = Bench::new();
    let server = bench.start();
    let mut client = Client::connect(bench.address, DATA);
    bench.until(&mut client, |bench, client| client.connected && bench.heard(&UP));
    for number in 1..=20 {
        client.input(number);
    }
    bench.until(&mut client, |bench, _| bench.inputs.len() == 20);
    assert!(bench.inputs.iter().copied().eq(1..=20));
    server.handle().finish(CONNECTION, HostMessage::Terminate(Termination::Graceful));
    bench.until(&mut client, |bench, client| client.disconnected && bench.heard(&DOWN));
    assert_eq!(client.messages, [HostMessage::Terminate(Termination::Graceful)]);
    assert!(bench.ticket.checkpoint.load::<u8>().is_err(), "nothing is left to go on with");
}

#[tokio::test]
async fn a_client_that_no_session_waits_for_is_sent_away() {
    let mut bench = Bench::new();
    let _server = bench.start();
    let mut client = Client::connect(bench.address, DATA + 1);
    bench.until(&mut client, |_, client| client.disconnected);
    assert!(!bench.heard(&UP));
}

#[tokio::test]
async fn a_client_that_connects_again_is_still_there_when_its_last_connection_ends() {
    let mut bench = Bench::new();
    let server = bench.start();
    let mut first = Client::connect(bench.address, DATA);
    bench.until(&mut first, |bench, client| client.connected && bench.heard(&UP));
    let mut second = Client::connect(bench.address, DATA);
    bench.until(&mut second, |bench, client| client.connected && bench.heard(&UP));
    first.leave();
    bench.until(&mut first, |_, client| client.disconnected);
    second.input(5);
    bench.until(&mut second, |bench, _| bench.inputs == [5]);
    assert!(!bench.heard(&DOWN));
    // It is the second one that another host goes on with.
    server.die();
    let _server = bench.start_again();
    bench.until(&mut second, |bench, _| bench.heard(&UP));
    second.input(6);
    bench.until(&mut second, |bench, _| bench.inputs == [5, 6]);
}

#[tokio::test]
async fn another_server_goes_on_where_one_was_killed() {
    let mut bench = Bench::new();
    let mut server = bench.start();
    let mut client = Client::connect(bench.address, DATA);
    bench.until(&mut client, |bench, client| client.connected && bench.heard(&UP));
    let mut number = 0;
    for death in 1..=3 {
        for _ in 0..30 {
            number += 1;
            client.input(number);
        }
        // Some are acknowledged, some are under way, some come when nobody is there.
        bench.until(&mut client, |bench, _| bench.inputs.len() > 40 * (death - 1));
        server.die();
        for _ in 0..10 {
            number += 1;
            client.input(number);
            client.serve();
        }
        server = bench.start_again();
        bench.until(&mut client, |bench, _| bench.heard(&UP));
        let total = usize::try_from(number).unwrap();
        bench.until(&mut client, |bench, _| bench.inputs.len() >= total);
    }
    assert!(bench.inputs.iter().copied().eq(1..=number), "{:?}", bench.inputs);
    assert!(!client.disconnected && !bench.heard(&DOWN));
    server.handle().finish(CONNECTION, HostMessage::Terminate(Termination::Graceful));
    bench.until(&mut client, |bench, client| client.disconnected && bench.heard(&DOWN));
    assert_eq!(client.messages, [HostMessage::Terminate(Termination::Graceful)]);
}

#[tokio::test]
async fn a_loss_that_no_reference_outlives_takes_an_idr_frame() {
    let mut bench = Bench::new();
    let _server = bench.start();
    let mut client = Client::connect(bench.address, DATA);
    bench.until(&mut client, |bench, client| client.connected && bench.heard(&UP));
    for (first, last) in [(8, 128), (0, 3), (8, 129)] {
        client.lose(first, last);
    }
    bench.until(&mut client, |bench, _| bench.answers.len() == 3);
    let first = ToWorker::InvalidateReferences { first: 8, last: 128 };
    assert_eq!(bench.answers, [first, ToWorker::RequestIdr, ToWorker::RequestIdr]);
}

#[tokio::test]
async fn nothing_is_adopted_where_nothing_was_left() {
    let mut bench = Bench::new();
    let server = bench.start();
    let mut client = Client::connect(bench.address, DATA);
    server.handle().adopt(Arc::clone(&bench.ticket));
    bench.until(&mut client, |bench, client| client.connected && bench.heard(&UP));
    assert!(!bench.heard(&UP), "once, when the client connected");
    server.handle().finish(CONNECTION, HostMessage::Terminate(Termination::Graceful));
    bench.until(&mut client, |bench, client| client.disconnected && bench.heard(&DOWN));
    server.die();
    let _server = bench.start_again();
    let mut other = Client::connect(bench.address, DATA);
    bench.until(&mut other, |bench, client| client.connected && bench.heard(&UP));
    assert!(!bench.heard(&UP));
}

/// What a host has beside its control server.
struct Bench {
    socket: UdpSocket,
    address: SocketAddr,
    directory: Arc<Directory>,
    ticket: Arc<Ticket>,
    mailbox: mpsc::Receiver<Command>,
    channel: Arc<AsyncFd<Channel>>,
    worker: Channel,
    /// What the worker was told.
    inputs: Vec<i16>,
    answers: Vec<ToWorker>,
    news: Vec<bool>,
}

impl Bench {
    fn new() -> Self {
        let socket = bind_udp("control", ([127, 0, 0, 1], 0).into(), false).unwrap();
        let address = socket.local_addr().unwrap();
        let (ours, worker) = Channel::pair().unwrap();
        #[allow(deprecated, reason = "as in WorkerProcess")]
        let channel = Arc::new(AsyncFd::new(ours).unwrap());
        let (commands, mailbox) = mpsc::channel(8);
        let ticket = Ticket::for_tests(CONNECTION, DATA, Checkpoint::new().unwrap(), &commands);
        let (directory, inputs, answers, news) = (Arc::default(), Vec::new(), Vec::new(), Vec::new());
        Self { socket, address, directory, ticket, mailbox, channel, worker, inputs, answers, news }
    }

    fn start(&self) -> ControlServer {
        self.ticket.worker.set(Some(Arc::clone(&self.channel)));
        self.directory.insert(Arc::clone(&self.ticket));
        let health = Health::new(Events::new("test"));
        ControlServer::start(self.socket.try_clone().unwrap(), Arc::clone(&self.directory), health).unwrap()
    }

    /// Another host, which inherits the socket and the checkpoint.
    fn start_again(&mut self) -> ControlServer {
        let inherited = self.ticket.checkpoint.as_fd().try_clone_to_owned().unwrap();
        let (commands, mailbox) = mpsc::channel(8);
        self.ticket = Ticket::for_tests(CONNECTION, DATA, Checkpoint::from_fd(inherited).unwrap(), &commands);
        (self.mailbox, self.directory) = (mailbox, Arc::default());
        let server = self.start();
        server.handle().adopt(Arc::clone(&self.ticket));
        server
    }

    /// Whether the session was told that control is up or down; once.
    fn heard(&mut self, up: &bool) -> bool {
        while let Ok(command) = self.mailbox.try_recv() {
            match command {
                Command::ControlUp { connection: CONNECTION } => self.news.push(UP),
                Command::ControlDown { connection: CONNECTION } => self.news.push(DOWN),
                other => panic!("{other:?}"),
            }
        }
        let found = self.news.iter().position(|news| news == up);
        found.map(|at| self.news.remove(at)).is_some()
    }

    fn until(&mut self, client: &mut Client, mut done: impl FnMut(&mut Self, &Client) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        let mut seen = (false, false);
        while Instant::now() < end {
            client.serve();
            while let Ok(Some((message, _))) = self.worker.receive() {
                match message {
                    ToWorker::Input(InputEvent::MouseMove { dx, .. }) => self.inputs.push(dx),
                    ToWorker::RequestIdr | ToWorker::InvalidateReferences { .. } => self.answers.push(message),
                    other => panic!("{other:?}"),
                }
            }
            if done(self, client) {
                return;
            }
            seen = (client.connected, client.disconnected);
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("not within half a minute: (connected, disconnected) {seen:?}, inputs {:?}", self.inputs);
    }
}

/// ENet's own client.
struct Client {
    host: Host<ClientSocket>,
    peer: PeerID,
    session: ClientControlSession,
    connected: bool,
    disconnected: bool,
    messages: Vec<HostMessage>,
}

impl Client {
    fn connect(address: SocketAddr, data: u32) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut host =
            Host::new(ClientSocket(socket), HostSettings { peer_limit: 1, ..HostSettings::default() }).unwrap();
        let peer = host.connect(address, 48, data).unwrap().id();
        host.peer_mut(peer).set_timeout(2, 10_000, 10_000);
        let session = ClientControlSession::new(&SessionKey::new([7; 16]), true);
        Self { host, peer, session, connected: false, disconnected: false, messages: Vec::new() }
    }

    fn serve(&mut self) {
        while let Ok(Some(event)) = self.host.service() {
            match event.no_ref() {
                EventNoRef::Connect { .. } => self.connected = true,
                EventNoRef::Disconnect { .. } => self.disconnected = true,
                EventNoRef::Receive { packet, .. } => {
                    self.messages.extend(self.session.handle_packet(packet.data()).unwrap());
                }
            }
        }
    }

    /// A motion that carries a number, and something that nobody needs.
    fn input(&mut self, number: i16) {
        let sealed = self.session.seal_input(&InputEvent::MouseMove { dx: number, dy: 0 }).unwrap();
        self.host.peer_mut(self.peer).send(3, &Packet::reliable(sealed.as_slice())).unwrap();
        let sealed = self.session.seal(&ClientMessage::Ping).unwrap();
        self.host.peer_mut(self.peer).send(0, &Packet::unreliable_unsequenced(sealed.as_slice())).unwrap();
    }

    /// Says that these frames did not arrive.
    fn lose(&mut self, first: u32, last: u32) {
        let message = ClientMessage::InvalidateReferences { first: FrameIndex(first), last: FrameIndex(last) };
        let sealed = self.session.seal(&message).unwrap();
        self.host.peer_mut(self.peer).send(0, &Packet::reliable(sealed.as_slice())).unwrap();
    }

    fn leave(&mut self) {
        self.host.peer_mut(self.peer).disconnect_later(0);
    }
}

struct ClientSocket(UdpSocket);

impl rusty_enet::Socket for ClientSocket {
    type Address = SocketAddr;
    type Error = Infallible;

    fn send(&mut self, address: SocketAddr, buffer: &[u8]) -> Result<usize, Infallible> {
        Ok(self.0.send_to(buffer, address).unwrap_or(buffer.len()))
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<(SocketAddr, PacketReceived)>, Infallible> {
        let received = self.0.recv_from(buffer).ok();
        Ok(received.map(|(length, from)| (from, PacketReceived::Complete(length))))
    }
}

const CONNECTION: ConnectionId = ConnectionId { session: SessionId(1), number: 1 };
const DATA: u32 = 0x1234_5678;
const UP: bool = true;
const DOWN: bool = false;
