//! One client step by step: what the load generator does in order, and tests in
//! any other.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;

use crate::bench::clients::audio_receiver::AudioReceiver;
pub use crate::bench::clients::audio_receiver::AudioReport;
pub use crate::bench::clients::control::{Control, ControlReport, Order};
use crate::bench::clients::host::Host;
use crate::bench::clients::https::{LONG_PATIENCE, Requests, SHORT_PATIENCE};
use crate::bench::clients::identity::Identity;
use crate::bench::clients::media_socket::MediaSocket;
use crate::bench::clients::pairing::PinTyper;
use crate::bench::clients::rtsp::RtspClient;
use crate::bench::clients::settings::Settings;
use crate::bench::clients::typist::Typist;
use crate::bench::clients::video_receiver::VideoReceiver;
pub use crate::bench::clients::video_receiver::{Seen, VideoCounts, VideoReport};
use crate::cli::ClientsArgs;
use crate::ids::AppId;
use crate::protocol::audio::sealer::AudioSealer;
use crate::protocol::control::client_session::ClientControlSession;
use crate::protocol::gamestream::answer::{SessionUrl, Verb};
use crate::protocol::gamestream::launch_request::LaunchRequest;
use crate::protocol::gamestream::ping::PingPayload;
use crate::protocol::gamestream::xml_reader::Answer;
use crate::protocol::rtsp::client_handshake::{ClientHandshake, ClientHandshakeConfig, Step};
use crate::protocol::rtsp::sealer::RtspSealer;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;
use crate::protocol::video::sealer::VideoOpener;
use crate::units::Size;

/// A client that has paired.
#[derive(Clone)]
pub struct Player {
    requests: Requests,
    settings: Arc<Settings>,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("client", &self.requests.client).finish_non_exhaustive()
    }
}

/// What serverinfo says of the client, and how long the question took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The host knows the client.
    pub paired: bool,
    /// The client's app, 0 if none runs.
    pub running: u32,
    /// From the start of the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// The whole, to the last byte of the answer.
    pub whole: Duration,
}

impl Player {
    /// The clients that a command line describes, paired where they were not.
    /// There is one of each even if it says none.
    ///
    /// # Errors
    /// If there is no host, or a client cannot pair.
    pub async fn all(args: &ClientsArgs, identities: &Path) -> anyhow::Result<Vec<Self>> {
        let settings = Arc::new(Settings::new(args)?);
        let host = Host::meet(&args.host, args.port).await?;
        let socket = args.api_socket.as_deref().context("--api-socket is needed to enter the PINs")?;
        let typer = PinTyper::choose(Some(socket), socket)?;
        let mut players = Vec::new();
        let all = crate::bench::clients::identity::all(identities, args.clients.max(1)).await?;
        for (number, mut identity) in all.into_iter().enumerate() {
            host.make_friends(&mut identity, number, &typer).await?;
            players.push(Self::of(&host, &identity, Arc::clone(&settings))?);
        }
        Ok(players)
    }

    pub(super) fn of(host: &Host, identity: &Identity, settings: Arc<Settings>) -> anyhow::Result<Self> {
        Ok(Self { requests: host.requests(identity)?, settings })
    }

    /// The same client, asking for another picture.
    #[must_use]
    pub fn with_mode(&self, size: Size, fps: u32) -> Self {
        let settings = Arc::new(Settings { size, fps, ..Settings::clone(&self.settings) });
        Self { requests: self.requests.clone(), settings }
    }

    /// The same client as it was years ago: plain RTSP, and neither pings nor
    /// CONNECT say whose they are.
    #[must_use]
    pub fn of_old(&self) -> Self {
        let settings = Arc::new(Settings { plain_rtsp: true, nameless: true, ..Settings::clone(&self.settings) });
        Self { requests: self.requests.clone(), settings }
    }

    /// `uniqueid` of its requests.
    #[must_use]
    pub fn unique_id(&self) -> &str {
        &self.requests.client
    }

    /// A TLS connection to the host on which nothing was asked yet.
    ///
    /// # Errors
    /// What the network or TLS say.
    pub async fn tls(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        self.requests.connect().await
    }

    /// A request over HTTPS; the text of its answer.
    ///
    /// # Errors
    /// What the network or HTTP say.
    pub async fn ask(&self, target: &str) -> anyhow::Result<String> {
        Ok(self.requests.https(target, LONG_PATIENCE).await?.text)
    }

    /// `/serverinfo`.
    ///
    /// # Errors
    /// What the network says, or that the answer makes no sense.
    pub async fn standing(&self) -> anyhow::Result<Standing> {
        let info = self.requests.https("/serverinfo", SHORT_PATIENCE).await?;
        let answer = Answer::read(&info.text)?;
        Ok(Standing {
            paired: answer.number("PairStatus")? == 1,
            running: answer.number("currentgame")?,
            handshake: info.handshake,
            whole: info.whole,
        })
    }

    /// The number of the app with this title.
    ///
    /// # Errors
    /// That there is none; which ones there are.
    pub async fn app(&self, title: &str) -> anyhow::Result<AppId> {
        let list = self.requests.https("/applist", SHORT_PATIENCE).await?;
        let mut titles = Vec::new();
        for app in Answer::read(&list.text)?.blocks("App") {
            let found = app.required("AppTitle")?;
            if found == title {
                return Ok(AppId(app.number("ID")?));
            }
            titles.push(found);
        }
        bail!("the host has no app {title:?}; it has {titles:?}")
    }

