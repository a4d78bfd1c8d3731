//! A client that decodes: what it saw of each frame, and when.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use earthshine_ffi::openh264::{Decoder, Luma};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::local_host::LocalHost;
use crate::api_client::ApiClient;
use crate::bench::clients::player::{Arrived, Order, Player, Seen, Stream};
use crate::cli::{ClientsArgs, ReportArgs};
use crate::clock::Micros;
use crate::codec::VideoCodec;
use crate::frame_marker::Marker;
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
    shown: UnboundedReceiver<Shown>,
}

/// A frame that was decoded.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// As it came, without its picture.
    pub(super) arrived: Arrived,
    /// Of its access unit.
    pub(super) bytes: usize,
    /// When it was decoded.
    pub(super) decoded: Micros,
    /// Which frame it shows; `None` if it was not decoded, or shows none.
    pub(super) marker: Option<Marker>,
    /// Means of luma in a grid over the picture; nothing if it was not decoded.
    pub(super) overview: Vec<u8>,
    /// Luma in the middle of the lower right quarter.
    pub(super) patch: u8,
    /// All of its luma, of some frames.
    pub(super) luma: Option<Vec<u8>>,
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
        let ((tap, arrivals), (out, shown)) = (mpsc::channel(), unbounded_channel());
        std::thread::Builder::new()
            .name("decoder".to_owned())
            .spawn(move || decode_all(&arrivals, keep_every.max(1), &out))
            .context("no thread for the decoder")?;
        let mut stream = connection.tapped(tap).stream().await?;
        stream.first_frame(PATIENCE).await.context("no frame came")?;
        Ok(Watching { stream, shown })
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
    /// The next frame; `None` when the stream is over, or none comes for long.
    pub(super) async fn next(&mut self) -> Option<Shown> {
        tokio::time::timeout(PATIENCE, self.shown.recv()).await.ok().flatten()
    }

    /// The next frame if it comes in time.
    pub(super) async fn next_within(&mut self, patience: Duration) -> Option<Shown> {
        tokio::time::timeout(patience, self.shown.recv()).await.ok().flatten()
    }

    /// All frames of so long a time from now on, with those before dropped.
    pub(super) async fn during(&mut self, length: Duration) -> Vec<Shown> {
        let begin = Micros::now();
        let end = begin.0.saturating_add(u64::try_from(length.as_micros()).unwrap_or(u64::MAX));
        let mut all = Vec::new();
        while let Some(shown) = self.next().await {
            if shown.arrived.whole.0 >= end {
                break;
            }
            if shown.arrived.whole >= begin {
                all.push(shown);
            }
        }
        all
    }

    /// Plays input.
    pub(super) async fn play(&self, event: InputEvent) -> anyhow::Result<()> {
        self.stream.say(Order::Input(event)).await
    }

    /// What has come until now.
    pub(super) fn seen(&self) -> Seen {
        self.stream.seen()
    }
}

/// Decodes until nothing more comes.
fn decode_all(arrivals: &mpsc::Receiver<Arrived>, keep_every: u32, out: &UnboundedSender<Shown>) {
    let Ok(mut decoder) = Decoder::open() else { return };
    for mut arrived in arrivals {
        let unit = std::mem::take(&mut arrived.picture);
        let keeps = arrived.index.0.is_multiple_of(keep_every);
        let decoded = decoder.decode(&unit);
        let shown = shown(arrived, unit.len(), decoded.ok(), keeps);
        if out.send(shown).is_err() {
            return;
        }
    }
}

fn shown(arrived: Arrived, bytes: usize, picture: Option<Luma<'_>>, keeps: bool) -> Shown {
    let decoded = Micros::now();
    let Some(picture) = picture else {
        return Shown { arrived, bytes, decoded, marker: None, overview: Vec::new(), patch: 0, luma: None };
    };
    let Luma { samples, stride, width, height } = picture;
    let size = Size::new(u32::try_from(width).unwrap_or(0), u32::try_from(height).unwrap_or(0));
    let at = |x: u32, y: u32| samples.get(y as usize * stride + x as usize).copied().unwrap_or(0);
    let rows = || samples.chunks(stride).map(|row| &row[..width.min(row.len())]);
    Shown {
        arrived,
        bytes,
        decoded,
        marker: Marker::read(size, at),
        overview: overview(width, height, rows()),
        patch: at(size.width / 4 * 3, size.height / 4 * 3),
        luma: keeps.then(|| rows().flatten().copied().collect()),
    }
}

/// Means of luma in a grid over a picture.
pub(super) fn overview<'a>(width: usize, height: usize, rows: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut sums, mut counts) = (vec![0_u64; COLUMNS * LINES], vec![0_u64; COLUMNS * LINES]);
    for (y, row) in rows.enumerate().take(height) {
        let line = y * LINES / height * COLUMNS;
        for column in 0..COLUMNS {
            let samples = &row[column * width / COLUMNS..(column + 1) * width / COLUMNS];
            sums[line + column] += samples.iter().map(|sample| u64::from(*sample)).sum::<u64>();
            counts[line + column] += samples.len() as u64;
        }
    }
    sums.iter().zip(counts).map(|(sum, count)| sum.checked_div(count).unwrap_or(0).to_le_bytes()[0]).collect()
}

/// Of a frame at this rate, in milliseconds.
pub(super) fn interval_ms(fps: u32) -> f64 {
    FrameRate::from_hz(fps).interval().as_secs_f64() * 1e3
}

const COLUMNS: usize = 32;
const LINES: usize = 18;

/// For whatever takes a moment on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overview_has_the_means() {
        let picture: Vec<u8> = (0..64 * 36).map(|at| if at % 64 < 32 { 10 } else { 200 }).collect();
        let overview = overview(64, 36, picture.chunks(64));
        assert_eq!(overview.len(), COLUMNS * LINES);
        assert!(overview.chunks(COLUMNS).all(|line| line[..16] == [10; 16] && line[16..] == [200; 16]));
    }

    #[test]
    fn tiny_pictures_do_no_harm() {
        assert_eq!(super::overview(3, 2, [1_u8; 6].chunks(3)).len(), COLUMNS * LINES);
        assert_eq!(super::overview(0, 0, std::iter::empty()).len(), COLUMNS * LINES);
    }
}
