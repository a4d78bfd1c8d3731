//! A client's reliable message, from its datagram to the datagram that
//! acknowledges it: our ENet server, the same with its state saved in between as
//! the control thread does, and the C library's translation.
//!
//! `cargo bench --bench control`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use divan::{Bencher, black_box};
use earthshine::clock::Micros;
use earthshine::host::sessions::checkpoint::Checkpoint;
use earthshine::protocol::control::client_session::ClientControlSession;
use earthshine::protocol::control::message::ClientMessage;
use earthshine::protocol::control::session::ControlSession;
use earthshine::protocol::enet::PeerId;
use earthshine::protocol::enet::command::{Command, CommandHeader, Connect, Throttle};
use earthshine::protocol::enet::header::{HEADER_ROOM, Header};
use earthshine::protocol::enet::limits::{Limits, NO_CHANNEL, NO_PEER};
use earthshine::protocol::enet::server::Server;
use earthshine::protocol::secret::SessionKey;
use rusty_enet::{Host, HostSettings, MTU_MAX, PacketReceived, Socket};

fn main() {
    divan::main();
}

#[divan::bench]
fn enet(bencher: Bencher<'_, '_>) {
    let (mut server, mut client) = (connected(), Client::new());
    bencher.bench_local(|| {
        server.receive(FROM, client.next(), Micros::now());
        black_box(server.next_event()).expect("a message");
        black_box(server.next_datagram(Micros::now())).expect("an acknowledgement");
    });
}

#[divan::bench]
fn enet_saved(bencher: Bencher<'_, '_>) {
    let (mut server, mut client) = (connected(), Client::new());
    let session = used_session();
    let checkpoint = Checkpoint::new().expect("memory");
    bencher.bench_local(|| {
        server.receive(FROM, client.next(), Micros::now());
        black_box(server.next_event()).expect("a message");
        let peer = server.next_changed().expect("a change");
        checkpoint.save(&(server.export(peer).expect("a peer"), session.sequences())).expect("saved");
        black_box(server.next_datagram(Micros::now())).expect("an acknowledgement");
    });
}

#[divan::bench]
fn rusty_enet(bencher: Bencher<'_, '_>) {
    let wire = Wire::default();
    let begin = std::time::Instant::now();
    let settings = HostSettings { peer_limit: 512, time: Box::new(move || begin.elapsed()), ..HostSettings::default() };
    let mut host = Host::new(wire.clone(), settings).expect("a host");
    let mut client = Client::new();
    for datagram in [client.connect(), client.verified(0)] {
        wire.came.borrow_mut().push_back(datagram);
        while host.service().expect("no errors").is_some() {}
    }
    bencher.bench_local(|| {
        wire.came.borrow_mut().push_back(client.next().to_vec());
        let mut events = 0;
        while black_box(host.service()).expect("no errors").is_some() {
            events += 1;
        }
        assert!(events == 1 && wire.sent.take() > 0);
    });
}

fn connected() -> Server {
    let (mut server, mut client) = (Server::new(Limits::default(), 0), Client::new());
    let sent_time = u16::try_from(Micros::now().0 / 1000 % 65536).expect("16 bits");
    for datagram in [client.connect(), client.verified(sent_time)] {
        server.receive(FROM, &datagram, Micros::now());
        while server.next_datagram(Micros::now()).is_some() {}
    }
    assert!(server.next_event().is_some() && server.export(PeerId(0)).is_some());
    server
}

/// One that has heard a thousand messages: its replay window is not empty.
fn used_session() -> ControlSession {
    let key = SessionKey::new([5; 16]);
    let (mut host, mut client) = (ControlSession::new(&key, true), ClientControlSession::new(&key, true));
    for _ in 0..5000 {
        let packet = client.seal(&ClientMessage::Ping).expect("a number");
        host.handle_packet(&packet).expect("the client's own");
    }
    host
}

/// Writes what a client sends, without end.
struct Client {
    number: u16,
    datagram: Vec<u8>,
}

impl Client {
    fn new() -> Self {
        Self { number: 0, datagram: Vec::new() }
    }

    fn connect(&mut self) -> Vec<u8> {
        let connect = Connect {
            peer: 0,
            incoming_session: 255,
            outgoing_session: 255,
            mtu: 900,
            window: 65536,
            channels: 48,
            incoming_bandwidth: 0,
            outgoing_bandwidth: 0,
            throttle: Throttle { interval: 5000, acceleration: 2, deceleration: 2 },
            connect_id: 1,
            data: 0,
        };
        self.write(NO_PEER, NO_CHANNEL, 1, Command::Connect(connect)).to_vec()
    }

    fn verified(&mut self, sent_time: u16) -> Vec<u8> {
        self.write(0, NO_CHANNEL, 1, Command::Acknowledge { number: 1, sent_time }).to_vec()
    }

    /// A sealed motion of the mouse.
    fn next(&mut self) -> &[u8] {
        self.number = self.number.wrapping_add(1);
        self.write(0, 3, self.number, Command::SendReliable(&[7; 44]))
    }

    fn write(&mut self, peer: u16, channel: u8, number: u16, command: Command<'_>) -> &[u8] {
        let header = Header { peer, session: 0, sent_time: Some(0), compressed: false };
        let mut place = [0; HEADER_ROOM];
        let start = header.write_before(&mut place);
        self.datagram.clear();
        self.datagram.extend_from_slice(&place[start..]);
        let acknowledge = !matches!(command, Command::Acknowledge { .. });
        command.write(CommandHeader { acknowledge, unsequenced: false, channel, number }, &mut self.datagram);
        &self.datagram
    }
}

#[derive(Clone, Default)]
struct Wire {
    came: Rc<RefCell<VecDeque<Vec<u8>>>>,
    sent: Rc<std::cell::Cell<u32>>,
}

impl Socket for Wire {
    type Address = SocketAddr;
    type Error = Infallible;

    fn send(&mut self, _: SocketAddr, buffer: &[u8]) -> Result<usize, Infallible> {
        self.sent.set(self.sent.get() + 1);
        Ok(black_box(buffer).len())
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<(SocketAddr, PacketReceived)>, Infallible> {
        let Some(datagram) = self.came.borrow_mut().pop_front() else { return Ok(None) };
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Ok(Some((FROM, PacketReceived::Complete(datagram.len()))))
    }
}

const FROM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 1000);