    /// `/launch` or `/resume`, with new keys.
    ///
    /// # Errors
    /// What the host says.
    pub async fn begin(&self, verb: Verb, app: AppId) -> anyhow::Result<Connection> {
        let (mut key, mut rikeyid) = ([0; 16], [0; 4]);
        getrandom::fill(&mut key).context("no random numbers")?;
        getrandom::fill(&mut rikeyid).context("no random numbers")?;
        let (key, rikeyid) = (SessionKey::new(key), u32::from_le_bytes(rikeyid));
        let settings = Arc::clone(&self.settings);
        let request = LaunchRequest {
            app,
            key: key.clone(),
            rikeyid,
            size: Some(settings.size),
            frame_rate_hz: Some(settings.fps),
            channels: 2,
            encrypted_rtsp: !settings.plain_rtsp,
            hdr: false,
        };
        let begun = Instant::now();
        let path = verb.path();
        let answer = self.requests.https(&format!("{path}?{}", request.to_query()), LONG_PATIENCE).await?;
        let answer = Answer::read(&answer.text)?;
        let url = match answer.element(verb.element()).as_deref() {
            Some("0") | None => bail!("the host did not {path}"),
            Some(_) => answer.required("sessionUrl0")?,
        };
        Connection::new(self.requests.address.ip, url, settings, key, rikeyid, begun)
    }

    /// `/cancel`.
    ///
    /// # Errors
    /// What the host says.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        Answer::read(&self.ask("/cancel").await?)?;
        Ok(())
    }
}

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
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("host", &self.ip).finish_non_exhaustive()
    }
}

impl Connection {
    fn new(
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
        Ok(Self { ip, settings, key, rikeyid, rtsp, handshake, decision, begun })
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
        let receiver = VideoReceiver::new(socket, opener, self.decision.video.packet_size, orders, show);
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
        let control = self.connect().await.context("control")?;
        let (orders, inbox) = mpsc::channel(ORDERS);
        let typist = self.settings.input.then(Typist::new);
        let (stop_control, control_stopped) = watch::channel(false);
        let control = Receiving { stop: stop_control, task: tokio::spawn(control.run(inbox, typist, control_stopped)) };
        let (video, seen) = self.see(orders.clone()).await?;
        Ok(Stream { begun: self.begun, audio, video, control, orders, seen })
    }
}

/// A task that ends when it is told to; dropped, it is gone at once.
#[derive(Debug)]
pub struct Receiving<T> {
    stop: watch::Sender<bool>,
    task: JoinHandle<T>,
}

impl<T> Receiving<T> {
    /// Ends it; what it has to tell.
    ///
    /// # Errors
    /// If it has panicked.
    pub async fn finish(mut self) -> anyhow::Result<T> {
        self.stop.send_replace(true);
        Ok((&mut self.task).await?)
    }

    /// Waits until it ends by itself; what it has to tell.
    ///
    /// # Errors
    /// If it has panicked.
    pub async fn over(&mut self) -> anyhow::Result<T> {
        Ok((&mut self.task).await?)
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

impl<T> Drop for Receiving<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client that streams. Dropped, it vanishes as in a power cut.
#[derive(Debug)]
pub struct Stream {
    begun: Instant,
    audio: Receiving<AudioReport>,
    video: Receiving<VideoReport>,
    control: Receiving<anyhow::Result<ControlReport>>,
    orders: mpsc::Sender<Order>,
    seen: watch::Receiver<Seen>,
}

impl Stream {
    /// What has been seen until now.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits until what was seen is as wanted.
    ///
    /// # Errors
    /// That it was not within `patience`, or that the stream is over.
    pub async fn wait(&mut self, patience: Duration, wanted: impl Fn(&VideoCounts) -> bool) -> anyhow::Result<Seen> {
        self.wait_seen(patience, |seen| wanted(&seen.counts)).await
    }

    /// The same, of all that was seen.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn wait_seen(&mut self, patience: Duration, wanted: impl Fn(&Seen) -> bool) -> anyhow::Result<Seen> {
        let waiting = self.seen.wait_for(|seen| wanted(seen));
        let found = tokio::time::timeout(patience, waiting).await.map(|seen| seen.map(|seen| seen.clone()));
        match found {
            Ok(seen) => seen.map_err(|_| anyhow!("the receiver ended")),
            Err(_) => bail!("not within {patience:?}: {:?}", self.seen()),
        }
    }

    /// Waits for the first whole frame; how long it took from the launch.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn first_frame(&mut self, patience: Duration) -> anyhow::Result<Duration> {
        let seen = self.wait(patience, |counts| counts.frames_complete > 0).await?;
        let first = seen.first_frame.context("a frame without a time")?;
        Ok(first.duration_since(self.begun))
    }

    /// Has something said to the host.
    ///
    /// # Errors
    /// If the control connection is over.
    pub async fn say(&self, order: Order) -> anyhow::Result<()> {
        self.orders.send(order).await.map_err(|_| anyhow!("the control connection is over"))
    }

    /// Whether the host has ended the stream, or the connection was lost.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.control.is_over()
    }

    /// Waits until the host ends it; its reason.
    ///
    /// # Errors
    /// If it does not within `patience`.
    pub async fn ended_by_host(&mut self, patience: Duration) -> anyhow::Result<ControlReport> {
        tokio::time::timeout(patience, self.control.over()).await.map_err(|_| anyhow!("not within {patience:?}"))??
    }

    /// Disconnects in order: control first, as the real client. What came.
    ///
    /// # Errors
    /// What went wrong with control.
    pub async fn leave(self) -> anyhow::Result<(VideoReport, AudioReport, ControlReport)> {
        let control = self.control.finish().await??;
        Ok((self.video.finish().await?, self.audio.finish().await?, control))
    }
}

/// Frame requests, statuses and input that may wait for the control task.
pub(super) const ORDERS: usize = 64;
