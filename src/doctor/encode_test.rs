//! `earthshine doctor --encode-test`: every encoder of this machine encodes, FFmpeg
//! decodes, and the pictures are compared. The report is meant to be passed on.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::child::{Answer, ask};
use crate::codec::{Chroma, VideoCodec};
use crate::color::{ColorRange, ColorSpace, Colorimetry};
use crate::gpu::GpuAddress;
use crate::ipc::abilities::{self, Ability, FamilyReport};
use crate::quality::{Plane, psnr};
use crate::stream_plan::EncoderFamily;
use crate::units::Size;
use crate::worker::capture::test_card_scene::Scene;
use crate::worker::convert::picture::Picture;
use crate::worker::encode_trial::{FRAMES, Outcome, frame};

/// What all encoders did.
#[derive(Debug)]
pub struct EncodeReport {
    machine: Vec<String>,
    missing: Vec<(EncoderFamily, String)>,
    rows: Vec<Row>,
}

/// One encoder with one profile.
#[derive(Debug)]
struct Row {
    encoder: &'static str,
    profile: String,
    device: String,
    outcome: Outcome,
    decoded: Decoded,
    /// What is wrong, empty if nothing.
    problem: String,
}

/// What FFmpeg made of a stream.
#[derive(Debug, Clone, Copy, Default)]
struct Decoded {
    frames: u32,
    /// Luma PSNR in decibels.
    mean: f64,
    least: f64,
}

/// Why nothing could be tested.
#[derive(Debug, thiserror::Error)]
pub enum EncodeTestError {
    /// A driver hangs.
    #[error("the encoders do not say what they make within {DEADLINE:?}: a driver hangs; look into the kernel's log")]
    Silent,
    /// A version that does not fit.
    #[error("the encoders' answer means nothing: {0}")]
    Answer(#[from] serde_json::Error),
    /// Nowhere to write.
    #[error("no temporary directory: {0}")]
    Directory(#[from] std::io::Error),
}

/// Tests all encoders. Takes some seconds for each profile; each runs in a process of
/// its own, so that one that hangs is told and passed over.
///
/// # Errors
/// [`EncodeTestError`].
pub fn run() -> Result<EncodeReport, EncodeTestError> {
    let answer = ask(ourselves().args(["encoders", "--json"]), DEADLINE).ok_or(EncodeTestError::Silent)?;
    let reports = abilities::read(answer.output.trim())?;
    let directory = std::env::temp_dir().join(format!("earthshine-encode-test-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let mut report = EncodeReport { machine: machine(), missing: Vec::new(), rows: Vec::new() };
    for FamilyReport { family, abilities, error } in reports {
        if !error.is_empty() {
            report.missing.push((family, error));
        }
        for ability in abilities.able.iter().copied() {
            report.rows.push(test(family, (&abilities.device, abilities.gpu.as_ref()), ability, &directory));
        }
    }
    // It is in the system's own place for what may stay.
    let _ = std::fs::remove_dir_all(&directory);
    Ok(report)
}

impl EncodeReport {
    /// Whether some encoder works, and none of those that are here is broken.
    #[must_use]
    pub fn is_good(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.problem.is_empty())
    }
}

impl fmt::Display for EncodeReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "## Encode test of earthshine {}\n", env!("CARGO_PKG_VERSION"))?;
        self.machine.iter().try_for_each(|line| writeln!(out, "- {line}"))?;
        self.missing.iter().try_for_each(|(family, reason)| writeln!(out, "- no {}: {reason}", family.name()))?;
        writeln!(out, "\n{FRAMES} frames of {SIZE}; PSNR of luma against what was encoded.\n")?;
        writeln!(
            out,
            "| encoder | profile | device | frames | IDR | loss answered by | ms a frame, median, most | kbit/s | decoded | dB, mean, least | |"
        )?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")?;
        for row in &self.rows {
            let Row { encoder, profile, device, outcome, decoded, problem } = row;
            let idr: Vec<_> = outcome.idr_frames.iter().map(ToString::to_string).collect();
            let answer = if outcome.invalidates { "older reference" } else { "IDR frame" };
            let millis = |micros: u64| format!("{}.{:02}", micros / 1000, micros % 1000 / 10);
            let rate = outcome.bytes * 8 * 60 / 1000 / u64::from(outcome.frames.max(1));
            let verdict = if problem.is_empty() { "good" } else { problem };
            writeln!(
                out,
                "| {encoder} | {profile} | {device} | {} | {} | {answer} | {}, {} | {rate} | {} | {:.1}, {:.1} | {verdict} |",
                outcome.frames,
                idr.join(" "),
                millis(outcome.median_micros),
                millis(outcome.longest_micros),
                decoded.frames,
                decoded.mean,
                decoded.least,
            )?;
        }
        Ok(())
    }
}

