//! A socket connected to the client, as the host handed it over.
//!
//! The host keeps a copy of it for the worker's successor. Both share one open
//! file, so its blocking mode is left alone and every call says "do not wait"
//! for itself. Clients ping the socket twice a second for the whole session;
//! these datagrams are read and thrown away.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use earthshine_ffi::udp::{BatchSender, SendRefusal};
use rustix::net::RecvFlags;
use rustix::net::sockopt::{Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover};
use socket2::SockRef;
use tracing::{debug, warn};

/// One media stream's way to the client.
#[derive(Debug)]
pub struct MediaSocket {
    socket: UdpSocket,
    batch: BatchSender,
}

impl MediaSocket {
    /// Prepares a connected socket. What cannot be set is logged: a stream
    /// without priority marks is better than none.
    #[must_use]
    pub fn new(socket: UdpSocket, priority: Option<Dscp>) -> Self {
        if let Err(error) = SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER) {
            warn!(%error, "send buffer size refused");
        }
        if let Err(error) = allow_fragments(&socket) {
            warn!(%error, "path MTU discovery not switched off");
        }
        if let Some(priority) = priority
            && let Err(error) = mark(&socket, priority)
        {
            warn!(%error, ?priority, "priority marks refused");
        }
        Self { socket, batch: BatchSender::new() }
    }

    /// Sends `bytes` as datagrams of `size` bytes, trying for `patience` where
    /// the kernel's queue is full.
    pub fn send(&mut self, bytes: &[u8], size: usize, patience: Duration) -> Outcome {
        let started = Instant::now();
        let mut outcome = Outcome::default();
        let mut stale_error_seen = false;
        loop {
            let segmenting = self.batch.segments();
            let sent = self.batch.send(self.socket.as_fd(), &bytes[outcome.datagrams * size..], size);
            if segmenting && !self.batch.segments() {
                warn!(size, "segmentation offload does not work on this path");
            }
            outcome.datagrams += sent.datagrams;
            match sent.refusal {
                None => return outcome,
                Some(SendRefusal::Full) if started.elapsed() < patience => std::thread::sleep(FULL_QUEUE_WAIT),
                Some(SendRefusal::Unreachable) if !stale_error_seen => {
                    stale_error_seen = true;
                    outcome.refusals += 1;
                }
                Some(refusal) => {
                    debug!(%refusal, size, "datagrams given up");
                    outcome.refusals += 1;
                    return outcome;
                }
            }
        }
    }

    /// Throws away what the client has sent. Returns how many datagrams.
    pub fn drain(&self) -> usize {
        let mut ping = [0; 64];
        (0..MOST_DRAINED)
            .take_while(|_| {
                let received = rustix::net::recv(&self.socket, &mut ping, RecvFlags::DONTWAIT);
                !matches!(received, Err(rustix::io::Errno::AGAIN))
            })
            .count()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Leading datagrams that the kernel took.
    pub datagrams: usize,
    /// How often it refused.
    pub refusals: u64,
}

/// A priority mark of the IP header (RFC 2474), as GameStream hosts use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dscp {
    /// CS5, 40.
    Video,
    /// CS6, 48.
    Audio,
}

impl Dscp {
    /// The six bits in their place in the octet.
    const fn octet(self) -> u32 {
        match self {
            Self::Video => 40 << 2,
            Self::Audio => 48 << 2,
        }
    }
}

fn mark(socket: &UdpSocket, priority: Dscp) -> std::io::Result<()> {
    if socket.local_addr()?.is_ipv4() {
        return SockRef::from(socket).set_tos_v4(priority.octet());
    }
    SockRef::from(socket).set_tclass_v6(priority.octet())?;
    // A client that came over IPv4 to a socket for both.
    let _ = SockRef::from(socket).set_tos_v4(priority.octet());
    Ok(())
}

/// The packet size is agreed once and cannot change: on a path that turns out
/// narrower, fragments are better than nothing.
fn allow_fragments(socket: &UdpSocket) -> std::io::Result<()> {
    if socket.local_addr()?.is_ipv6() {
        set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::DONT)?;
    }
    Ok(set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT)?)
}

/// Bytes: a large IDR frame. More would be a hidden queue.
const SEND_BUFFER: usize = 1 << 20;
/// A 64th of a megabyte leaves a gigabit link in this time.
const FULL_QUEUE_WAIT: Duration = Duration::from_micros(125);
/// Datagrams read at once, so that a flood cannot hold the thread.
const MOST_DRAINED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_arrive_in_order_and_pings_are_thrown_away() {
        let (mut media, client) = pair("127.0.0.1:0", Some(Dscp::Video));
        let bytes: Vec<u8> = (0..10u8).flat_map(|i| [i; 100]).collect();
        let outcome = media.send(&bytes, 100, Duration::ZERO);
        assert_eq!(outcome, Outcome { datagrams: 10, refusals: 0 });
        let mut datagram = [0; 200];
        for i in 0..10 {
            assert_eq!(client.recv(&mut datagram).unwrap(), 100);
            assert_eq!(datagram[0], i);
        }
        for _ in 0..3 {
            client.send(b"PING").unwrap();
        }
        assert_eq!(media.drain(), 3);
        assert_eq!(media.drain(), 0);
    }

    #[test]
    fn priority_is_written_into_the_socket() {
        for (address, priority) in [("127.0.0.1:0", Dscp::Video), ("[::1]:0", Dscp::Audio)] {
            let (media, _client) = pair(address, Some(priority));
            let socket = SockRef::from(&media.socket);
            let octet = if address.starts_with('[') { socket.tclass_v6() } else { socket.tos_v4() };
            assert_eq!(octet.unwrap(), priority.octet());
        }
    }

    #[test]
    fn a_client_that_is_gone_is_counted_and_survived() {
        let (mut media, client) = pair("127.0.0.1:0", None);
        drop(client);
        let refusals: u64 = (0..5).map(|_| media.send(&[0; 500], 100, Duration::ZERO).refusals).sum();
        assert!(refusals > 0);
    }

    fn pair(address: &str, priority: Option<Dscp>) -> (MediaSocket, UdpSocket) {
        let client = UdpSocket::bind(address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let socket = UdpSocket::bind(address).unwrap();
        socket.connect(client.local_addr().unwrap()).unwrap();
        client.connect(socket.local_addr().unwrap()).unwrap();
        (MediaSocket::new(socket, priority), client)
    }
}
