//! A client's control connection: ENet, sealed messages, and input if wanted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID};
use serde::Serialize;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::bench::clients::typist::Typist;
use crate::bench::histogram::milliseconds;
use crate::protocol::control::client_session::{ClientControlSession, channel};
use crate::protocol::control::client_stats::FecStatus;
use crate::protocol::control::feedback::{HostMessage, Termination};
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::control::message::ClientMessage;

/// What a client wants said.
#[derive(Debug, Clone)]
pub enum Order {
    /// A frame was lost.
    RequestIdr,
    /// How a block arrived.
    Status(FecStatus),
    /// What the user does.
    Input(InputEvent),
}

/// A connected control stream.
pub struct Control {
    enet: Host<ClientSocket>,
    socket: Arc<UdpSocket>,
    peer: PeerID,
    session: ClientControlSession,
    report: ControlReport,
}

/// All about a client's control stream.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ControlReport {
    /// Messages sent, pings and input included.
    pub messages_sent: u64,
    /// Input events sent.
    pub input_sent: u64,
    /// Messages of the host.
    pub messages_received: u64,
    /// Packets of the host that made no sense.
    pub packets_dropped: u64,
    /// ENet's mean round trip at the end, in milliseconds.
    pub round_trip_ms: f64,
    /// The host's reason if it ended the stream, as clients show it.
    pub terminated: Option<String>,
    /// The connection was lost or closed by the host.
    pub disconnected: bool,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Control {
    /// Connects within the client's own patience.
    pub(super) async fn connect(
        address: SocketAddr,
        connect_data: u32,
        session: ClientControlSession,
    ) -> anyhow::Result<Self> {
        let any: SocketAddr = if address.is_ipv4() { "0.0.0.0:0".parse()? } else { "[::]:0".parse()? };
        let socket = Arc::new(UdpSocket::bind(any).await.context("a socket for control")?);
        // Or the runtime, which does not know yet that it is, drops ENet's first
        // datagram, and the next one goes half a second later.
        socket.writable().await.context("control socket")?;
        let begin = Instant::now();
        let settings = HostSettings {
            peer_limit: 1,
            channel_limit: channel::COUNT,
            time: Box::new(move || begin.elapsed()),
            ..HostSettings::default()
        };
        let mut enet = Host::new(ClientSocket(Arc::clone(&socket)), settings).map_err(|error| anyhow!("{error}"))?;
        let peer = enet
            .connect(PeerAddress(address), channel::COUNT, connect_data)
            .map_err(|error| anyhow!("ENet: {error}"))?
            .id();
        enet.peer_mut(peer).set_timeout(TIMEOUT_LIMIT, TIMEOUT_MILLIS, TIMEOUT_MILLIS);
        let mut control = Self { enet, socket, peer, session, report: ControlReport::default() };
        timeout(CONNECT_PATIENCE, control.connected())
            .await
            .map_err(|_| anyhow!("no control connection with {address} within {CONNECT_PATIENCE:?}"))??;
        Ok(control)
    }

    /// Parts at once.
    pub async fn close(mut self) {
        self.part().await;
    }

    /// Serves the connection until `stop` says so or the host ends it, and parts.
    pub(super) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut typist: Option<Typist>,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<ControlReport> {
        for packet in self.session.open()? {
            self.send(channel::GENERIC, &Packet::reliable(packet.as_slice()));
        }
        let mut pings = ticks(PING_INTERVAL);
        let mut timers = ticks(TIMER_INTERVAL);
        while self.service() {
            let socket = Arc::clone(&self.socket);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                ready = socket.readable() => ready.context("control socket")?,
                _ = timers.tick() => {}
                _ = pings.tick() => self.say(channel::GENERIC, &ClientMessage::Ping, true)?,
                Some(order) = orders.recv() => self.obey(order)?,
                event = next_input(&mut typist) => self.play(&event)?,
            }
        }
        self.report.round_trip_ms = milliseconds(self.enet.peer(self.peer).round_trip_time());
        if !self.report.disconnected {
            self.part().await;
        }
        Ok(self.report)
    }

    async fn connected(&mut self) -> anyhow::Result<()> {
        loop {
            while let Ok(Some(event)) = self.enet.service() {
                match event.no_ref() {
                    EventNoRef::Connect { .. } => return Ok(()),
                    EventNoRef::Disconnect { .. } => bail!("the host refuses the control connection"),
                    EventNoRef::Receive { .. } => {}
                }
            }
            self.turn().await;
        }
    }

    /// Takes what came; false when the stream is over.
    fn service(&mut self) -> bool {
        while let Ok(Some(event)) = self.enet.service() {
            match event.no_ref() {
                EventNoRef::Receive { packet, .. } => self.receive(packet.data()),
                EventNoRef::Disconnect { .. } => self.report.disconnected = true,
                EventNoRef::Connect { .. } => {}
            }
        }
        !self.report.disconnected && self.report.terminated.is_none()
    }

    fn receive(&mut self, packet: &[u8]) {
        match self.session.handle_packet(packet) {
            Ok(message) => {
                self.report.messages_received += 1;
                if let Some(HostMessage::Terminate(reason)) = message {
                    self.report.terminated = Some(told(reason));
                }
            }
            Err(_) => self.report.packets_dropped += 1,
        }
    }

    fn obey(&mut self, order: Order) -> anyhow::Result<()> {
        match order {
            Order::RequestIdr => self.say(channel::URGENT, &ClientMessage::RequestIdr, true),
            Order::Status(status) => self.say(channel::GENERIC, &ClientMessage::FecStatus(status), false),
            Order::Input(event) => self.play(&event),
        }
    }

    fn play(&mut self, event: &InputEvent) -> anyhow::Result<()> {
        let packet = self.session.seal_input(event)?;
        self.report.input_sent += 1;
        self.send(Typist::channel(event), &Packet::reliable(packet.as_slice()));
        Ok(())
    }

    fn say(&mut self, channel: u8, message: &ClientMessage<'_>, reliable: bool) -> anyhow::Result<()> {
        let packet = self.session.seal(message)?;
        let packet = packet.as_slice();
        let packet = if reliable { Packet::reliable(packet) } else { Packet::unreliable_unsequenced(packet) };
        self.send(channel, &packet);
        Ok(())
    }

    fn send(&mut self, channel: u8, packet: &Packet) {
        // A peer that is gone says so with its event.
        if self.enet.peer_mut(self.peer).send(channel, packet).is_ok() {
            self.report.messages_sent += 1;
        }
    }

    /// Leaves as a client does that quits: after what is under way.
    async fn part(&mut self) {
        self.enet.peer_mut(self.peer).disconnect_later(0);
        let parted = async {
            loop {
                while let Ok(Some(event)) = self.enet.service() {
                    if matches!(event.no_ref(), EventNoRef::Disconnect { .. }) {
                        return;
                    }
                }
                self.turn().await;
            }
        };
        let _ = timeout(PART_PATIENCE, parted).await;
    }

    /// Waits for a datagram or for ENet's timers.
    async fn turn(&self) {
        let _ = timeout(TIMER_INTERVAL, self.socket.readable()).await;
    }
}

