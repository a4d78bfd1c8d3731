//! Bytes that mean nothing, on every port, while somebody streams: the stream
//! goes on, the host stays, and nothing is left.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

use super::bystander::another_client_can_start;
use crate::support::chance::Chance;
use crate::support::client::{Device, Wanted};
use crate::support::host::Host;
use crate::support::needs;

#[test]
fn garbage_on_every_port_harms_nobody() {
    let Some(_turn) = needs::whole_machine(&[]) else { return };
    let host = Host::start();
    let device = Device::paired(&host, "device");
    let before = host.holdings();
    let mut stream = device.stream(&Wanted::app("Test card"));
    // The same garbage in every run.
    let mut chance = Chance::new(2026);
    for _ in 0..40 {
        for port in host.ready.tcp() {
            throw_at_tcp(port, &mut chance);
        }
        for port in host.ready.udp() {
            throw_at_udp(port, &mut chance);
        }
    }
    stream.wait_frames(30);
    let summary = stream.quit();
    assert_eq!(summary["end_code"], serde_json::Value::Null);
    host.assert_nothing_left(&before);
    another_client_can_start(&host);
    host.assert_nothing_left(&before);
}

/// Beginnings that get a parser to its later states before they go wrong.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"GET /pair?phrase=getservercert&salt=",
    b"GET /serverinfo?uniqueid=%zz&uuid=%",
    b"GET /launch?appid=99999999999999999999&rikey=zz&rikeyid=-1&mode=0x0x0",
    b"OPTIONS rtsp://a RTSP/1.0\r\nCSeq: 99999999999999\r\n",
    b"ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967295\r\n\r\n",
    b"\x80\0\0\x40\0\0\0\x01",
    b"\x16\x03\x01\xff\xff",
    b"\x8f\xff\0\0\x82\xff\0\x01",
    b"PING",
];

fn throw_at_tcp(port: u16, chance: &mut Chance) {
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the port still accepts");
    socket.set_read_timeout(Some(Duration::from_millis(5))).expect("timeout");
    socket.set_write_timeout(Some(Duration::from_secs(5))).expect("timeout");
    // The host may close in the middle of it: that is its right.
    let _ = socket.write_all(&garbage(chance, 4000));
    let _ = socket.write_all(b"\r\n\r\n");
    let _ = socket.read(&mut [0; 64]);
}

fn throw_at_udp(port: u16, chance: &mut Chance) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    for _ in 0..10 {
        let _ = socket.send_to(&garbage(chance, 1400), (Ipv4Addr::LOCALHOST, port));
    }
}

fn garbage(chance: &mut Chance, most: usize) -> Vec<u8> {
    let mut bytes = chance.of(BEGINNINGS).copied().unwrap_or_default().to_vec();
    let length = chance.below(most);
    bytes.extend(std::iter::repeat_with(|| chance.byte()).take(length));
    bytes
}
