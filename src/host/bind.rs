//! Opening the host's sockets, with advice where that fails.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// What a socket could not be opened for.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {purpose} {address}: {source}{advice}")]
pub struct BindError {
    /// Which service.
    pub purpose: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// What the kernel said.
    pub source: io::Error,
    advice: Advice,
}

#[derive(Debug)]
struct Advice(io::ErrorKind);

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            io::ErrorKind::AddrInUse => {
                f.write_str("; another host runs here: stop it, or choose another base with --port")
            }
            io::ErrorKind::PermissionDenied => f.write_str("; ports below 1024 need root: choose a higher --port"),
            io::ErrorKind::AddrNotAvailable => {
                f.write_str("; --bind must name an address of this machine (see `ip address`)")
            }
            _ => Ok(()),
        }
    }
}

/// The address to bind when none was given: IPv6 and IPv4 together where the
/// kernel has IPv6, else IPv4.
#[must_use]
pub fn any_address() -> IpAddr {
    let v6 = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP));
    if v6.is_ok() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

/// A TCP listener, not blocking. IPv6 "any" takes IPv4 too.
///
/// # Errors
/// [`BindError`] with what to do about it.
pub fn listen_tcp(purpose: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // A restarted host must not wait for its old connections' TIME_WAIT.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|source| bind_error(purpose, address, source))
}

/// A UDP socket, not blocking. With `shared`, sockets connected to single
/// clients may be opened on the same port later.
///
/// # Errors
/// [`BindError`] with what to do about it.
pub fn bind_udp(purpose: &'static str, address: SocketAddr, shared: bool) -> Result<UdpSocket, BindError> {
    let bind = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_port(shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    bind().map_err(|source| bind_error(purpose, address, source))
}

fn bind_error(purpose: &'static str, address: SocketAddr, source: io::Error) -> BindError {
    let advice = Advice(source.kind());
    BindError { purpose, address, source, advice }
}

/// Connections the kernel queues for us; its own limit is 4096 by default.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_says_what_to_do() {
        let held = listen_tcp("HTTP", (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let error = listen_tcp("HTTP", held.local_addr().unwrap()).unwrap_err();
        assert!(error.to_string().contains("--port"), "{error}");
    }
}
