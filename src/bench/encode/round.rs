//! One case, encoded once, by a process of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use super::decoded::{self, Quality};
use super::matrix::Combination;
use crate::cli::EncodeArgs;
use crate::stream_plan::EncoderFamily;
use crate::units::{Bitrate, FrameRate};
use crate::worker::encode_measure::{FrameCost, Job, Outcome};

/// What a round has shown.
#[derive(Debug, Clone)]
pub(super) struct Round {
    outcome: Outcome,
    /// Nothing, if it was not looked at.
    pub(super) quality: Quality,
}

impl Round {
    /// The quality that was found in an earlier round of the same case.
    pub(super) fn with_quality_of(self, earlier: Self) -> Self {
        Self { quality: earlier.quality, ..self }
    }
}

/// Encodes and, if asked to, decodes and compares.
pub(super) fn measure(
    combination: &Combination,
    args: &EncodeArgs,
    directory: &Path,
    decodes: bool,
) -> anyhow::Result<Round> {
    let job = job(combination, args, directory);
    let path = directory.join("job");
    fs::write(&path, serde_json::to_string(&job)?).context("cannot write the order for the encoder")?;
    // What an earlier round left must not be taken for this one's.
    drop((fs::remove_file(&job.outcome), fs::remove_file(&job.stream)));
    encode(&path, deadline(args, &job))?;
    let outcome: Outcome = serde_json::from_str(&fs::read_to_string(&job.outcome).context("its process died")?)?;
    ensure!(outcome.error.is_empty(), "{}", outcome.error);
    ensure!(outcome.frames.len() > 1, "too few frames to say anything (--seconds)");
    let quality = if decodes { decoded::compare(&job)? } else { Quality::default() };
    Ok(Round { outcome, quality })
}

fn job(combination: &Combination, args: &EncodeArgs, directory: &Path) -> Job {
    let Combination { family, profile, size, fps, kbps, preset, content } = *combination;
    Job {
        family,
        gpu: args.gpu.as_ref().and_then(crate::gpu::GpuName::address).filter(|_| family != EncoderFamily::Software),
        profile,
        size,
        frame_rate: FrameRate::from_hz(fps),
        bitrate: Bitrate::from_kbps(kbps),
        preset,
        slices: args.slices,
        content,
        frames: args.seconds * fps,
        paced: args.paced,
        stream: directory.join("stream"),
        outcome: directory.join("outcome"),
    }
}

/// Twenty times what a stream would take: what is slower than that hangs.
fn deadline(args: &EncodeArgs, job: &Job) -> Duration {
    let pixels = u64::from(job.size.width) * u64::from(job.size.height);
    let larger = u32::try_from(pixels / (1920 * 1080)).unwrap_or(u32::MAX).max(1);
    STARTING + Duration::from_secs(args.seconds.into()) * 20 * larger
}

fn encode(job: &Path, deadline: Duration) -> anyhow::Result<()> {
    let mut child = Command::new("/proc/self/exe")
        .arg("encode-measure")
        .arg(job)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start the process that encodes")?;
    let end = Instant::now() + deadline;
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            // One that the kernel does not let go stays behind.
            let _ = child.kill();
            bail!("not done after {deadline:?}: a driver hangs, or the machine is too slow");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
impl Round {
    /// A time of every frame but the first, in which drivers do what they do once.
    pub(super) fn millis(&self, time: impl Fn(&FrameCost) -> u64) -> Vec<f64> {
        self.outcome.frames.iter().skip(1).map(|frame| time(frame) as f64 / 1e3).collect()
    }

    pub(super) fn frames_a_second(&self) -> f64 {
        let all: f64 = self.millis(|frame| frame.load_micros + frame.encode_micros).iter().sum();
        (self.outcome.frames.len() - 1) as f64 * 1e3 / all.max(1e-3)
    }

    pub(super) fn processor_millis(&self) -> f64 {
        self.outcome.processor_micros as f64 / 1e3 / self.outcome.frames.len() as f64
    }

    pub(super) fn open_millis(&self) -> f64 {
        self.outcome.open_micros as f64 / 1e3
    }

    pub(super) fn peak_mib(&self) -> f64 {
        self.outcome.peak_kib as f64 / 1024.0
    }

    /// Of all frames.
    pub(super) fn kbps(&self, fps: u32) -> f64 {
        self.kilobytes().iter().sum::<f64>() * 8.0 * f64::from(fps) / self.outcome.frames.len() as f64
    }

    pub(super) fn kilobytes(&self) -> Vec<f64> {
        self.outcome.frames.iter().map(|frame| frame.bytes as f64 / 1e3).collect()
    }

    /// What each second from every frame on takes.
    pub(super) fn kbps_over_a_second(&self, fps: u32) -> Vec<f64> {
        self.kilobytes().windows(fps as usize).map(|second| second.iter().sum::<f64>() * 8.0).collect()
    }

    /// Sizes of predicted frames, in shares of the bit rate that one frame has.
    pub(super) fn budgets(&self, combination: &Combination) -> Vec<f64> {
        let predicted = self.outcome.frames.iter().filter(|frame| !frame.idr);
        predicted.map(|frame| frame.bytes as f64 / budget(combination)).collect()
    }

    pub(super) fn first_budget(&self, combination: &Combination) -> f64 {
        self.outcome.frames.first().map_or(0.0, |frame| frame.bytes as f64 / budget(combination))
    }
}

/// Bytes that a frame has if all have the same.
fn budget(combination: &Combination) -> f64 {
    f64::from(combination.kbps) * 125.0 / f64::from(combination.fps)
}

/// For opening a driver that was never used on this machine.
const STARTING: Duration = Duration::from_secs(30);
