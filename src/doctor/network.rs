//! Ports: free, and all within range.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use super::{Finding, Ports};

const AREA: &str = "network";

/// Binds each port for a moment.
pub(super) fn examine(ports: Ports) -> Vec<Finding> {
    PORTS.iter().map(|(name, offset, transport)| port(ports, name, *offset, *transport)).collect()
}

#[derive(Debug, Clone, Copy)]
enum Transport {
    Tcp,
    Udp,
}

fn port(ports: Ports, name: &str, offset: i16, transport: Transport) -> Finding {
    let Some(port) = ports.base.checked_add_signed(offset).filter(|port| *port != 0) else {
        let found = format!("base {} {offset:+} is no port", ports.base);
        return Finding::fail(AREA, name, found, "choose another with --port; 47989 is what clients expect");
    };
    let address = SocketAddr::new(ports.bind, port);
    let (bound, protocol) = match transport {
        Transport::Tcp => (TcpListener::bind(address).map(drop), "tcp"),
        Transport::Udp => (UdpSocket::bind(address).map(drop), "udp"),
    };
    match bound {
        Ok(()) => Finding::ok(AREA, name, format!("{address}/{protocol} is free")),
        Err(error) => {
            Finding::fail(AREA, name, format!("{address}/{protocol}: {error}"), advice(&error, port, protocol))
        }
    }
}

fn advice(error: &io::Error, port: u16, protocol: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "another host runs here, perhaps this one (ss -lnp '{protocol} sport = :{port}'); stop it or use --port"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            "no such address on this machine; use --bind with one of `ip address`".to_owned()
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need root; use --port".to_owned(),
        _ => "use --bind or --port".to_owned(),
    }
}

/// Name, offset from the HTTP port, transport.
const PORTS: [(&str, i16, Transport); 6] = [
    ("port http", 0, Transport::Tcp),
    ("port https", -5, Transport::Tcp),
    ("port rtsp", 21, Transport::Tcp),
    ("port video", 9, Transport::Udp),
    ("port control", 10, Transport::Udp),
    ("port audio", 11, Transport::Udp),
];

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::Verdict;
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn a_taken_port_is_named() {
        let taken = UdpSocket::bind((HERE, 0)).unwrap();
        let base = taken.local_addr().unwrap().port() - 9;
        let finding = port(Ports { bind: HERE, base }, "port video", 9, Transport::Udp);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.advice.unwrap().contains("--port"));
    }

    #[test]
    fn a_base_without_room_for_the_offsets_fails() {
        for base in [5, u16::MAX] {
            let findings = examine(Ports { bind: HERE, base });
            assert!(findings.iter().any(|finding| finding.found.contains("is no port")), "{findings:?}");
        }
    }
}
