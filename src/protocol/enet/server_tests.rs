//! The server against datagrams made by hand.

use std::net::SocketAddr;

use crate::clock::Micros;
use crate::protocol::bytes::Reader;
use crate::protocol::enet::PeerId;
use crate::protocol::enet::command::{Command, CommandHeader, Connect};
use crate::protocol::enet::header::{HEADER_ROOM, Header};
use crate::protocol::enet::limits::{Limits, NO_PEER};
use crate::protocol::enet::peer_state::{AdoptError, PeerState};
use crate::protocol::enet::server::{Event, SendError, Server};

const CONNECT: Connect = Connect { connect_id: 1, data: 99, ..Connect::SAMPLE };
const PEER: PeerId = PeerId(0);

fn client(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn at(millis: u64) -> Micros {
    Micros(millis * 1000)
}

fn datagram(peer: u16, commands: &[(u8, u16, Command<'_>)]) -> Vec<u8> {
    let header = Header { peer, session: 0, sent_time: Some(0), compressed: false };
    let mut place = [0; HEADER_ROOM];
    let start = header.write_before(&mut place);
    let mut out = place[start..].to_vec();
    for (channel, number, command) in commands {
        let acknowledge = !matches!(command, Command::Acknowledge { .. });
        let header = CommandHeader { acknowledge, unsequenced: false, channel: *channel, number: *number };
        command.write(header, &mut out);
    }
    out
}

/// Where to, the datagram's header, and its commands, also as bytes.
type Sent = (SocketAddr, Header, Vec<(CommandHeader, Vec<u8>)>);

/// What the server sends now.
fn sent(server: &mut Server, now: u64) -> Vec<Sent> {
    let mut all = Vec::new();
    while let Some((to, datagram)) = server.next_datagram(at(now)) {
        let mut reader = Reader::new(datagram);
        let header = Header::read(&mut reader).unwrap();
        let mut commands = Vec::new();
        while !reader.rest().is_empty() {
            let before = reader.rest();
            let (command, _) = Command::read(&mut reader).unwrap();
            commands.push((command, before[..before.len() - reader.rest().len()].to_vec()));
        }
        all.push((to, header, commands));
    }
    all
}

fn connect(server: &mut Server, from: SocketAddr, connect: Connect) -> PeerId {
    server.receive(from, &datagram(NO_PEER, &[(255, 1, Command::Connect(connect))]), at(0));
    let all = sent(server, 0);
    let (_, header, commands) = &all[0];
    assert_eq!((header.peer, header.session, header.sent_time), (connect.peer, 0, Some(0)));
    let Ok((_, Command::VerifyConnect(verify))) = Command::read(&mut Reader::new(&commands[0].1)) else {
        panic!("{commands:?}")
    };
    let expected = Connect {
        peer: verify.peer,
        incoming_session: 0,
        outgoing_session: 0,
        channels: connect.channels.min(255),
        data: 0,
        ..connect
    };
    assert_eq!(verify, expected);
    let ack = Command::Acknowledge { number: 1, sent_time: 0 };
    server.receive(from, &datagram(verify.peer, &[(255, 1, ack)]), at(0));
    let peer = PeerId(verify.peer);
    assert_eq!(server.next_event(), Some(Event::Connected { peer, address: from, data: connect.data }));
    peer
}

fn connected() -> Server {
    let mut server = Server::new(Limits::default(), 0);
    assert_eq!(connect(&mut server, client(1), CONNECT), PEER);
    server
}

fn message(number: u16) -> Vec<u8> {
    datagram(0, &[(2, number, Command::SendReliable(&number.to_be_bytes()))])
}

fn payloads(server: &mut Server) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| server.next_event())
        .map(|event| match event {
            Event::Received { peer: PEER, channel: 2, payload } => payload,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_message_is_delivered_once_and_acknowledged_every_time() {
    let mut server = connected();
    for attempt in 0..3 {
        server.receive(client(1), &message(1), at(10));
        assert_eq!(payloads(&mut server).len(), usize::from(attempt == 0));
        let all = sent(&mut server, 10);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.sent_time, None);
        assert_eq!(all[0].2[0].1, [1, 2, 0, 1, 0, 1, 0, 0]);
    }
}

#[test]
fn datagrams_of_others_are_none_of_the_peers() {
    let mut server = connected();
    server.receive(client(2), &message(1), at(10));
    let mut other_session = message(1);
    other_session[0] |= 0x10;
    server.receive(client(1), &other_session, at(10));
    let mut compressed = message(1);
    compressed[0] |= 0x40;
    server.receive(client(1), &compressed, at(10));
    server.receive(client(1), &datagram(1, &[(2, 1, Command::SendReliable(b"x"))]), at(10));
    server.receive(client(1), &datagram(600, &[(2, 1, Command::SendReliable(b"x"))]), at(10));
    server.receive(client(1), &[0x80], at(10));
    assert_eq!((server.next_event(), sent(&mut server, 10).len()), (None, 0));
}

#[test]
fn a_second_connect_of_an_attempt_makes_no_second_peer() {
    let mut server = Server::new(Limits::default(), 0);
    let hello = datagram(NO_PEER, &[(255, 1, Command::Connect(CONNECT))]);
    (0..3).for_each(|_| server.receive(client(1), &hello, at(0)));
    assert_eq!(server.peers(), 1);
    server.receive(client(2), &hello, at(0));
    let other = Connect { connect_id: 2, ..CONNECT };
    server.receive(client(1), &datagram(NO_PEER, &[(255, 1, Command::Connect(other))]), at(0));
    assert_eq!(server.peers(), 3);
    for impossible in
        [Connect { channels: 0, ..CONNECT }, Connect { channels: 256, ..CONNECT }, Connect { peer: NO_PEER, ..CONNECT }]
    {
        server.receive(client(9), &datagram(NO_PEER, &[(255, 1, Command::Connect(impossible))]), at(0));
    }
    assert_eq!(server.peers(), 3);
}

#[test]
fn clients_that_do_not_answer_make_room_for_others_and_are_forgotten() {
    let mut server = Server::new(Limits { peers: 4, ..Limits::default() }, 3);
    let staying = connect(&mut server, client(100), CONNECT);
    assert_eq!(staying, PeerId(3));
    for port in 1..50 {
        server.receive(client(port), &datagram(NO_PEER, &[(255, 1, Command::Connect(CONNECT))]), at(1));
    }
    assert_eq!(server.peers(), 4);
    assert!(server.export(staying).is_some());
    let mut now = 1;
    while server.peers() > 0 && now < 60_000 {
        sent(&mut server, now);
        now = server.next_timeout().map_or(now, |timeout| timeout.0 / 1000);
    }
    // The connected one did not acknowledge its pings.
    assert_eq!(server.next_event(), Some(Event::Disconnected { peer: staying }));
    assert_eq!((server.next_event(), server.peers()), (None, 0));
    assert!((10_000..13_000).contains(&now), "{now}");
}

#[test]
fn a_place_is_given_away_after_its_last_event_with_another_session() {
    let mut server = Server::new(Limits { peers: 1, ..Limits::default() }, 0);
    connect(&mut server, client(1), CONNECT);
    let goodbye = datagram(0, &[(255, 2, Command::Disconnect { data: 0 })]);
    server.receive(client(1), &goodbye, at(5));
    assert_eq!(sent(&mut server, 5)[0].2.len(), 1);
    let hello = datagram(NO_PEER, &[(255, 1, Command::Connect(Connect { connect_id: 2, ..CONNECT }))]);
    server.receive(client(1), &hello, at(6));
    assert_eq!(server.peers(), 0);
    assert_eq!(server.next_event(), Some(Event::Disconnected { peer: PEER }));
    server.receive(client(1), &hello, at(7));
    assert_eq!(sent(&mut server, 7)[0].1.session, 1);
}

#[test]
fn a_state_survives_its_process() {
    let mut server = connected();
    server.receive(client(1), &message(1), at(10));
    server.receive(client(1), &message(3), at(10));
    server.send_reliable(PEER, 0, b"answer").unwrap();
    assert_eq!(server.next_changed(), Some(PEER));
    assert_eq!(server.next_changed(), None);
    let state = postcard::to_allocvec(server.export(PEER).unwrap()).unwrap();
    assert!(state.len() < 1000, "{}", state.len());
    assert_eq!(sent(&mut server, 10)[0].2.len(), 3);
    drop(server);

    let mut server = Server::new(Limits::default(), 200);
    assert_eq!(server.adopt(postcard::from_bytes(&state).unwrap(), at(5000)), Ok(PEER));
    assert_eq!(server.next_changed(), Some(PEER));
    assert_eq!(server.adopt(postcard::from_bytes(&state).unwrap(), at(5000)), Err(AdoptError::Taken(0)));
    let all = sent(&mut server, 5000);
    assert_eq!((all[0].0, all[0].1.peer, all[0].2.len()), (client(1), 7, 1));
    assert_eq!(all[0].2[0].1, [0x86, 0, 0, 1, 0, 6, b'a', b'n', b's', b'w', b'e', b'r']);
    server.receive(client(1), &message(1), at(5001));
    server.receive(client(1), &message(2), at(5001));
    assert_eq!(payloads(&mut server), [[0, 2], [0, 3]]);
    server.send_reliable(PEER, 0, b"next").unwrap();
    assert_eq!(sent(&mut server, 5001)[0].2[2].1[..4], [0x86, 0, 0, 2]);
}

#[test]
fn states_that_cannot_be_are_not_adopted() {
    let server = connected();
    let good = postcard::to_allocvec(server.export(PEER).unwrap()).unwrap();
    let mut adopted = 0;
    for at_byte in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at_byte] ^= 1 << bit;
            let Ok(state) = postcard::from_bytes::<PeerState>(&bytes) else { continue };
            let mut server = Server::new(Limits::default(), 0);
            if let Ok(peer) = server.adopt(state, at(1)) {
                adopted += 1;
                server.receive(client(1), &message(1), at(2));
                sent(&mut server, 60_000);
                server.disconnect_now(peer, 0);
            }
        }
    }
    assert!(adopted > 0);
    let state = postcard::from_bytes(&good).unwrap();
    assert_eq!(
        Server::new(Limits { channels: 47, ..Limits::default() }, 0).adopt(state, at(0)),
        Err(AdoptError::Broken("number of channels"))
    );
}