async fn next_input(typist: &mut Option<Typist>) -> InputEvent {
    match typist {
        Some(typist) => typist.next().await,
        None => std::future::pending().await,
    }
}

fn told(reason: Termination) -> String {
    match reason {
        Termination::Graceful => "the application was closed".into(),
        Termination::ProtectedContent => "protected content".into(),
        Termination::EncoderFailed => "fatal video encoding error".into(),
        Termination::Other(code) => format!("error code {code:#010x}"),
    }
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// ENet's socket over tokio's, so that readiness is waited for and not polled.
/// It loses what it cannot send, as networks do.
#[derive(Debug)]
struct ClientSocket(Arc<UdpSocket>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PeerAddress(SocketAddr);

impl rusty_enet::Address for PeerAddress {
    fn same_host(&self, other: &Self) -> bool {
        self.0.ip() == other.0.ip()
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }

    fn is_broadcast(&self) -> bool {
        false
    }
}

impl rusty_enet::Socket for ClientSocket {
    type Address = PeerAddress;
    type Error = std::convert::Infallible;

    fn send(&mut self, address: PeerAddress, buffer: &[u8]) -> Result<usize, Self::Error> {
        Ok(self.0.try_send_to(buffer, address.0).unwrap_or(buffer.len()))
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<(PeerAddress, PacketReceived)>, Self::Error> {
        for _ in 0..MOST_ERRORS {
            match self.0.try_recv_from(buffer) {
                Ok((length, peer)) => return Ok(Some((PeerAddress(peer), PacketReceived::Complete(length)))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// The client's own numbers (moonlight-common-c `ControlStream.c`).
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
const TIMEOUT_LIMIT: u32 = 2;
const TIMEOUT_MILLIS: u32 = 10_000;
const PING_INTERVAL: Duration = Duration::from_millis(100);

/// How often ENet's retransmissions are looked after when nothing comes.
const TIMER_INTERVAL: Duration = Duration::from_millis(50);

/// For the host's answer to our leaving.
const PART_PATIENCE: Duration = Duration::from_secs(1);

const MOST_ERRORS: usize = 64;
