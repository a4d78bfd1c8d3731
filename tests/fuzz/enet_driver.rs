//! Plays bytes to an ENet server: datagrams from a few addresses, steps of time,
//! messages of the host, and processes that end with another going on.

use std::net::SocketAddr;

use earthshine::clock::Micros;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::enet::PeerId;
use earthshine::protocol::enet::command::{Command, CommandHeader, Connect, Throttle};
use earthshine::protocol::enet::header::{HEADER_ROOM, Header};
use earthshine::protocol::enet::limits::{Limits, MOST_MTU, NO_CHANNEL, NO_PEER};
use earthshine::protocol::enet::peer_state::PeerState;
use earthshine::protocol::enet::server::{Event, Server};

/// A server and what drives it.
pub struct Driver {
    server: Server,
    now: Micros,
    /// Peers that were told of: no peer goes who did not come.
    known: Vec<PeerId>,
}

impl Driver {
    /// A small one, so that its bounds are reached.
    pub fn new() -> Self {
        Self { server: Server::new(LIMITS, 0), now: Micros(1_000_000), known: Vec::new() }
    }

    /// Goes on with a state of any origin; false if it is not taken.
    pub fn adopt(&mut self, state: PeerState) -> bool {
        let adopted = self.server.adopt(state, self.now);
        self.known.extend(adopted.ok());
        adopted.is_ok()
    }

    /// Does what the bytes say.
    pub fn play(&mut self, data: &[u8]) {
        let mut reader = Reader::new(data);
        while let Ok(what) = reader.u8() {
            if self.step(what, &mut reader).is_none() {
                break;
            }
            self.check();
        }
        self.end_all();
    }

    fn step(&mut self, what: u8, reader: &mut Reader<'_>) -> Option<()> {
        let from = address(what >> 4);
        match what & 0x0f {
            0 => {
                let length = reader.u8().ok()?;
                let datagram = reader.take(usize::from(length).min(reader.rest().len())).ok()?;
                self.server.receive(from, datagram, self.now);
            }
            1 => {
                let (peer, session) = (reader.u8().ok()?, reader.u8().ok()?);
                let length = reader.u16_le().ok()?;
                let commands = reader.take(usize::from(length % 2048).min(reader.rest().len())).ok()?;
                self.say(from, peer.into(), session, commands);
            }
            2 => self.greet(from, reader.u8().ok()?),
            3 => self.now.0 += u64::from(reader.u16_le().ok()?) * 1000,
            4 => self.take_events(),
            5 => self.transmit(),
            6 => self.another_process(),
            7 => {
                let (peer, channel, length) = (reader.u8().ok()?, reader.u8().ok()?, reader.u16_le().ok()?);
                let _ = self.server.send_reliable(PeerId(peer.into()), channel, &vec![7; length.into()]);
            }
            8 => self.server.disconnect_later(PeerId(reader.u8().ok()?.into()), 1),
            9 => {
                let gone = PeerId(reader.u8().ok()?.into());
                self.server.disconnect_now(gone, 2);
                self.known.retain(|peer| *peer != gone);
            }
            10 => {
                let (channel, number) = (reader.u8().ok()?, reader.u16_be().ok()?);
                self.acknowledge(from, reader.u8().ok()?.into(), channel, number);
            }
            _ => {}
        }
        Some(())
    }

    /// A datagram that begins as one of this peer does.
    fn say(&mut self, from: SocketAddr, peer: u16, session: u8, commands: &[u8]) {
        let header = Header { peer, session, sent_time: Some(self.wire_time()), compressed: false };
        let mut place = [0; HEADER_ROOM];
        let start = header.write_before(&mut place);
        let datagram = [&place[start..], commands].concat();
        self.server.receive(from, &datagram, self.now);
    }

