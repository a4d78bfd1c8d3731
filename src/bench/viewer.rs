//! A client that watches what a host streams.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::local_host::LocalHost;
use super::shown::Pictures;
use crate::api_client::ApiClient;
use crate::bench::clients::player::{Order, Player, Seen, Stream};
use crate::cli::{ClientsArgs, ReportArgs};
use crate::codec::VideoCodec;
use crate::protocol::control::input_event::InputEvent;
use crate::protocol::gamestream::answer::Verb;
use crate::units::{Bitrate, FrameRate, Size};

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) size: Size,
    pub(super) fps: u32,
    pub(super) kbps: u32,
}

/// A client that has paired.
#[derive(Debug)]
pub(super) struct Viewer {
    player: Player,
    api: ApiClient,
}

/// A client that watches.
#[derive(Debug)]
pub(super) struct Watching {
    stream: Stream,
    pub(super) pictures: Pictures,
}

impl Viewer {
    /// Pairs with the host.
    pub(super) async fn paired(host: &LocalHost) -> anyhow::Result<Self> {
        let player = paired(host, Ipv4Addr::LOCALHOST).await?;
        Ok(Self { player, api: ApiClient::new(host.ready.api_socket.clone()) })
    }

    /// Launches an app, and returns when frames come. The luma of one frame in `keep_every` is
    /// kept.
    pub(super) async fn watch(&self, app: &str, mode: Mode, keep_every: u32) -> anyhow::Result<Watching> {
        let player = self.player.with_mode(mode.size, mode.fps).with_bitrate(Bitrate::from_kbps(mode.kbps));
        let app = player.app(app).await?;
        let connection = player.begin(Verb::Launch, app).await?;
        let (tap, arrivals) = mpsc::channel();
        let pictures = Pictures::decoded(arrivals, keep_every)?;
        let mut stream = connection.tapped(tap).stream().await?;
        stream.first_frame(PATIENCE).await.context("no frame came")?;
        Ok(Watching { stream, pictures })
    }

    /// Leaves and quits; everything that was received.
    pub(super) async fn quit(&self, watching: Watching) -> anyhow::Result<Seen> {
        let seen = watching.stream.seen();
        // That it ends is what is wanted, whatever control has to say.
        let left = watching.stream.leave().await;
        self.player.cancel().await?;
        left?;
        let end = Instant::now() + PATIENCE;
        while self.sessions()? > 0 {
            ensure!(Instant::now() < end, "the session does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(seen)
    }

    fn sessions(&self) -> anyhow::Result<usize> {
        Ok(self.api.get("/api/v1/sessions")?["sessions"].as_array().map_or(0, Vec::len))
    }
}

/// A client that has paired with a host at this address.
pub(super) async fn paired(host: &LocalHost, address: Ipv4Addr) -> anyhow::Result<Player> {
    let args = ClientsArgs {
        host: address.to_string(),
        port: host.ready.http,
        api_socket: Some(host.ready.api_socket.clone()),
        identities: None,
        clients: 1,
        app: String::new(),
        size: Size::new(1280, 720),
        fps: 60,
        bitrate: 10_000,
        codec: VideoCodec::H264,
        seconds: 0,
        encrypt: false,
        plain_rtsp: false,
        input: false,
        stagger: 0,
        report: ReportArgs::default(),
        stalled_handshakes: 0,
        tls_handshakes: None,
    };
    Player::all(&args, &host.identities()).await?.pop().context("no client has paired")
}

impl Watching {
    /// Plays input.
    pub(super) async fn play(&self, event: InputEvent) -> anyhow::Result<()> {
        self.stream.say(Order::Input(event)).await
    }

    /// What has come until now.
    pub(super) fn seen(&self) -> Seen {
        self.stream.seen()
    }
}

/// Of a frame at this rate, in milliseconds.
pub(super) fn interval_ms(fps: u32) -> f64 {
    FrameRate::from_hz(fps).interval().as_secs_f64() * 1e3
}

/// For whatever takes a moment on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);
