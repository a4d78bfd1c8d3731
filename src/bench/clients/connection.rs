//! A client between its launch and its stream: the handshake step by step, and
//! what it begins to hear and see on the way.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use anyhow::{Context, anyhow};
use tokio::sync::{mpsc, watch};

use crate::bench::clients::audio_receiver::{AudioReceiver, AudioReport};
use crate::bench::clients::control::{Control, ControlReport, Order};
use crate::bench::clients::media_socket::MediaSocket;
use crate::bench::clients::receiving::Receiving;
use crate::bench::clients::rtsp::RtspClient;
use crate::bench::clients::settings::Settings;
use crate::bench::clients::stream::Stream;
use crate::bench::clients::tap::{Arrived, Tap};
use crate::bench::clients::typist::Typist;
use crate::bench::clients::video_receiver::{Seen, VideoReceiver, VideoReport};
use crate::protocol::audio::sealer::AudioSealer;
use crate::protocol::control::client_session::ClientControlSession;
use crate::protocol::gamestream::answer::SessionUrl;
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::rtsp::client_handshake::{ClientHandshake, ClientHandshakeConfig, Step};
use crate::protocol::rtsp::sealer::RtspSealer;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;
use crate::protocol::video::sealer::VideoOpener;

/// A client that has launched: its handshake, and what comes after it.
pub struct Connection {
    ip: IpAddr,
    settings: Arc<Settings>,
    key: SessionKey,
    rikeyid: u32,
    rtsp: RtspClient,
    handshake: ClientHandshake,
    decision: StreamParameters,
    begun: Instant,
    tap: Option<Sender<Arrived>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("host", &self.ip).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(
        ip: IpAddr,
        url: String,
        settings: Arc<Settings>,
        key: SessionKey,
        rikeyid: u32,
        begun: Instant,
    ) -> anyhow::Result<Self> {
        let target = SessionUrl::read(&url);
        let sealer = target.encrypted.then(|| RtspSealer::new(&key, Side::Client));
        let rtsp = RtspClient::new(SocketAddr::new(ip, target.port), sealer);
        let low_stereo = settings.low_stereo();
        let handshake = ClientHandshake::new(ClientHandshakeConfig { session_url: url, host: ip, low_stereo });
        let decision = settings.decide(None)?;
        Ok(Self { ip, settings, key, rikeyid, rtsp, handshake, decision, begun, tap: None })
    }

    /// The same, with its pictures going to `tap`.
    #[must_use]
    pub fn tapped(self, tap: Sender<Arrived>) -> Self {
        Self { tap: Some(tap), ..self }
    }

    /// When `/launch` or `/resume` was asked.
    #[must_use]
    pub const fn begun(&self) -> Instant {
        self.begun
    }

    /// One request of the RTSP handshake, in whatever order.
    ///
    /// # Errors
    /// What the host says or what its answer lacks.
    pub async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        let request = self.handshake.request(step, &self.decision);
        let answer = self.rtsp.ask(&request).await?;
        self.handshake.handle_answer(step, &answer)?;
        if step == Step::Describe {
            self.decision = self.settings.decide(self.handshake.offer())?;
        }
        Ok(())
    }

    /// Hears sound, from now on.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn hear(&self) -> anyhow::Result<Receiving<AudioReport>> {
        let socket =
            MediaSocket::open(self.ip, self.handshake.ports().audio, self.named(self.handshake.audio_ping())).await?;
        let sealer = self.decision.encryption.audio.then(|| AudioSealer::new(self.key.clone(), self.rikeyid));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(AudioReceiver::new(socket, sealer).run(stopped));
        Ok(Receiving { stop, task })
    }

    /// Connects control.
    ///
    /// # Errors
    /// That the host does not take it in time, or refuses.
    pub async fn connect(&self) -> anyhow::Result<Control> {
        let session = ClientControlSession::new(&self.key, self.decision.encryption.control_v2);
        let address = SocketAddr::new(self.ip, self.handshake.ports().control);
        let data = if self.settings.nameless { 0 } else { self.handshake.connect_data() };
        Control::connect(address, data, session).await
    }

    /// Connects control and serves it, until either end ends it. What is to be
    /// said goes to the sender.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn attend(&self) -> anyhow::Result<(Receiving<anyhow::Result<ControlReport>>, mpsc::Sender<Order>)> {
        let control = self.connect().await?;
        let (orders, inbox) = mpsc::channel(ORDERS);
        let typist = self.settings.input.then(Typist::new);
        let (stop, stopped) = watch::channel(false);
        Ok((Receiving { stop, task: tokio::spawn(control.run(inbox, typist, stopped)) }, orders))
    }

    /// Receives video, from now on. What is to be said about it goes to `orders`.
    ///
    /// # Errors
    /// What the kernel says.
    pub async fn see(
        &self,
        orders: mpsc::Sender<Order>,
    ) -> anyhow::Result<(Receiving<VideoReport>, watch::Receiver<Seen>)> {
        let socket =
            MediaSocket::open(self.ip, self.handshake.ports().video, self.named(self.handshake.video_ping())).await?;
        let opener = self.decision.encryption.video.then(|| VideoOpener::new(&self.key));
        let (show, seen) = watch::channel(Seen::default());
        let mut receiver = VideoReceiver::new(socket, opener, self.decision.video.packet_size, orders, show);
        if let Some(tap) = &self.tap {
            receiver = receiver.tapped(Tap::new(tap.clone()));
        }
        let (stop, stopped) = watch::channel(false);
        Ok((Receiving { stop, task: tokio::spawn(receiver.run(stopped)) }, seen))
    }

    /// What pings carry.
    fn named(&self, payload: Option<PingPayload>) -> Option<PingPayload> {
        payload.filter(|_| !self.settings.nameless)
    }

    /// The whole of it: RTSP, sound, control, video.
    ///
    /// # Errors
    /// The first thing that does not work.
    pub async fn stream(mut self) -> anyhow::Result<Stream> {
        let mut audio = None;
        for step in Step::ALL {
            self.step(step).await.with_context(|| step.name())?;
            if step == Step::SetupAudio {
                audio = Some(self.hear().await?);
            }
        }
        let audio = audio.ok_or_else(|| anyhow!("no audio was set up"))?;
        let (control, orders) = self.attend().await.context("control")?;
        let (video, seen) = self.see(orders.clone()).await?;
        Ok(Stream { begun: self.begun, audio, video, control, orders, seen })
    }
}

/// Frame requests, statuses and input that may wait for the control task.
pub(super) const ORDERS: usize = 64;
