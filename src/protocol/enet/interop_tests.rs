//! Our server against the C library's own client (`rusty_enet` is a translation
//! of it) on a virtual clock, through a network that loses, doubles and
//! reorders.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID, Socket};

use crate::clock::Micros;
use crate::protocol::enet::PeerId;
use crate::protocol::enet::limits::Limits;
use crate::protocol::enet::peer_state::PeerState;
use crate::protocol::enet::server::{Event, Server};

#[test]
fn a_client_connects_talks_and_leaves() {
    let mut world = World::new(1, Weather::FINE);
    let client = world.join(7);
    world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
    assert_eq!(world.app.connected[&PeerId(0)].1, 7);
    world.clients[client].say(3, b"hello", Kind::Reliable);
    world.clients[client].say(47, b"lossy", Kind::Unreliable);
    world.clients[client].say(5, b"loose", Kind::Unsequenced);
    world.until(|world| world.app.messages.len() == 3);
    assert_eq!(world.app.of(PeerId(0), 3), [b"hello"]);
    assert_eq!(world.app.of(PeerId(0), 47), [b"lossy"]);
    assert_eq!(world.app.of(PeerId(0), 5), [b"loose"]);
    world.server.send_reliable(PeerId(0), 0, b"answer").unwrap();
    world.until(|world| world.clients[client].heard == [(0, b"answer".to_vec())]);
    world.clients[client].leave();
    world.until(|world| world.app.disconnected == [PeerId(0)] && world.clients[client].disconnected);
    assert_eq!(world.server.peers(), 0);
}

#[test]
fn the_host_says_a_last_word_and_disconnects() {
    for (seed, weather) in [(2, Weather::FINE), (3, Weather::FOUL)] {
        let mut world = World::new(seed, weather);
        let client = world.join(0);
        world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
        world.server.send_reliable(PeerId(0), 0, b"the end").unwrap();
        world.server.disconnect_later(PeerId(0), 5);
        world.until(|world| world.clients[client].disconnected && world.app.disconnected.len() == 1);
        assert_eq!(world.clients[client].heard, [(0, b"the end".to_vec())]);
    }
}

#[test]
fn a_client_that_is_not_wanted_hears_so_at_once() {
    let mut world = World::new(4, Weather::FINE);
    let client = world.join(0);
    world.until(|world| world.app.connected.len() == 1);
    world.server.disconnect_now(PeerId(0), 0);
    world.until(|world| world.clients[client].disconnected);
    assert_eq!((world.server.peers(), world.app.disconnected.len()), (0, 0));
}

#[test]
fn a_client_that_falls_silent_is_lost_after_ten_seconds() {
    let mut world = World::new(5, Weather::FINE);
    let client = world.join(0);
    world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
    world.run(2000);
    let silent = world.now();
    world.network.borrow_mut().weather = Weather { loss: 100, ..Weather::FINE };
    world.until(|world| !world.app.disconnected.is_empty());
    let patience = world.now() - silent;
    assert!((9_500..13_000).contains(&patience), "{patience}");
}

#[test]
fn an_idle_connection_lasts_and_costs_little() {
    let mut world = World::new(6, Weather::FINE);
    let client = world.join(0);
    world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
    let before = world.network.borrow().carried;
    world.run(60_000);
    assert!(world.app.disconnected.is_empty() && !world.clients[client].disconnected);
    let carried = world.network.borrow().carried - before;
    assert!(carried < 60 * 4 * 2 + 10, "{carried}");
}

#[test]
fn several_clients_behind_one_address_have_their_own_connections() {
    let mut world = World::new(7, Weather::FOUL);
    let clients: Vec<_> = (0..8).map(|number| world.join(number)).collect();
    world.until(|world| world.app.connected.len() == 8 && world.clients.iter().all(|client| client.connected));
    for (number, client) in clients.iter().enumerate() {
        for _ in 0..10 {
            world.clients[*client].say(1, &[u8::try_from(number).unwrap()], Kind::Reliable);
        }
    }
    world.until(|world| world.app.messages.len() == 80);
    for (peer, (_, data)) in world.app.connected.clone() {
        let number = u8::try_from(data).unwrap();
        assert_eq!(world.app.of(peer, 1), vec![[number]; 10]);
    }
}

#[test]
fn a_client_that_comes_again_from_another_port_is_another_peer() {
    let mut world = World::new(8, Weather::FINE);
    world.join(1);
    world.until(|world| world.app.connected.len() == 1);
    let again = world.join(1);
    world.until(|world| world.clients[again].connected && world.app.connected.len() == 2);
    world.clients[again].say(0, b"here", Kind::Reliable);
    world.until(|world| world.app.of(PeerId(1), 0) == [b"here"]);
}

