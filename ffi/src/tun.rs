//! Network devices whose cable is a program (Linux, `Documentation/networking/tuntap.rst`).
//!
//! What the kernel routes to such a device is read here, a packet with its IP header at a
//! time, and what is written here has arrived from it. rustix and socket2 have no request
//! for devices (netdevice(7)), and the crates that have (`tun`, `tun-rs`) bring routing,
//! other systems and an async runtime along, hence these lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

/// A device that is up; gone when dropped. Neither end blocks.
#[derive(Debug)]
pub struct Tun(File);

impl Tun {
    /// Makes one in the network namespace of the calling thread, with an address in a network
    /// whose first `prefix` bits are the same, and room for so many packets that nobody has
    /// read, or for 500 in a user namespace.
    ///
    /// # Errors
    /// `ENOENT` or `ENXIO` without the kernel's module, `EACCES` if `/dev/net/tun` is not for
    /// this user, `EPERM` without `CAP_NET_ADMIN`, `EBUSY` if the name is taken, `EINVAL` if it
    /// is longer than 15 bytes.
    pub fn open(name: &str, address: Ipv4Addr, prefix: u32, room: u32) -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
        let bare_packets = flags(libc::IFF_TUN | libc::IFF_NO_PI);
        request(device.as_fd(), libc::TUNSETIFF, name, &bare_packets)?;
        // Any socket is a way to the namespace's devices.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let netmask = Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0));
        match request(socket.as_fd(), SIOCSIFTXQLEN, name, &room.to_ne_bytes()) {
            // The one request here that wants the capability in the first user namespace.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            other => other?,
        }
        request(socket.as_fd(), SIOCSIFADDR, name, &socket_address(address))?;
        request(socket.as_fd(), SIOCSIFNETMASK, name, &socket_address(netmask))?;
        request(socket.as_fd(), SIOCSIFFLAGS, name, &flags(libc::IFF_UP))?;
        Ok(Self(device))
    }

    /// The next packet that the kernel sends; its length. The rest of one that is longer than
    /// the buffer is lost.
    ///
    /// # Errors
    /// `WouldBlock` if there is none.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    /// Hands a packet to the kernel.
    ///
    /// # Errors
    /// `EINVAL` for what is no IP packet; what else the kernel says.
    pub fn send(&self, packet: &[u8]) -> io::Result<()> {
        (&self.0).write(packet).map(drop)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Starts a device that is there, in the network namespace of the calling thread.
///
/// # Errors
/// `ENODEV` if it is not, `EPERM` without `CAP_NET_ADMIN`.
pub fn bring_up(name: &str) -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    request(socket.as_fd(), SIOCSIFFLAGS, name, &flags(libc::IFF_UP))
}

/// `struct ifreq` of `linux/if.h`: a name, and a union of 24 bytes.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    value: [u8; 24],
}

/// One request that only says something.
fn request(descriptor: BorrowedFd<'_>, number: libc::Ioctl, name: &str, value: &[u8]) -> io::Result<()> {
    let mut request = InterfaceRequest { name: [0; libc::IFNAMSIZ], value: [0; 24] };
    // The last byte ends the name.
    if name.len() >= request.name.len() || value.len() > request.value.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    request.value[..value.len()].copy_from_slice(value);
    // SAFETY: all requests of this file take a pointer to a struct ifreq (netdevice(7),
    // linux/if_tun.h), which the kernel copies, at any alignment, and may write back to. Ours
    // has its layout and size, holds no pointer and lives for the call; the descriptor is
    // open.
    let result = unsafe { libc::ioctl(descriptor.as_raw_fd(), number, &raw mut request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `ifr_flags`, a short.
#[allow(clippy::cast_possible_truncation, reason = "flags of 16 bits")]
fn flags(flags: libc::c_int) -> [u8; 2] {
    (flags as i16).to_ne_bytes()
}

/// `struct sockaddr_in`: family, port, address.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "AF_INET is 2")]
fn socket_address(address: Ipv4Addr) -> [u8; 8] {
    let ([first, second], [a, b, c, d]) = ((libc::AF_INET as u16).to_ne_bytes(), address.octets());
    [first, second, 0, 0, a, b, c, d]
}

// linux/sockios.h
const SIOCSIFFLAGS: libc::Ioctl = 0x8914;
const SIOCSIFADDR: libc::Ioctl = 0x8916;
const SIOCSIFNETMASK: libc::Ioctl = 0x891C;
const SIOCSIFTXQLEN: libc::Ioctl = 0x8943;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::network_namespace::leave_for_a_new_one;

    #[test]
    fn what_is_sent_to_its_network_is_read_and_what_is_written_arrives() {
        let Ok(()) = std::thread::spawn(both_ways).join() else { panic!("see above") };
    }

    fn both_ways() {
        let opened = leave_for_a_new_one().and_then(|()| Tun::open("one", Ipv4Addr::new(10, 9, 8, 1), 30, 100));
        let tun = match opened {
            Ok(tun) => tun,
            Err(error) => {
                assert_ne!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
                eprintln!("not tried: {error}");
                return;
            }
        };
        let socket = UdpSocket::bind((Ipv4Addr::new(10, 9, 8, 1), 4000)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.send_to(b"question", (Ipv4Addr::new(10, 9, 8, 2), 5000)).unwrap();
        // The kernel has messages of its own for a new device.
        let mut packet = [0; 2000];
        let end = Instant::now() + Duration::from_secs(10);
        let length = loop {
            match tun.receive(&mut packet) {
                Ok(length) if packet[..length].ends_with(b"question") => break length,
                _ => assert!(Instant::now() < end, "nothing came"),
            }
        };
        // IPv4 without options, then UDP.
        assert_eq!((packet[0], length), (0x45, 20 + 8 + 8));
        assert_eq!((&packet[12..16], &packet[16..20]), (&[10, 9, 8, 1][..], &[10, 9, 8, 2][..]));
        for (one, other) in [(12, 16), (13, 17), (14, 18), (15, 19), (20, 22), (21, 23)] {
            // There and back have the same checksums, which are sums.
            packet.swap(one, other);
        }
        tun.send(&packet[..length]).unwrap();
        let mut answer = [0; 100];
        let (length, from) = socket.recv_from(&mut answer).unwrap();
        assert_eq!((&answer[..length], from.port()), (&b"question"[..], 5000));
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        assert_eq!(bring_up("sixteen-letters!").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
