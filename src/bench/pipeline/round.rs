//! One case, streamed once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::Combination;
use crate::bench::canvas::Canvas;
use crate::bench::judge::{self, Tally, Verdict};
use crate::bench::local_host::LocalHost;
use crate::bench::scrape::{Distribution, STAGES, Scrape};
use crate::bench::shown::Shown;
use crate::bench::usage::{Memory, ProcessorTime};
use crate::bench::viewer::{Viewer, Watching};
use crate::cli::PipelineArgs;
use crate::frame_marker::Marker;

/// What a round has shown.
#[derive(Debug)]
pub(super) struct Round {
    seconds: f64,
    times: Vec<Times>,
    /// Milliseconds from capture to sending, by the frames themselves.
    latencies: Vec<f64>,
    bytes: Vec<usize>,
    fps: u32,
    pub(super) tally: Tally,
    pub(super) frames_lost: u64,
    pub(super) wire_kbps: f64,
    pub(super) stages: [Distribution; STAGES.len()],
    /// Of each stage, in milliseconds.
    pub(super) curves: [Vec<f64>; STAGES.len()],
    pub(super) processors: BTreeMap<&'static str, f64>,
    pub(super) worker_memory: f64,
    pub(super) psnr: Vec<f64>,
    pub(super) ssim: Vec<f64>,
}

/// Of a frame, in milliseconds since it was drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) first_packet: f64,
    pub(super) whole: f64,
    pub(super) decoded: f64,
    /// Milliseconds of the clock.
    decoded_at: f64,
}

/// What a moment says about the host.
struct Look {
    at: Instant,
    scrape: Scrape,
    processors: ProcessorTime,
    wire_bytes: u64,
    frames_lost: u64,
}

/// Launches, lets it run for a while, measures, and quits.
pub(super) async fn measure(
    host: &LocalHost,
    viewer: &Viewer,
    combination: &Combination,
    args: &PipelineArgs,
) -> anyhow::Result<Round> {
    let keep_every = if args.quality { (args.seconds * combination.mode.fps / COMPARED).max(1) } else { u32::MAX };
    let mut watching = viewer.watch(&combination.app(), combination.mode, keep_every).await?;
    let outcome = watch(host, &mut watching, args).await;
    let quit = viewer.quit(watching).await;
    let (shown, before, after, worker_memory) = outcome?;
    quit.context("quitting")?;
    let seconds = (after.at - before.at).as_secs_f64();
    // What is compared takes time, but nobody streams any more.
    let mut canvas = Canvas::new(combination.content, combination.mode.size);
    let judged = tokio::task::block_in_place(|| {
        let markers: Vec<_> = shown.iter().map(|shown| judge::believed(shown, &mut canvas)).collect();
        let (verdicts, tally) = judge::judge(markers.into_iter());
        (verdicts, tally, judge::compare(&shown, &mut canvas))
    });
    let (verdicts, tally, (psnr, ssim)) = judged;
    let new = || shown.iter().zip(&verdicts).filter(|(_, verdict)| **verdict == Verdict::New).map(|(shown, _)| shown);
    #[allow(clippy::cast_precision_loss, reason = "for eyes")]
    Ok(Round {
        seconds,
        times: new().filter_map(|shown| Some(Times::of(shown, shown.marker?))).collect(),
        latencies: new()
            .filter(|shown| shown.arrived.latency_100us != 0)
            .map(|shown| f64::from(shown.arrived.latency_100us) / 10.0)
            .collect(),
        bytes: shown.iter().map(|shown| shown.bytes).collect(),
        fps: combination.mode.fps,
        tally,
        frames_lost: after.frames_lost - before.frames_lost,
        wire_kbps: (after.wire_bytes - before.wire_bytes) as f64 * 8.0 / 1e3 / seconds,
        stages: STAGES.map(|stage| after.scrape.stage(&before.scrape, stage)),
        curves: STAGES.map(|stage| after.scrape.curve(&before.scrape, stage)),
        processors: after.processors.percent_since(&before.processors, seconds),
        worker_memory,
        psnr,
        ssim,
    })
}

async fn watch(
    host: &LocalHost,
    watching: &mut Watching,
    args: &PipelineArgs,
) -> anyhow::Result<(Vec<Shown>, Look, Look, f64)> {
    watching.pictures.settle().await?;
    let processes = tokio::task::block_in_place(|| host.processes())?;
    let worker = processes.iter().find(|process| process.0 == "worker").map_or(0, |process| process.1);
    let before = Look::now(host, &processes, watching)?;
    let shown = watching.pictures.during(Duration::from_secs(args.seconds.into())).await;
    let after = Look::now(host, &processes, watching)?;
    ensure!(shown.len() > 1, "too few frames came to say anything");
    Ok((shown, before, after, Memory::of(worker).resident))
}

impl Look {
    fn now(
        host: &LocalHost,
        processes: &[(&'static str, u32, crate::bench::usage::Family)],
        watching: &Watching,
    ) -> anyhow::Result<Self> {
        let counts = watching.seen().counts;
        Ok(Self {
            at: Instant::now(),
            scrape: tokio::task::block_in_place(|| Scrape::look(&host.ready.metrics)).context("the host's metrics")?,
            processors: ProcessorTime::look(processes),
            wire_bytes: counts.bytes,
            frames_lost: counts.frames_lost,
        })
    }
}

impl Times {
    #[allow(clippy::cast_precision_loss, reason = "microseconds of a machine's life")]
    fn of(shown: &Shown, marker: Marker) -> Self {
        let since = |time: crate::clock::Micros| time.since(marker.time) as f64 / 1e3;
        Self {
            first_packet: since(shown.arrived.first),
            whole: since(shown.arrived.whole),
            decoded: since(shown.decoded),
            decoded_at: shown.decoded.0 as f64 / 1e3,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
impl Round {
    /// A time of every frame that was seen.
    pub(super) fn millis(&self, time: impl Fn(&Times) -> f64) -> Vec<f64> {
        self.times.iter().map(time).collect()
    }

    pub(super) fn host_millis(&self) -> Vec<f64> {
        self.latencies.clone()
    }

    /// From one new frame to the next, in milliseconds.
    pub(super) fn gaps(&self) -> Vec<f64> {
        self.times.windows(2).map(|two| two[1].decoded_at - two[0].decoded_at).collect()
    }

    pub(super) fn each_second(&self, count: u64) -> f64 {
        count as f64 / self.seconds
    }

    pub(super) fn kbps(&self) -> f64 {
        self.bytes.iter().sum::<usize>() as f64 * 8.0 / 1e3 / self.seconds
    }

    /// What so many frames as a second has take, from every frame on.
    pub(super) fn kbps_over_a_second(&self) -> Vec<f64> {
        let kilobits = |bytes: &[usize]| bytes.iter().sum::<usize>() as f64 * 8.0 / 1e3;
        self.bytes.windows(self.fps as usize).map(kilobits).collect()
    }
}

/// Frames of a round that are compared with what was drawn.
const COMPARED: u32 = 24;