#[test]
fn all_arrives_in_order_and_once_however_bad_the_network() {
    for seed in 10..16 {
        let mut world = World::new(seed, Weather::FOUL);
        converse(&mut world, |_| {});
    }
}

#[test]
fn another_process_goes_on_as_if_nothing_had_happened() {
    for seed in 20..32 {
        let weather = if seed % 2 == 0 { Weather::FINE } else { Weather::FOUL };
        let mut world = World::new(seed, weather);
        let mut deaths = 0;
        converse(&mut world, |world| {
            if world.random.below(20) == 0 {
                world.kill_server();
                let pause = world.random.below(400);
                world.run_without_server(pause);
                world.adopt();
                deaths += 1;
            }
        });
        assert!(deaths > 3, "{deaths}");
    }
}

#[test]
fn a_pause_of_nine_seconds_is_survived() {
    let mut world = World::new(33, Weather::FINE);
    let client = world.join(0);
    world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
    world.run(3000);
    world.clients[client].say(0, b"before", Kind::Reliable);
    world.server.send_reliable(PeerId(0), 0, b"of the first").unwrap();
    world.save();
    world.kill_server();
    world.clients[client].say(0, b"meanwhile", Kind::Reliable);
    world.run_without_server(9000);
    world.adopt();
    world.server.send_reliable(PeerId(0), 0, b"of the second").unwrap();
    world.until(|world| world.clients[client].heard.len() == 2 && world.app.messages.len() == 2);
    assert_eq!(world.app.of(PeerId(0), 0), [b"before".to_vec(), b"meanwhile".to_vec()]);
    let heard = world.clients[client].heard.iter().map(|(_, text)| text.as_slice());
    assert!(heard.eq([&b"of the first"[..], b"of the second"]));
    world.run(30_000);
    assert!(!world.clients[client].disconnected && world.app.disconnected.is_empty());
}

/// Reliable messages of all lengths on three channels in both directions, with
/// unreliable ones between them, and something that happens in the midst.
fn converse(world: &mut World, mut meanwhile: impl FnMut(&mut World)) {
    let client = world.join(42);
    world.until(|world| world.clients[client].connected && world.app.connected.len() == 1);
    // Or the client takes half a second for a round trip, and is out of
    // patience after four losses of a packet.
    world.run(2000);
    let mut sent: HashMap<u8, Vec<Vec<u8>>> = HashMap::new();
    let mut answered: Vec<Vec<u8>> = Vec::new();
    let mut loose = 0u32;
    for step in 0..300u32 {
        let channel = u8::try_from(step % 3).unwrap();
        let length = if step % 25 == 0 { 2000 + world.random.below(9000) } else { 8 + world.random.below(60) };
        let length = usize::try_from(length).unwrap();
        let text: Vec<u8> = step.to_be_bytes().iter().copied().cycle().take(length).collect();
        world.clients[client].say(channel, &text, Kind::Reliable);
        sent.entry(channel).or_default().push(text.clone());
        for kind in [Kind::Unreliable, Kind::Unsequenced] {
            loose += 1;
            world.clients[client].say(channel + 10, &loose.to_be_bytes(), kind);
        }
        let answer = &text[..text.len().min(3000)];
        if world.server.send_reliable(PeerId(0), 0, answer).is_ok() {
            answered.push(answer.to_vec());
        }
        // What is not saved is not promised.
        world.save();
        let pause = world.random.below(30);
        world.run(pause);
        meanwhile(world);
    }
    let total: usize = sent.values().map(Vec::len).sum();
    world.until(|world| {
        let reliable = (0..3).map(|channel| world.app.of(PeerId(0), channel).len()).sum::<usize>();
        reliable >= total && world.clients[client].heard.len() >= answered.len()
    });
    world.run(1000);
    for (channel, texts) in &sent {
        assert!(world.app.of(PeerId(0), *channel) == *texts, "channel {channel}");
    }
    assert!(world.clients[client].heard.iter().map(|(_, text)| text).eq(&answered));
    assert!(!world.clients[client].disconnected && world.app.disconnected.is_empty());
    for channel in 10..13 {
        let texts = world.app.of(PeerId(0), channel);
        let mut unique = texts.clone();
        unique.sort();
        unique.dedup();
        assert!(!texts.is_empty() && unique.len() == texts.len(), "channel {channel}");
    }
    assert_eq!(world.server.waiting_bytes(), 0);
}

