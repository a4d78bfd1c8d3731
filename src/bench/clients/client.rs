//! One client's life: launch, handshake, stream, quit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bench::clients::audio_receiver::{AudioReceiver, AudioReport};
use crate::bench::clients::control::{Control, ControlReport};
use crate::bench::clients::https::{LONG_PATIENCE, Requests, SHORT_PATIENCE};
use crate::bench::clients::media_socket::MediaSocket;
use crate::bench::clients::report::ClientReport;
use crate::bench::clients::rtsp::RtspClient;
use crate::bench::clients::settings::Settings;
use crate::bench::clients::steps::{Failure, Steps};
use crate::bench::clients::typist::Typist;
use crate::bench::clients::video_receiver::{VideoReceiver, VideoReport};
use crate::bench::histogram::milliseconds;
use crate::ids::AppId;
use crate::protocol::audio::sealer::AudioSealer;
use crate::protocol::control::client_session::ClientControlSession;
use crate::protocol::gamestream::answer::SessionUrl;
use crate::protocol::gamestream::launch_request::LaunchRequest;
use crate::protocol::gamestream::xml_reader::Answer;
use crate::protocol::rtsp::client_handshake::{ClientHandshake, ClientHandshakeConfig, Step};
use crate::protocol::rtsp::sealer::RtspSealer;
use crate::protocol::rtsp::stream_parameters::StreamParameters;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;
use crate::protocol::video::sealer::VideoOpener;

/// A client that has paired.
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) settings: Arc<Settings>,
    pub(super) requests: Requests,
    /// Held from launch to ANNOUNCE by clients that speak plain RTSP, which does
    /// not say whose it is.
    pub(super) turn: Arc<Mutex<()>>,
    /// Whether all are to end.
    pub(super) stop: watch::Receiver<bool>,
    pub(super) steps: Steps,
    pub(super) errors: Vec<Failure>,
}

/// Keys of one launch.
struct Keys {
    key: SessionKey,
    rikeyid: u32,
}

/// A stream whose handshake is done.
struct Stream {
    /// When `/launch` was asked.
    begun: Instant,
    decision: StreamParameters,
    handshake: ClientHandshake,
    keys: Keys,
    audio: Receiving<AudioReport>,
}

/// A task that ends when it is told to.
struct Receiving<T> {
    stop: watch::Sender<bool>,
    task: JoinHandle<T>,
}

impl<T: Default> Receiving<T> {
    async fn finish(self) -> T {
        self.stop.send_replace(true);
        self.task.await.unwrap_or_default()
    }
}

impl Client {
    /// Plays until told to stop, and quits. `started` is dropped when the first
    /// frame is there, or never will be.
    pub(super) async fn play(mut self, started: mpsc::Sender<()>) -> ClientReport {
        let mut report = ClientReport::new(self.number);
        if let Err(failure) = self.stream(started, &mut report).await {
            self.errors.push(failure);
        }
        report.finish(&self.steps, self.errors, self.settings.fps);
        report
    }

    async fn stream(&mut self, started: mpsc::Sender<()>, report: &mut ClientReport) -> Result<(), Failure> {
        let app = self.find_app().await?;
        let outcome = match self.launch(app).await {
            Ok(stream) => self.watch(stream, started, report).await,
            Err(failure) => Err(failure),
        };
        // Also after a failure: what was launched must not stay.
        let requests = &self.requests;
        let quit = self.steps.time("quit", cancel(requests)).await;
        outcome.and(quit)
    }

    /// The app's number. An app that runs from an earlier time is ended, so that
    /// what follows is a launch.
    async fn find_app(&mut self) -> Result<AppId, Failure> {
        let Self { steps, requests, settings, .. } = self;
        let info = steps.time("serverinfo", requests.https("/serverinfo", SHORT_PATIENCE)).await?;
        steps.note("tls_handshake", info.handshake);
        let running = Answer::read(&info.text).and_then(|answer| answer.number("currentgame"));
        if running.is_ok_and(|game| game != 0) {
            steps.time("quit_before", cancel(requests)).await?;
        }
        steps.time("applist", app_number(requests, &settings.app)).await
    }

