//! Batches of equal datagrams into a connected UDP socket.
//!
//! One system call a datagram costs 3 µs; with generic segmentation offload
//! (`UDP_SEGMENT`, Linux 4.18) the kernel takes up to 64 datagrams as one
//! buffer at a quarter of that. std, rustix and socket2 offer neither
//! `UDP_SEGMENT` nor batches with control messages, hence this file.
//!
//! Nothing in here blocks, and no refusal of the kernel is fatal: a caller
//! counts it and goes on. A device or path that cannot segment (tunnels, no
//! checksum offload, a datagram larger than the path's MTU) is remembered, and
//! its datagrams go one by one from then on.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Sends batches into one socket, and remembers whether it can segment.
#[derive(Debug)]
pub struct BatchSender {
    segmentation: bool,
}

impl BatchSender {
    /// For a fresh socket, which is taken to be able to segment until it fails.
    #[must_use]
    pub const fn new() -> Self {
        Self { segmentation: true }
    }

    /// Sends one by one from the start, for comparison.
    #[must_use]
    pub const fn without_segmentation() -> Self {
        Self { segmentation: false }
    }

    /// Whether the kernel still cuts the datagrams.
    #[must_use]
    pub const fn segments(&self) -> bool {
        self.segmentation
    }

    /// Sends `bytes` as datagrams of `size` bytes each (the last may be
    /// shorter), in order, to where `socket` is connected. Never blocks.
    pub fn send(&mut self, socket: BorrowedFd<'_>, bytes: &[u8], size: usize) -> Sent {
        if size == 0 || bytes.is_empty() {
            return Sent { datagrams: 0, refusal: None };
        }
        let mut sent = 0;
        while sent < bytes.len() {
            match self.send_some(socket, &bytes[sent..], size) {
                Ok(taken) => sent += taken,
                Err(error) if self.segmentation && cannot_segment(&error) => self.segmentation = false,
                Err(error) => match SendRefusal::from(&error) {
                    SendRefusal::Interrupted => {}
                    refusal => return Sent { datagrams: sent / size, refusal: Some(refusal) },
                },
            }
        }
        Sent { datagrams: sent.div_ceil(size), refusal: None }
    }

    /// One `sendmmsg`. Returns how many bytes of whole datagrams were taken.
    fn send_some(&self, socket: BorrowedFd<'_>, bytes: &[u8], size: usize) -> io::Result<usize> {
        let segments = if self.segmentation { segments_per_message(size) } else { 1 };
        let control = SegmentSize::new(size);
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MESSAGES];
        // SAFETY: `mmsghdr` is a C struct of integers and pointers; all zeroes
        // are its empty value (no name, no parts, no control data).
        let mut messages: [libc::mmsghdr; MESSAGES] = unsafe { std::mem::zeroed() };
        let mut count: libc::c_uint = 0;
        for ((chunk, part), message) in bytes.chunks(segments * size).zip(&mut parts).zip(&mut messages) {
            *part = libc::iovec { iov_base: chunk.as_ptr().cast_mut().cast(), iov_len: chunk.len() };
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            if chunk.len() > size {
                message.msg_hdr.msg_control = control.as_ptr();
                message.msg_hdr.msg_controllen = size_of::<SegmentSize>();
            }
            count += 1;
        }
        // SAFETY: the first `count` headers point at live parts, those at
        // `bytes`, and at `control`; all outlive the call, and sendmmsg(2) only
        // reads through them and writes `msg_len` of the headers we own.
        let taken = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
        };
        let taken = usize::try_from(taken).map_err(|_| io::Error::last_os_error())?;
        Ok(parts.iter().take(taken).map(|part| part.iov_len).sum())
    }
}

impl Default for BatchSender {
    fn default() -> Self {
        Self::new()
    }
}

/// How far a batch got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Leading datagrams that the kernel took.
    pub datagrams: usize,
    /// Why it took no more; `None` if it took all.
    pub refusal: Option<SendRefusal>,
}

/// Why the kernel does not take a datagram. None of these is a reason to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendRefusal {
    /// The socket's or the device's queue is full (`EAGAIN`, `ENOBUFS`,
    /// `ENOMEM`): wait a little, then go on or give the frame up.
    #[error("the send queue is full")]
    Full,
    /// Larger than the path takes, and it may not be fragmented (`EMSGSIZE`).
    #[error("the datagram is larger than the path's MTU")]
    TooLarge,
    /// The client's port is closed or there is no way to it (`ECONNREFUSED`,
    /// `EHOSTUNREACH`, `ENETUNREACH`, `ENETDOWN`). Often an ICMP answer to an
    /// earlier datagram; telling it has cleared it, so trying again is right.
    #[error("the client cannot be reached")]
    Unreachable,
    /// A signal came first.
    #[error("interrupted by a signal")]
    Interrupted,
    /// Something else: the number of the error, e.g. `EPERM` of a firewall.
    #[error("error {0} of the operating system")]
    Other(i32),
}

impl From<&io::Error> for SendRefusal {
    fn from(error: &io::Error) -> Self {
        match error.raw_os_error().unwrap_or_default() {
            libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM => Self::Full,
            libc::EMSGSIZE => Self::TooLarge,
            libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::ENETDOWN => Self::Unreachable,
            libc::EINTR => Self::Interrupted,
            other => Self::Other(other),
        }
    }
}