/// A client, our server, and what is between them.
struct World {
    clock: Rc<Cell<u64>>,
    network: Rc<RefCell<Network>>,
    random: Random,
    clients: Vec<Client>,
    server: Server,
    app: App,
    /// What a checkpoint would have.
    saved: BTreeMap<PeerId, Vec<u8>>,
}

/// What the server's user saw.
#[derive(Default)]
struct App {
    connected: BTreeMap<PeerId, (SocketAddr, u32)>,
    messages: Vec<(PeerId, u8, Vec<u8>)>,
    disconnected: Vec<PeerId>,
}

struct Client {
    host: Host<Wire>,
    peer: PeerID,
    connected: bool,
    disconnected: bool,
    heard: Vec<(u8, Vec<u8>)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Reliable,
    Unreliable,
    Unsequenced,
}

#[derive(Clone, Copy)]
struct Weather {
    /// Percent.
    loss: u64,
    /// Percent.
    doubled: u64,
    /// Milliseconds, from and up to.
    delay: (u64, u64),
}

/// When it arrives, which one it is, from where, where to, and the datagram.
type UnderWay = (u64, u64, SocketAddr, SocketAddr, Vec<u8>);

struct Network {
    weather: Weather,
    random: Random,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    arrived: HashMap<SocketAddr, VecDeque<(SocketAddr, Vec<u8>)>>,
    carried: u64,
}

/// A client's socket.
struct Wire {
    network: Rc<RefCell<Network>>,
    clock: Rc<Cell<u64>>,
    address: SocketAddr,
}

/// SplitMix64: neighbouring seeds have nothing in common.
struct Random(u64);

impl World {
    fn new(seed: u64, weather: Weather) -> Self {
        let network = Network {
            weather,
            random: Random(seed.wrapping_mul(0x9e37_79b9)),
            under_way: BinaryHeap::new(),
            arrived: HashMap::new(),
            carried: 0,
        };
        Self {
            // Soon the lower 16 bits wrap, and the clients' 32 too.
            clock: Rc::new(Cell::new((1 << 32) - 70_000)),
            network: Rc::new(RefCell::new(network)),
            random: Random(seed),
            clients: Vec::new(),
            server: Server::new(Limits::default(), 0),
            app: App::default(),
            saved: BTreeMap::new(),
        }
    }

    fn now(&self) -> u64 {
        self.clock.get()
    }

    fn join(&mut self, data: u32) -> usize {
        let port = 1000 + u16::try_from(self.clients.len()).unwrap();
        let address = ([192, 0, 2, 1], port).into();
        let clock = Rc::clone(&self.clock);
        let settings = HostSettings {
            peer_limit: 1,
            channel_limit: 48,
            time: Box::new(move || Duration::from_millis(clock.get())),
            seed: Some(u32::from(port)),
            ..HostSettings::default()
        };
        let wire = Wire { network: Rc::clone(&self.network), clock: Rc::clone(&self.clock), address };
        let mut host = Host::new(wire, settings).unwrap();
        host.set_mtu(900).unwrap();
        let peer = host.connect(SERVER, 48, data).unwrap().id();
        host.peer_mut(peer).set_timeout(2, 10_000, 10_000);
        self.clients.push(Client { host, peer, connected: false, disconnected: false, heard: Vec::new() });
        self.clients.len() - 1
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..300_000 {
            if done(self) {
                return;
            }
            self.step(true);
        }
        let lost: Vec<_> = self.clients.iter().map(|client| client.disconnected).collect();
        let (told, state) = (&self.app.disconnected, self.server.export(PeerId(0)));
        panic!("not within five minutes: clients lost {lost:?}, peers lost {told:?}, the first is {state:?}");
    }

    fn run(&mut self, millis: u64) {
        (0..millis).for_each(|_| self.step(true));
    }

    fn run_without_server(&mut self, millis: u64) {
        (0..millis).for_each(|_| self.step(false));
    }

    fn step(&mut self, with_server: bool) {
        self.clock.set(self.clock.get() + 1);
        self.network.borrow_mut().deliver(self.clock.get());
        self.clients.iter_mut().for_each(Client::serve);
        if with_server {
            self.serve();
        }
    }

