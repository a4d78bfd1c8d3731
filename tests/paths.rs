//! Datagrams over paths of every MTU, in network namespaces of their own: what fits is
//! cut by the kernel, what does not is sent one by one and as fragments, and all of it
//! arrives. A stream once froze where a host insisted on segmentation.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use earthshine::worker::send::media_socket::{MediaSocket, Outcome};
use earthshine_ffi::udp::{BatchSender, Sent};

#[path = "support/skip.rs"]
mod skip;

/// From the least that IPv6 allows to jumbo frames.
const MTUS: [usize; 4] = [1280, 1400, 1500, 9000];

/// Bytes and number of datagrams: small packets, usual ones, and jumbo ones.
const FRAMES: [(usize, usize); 3] = [(1040, 60), (1408, 60), (8960, 12)];

#[test]
fn frames_arrive_over_every_mtu() {
    for mtu in MTUS {
        let script =
            format!("ip link set lo mtu {mtu} up || exit 77; exec \"$0\" --exact frames_arrive_here --nocapture");
        let child = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "sh", "-c", &script])
            .arg(std::env::current_exe().expect("this program"))
            .env(MTU, mtu.to_string())
            .output()
            .expect("unshare, of util-linux");
        let said = [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        if child.status.code() == Some(77) {
            return skip::skip("iproute2");
        }
        if said.contains("unshare failed") {
            return skip::say("a kernel that gives network namespaces to everybody");
        }
        assert!(child.status.success() && said.contains("1 passed"), "MTU {mtu}: {said}");
    }
}

/// By itself over this machine's loopback, which takes everything.
#[test]
fn frames_arrive_here() {
    let mtu = std::env::var(MTU).map_or(65_536, |mtu| mtu.parse().expect("a number"));
    for (size, count) in FRAMES {
        let frame: Vec<u8> = (0..count * size).map(|at| (at / size + at % 251).to_le_bytes()[0]).collect();
        let (socket, client) = pair();
        let mut media = MediaSocket::new(socket, None);
        for _ in 0..3 {
            let outcome = media.send(&frame, size, Duration::from_secs(1));
            assert_eq!(outcome, Outcome { datagrams: count, refusals: 0 }, "{size} bytes, MTU {mtu}");
            assert!(received(&client, count, size) == frame, "{size} bytes, MTU {mtu}");
        }
        // The same without our options: fragments of what is too large are the default.
        let (socket, client) = pair();
        rustix::net::sockopt::set_ip_mtu_discover(&socket, rustix::net::sockopt::Ipv4PathMtuDiscovery::DONT)
            .expect("an option of every socket");
        let mut batch = BatchSender::new();
        assert_eq!(batch.send(socket.as_fd(), &frame, size), Sent { datagrams: count, refusal: None });
        assert!(received(&client, count, size) == frame, "{size} bytes, MTU {mtu}");
        assert_eq!(batch.segments(), size + HEADERS <= mtu, "{size} bytes, MTU {mtu}");
    }
}

fn received(client: &UdpSocket, count: usize, size: usize) -> Vec<u8> {
    let mut datagram = vec![0; size + 1];
    (0..count).flat_map(|_| client.recv(&mut datagram).map(|len| datagram[..len].to_vec()).expect("all come")).collect()
}

fn pair() -> (UdpSocket, UdpSocket) {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let _ = socket2::SockRef::from(&client).set_recv_buffer_size(1 << 20);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(client.local_addr().unwrap()).unwrap();
    (socket, client)
}

/// IPv4 and UDP.
const HEADERS: usize = 28;
const MTU: &str = "EARTHSHINE_TEST_MTU";
