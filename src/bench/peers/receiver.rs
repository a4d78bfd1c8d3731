//! Where programs send to: a socket of this machine, and frames out of what comes there.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};

use super::fed::{PACKET_SIZE, Packets};
use super::rtp_h264::Depacketizer;
use crate::bench::clients::player::Arrived;
use crate::clock::Micros;
use crate::protocol::video::assembler::{Assembler, Event};
use crate::units::FrameIndex;

/// Reads on a thread of its own, until it is finished or dropped.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) port: u16,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Hands on every frame when it is whole.
    pub(super) fn start(packets: Packets, take: impl FnMut(Arrived) + Send + 'static) -> anyhow::Result<Self> {
        let socket = socket()?;
        let (port, done) = (socket.local_addr()?.port(), Arc::new(AtomicBool::new(false)));
        let reading = Arc::clone(&done);
        let thread = std::thread::Builder::new()
            .name("receiver".to_owned())
            .spawn(move || receive(&socket, packets, &reading, take))
            .context("no thread for the receiver")?;
        Ok(Self { port, done, thread: Some(thread) })
    }

    /// Reads what still comes, and ends.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.done.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map_or(Ok(()), JoinHandle::join);
        ended.ok().context("the receiver has panicked")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}

fn receive(socket: &UdpSocket, packets: Packets, done: &AtomicBool, mut take: impl FnMut(Arrived)) {
    let (mut rtp, mut ours) = (Depacketizer::default(), Assembler::new(PACKET_SIZE).keeping_pictures());
    let (mut index, mut first, mut buffer) = (0_u32, None, [0; LARGEST_DATAGRAM]);
    loop {
        let Ok(length) = socket.recv(&mut buffer) else {
            if done.load(Ordering::Relaxed) {
                return;
            }
            continue;
        };
        let packet = &buffer[..length];
        let began = *first.get_or_insert_with(Micros::now);
        let unit = match packets {
            Packets::Rtp => rtp.handle_packet(packet),
            Packets::Ours => {
                let whole = ours.handle_packet(packet).any(|event| matches!(event, Event::Frame(_)));
                ours.picture().filter(|_| whole).map(<[u8]>::to_vec)
            }
        };
        if let Some(picture) = unit {
            let whole = Micros::now();
            take(Arrived { index: FrameIndex(index), first: began, whole, latency_100us: 0, idr: index == 0, picture });
            (index, first) = (index.wrapping_add(1), None);
        }
    }
}

fn socket() -> anyhow::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(QUIET))?;
    Ok(socket)
}

const BUFFER: usize = 8 << 20;
const LARGEST_DATAGRAM: usize = 65_536;
/// Nothing comes for so long: it is over, if nothing is fed any more.
const QUIET: Duration = Duration::from_millis(300);
