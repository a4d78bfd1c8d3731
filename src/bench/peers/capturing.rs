//! One program that captures a screen by itself, for some seconds.
//!
//! Each round has a host of its own: with it comes the screen, a desktop whose application draws
//! the content. Ours streams it to a client of ours; for others nobody else captures it.

use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::captured::{Capturer, Kind, Other};
use super::fed::Packets;
use super::program::Running;
use super::receiver::Receiver;
use super::round::{COMPARED, OnScreen, Round};
use crate::bench::canvas::Canvas;
use crate::bench::judge::{self, Verdict};
use crate::bench::local_host::{LocalHost, Place};
use crate::bench::shown::{Pictures, Shown};
use crate::bench::usage::{Family, Memory, ProcessorTime};
use crate::bench::viewer::{Mode, Viewer, Watching};
use crate::cli::PeersArgs;
use crate::content::Content;

/// What was seen, and what that took.
struct Seen {
    shown: Vec<Shown>,
    seconds: f64,
    /// Of whoever captures.
    processor_seconds: f64,
    memory: f64,
    compositor_percent: f64,
}

/// A process, and which of them it is.
type Process = (&'static str, u32, Family);

/// Starts a screen, has it captured, and judges what came.
pub(super) async fn measure(capturer: &Capturer, content: Content, args: &PeersArgs) -> anyhow::Result<Round> {
    let place = Place::new()?;
    let config = config(capturer, &place, content, args)?;
    let host = tokio::task::block_in_place(|| LocalHost::start(place, &config))?;
    let seen = match &capturer.kind {
        Kind::Ours { .. } => ours(&host, args).await,
        Kind::Other(other) => others(other, &host, args).await,
    };
    let seen = seen.with_context(|| host.log());
    tokio::task::block_in_place(|| {
        drop(host);
        // What is compared takes time, but nobody captures any more.
        judge(&seen?, content, args)
    })
}

fn config(capturer: &Capturer, place: &Place, content: Content, args: &PeersArgs) -> anyhow::Result<String> {
    let encoder = match capturer.kind {
        Kind::Ours { encoder } => encoder,
        Kind::Other(_) => "software",
    };
    let window = place.window(APP, &format!("--content {} --fps {}", content.name(), args.fps))?;
    Ok(format!("[video]\nencoders = [\"{encoder}\"]\nmax_bitrate_kbps = 1000000\n\n{window}"))
}

async fn ours(host: &LocalHost, args: &PeersArgs) -> anyhow::Result<Seen> {
    let viewer = Viewer::paired(host).await?;
    let mut watching = viewer.watch(APP, mode(args), keep_every(args)).await?;
    let seen = watch_ours(host, &mut watching, args).await;
    let quit = viewer.quit(watching).await;
    let seen = seen?;
    quit.context("quitting")?;
    Ok(seen)
}

async fn watch_ours(host: &LocalHost, watching: &mut Watching, args: &PeersArgs) -> anyhow::Result<Seen> {
    watching.pictures.settle().await?;
    let processes = tokio::task::block_in_place(|| host.processes())?;
    let wanted = |names: &[&str]| processes.iter().filter(|(name, ..)| names.contains(name)).copied().collect();
    let (capturing, compositor): (Vec<_>, Vec<_>) = (wanted(&["host", "worker"]), wanted(&["compositor"]));
    Ok(watch(&mut watching.pictures, &capturing, &compositor, args).await)
}

async fn others(other: &Other, host: &LocalHost, args: &PeersArgs) -> anyhow::Result<Seen> {
    let screen = tokio::task::block_in_place(|| host.screen(APP, mode(args)))?;
    let (out, arrivals) = mpsc::channel();
    let receiver = Receiver::start(Packets::Rtp, move |frame| drop(out.send(frame)))?;
    let mut pictures = Pictures::decoded(arrivals, keep_every(args))?;
    let log = tempfile::NamedTempFile::new().context("no temporary file")?;
    let directory = tempfile::tempdir().context("no temporary directory")?;
    let child = other
        .command(&screen.wayland_socket, receiver.port)
        .env("XDG_RUNTIME_DIR", directory.path())
        .stdin(Stdio::null())
        .stdout(log.reopen()?)
        .stderr(log.reopen()?)
        .spawn()
        .context("cannot start it")?;
    let running = Running(child);
    let said = || format!("it said: {}", std::fs::read_to_string(log.path()).unwrap_or_default());
    pictures.settle().await.with_context(said)?;
    let capturing = [("program", running.0.id(), Family::WithDescendants)];
    let compositor = [("compositor", screen.compositor, Family::Alone)];
    Ok(watch(&mut pictures, &capturing, &compositor, args).await)
}

async fn watch(pictures: &mut Pictures, capturing: &[Process], compositor: &[Process], args: &PeersArgs) -> Seen {
    let looks = || (ProcessorTime::look(capturing), ProcessorTime::look(compositor));
    let (began, before) = (Instant::now(), looks());
    let shown = pictures.during(Duration::from_secs(args.seconds.into())).await;
    let (seconds, after) = (began.elapsed().as_secs_f64(), looks());
    let percent = |after: &ProcessorTime, before| after.percent_since(before, seconds).values().sum::<f64>();
    Seen {
        shown,
        seconds,
        processor_seconds: percent(&after.0, &before.0) / 100.0 * seconds,
        memory: capturing.iter().map(|(_, pid, _)| Memory::of(*pid).resident).sum(),
        compositor_percent: percent(&after.1, &before.1),
    }
}

/// Looks at all, and compares some.
#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
fn judge(seen: &Seen, content: Content, args: &PeersArgs) -> anyhow::Result<Round> {
    let Seen { shown, seconds, .. } = seen;
    let mut canvas = Canvas::new(content, args.size);
    let markers: Vec<_> = shown.iter().map(|shown| judge::believed(shown, &mut canvas)).collect();
    let (verdicts, tally) = judge::judge(markers.into_iter());
    ensure!(tally.seen > 0, "no frame was seen, but {} pictures that show none", tally.wrong);
    let (psnr, ssim) = judge::compare(shown, &mut canvas);
    let new = shown.iter().zip(verdicts).filter(|(_, verdict)| *verdict == Verdict::New);
    let millis = new.filter_map(|(shown, _)| Some(shown.arrived.whole.since(shown.marker?.time) as f64 / 1e3));
    let kilobytes: Vec<_> = shown.iter().map(|shown| shown.bytes as f64 / 1e3).collect();
    Ok(Round {
        millis: millis.collect(),
        processor_millis: seen.processor_seconds * 1e3 / tally.seen as f64,
        memory: seen.memory,
        kbps: kilobytes.iter().sum::<f64>() * 8.0 / seconds,
        kilobytes,
        missing_a_second: tally.missing as f64 / seconds,
        wrong: tally.wrong,
        psnr,
        ssim,
        screen: Some(OnScreen {
            drawn_a_second: tally.drawn as f64 / seconds,
            seen_a_second: tally.seen as f64 / seconds,
            repeated_a_second: tally.repeated as f64 / seconds,
            compositor_percent: seen.compositor_percent,
        }),
    })
}

fn mode(args: &PeersArgs) -> Mode {
    Mode { size: args.size, fps: args.fps, kbps: args.bitrate }
}

fn keep_every(args: &PeersArgs) -> u32 {
    (args.seconds * args.fps / COMPARED).max(1)
}

const APP: &str = "screen";