    fn greet(&mut self, from: SocketAddr, connect_id: u8) {
        let connect = Connect {
            peer: u16::from(connect_id),
            incoming_session: 255,
            outgoing_session: 255,
            mtu: 900,
            window: 65536,
            channels: 4,
            incoming_bandwidth: 0,
            outgoing_bandwidth: 0,
            throttle: Throttle { interval: 5000, acceleration: 2, deceleration: 2 },
            connect_id: connect_id.into(),
            data: 0,
        };
        let mut commands = Vec::new();
        let header = CommandHeader { acknowledge: true, unsequenced: false, channel: NO_CHANNEL, number: 1 };
        Command::Connect(connect).write(header, &mut commands);
        self.say(from, NO_PEER, 0, &commands);
    }

    fn acknowledge(&mut self, from: SocketAddr, peer: u16, channel: u8, number: u16) {
        let mut commands = Vec::new();
        let header = CommandHeader { acknowledge: false, unsequenced: false, channel, number };
        Command::Acknowledge { number, sent_time: self.wire_time() }.write(header, &mut commands);
        for session in 0..4 {
            self.say(from, peer, session, &commands);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.server.next_event() {
            match event {
                Event::Connected { peer, .. } => {
                    assert!(!self.known.contains(&peer), "connected twice");
                    self.known.push(peer);
                }
                Event::Received { peer, payload, .. } => {
                    assert!(self.known.contains(&peer), "a message of a stranger");
                    assert!(payload.len() <= LIMITS.message);
                }
                Event::Disconnected { peer } => {
                    assert!(self.known.contains(&peer), "a stranger went");
                    self.known.retain(|known| *known != peer);
                }
            }
        }
    }

    fn transmit(&mut self) {
        let mut datagrams = 0;
        while let Some((_, datagram)) = self.server.next_datagram(self.now) {
            assert!(datagram.len() <= MOST_MTU.into());
            let mut reader = Reader::new(datagram);
            let header = Header::read(&mut reader).expect("a header");
            assert!(header.peer < NO_PEER && !header.compressed);
            while !reader.rest().is_empty() {
                Command::read(&mut reader).expect("a command");
            }
            datagrams += 1;
            assert!(datagrams < 10_000, "it does not end");
        }
        let waits = self.server.next_timeout().is_none_or(|timeout| timeout > self.now);
        assert!(waits, "nothing was sent, and something is due");
    }

    /// The server dies, and another one goes on with all that were connected.
    fn another_process(&mut self) {
        self.take_events();
        let mut next = Server::new(LIMITS, 3);
        let mut kept = Vec::new();
        for peer in self.known.drain(..) {
            let Some(state) = self.server.export(peer) else { continue };
            let bytes = postcard::to_allocvec(state).expect("a state is plain data");
            assert!(bytes.len() < 300 * 1024, "{} bytes", bytes.len());
            let state = postcard::from_bytes(&bytes).expect("a state reads back");
            assert_eq!(next.adopt(state, self.now), Ok(peer));
            kept.push(peer);
        }
        (self.server, self.known) = (next, kept);
    }

    /// Nobody acknowledges anything: all are lost within half a minute.
    fn end_all(&mut self) {
        for _ in 0..40 {
            self.take_events();
            self.transmit();
            self.now.0 += 1_000_000;
        }
        self.take_events();
        assert_eq!((self.server.peers(), self.server.waiting_bytes(), self.known.len()), (0, 0, 0));
    }

    fn check(&self) {
        assert!(self.server.peers() <= LIMITS.peers.into());
        // One datagram's messages beyond what may wait at most.
        assert!(self.server.waiting_bytes() <= LIMITS.all_bytes + LIMITS.peer_bytes + 64 * 4096);
    }

    fn wire_time(&self) -> u16 {
        u16::try_from((self.now.0 / 1000) & 0xffff).unwrap_or(0)
    }
}

fn address(number: u8) -> SocketAddr {
    ([192, 0, 2, 1 + (number & 1)], 1000 + u16::from(number >> 1 & 1)).into()
}

const LIMITS: Limits =
    Limits { peers: 6, channels: 8, message: 16 * 1024, peer_bytes: 64 * 1024, all_bytes: 96 * 1024 };