    /// `/launch` and RTSP.
    async fn launch(&mut self, app: AppId) -> Result<Stream, Failure> {
        let turn = Arc::clone(&self.turn);
        let _turn = if self.settings.plain_rtsp { Some(turn.lock().await) } else { None };
        let keys = Keys::new().map_err(|error| Failure::new("launch", &error))?;
        let begun = Instant::now();
        let url = {
            let Self { steps, requests, settings, .. } = self;
            steps.time("launch", launch(requests, settings, app, &keys)).await?
        };
        let target = SessionUrl::read(&url);
        let ip = self.requests.address.ip;
        let sealer = target.encrypted.then(|| RtspSealer::new(&keys.key, Side::Client));
        let mut rtsp = RtspClient::new(SocketAddr::new(ip, target.port), sealer);
        let low_stereo = self.settings.low_stereo();
        let mut handshake = ClientHandshake::new(ClientHandshakeConfig { session_url: url, host: ip, low_stereo });
        let mut decision = self.settings.decide(None).map_err(|error| Failure::new("settings", &error))?;
        let mut audio = None;
        for step in Step::ALL {
            let request = handshake.request(step, &decision);
            let answer = self.steps.time(step.name(), rtsp.ask(&request)).await?;
            handshake.handle_answer(step, &answer).map_err(|error| Failure::new(step.name(), &error.into()))?;
            match step {
                Step::Describe => {
                    decision = self
                        .settings
                        .decide(handshake.offer())
                        .map_err(|error| Failure::new(Step::Describe.name(), &error))?;
                }
                // As the real client: its pings may be the first the host hears.
                Step::SetupAudio => audio = Some(self.hear(&handshake, &decision, &keys).await?),
                _ => {}
            }
        }
        let audio = audio.ok_or_else(|| Failure::new("rtsp_setup_audio", &anyhow!("no audio was set up")))?;
        Ok(Stream { begun, decision, handshake, keys, audio })
    }

    async fn hear(
        &self,
        handshake: &ClientHandshake,
        decision: &StreamParameters,
        keys: &Keys,
    ) -> Result<Receiving<AudioReport>, Failure> {
        let ip = self.requests.address.ip;
        let socket = MediaSocket::open(ip, handshake.ports().audio, handshake.audio_ping())
            .await
            .map_err(|error| Failure::new("audio", &error))?;
        let sealer = decision.encryption.audio.then(|| AudioSealer::new(keys.key.clone(), keys.rikeyid));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(AudioReceiver::new(socket, sealer).run(stopped));
        Ok(Receiving { stop, task })
    }

    /// Control, video, and waiting for the end.
    async fn watch(
        &mut self,
        stream: Stream,
        started: mpsc::Sender<()>,
        report: &mut ClientReport,
    ) -> Result<(), Failure> {
        let Stream { begun, decision, handshake, keys, audio } = stream;
        let (ip, ports) = (self.requests.address.ip, handshake.ports());
        let session = ClientControlSession::new(&keys.key, decision.encryption.control_v2);
        let connecting = Control::connect(SocketAddr::new(ip, ports.control), handshake.connect_data(), session);
        let control = match self.steps.time("control_connect", connecting).await {
            Ok(control) => control,
            Err(failure) => {
                report.audio = audio.finish().await;
                return Err(failure);
            }
        };
        let (stop_control, control_stopped) = watch::channel(false);
        let (orders, inbox) = mpsc::channel(ORDERS);
        let typist = self.settings.input.then(Typist::new);
        let mut control = tokio::spawn(control.run(inbox, typist, control_stopped));

        let video = self.see(&handshake, &decision, &keys, orders).await;
        let outcome = match video {
            Ok((video, first)) => {
                let outcome = self.until_over(begun, first, started, &mut control, report).await;
                report.video = video.finish().await;
                outcome
            }
            Err(failure) => Err(failure),
        };
        stop_control.send_replace(true);
        report.audio = audio.finish().await;
        // Over already if the host ended it.
        if !control.is_finished() || report.control.is_none() {
            report.control = take(control.await);
        }
        outcome
    }

