//! One client's life: launch, handshake, stream, quit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bench::clients::connection::ORDERS;
use crate::bench::clients::player::{AudioReport, Connection, ControlReport, Player, Receiving, Seen};
use crate::bench::clients::report::ClientReport;
use crate::bench::clients::settings::Settings;
use crate::bench::clients::steps::{Failure, Steps};
use crate::bench::clients::typist::Typist;
use crate::bench::histogram::milliseconds;
use crate::ids::AppId;
use crate::protocol::gamestream::answer::Verb;
use crate::protocol::rtsp::client_handshake::Step;

/// A client that has paired.
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) settings: Arc<Settings>,
    pub(super) player: Player,
    /// Held from launch to ANNOUNCE by clients that speak plain RTSP, which does
    /// not say whose it is.
    pub(super) turn: Arc<Mutex<()>>,
    /// Whether all are to end.
    pub(super) stop: watch::Receiver<bool>,
    pub(super) steps: Steps,
    pub(super) errors: Vec<Failure>,
}

/// A stream whose handshake is done.
struct Handshaken {
    connection: Connection,
    audio: Receiving<AudioReport>,
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
        let player = &self.player;
        let quit = self.steps.time("quit", player.cancel()).await;
        outcome.and(quit)
    }

    /// The app's number. An app that runs from an earlier time is ended, so that
    /// what follows is a launch.
    async fn find_app(&mut self) -> Result<AppId, Failure> {
        let Self { steps, player, settings, .. } = self;
        let standing = steps.time("serverinfo", player.standing()).await?;
        steps.note("tls_handshake", standing.handshake);
        if standing.running != 0 {
            steps.time("quit_before", player.cancel()).await?;
        }
        steps.time("applist", player.app(&settings.app)).await
    }

    /// `/launch` and RTSP.
    async fn launch(&mut self, app: AppId) -> Result<Handshaken, Failure> {
        let turn = Arc::clone(&self.turn);
        let _turn = if self.settings.plain_rtsp { Some(turn.lock().await) } else { None };
        let Self { steps, player, .. } = self;
        let mut connection = steps.time("launch", player.begin(Verb::Launch, app)).await?;
        let mut audio = None;
        for step in Step::ALL {
            steps.time(step.name(), connection.step(step)).await?;
            // As the real client: its pings may be the first the host hears.
            if step == Step::SetupAudio {
                audio = Some(connection.hear().await.map_err(|error| Failure::new("audio", &error))?);
            }
        }
        let audio = audio.ok_or_else(|| Failure::new("rtsp_setup_audio", &anyhow!("no audio was set up")))?;
        Ok(Handshaken { connection, audio })
    }

    /// Control, video, and waiting for the end.
    async fn watch(
        &mut self,
        stream: Handshaken,
        started: mpsc::Sender<()>,
        report: &mut ClientReport,
    ) -> Result<(), Failure> {
        let Handshaken { connection, audio } = stream;
        let control = match self.steps.time("control_connect", connection.connect()).await {
            Ok(control) => control,
            Err(failure) => {
                report.audio = audio.finish().await.unwrap_or_default();
                return Err(failure);
            }
        };
        let (stop_control, control_stopped) = watch::channel(false);
        let (orders, inbox) = mpsc::channel(ORDERS);
        let typist = self.settings.input.then(Typist::new);
        let mut control = tokio::spawn(control.run(inbox, typist, control_stopped));

        let outcome = match connection.see(orders).await {
            Ok((video, seen)) => {
                let outcome = self.until_over(connection.begun(), seen, started, &mut control, report).await;
                report.video = video.finish().await.unwrap_or_default();
                outcome
            }
            Err(error) => Err(Failure::new("video", &error)),
        };
        stop_control.send_replace(true);
        report.audio = audio.finish().await.unwrap_or_default();
        // Over already if the host ended it.
        if !control.is_finished() || report.control.is_none() {
            report.control = take(control.await);
        }
        outcome
    }

    /// Waits for the first frame, tells that it is there, and waits for the end:
    /// ours or the host's.
    async fn until_over(
        &mut self,
        begun: Instant,
        mut seen: watch::Receiver<Seen>,
        started: mpsc::Sender<()>,
        control: &mut JoinHandle<anyhow::Result<ControlReport>>,
        report: &mut ClientReport,
    ) -> Result<(), Failure> {
        let came = async {
            let seen = timeout(FIRST_FRAME_PATIENCE, seen.wait_for(|seen| seen.first_frame.is_some()))
                .await
                .map_err(|_| anyhow!("no whole frame within {FIRST_FRAME_PATIENCE:?}"))?;
            seen.ok().and_then(|seen| seen.first_frame).context("the receiver ended")
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

/// The real client gives up after ten seconds without a packet and after ten
/// more without a key frame.
const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(20);