    fn serve(&mut self) {
        let now = Micros(self.clock.get() * 1000);
        let arrived = self.network.borrow_mut().take(SERVER);
        let nothing_due = self.server.next_timeout().is_none_or(|timeout| timeout > now);
        if arrived.is_empty() && nothing_due {
            assert!(self.server.next_datagram(now).is_none(), "something was due");
            return;
        }
        for (from, datagram) in arrived {
            self.server.receive(from, &datagram, now);
            // Each alone or all together.
            if self.random.below(2) == 0 {
                self.app.take(&mut self.server);
            }
        }
        self.app.take(&mut self.server);
        self.save();
        while let Some((to, datagram)) = self.server.next_datagram(now) {
            self.network.borrow_mut().send(self.clock.get(), SERVER, to, datagram);
        }
        self.app.take(&mut self.server);
    }

    fn save(&mut self) {
        while let Some(peer) = self.server.next_changed() {
            match self.server.export(peer) {
                Some(state) => drop(self.saved.insert(peer, postcard::to_allocvec(state).unwrap())),
                None => drop(self.saved.remove(&peer)),
            }
        }
    }

    fn kill_server(&mut self) {
        self.server = Server::new(Limits::default(), 300);
    }

    fn adopt(&mut self) {
        let now = Micros(self.clock.get() * 1000);
        for (peer, state) in &self.saved {
            let state: PeerState = postcard::from_bytes(state).unwrap();
            assert_eq!(self.server.adopt(state, now), Ok(*peer));
        }
    }
}

impl App {
    fn take(&mut self, server: &mut Server) {
        while let Some(event) = server.next_event() {
            match event {
                Event::Connected { peer, address, data } => drop(self.connected.insert(peer, (address, data))),
                Event::Received { peer, channel, payload } => self.messages.push((peer, channel, payload)),
                Event::Disconnected { peer } => self.disconnected.push(peer),
            }
        }
    }

    fn of(&self, peer: PeerId, channel: u8) -> Vec<Vec<u8>> {
        let wanted = self.messages.iter().filter(|message| (message.0, message.1) == (peer, channel));
        wanted.map(|(_, _, payload)| payload.clone()).collect()
    }
}

impl Client {
    fn serve(&mut self) {
        while let Ok(Some(event)) = self.host.service() {
            match event.no_ref() {
                EventNoRef::Connect { .. } => self.connected = true,
                EventNoRef::Disconnect { .. } => self.disconnected = true,
                EventNoRef::Receive { channel_id, packet, .. } => self.heard.push((channel_id, packet.data().to_vec())),
            }
        }
    }

    fn say(&mut self, channel: u8, text: &[u8], kind: Kind) {
        let packet = match kind {
            Kind::Reliable => Packet::reliable(text),
            Kind::Unreliable => Packet::always_unreliable(text),
            Kind::Unsequenced => Packet::unreliable_unsequenced(text),
        };
        self.host.peer_mut(self.peer).send(channel, &packet).unwrap();
    }

    fn leave(&mut self) {
        self.host.peer_mut(self.peer).disconnect_later(0);
    }
}

impl Network {
    fn send(&mut self, now: u64, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let Weather { loss, doubled, delay } = self.weather;
        let copies = if self.random.below(100) < doubled { 2 } else { 1 };
        for _ in 0..copies {
            self.carried += 1;
            if self.random.below(100) >= loss {
                let arrival = now + delay.0 + self.random.below(delay.1 - delay.0 + 1);
                self.under_way.push(Reverse((arrival, self.carried, from, to, datagram.to_vec())));
            }
        }
    }

    fn deliver(&mut self, now: u64) {
        while self.under_way.peek().is_some_and(|Reverse(next)| next.0 <= now) {
            let Some(Reverse((_, _, from, to, datagram))) = self.under_way.pop() else { break };
            self.arrived.entry(to).or_default().push_back((from, datagram));
        }
    }

    fn take(&mut self, of: SocketAddr) -> VecDeque<(SocketAddr, Vec<u8>)> {
        self.arrived.remove(&of).unwrap_or_default()
    }
}

impl Socket for Wire {
    type Address = SocketAddr;
    type Error = Infallible;

    fn send(&mut self, address: SocketAddr, buffer: &[u8]) -> Result<usize, Infallible> {
        self.network.borrow_mut().send(self.clock.get(), self.address, address, buffer);
        Ok(buffer.len())
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<(SocketAddr, PacketReceived)>, Infallible> {
        let mut network = self.network.borrow_mut();
        let Some((from, datagram)) = network.arrived.get_mut(&self.address).and_then(VecDeque::pop_front) else {
            return Ok(None);
        };
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Ok(Some((from, PacketReceived::Complete(datagram.len()))))
    }
}

impl Weather {
    const FINE: Self = Self { loss: 0, doubled: 0, delay: (2, 2) };
    const FOUL: Self = Self { loss: 12, doubled: 10, delay: (5, 60) };
}

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9)), 47_999);
