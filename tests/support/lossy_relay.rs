//! A bad network in a process: relays one address's ports to another's.
//!
//! The client asks for its UDP ports over RTSP, so a relay must have the same
//! port numbers as the host. It therefore has another address of the loopback
//! network (127.0.0.2 before a host on 127.0.0.1): no root, no namespace. TCP
//! passes unharmed; datagrams are lost, delayed and so reordered by a seeded
//! generator, the same way in every run as far as their order allows.

use std::collections::{BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the network does to datagrams, each way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Harm {
    /// Lost datagrams in thousandths.
    pub(crate) loss_permille: u64,
    /// How long every datagram is under way.
    pub(crate) delay: Duration,
    /// Up to how much longer some are, which reorders them.
    pub(crate) jitter: Duration,
    /// Seed of the generator.
    pub(crate) seed: u64,
}

/// A running relay; it stops when dropped.
#[derive(Debug)]
pub(crate) struct LossyRelay {
    shared: Arc<Shared>,
    at: Ipv4Addr,
}

#[derive(Debug)]
struct Shared {
    harm: Harm,
    over: AtomicBool,
    /// Off until a test says so, so that a scenario can begin unharmed.
    harming: AtomicBool,
    passed: AtomicU64,
    lost: AtomicU64,
    /// Port and first bytes of datagrams to clients, [`MOST_HEADS`] at most.
    heads: Mutex<Vec<(u16, [u8; 4])>>,
    /// Port and first bytes of datagrams to clients that were lost.
    lost_heads: Mutex<Vec<(u16, [u8; 32])>>,
}

impl LossyRelay {
    /// Relays these ports of `at` to the same ports of `to`, unharmed at first.
    ///
    /// # Panics
    /// If a port is taken.
    pub(crate) fn start(at: Ipv4Addr, to: Ipv4Addr, tcp: &[u16], udp: &[u16], harm: Harm) -> Self {
        let shared = Arc::new(Shared {
            harm,
            over: AtomicBool::new(false),
            harming: AtomicBool::new(false),
            passed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            heads: Mutex::new(Vec::new()),
            lost_heads: Mutex::new(Vec::new()),
        });
        for port in tcp {
            let listener = TcpListener::bind((at, *port)).expect("relay's TCP port");
            listener.set_nonblocking(true).expect("non-blocking");
            let (shared, target) = (Arc::clone(&shared), SocketAddrV4::new(to, *port));
            std::thread::spawn(move || relay_tcp(&listener, target, &shared));
        }
        for (index, port) in (0_u64..).zip(udp) {
            let socket = UdpSocket::bind((at, *port)).expect("relay's UDP port");
            let (shared, target) = (Arc::clone(&shared), SocketAddrV4::new(to, *port));
            std::thread::spawn(move || relay_udp(&socket, target, &shared, index));
        }
        Self { shared, at }
    }

    /// Address for the client.
    pub(crate) fn address(&self) -> String {
        self.at.to_string()
    }

    /// Begins or ends losing and delaying.
    pub(crate) fn set_harming(&self, harming: bool) {
        self.shared.harming.store(harming, Ordering::Relaxed);
    }

    /// Datagrams that passed and that were lost.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.shared.passed.load(Ordering::Relaxed), self.shared.lost.load(Ordering::Relaxed))
    }
}

impl LossyRelay {
    /// The first bytes of datagrams that one port sent to clients.
    pub(crate) fn heads_to_client(&self, port: u16) -> Vec<[u8; 4]> {
        let heads = self.shared.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.iter().filter(|(of, _)| *of == port).map(|(_, head)| *head).collect()
    }
}

impl LossyRelay {
    /// Frames of a plain video port of which the client did not get some data
    /// packet (protocol notes 3.2: frame index at 20, FEC info at 28).
    pub(crate) fn damaged_frames(&self, port: u16) -> BTreeSet<u32> {
        let word = |head: &[u8; 32], at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let is_data = |head: &&[u8; 32]| (word(head, 28) >> 12) & 0x3ff < word(head, 28) >> 22;
        let lost = self.shared.lost_heads.lock().unwrap_or_else(PoisonError::into_inner);
        let heads = lost.iter().filter(|(of, _)| *of == port).map(|(_, head)| head);
        heads.filter(is_data).map(|head| word(head, 20)).collect()
    }
}

impl Drop for LossyRelay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn note(&self, port: u16, datagram: &[u8]) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(head), true) = (datagram.first_chunk(), heads.len() < MOST_HEADS) {
            heads.push((port, *head));
        }
    }
}

/// Enough to judge by, little enough to keep.
const MOST_HEADS: usize = 10_000;

/// How often threads look whether the relay is over.
const LOOK: Duration = Duration::from_millis(50);

/// From clients to the host; every client gets a socket of its own there.
fn relay_udp(socket: &UdpSocket, target: SocketAddrV4, shared: &Arc<Shared>, stream: u64) {
    socket.set_read_timeout(Some(LOOK)).expect("timeout");
    let mut flows: HashMap<SocketAddr, Flow> = HashMap::new();
    let mut random = Random::new(shared.harm.seed ^ stream << 8);
    let mut datagram = [0; 65536];
    while !shared.over.load(Ordering::Relaxed) {
        let Ok((length, client)) = socket.recv_from(&mut datagram) else { continue };
        let flow = flows.entry(client).or_insert_with(|| {
            random.0 = random.next();
            Flow::open(socket, client, target, shared, random.0)
        });
        flow.to_host.pass(&datagram[..length]);
    }
}

struct Flow {
    to_host: Line,
}