fn test(family: EncoderFamily, (device, gpu): (&str, Option<&GpuAddress>), ability: Ability, directory: &Path) -> Row {
    let stream = directory.join(format!("stream.{}", format_of(ability.profile.codec)));
    let (outcome, problem) = encode(family, gpu, ability, &stream);
    let (decoded, problem) = match problem.is_empty() {
        true => decode(&stream, &directory.join("pictures")),
        false => (Decoded::default(), problem),
    };
    let (encoder, profile) = (family.name(), ability.profile.name());
    Row { encoder, profile, device: device.to_owned(), outcome, decoded, problem }
}

fn encode(family: EncoderFamily, gpu: Option<&GpuAddress>, ability: Ability, stream: &Path) -> (Outcome, String) {
    let profile = ability.profile;
    let mut command = ourselves();
    command.args(["encode-trial", "--encoder", family.name(), "--codec", profile.codec.name()]);
    command.args(["--size", &SIZE.to_string()]).arg("--stream").arg(stream);
    if let Some(gpu) = gpu {
        command.args(["--gpu", &gpu.to_string()]);
    }
    if profile.ten_bit {
        command.arg("--ten-bit");
    }
    if profile.chroma == Chroma::Yuv444 {
        command.arg("--yuv444");
    }
    let Some(Answer { output, .. }) = ask(&mut command, DEADLINE) else {
        return (Outcome::default(), format!("hangs: not done within {DEADLINE:?}"));
    };
    match serde_json::from_str::<Outcome>(output.trim()) {
        Ok(outcome) => {
            let problem = outcome.error.clone();
            (outcome, problem)
        }
        Err(_) => (Outcome::default(), "its process died".to_owned()),
    }
}

fn decode(stream: &Path, pictures: &Path) -> (Decoded, String) {
    let mut command = Command::new("ffmpeg");
    let format = stream.extension().unwrap_or_default();
    command.args(["-v", "error", "-nostdin", "-y", "-f"]).arg(format).arg("-i").arg(stream);
    command.args(["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p"]).arg(pictures);
    let none = Decoded::default();
    let Some(answer) = ask(&mut command, DEADLINE) else {
        return (none, "not decoded: ffmpeg is not here, or hangs (apt-get install ffmpeg)".to_owned());
    };
    if !answer.success || !answer.errors.trim().is_empty() {
        let first = answer.errors.lines().next().unwrap_or("no reason");
        return (none, format!("not decoded without errors: {first}"));
    }
    let Ok(decoded) = compare(pictures) else { return (none, "what ffmpeg decoded cannot be read".to_owned()) };
    let problem = match decoded {
        Decoded { frames, .. } if frames != FRAMES => format!("{frames} frames decoded instead of {FRAMES}"),
        Decoded { least, .. } if least < LEAST_PSNR => "other pictures than those encoded".to_owned(),
        _ => String::new(),
    };
    (decoded, problem)
}

/// Pictures of a file in I420 against those that were encoded.
fn compare(pictures: &Path) -> std::io::Result<Decoded> {
    let mut file = std::io::BufReader::new(std::fs::File::open(pictures)?);
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let mut samples = vec![0; width * height * 3 / 2];
    let colorimetry = Colorimetry { space: ColorSpace::Bt709, range: ColorRange::Limited };
    let (scene, mut shown) = (Scene::new(SIZE), Picture::new(SIZE, Chroma::Yuv420, colorimetry));
    let mut decoded = Decoded { least: f64::INFINITY, ..Decoded::default() };
    while file.read_exact(&mut samples).is_ok() {
        shown.show(&frame(&scene, decoded.frames)).map_err(std::io::Error::other)?;
        let encoded: Vec<u8> = (0..height).flat_map(|row| &shown.planes().luma_row(row)[..width]).copied().collect();
        let plane = |samples| Plane { samples, width };
        let psnr = psnr(plane(&encoded), plane(&samples[..width * height]));
        decoded.least = decoded.least.min(psnr);
        decoded.mean += (psnr - decoded.mean) / f64::from(decoded.frames + 1);
        decoded.frames += 1;
    }
    Ok(decoded)
}

/// What the report's reader wants to know of the machine.
fn machine() -> Vec<String> {
    let uname = rustix::system::uname();
    let kernel = format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    let nvidia = std::fs::read_to_string("/proc/driver/nvidia/version").unwrap_or_default();
    let nvidia = nvidia.lines().next().map(|line| format!("kernel driver of NVIDIA: {}", line.trim()));
    [Some(kernel), nvidia].into_iter().flatten().collect()
}

/// Name of an elementary stream's format, as FFmpeg knows it.
const fn format_of(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "h264",
        VideoCodec::Hevc => "hevc",
        VideoCodec::Av1 => "obu",
    }
}

fn ourselves() -> Command {
    Command::new("/proc/self/exe")
}

const SIZE: Size = Size::new(1280, 720);

/// For one process; a driver that was never used on this machine takes seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// Below it, a picture is another one, or of other colours.
const LEAST_PSNR: f64 = 28.0;
