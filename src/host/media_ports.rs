//! The well-known media ports, and handing a client's packets to its worker.
//!
//! The host listens; a client's PING names its session. Then another socket is
//! opened on the same local port, connected to the client, and passed to the
//! worker: the kernel prefers the connected socket for that client's packets,
//! so everybody else's first PING still arrives here. One fixed port serves any
//! number of clients without a proxy.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tracing::{debug, warn};

use crate::host::sessions::command::Command;
use crate::host::sessions::directory::Directory;
use crate::ipc::message::MediaKind;
use crate::protocol::gamestream::ping::Ping;

/// Serves one media port until the task is dropped.
pub(crate) async fn listen(kind: MediaKind, socket: tokio::net::UdpSocket, directory: Arc<Directory>) {
    let mut buffer = [0; LARGEST_PING];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((length, peer)) => meet(kind, &buffer[..length], peer, &directory),
            // An ICMP error of a client that is gone; the socket goes on. If it
            // ever did not, this must not spin.
            Err(error) => {
                debug!(?kind, %error, "receive");
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
}

fn meet(kind: MediaKind, datagram: &[u8], peer: SocketAddr, directory: &Directory) {
    let peer = canonical(peer);
    let ticket = match Ping::parse(datagram) {
        Some(Ping::Session { payload, .. }) => directory.by_ping(&payload),
        Some(Ping::Legacy) => directory.by_legacy_ping(peer.ip()),
        None => None,
    };
    let Some(ticket) = ticket else { return };
    if ticket.commands.try_send(Command::Ping { connection: ticket.connection, kind, peer }).is_err() {
        warn!(session = %ticket.session, ?kind, "session does not take its ping");
    }
}

/// A socket on `local` that talks to `peer` alone.
///
/// # Errors
/// What the kernel says; with `AddrInUse` somebody without `SO_REUSEPORT`
/// holds the port.
pub(crate) fn connect(local: SocketAddr, peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&local.into())?;
    socket.connect(&peer.into())?;
    Ok(socket.into())
}

/// IPv4 clients of a dual-stack socket by their IPv4 address.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(canonical_ip(address.ip()), address.port())
}

/// An IPv4-mapped IPv6 address as IPv4.
pub(crate) fn canonical_ip(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Pause after an error of the socket.
const ERROR_PAUSE: Duration = Duration::from_millis(5);

/// Pings are 4 or 20 bytes; later clients may append.
const LARGEST_PING: usize = 256;

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::host::bind::bind_udp;

    #[test]
    fn a_connected_socket_takes_its_clients_packets_and_no_others() {
        let listener = bind_udp("video", (Ipv6Addr::UNSPECIFIED, 0).into(), true).unwrap();
        listener.set_nonblocking(false).unwrap();
        listener.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let [one, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());

        let ours = connect(SocketAddr::new([127, 0, 0, 1].into(), port), one.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(false).unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        for sender in [&one, &other] {
            sender.send_to(b"ping", ("127.0.0.1", port)).unwrap();
        }

        let mut buffer = [0; 16];
        assert_eq!(ours.recv(&mut buffer).unwrap(), 4);
        let (_, from) = listener.recv_from(&mut buffer).unwrap();
        assert_eq!(canonical(from), other.local_addr().unwrap());
    }
}