impl Flow {
    fn open(front: &UdpSocket, client: SocketAddr, target: SocketAddrV4, shared: &Arc<Shared>, seed: u64) -> Self {
        let back = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket to the host");
        back.connect(target).expect("connect to the host");
        back.set_read_timeout(Some(LOOK)).expect("timeout");
        let answers = back.try_clone().expect("clone");
        let mut to_client =
            Line::start(front.try_clone().expect("clone"), Some(client), shared, seed ^ 1, Some(target.port()));
        let others = Arc::clone(shared);
        std::thread::spawn(move || {
            let mut datagram = [0; 65536];
            while !others.over.load(Ordering::Relaxed) {
                // A refused datagram (the host has closed) is an error here: go on.
                if let Ok(length) = answers.recv(&mut datagram) {
                    others.note(target.port(), &datagram[..length]);
                    to_client.pass(&datagram[..length]);
                }
            }
        });
        Self { to_host: Line::start(back, None, shared, seed, None) }
    }
}

/// One direction of one flow.
struct Line {
    shared: Arc<Shared>,
    random: Random,
    out: UdpSocket,
    to: Option<SocketAddr>,
    delayed: Sender<(Instant, Vec<u8>)>,
    /// The host's port, on the way to a client.
    port: Option<u16>,
}

impl Line {
    fn start(out: UdpSocket, to: Option<SocketAddr>, shared: &Arc<Shared>, seed: u64, port: Option<u16>) -> Self {
        let (delayed, arrivals) = channel::<(Instant, Vec<u8>)>();
        let late = out.try_clone().expect("clone");
        std::thread::spawn(move || {
            let mut under_way: Vec<(Instant, Vec<u8>)> = Vec::new();
            loop {
                under_way.sort_by_key(|(due, _)| *due);
                let wait = under_way
                    .first()
                    .map_or(Duration::from_secs(1), |(due, _)| due.saturating_duration_since(Instant::now()));
                match arrivals.recv_timeout(wait) {
                    Ok(arrival) => under_way.push(arrival),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                while under_way.first().is_some_and(|(due, _)| *due <= Instant::now()) {
                    deliver(&late, to, &under_way.remove(0).1);
                }
            }
        });
        Self { shared: Arc::clone(shared), random: Random(seed | 1), out, to, delayed, port }
    }

    fn pass(&mut self, datagram: &[u8]) {
        let harm = self.shared.harm;
        let harming = self.shared.harming.load(Ordering::Relaxed);
        if harming && self.random.next() % 1000 < harm.loss_permille {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            if let (Some(port), Some(head)) = (self.port, datagram.first_chunk()) {
                let mut heads = self.shared.lost_heads.lock().unwrap_or_else(PoisonError::into_inner);
                heads.push((port, *head));
            }
            return;
        }
        self.shared.passed.fetch_add(1, Ordering::Relaxed);
        if !harming || harm.delay + harm.jitter == Duration::ZERO {
            deliver(&self.out, self.to, datagram);
            return;
        }
        let extra =
            harm.jitter.mul_f64(f64::from(u16::try_from(self.random.next() & 0xFFFF).expect("16 bits")) / 65536.0);
        let _ = self.delayed.send((Instant::now() + harm.delay + extra, datagram.to_vec()));
    }
}

fn deliver(out: &UdpSocket, to: Option<SocketAddr>, datagram: &[u8]) {
    // Nobody listening is the network's ordinary life.
    let _ = match to {
        Some(client) => out.send_to(datagram, client),
        None => out.send(datagram),
    };
}

fn relay_tcp(listener: &TcpListener, target: SocketAddrV4, shared: &Arc<Shared>) {
    while !shared.over.load(Ordering::Relaxed) {
        let Ok((client, _)) = listener.accept() else {
            std::thread::sleep(Duration::from_millis(2));
            continue;
        };
        let Ok(host) = TcpStream::connect(target) else { continue };
        for (from, to) in [(&client, &host), (&host, &client)] {
            let (from, to) = (from.try_clone().expect("clone"), to.try_clone().expect("clone"));
            from.set_nonblocking(false).expect("blocking");
            std::thread::spawn(move || pump(from, to));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 16384];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// xorshift64*: small, seeded, good enough to lose packets.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

    #[test]
    fn some_datagrams_are_lost_and_the_others_come_back() {
        let host = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let port = host.local_addr().expect("address").port();
        let harm =
            Harm { loss_permille: 200, delay: Duration::from_millis(2), jitter: Duration::from_millis(5), seed: 7 };
        let relay = LossyRelay::start(HERE, Ipv4Addr::LOCALHOST, &[], &[port], harm);
        relay.set_harming(true);
        let echo = std::thread::spawn(move || {
            host.set_read_timeout(Some(Duration::from_secs(2))).expect("timeout");
            let mut datagram = [0; 100];
            while let Ok((length, from)) = host.recv_from(&mut datagram) {
                host.send_to(&datagram[..length], from).expect("echo");
            }
        });
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        client.connect((HERE, port)).expect("connect");
        client.set_read_timeout(Some(Duration::from_secs(1))).expect("timeout");
        for number in 0..500_u32 {
            client.send(&number.to_be_bytes()).expect("send");
            std::thread::sleep(Duration::from_micros(200));
        }
        let mut seen = Vec::new();
        let mut datagram = [0; 4];
        while client.recv(&mut datagram).is_ok() {
            seen.push(u32::from_be_bytes(datagram));
        }
        echo.join().expect("echo");
        let (_, lost) = relay.counts();
        assert!(lost > 0 && !seen.is_empty() && seen.len() < 500, "{} came back, {lost} were lost", seen.len());
        assert!(!seen.is_sorted(), "jitter reorders");
    }
}