    async fn see(
        &self,
        handshake: &ClientHandshake,
        decision: &StreamParameters,
        keys: &Keys,
        orders: mpsc::Sender<crate::bench::clients::control::Order>,
    ) -> Result<(Receiving<VideoReport>, watch::Receiver<Option<Instant>>), Failure> {
        let ip = self.requests.address.ip;
        let socket = MediaSocket::open(ip, handshake.ports().video, handshake.video_ping())
            .await
            .map_err(|error| Failure::new("video", &error))?;
        let opener = decision.encryption.video.then(|| VideoOpener::new(&keys.key));
        let (first_frame, first) = watch::channel(None);
        let receiver = VideoReceiver::new(socket, opener, decision.video.packet_size, orders, first_frame);
        let (stop, stopped) = watch::channel(false);
        Ok((Receiving { stop, task: tokio::spawn(receiver.run(stopped)) }, first))
    }

    /// Waits for the first frame, tells that it is there, and waits for the end:
    /// ours or the host's.
    async fn until_over(
        &mut self,
        begun: Instant,
        mut first: watch::Receiver<Option<Instant>>,
        started: mpsc::Sender<()>,
        control: &mut JoinHandle<anyhow::Result<ControlReport>>,
        report: &mut ClientReport,
    ) -> Result<(), Failure> {
        let came = async {
            let first = timeout(FIRST_FRAME_PATIENCE, first.wait_for(Option::is_some))
                .await
                .map_err(|_| anyhow!("no whole frame within {FIRST_FRAME_PATIENCE:?}"))?;
            first.ok().and_then(|first| *first).context("the receiver ended")
        };
        let first = tokio::select! {
            came = came => came.map_err(|error| Failure::new("first_frame", &error))?,
            over = &mut *control => return Err(ended(over, report)),
            // Interrupted before there was anything to see.
            _ = self.stop.wait_for(|stop| *stop) => return Ok(()),
        };
        self.steps.note("first_frame", first.elapsed());
        report.launch_to_first_frame_ms = Some(milliseconds(first - begun));
        drop(started);
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => Ok(()),
            over = control => Err(ended(over, report)),
        }
    }
}

/// The control stream was over before we ended it.
fn ended(over: Result<anyhow::Result<ControlReport>, tokio::task::JoinError>, report: &mut ClientReport) -> Failure {
    let control = take(over).unwrap_or_default();
    let why = match &control.terminated {
        Some(reason) => anyhow!("the host ended the stream: {reason}"),
        None => anyhow!("the control connection was lost"),
    };
    report.control = Some(control);
    Failure::new("stream", &why)
}

fn take(over: Result<anyhow::Result<ControlReport>, tokio::task::JoinError>) -> Option<ControlReport> {
    over.ok().and_then(Result::ok)
}

impl Keys {
    fn new() -> anyhow::Result<Self> {
        let (mut key, mut rikeyid) = ([0; 16], [0; 4]);
        getrandom::fill(&mut key).context("no random numbers")?;
        getrandom::fill(&mut rikeyid).context("no random numbers")?;
        Ok(Self { key: SessionKey::new(key), rikeyid: u32::from_le_bytes(rikeyid) })
    }
}

async fn app_number(requests: &Requests, title: &str) -> anyhow::Result<AppId> {
    let list = requests.https("/applist", SHORT_PATIENCE).await?;
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

/// Returns `sessionUrl0`.
async fn launch(requests: &Requests, settings: &Settings, app: AppId, keys: &Keys) -> anyhow::Result<String> {
    let request = LaunchRequest {
        app,
        key: keys.key.clone(),
        rikeyid: keys.rikeyid,
        size: Some(settings.size),
        frame_rate_hz: Some(settings.fps),
        channels: 2,
        encrypted_rtsp: !settings.plain_rtsp,
        hdr: false,
    };
    let answer = requests.https(&format!("/launch?{}", request.to_query()), LONG_PATIENCE).await?;
    let answer = Answer::read(&answer.text)?;
    match answer.element("gamesession").as_deref() {
        Some("0") | None => bail!("the host did not launch"),
        Some(_) => Ok(answer.required("sessionUrl0")?),
    }
}

async fn cancel(requests: &Requests) -> anyhow::Result<()> {
    let answer = requests.https("/cancel", LONG_PATIENCE).await?;
    Answer::read(&answer.text)?;
    Ok(())
}

/// The real client gives up after ten seconds without a packet and after ten
/// more without a key frame.
const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(20);

/// Frame requests and statuses that may wait for the control task.
const ORDERS: usize = 64;