/// Datagrams of `size` bytes that one segmented message may carry.
#[must_use]
pub const fn segments_per_message(size: usize) -> usize {
    let fitting = LARGEST_MESSAGE / if size == 0 { 1 } else { size };
    if fitting > SEGMENTS {
        SEGMENTS
    } else if fitting == 0 {
        1
    } else {
        fitting
    }
}

/// What `udp_send_skb` and `ip_append_data` answer where they cannot segment:
/// no checksum offload or IPsec (`EIO`), an old kernel or a datagram beyond the
/// MTU (`EINVAL`, newer kernels `EMSGSIZE`).
fn cannot_segment(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP))
}

/// A control message `UDP_SEGMENT`, laid out as cmsg(3) says: the header, then
/// a 16-bit size, padded to the alignment of the header.
#[derive(Debug)]
#[repr(C)]
struct SegmentSize {
    header: libc::cmsghdr,
    size: u16,
}

impl SegmentSize {
    fn new(size: usize) -> Self {
        // SAFETY: CMSG_LEN only adds up lengths.
        let len = unsafe { libc::CMSG_LEN(2) };
        Self {
            header: libc::cmsghdr { cmsg_len: len as usize, cmsg_level: libc::SOL_UDP, cmsg_type: libc::UDP_SEGMENT },
            // Only read for messages of several datagrams, which fit in 16 bits.
            size: u16::try_from(size).unwrap_or(u16::MAX),
        }
    }

    const fn as_ptr(&self) -> *mut libc::c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

/// Headers of one `sendmmsg`: enough for one by one, plenty when segmented.
const MESSAGES: usize = 64;
/// `UDP_MAX_SEGMENTS` of kernels before 6.9.
const SEGMENTS: usize = 64;
/// Under the 65 507 bytes of a UDP payload, which segmentation does not lift.
const LARGEST_MESSAGE: usize = 65_000;
// The kernel walks the message as CMSG_NXTHDR does: the padded length.
// SAFETY: CMSG_SPACE only adds up lengths.
const _: () = assert!(size_of::<SegmentSize>() == unsafe { libc::CMSG_SPACE(2) } as usize);
// SAFETY: CMSG_LEN only adds up lengths.
const _: () = assert!(std::mem::offset_of!(SegmentSize, size) == unsafe { libc::CMSG_LEN(0) } as usize);

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::*;

    #[test]
    fn segmented_and_single_datagrams_are_the_same() {
        for size in [100, 1000, 1408] {
            // More than one message, less than a socket's receive buffer.
            let bytes: Vec<u8> = (0..70 * size).map(|i: usize| i.to_le_bytes()[i % 3]).collect();
            for bytes in [&bytes[..], &bytes[size / 2..], &bytes[..size], &bytes[..size + 1]] {
                let expected: Vec<_> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
                assert_eq!(through(BatchSender::new(), bytes, size), expected, "segmented, {size}");
                assert_eq!(through(BatchSender::without_segmentation(), bytes, size), expected, "single, {size}");
            }
        }
    }

    #[test]
    fn a_message_stays_within_64_segments_and_65_000_bytes() {
        assert_eq!(segments_per_message(1408), 46);
        assert_eq!(segments_per_message(100), 64);
        assert_eq!(segments_per_message(65_507), 1);
        assert_eq!(segments_per_message(0), 64);
    }

    #[test]
    fn datagrams_beyond_the_mtu_fall_back_to_singles() {
        let (sender, receiver) = pair();
        let mut batch = BatchSender::new();
        let bytes = vec![7; 3 * 20_000];
        // Small enough for a segmented message, so only the path can refuse it.
        let sent = batch.send(sender.as_fd(), &bytes, 20_000);
        assert_eq!(sent, Sent { datagrams: 3, refusal: None });
        assert_eq!(received(&receiver, 3), vec![vec![7; 20_000]; 3]);
    }

    #[test]
    fn a_datagram_no_path_takes_is_a_typed_refusal() {
        let (sender, _receiver) = pair();
        let sent = BatchSender::new().send(sender.as_fd(), &[0; 70_000], 70_000);
        assert_eq!(sent, Sent { datagrams: 0, refusal: Some(SendRefusal::TooLarge) });
    }

    #[test]
    fn a_closed_port_is_a_typed_refusal() {
        let (sender, receiver) = pair();
        drop(receiver);
        let mut batch = BatchSender::new();
        // Loopback answers each datagram at once with "port unreachable".
        let refusals: Vec<_> = (0..4).filter_map(|_| batch.send(sender.as_fd(), &[1; 200], 100).refusal).collect();
        assert!(refusals.iter().all(|refusal| *refusal == SendRefusal::Unreachable), "{refusals:?}");
        assert!(!refusals.is_empty());
    }

    fn through(mut batch: BatchSender, bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
        let (sender, receiver) = pair();
        let datagrams = bytes.len().div_ceil(size);
        let segments = batch.segments();
        assert_eq!(batch.send(sender.as_fd(), bytes, size), Sent { datagrams, refusal: None });
        assert_eq!(batch.segments(), segments);
        received(&receiver, datagrams)
    }

    fn received(receiver: &UdpSocket, datagrams: usize) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; 65_536];
        (0..datagrams).map(|_| receiver.recv(&mut buffer).map(|len| buffer[..len].to_vec()).unwrap()).collect()
    }

    fn pair() -> (UdpSocket, UdpSocket) {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (sender, receiver)
    }
}