#[test]
fn what_may_wait_is_bounded_for_each_and_for_all() {
    let limits = Limits { peer_bytes: 20_000, all_bytes: 30_000, ..Limits::default() };
    let mut server = Server::new(limits, 0);
    for port in 1..4 {
        connect(&mut server, client(port), CONNECT);
    }
    let long = [7; 800];
    for number in 2..200 {
        for peer in 0..3 {
            let bytes = datagram(peer, &[(0, number, Command::SendReliable(&long))]);
            server.receive(client(peer + 1), &bytes, at(1));
        }
        assert!(server.waiting_bytes() <= 30_000);
    }
    assert!(server.waiting_bytes() > 28_000);
    for peer in 0..3 {
        server.disconnect_now(PeerId(peer), 0);
    }
    assert_eq!((server.waiting_bytes(), server.peers()), (0, 0));
    assert_eq!(sent(&mut server, 1).len(), 3);
}

#[test]
fn messages_that_cannot_be_sent_say_why() {
    let mut server = connected();
    assert_eq!(server.send_reliable(PeerId(5), 0, b""), Err(SendError::NotConnected));
    assert_eq!(server.send_reliable(PEER, 48, b""), Err(SendError::NoChannel(48)));
    assert_eq!(server.send_reliable(PEER, 0, &[0; 16_385]), Err(SendError::TooLong(16_385)));
    let queued = (0..100).take_while(|_| server.send_reliable(PEER, 0, &[0; 16_384]).is_ok()).count();
    assert_eq!(queued, 3);
    assert_eq!(server.send_reliable(PEER, 0, &[0; 16_384]), Err(SendError::Full));
    server.disconnect_later(PEER, 0);
    assert_eq!(server.send_reliable(PEER, 0, b""), Err(SendError::NotConnected));
}

