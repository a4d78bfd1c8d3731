//! A client's end of a media stream: a UDP socket that pings and receives.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::protocol::gamestream::ping::{Ping, PingPayload};

/// Socket and pings of one stream.
#[derive(Debug)]
pub(super) struct MediaSocket {
    socket: UdpSocket,
    payload: Option<PingPayload>,
    sequence: u32,
    pings: Interval,
}

impl MediaSocket {
    /// For one port of the host. The first ping goes with the first wait.
    pub(super) async fn open(host: IpAddr, port: u16, payload: Option<PingPayload>) -> anyhow::Result<Self> {
        let socket = bind(host).context("a socket for media")?;
        socket.connect((host, port)).await.with_context(|| format!("UDP port {port} of {host}"))?;
        // Or the runtime, which does not know yet that it is, drops the first ping.
        socket.writable().await?;
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self { socket, payload, sequence: 0, pings })
    }

    /// Waits until there is something to read, and pings meanwhile.
    pub(super) async fn readable(&mut self) {
        loop {
            tokio::select! {
                ready = self.socket.readable() => {
                    if ready.is_ok() {
                        return;
                    }
                }
                _ = self.pings.tick() => self.ping(),
            }
        }
    }

    /// The next datagram that is there; `None` if there is none. What an ICMP
    /// error reports is a network's ordinary life.
    pub(super) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a mut [u8]> {
        for _ in 0..MOST_ERRORS {
            match self.socket.try_recv(buffer) {
                Ok(length) => return buffer.get_mut(..length),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return None,
                Err(_) => {}
            }
        }
        None
    }

    fn ping(&mut self) {
        self.sequence += 1;
        let ping = self.payload.map_or(Ping::Legacy, |payload| Ping::Session { payload, sequence: self.sequence });
        // The next one follows soon.
        let _ = self.socket.try_send(&ping.to_bytes());
    }
}

fn bind(host: IpAddr) -> std::io::Result<UdpSocket> {
    let any: SocketAddr = match host {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = Socket::new(Domain::for_address(any), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.set_nonblocking(true)?;
    socket.bind(&any.into())?;
    UdpSocket::from_std(socket.into())
}

/// As the real clients have it.
const PING_INTERVAL: Duration = Duration::from_millis(500);

/// The real client asks for room for 2048 packets; the kernel gives what it
/// allows.
const RECEIVE_BUFFER: usize = 2048 * 1500;

/// Pending socket errors taken in a row.
const MOST_ERRORS: usize = 64;

/// No datagram of either stream is longer.
pub(super) const LARGEST_DATAGRAM: usize = 2048;

/// Datagrams taken in a row before others get their turn.
pub(super) const BATCH: usize = 256;