#[test]
fn a_probe_is_acknowledged_and_tells_how_long_that_took() {
    let mut server = connected();
    while server.next_round_trip(PEER).is_some() {}
    server.receive(client(1), &message(1), at(1000));
    sent(&mut server, 1000);
    assert!(server.probe(PEER), "although the peer was just heard of");
    let all = sent(&mut server, 1000);
    let (_, header, commands) = &all[0];
    let number = commands[0].0.number;
    assert_eq!(
        (header.sent_time, commands[0].1.as_slice()),
        (Some(1000), &[0x85, 255, 0, number.to_le_bytes()[0]][..])
    );
    assert_eq!(server.next_round_trip(PEER), None);
    let ack = Command::Acknowledge { number, sent_time: 1000 };
    server.receive(client(1), &datagram(0, &[(255, number, ack)]), at(1033));
    assert_eq!(server.next_round_trip(PEER), Some((at(1000), at(1033))));
    assert_eq!(server.next_round_trip(PEER), None);
}

#[test]
fn a_peer_that_acknowledges_nothing_is_not_asked_for_ever() {
    let mut server = connected();
    let asked = (0..1000).take_while(|_| server.probe(PEER)).count();
    assert!((1..100).contains(&asked), "{asked}");
    assert!(!server.probe(PeerId(5)), "nobody is there");
}
