//! `earthshine encode-measure`: some seconds of one content through one encoder, with the
//! cost of every frame.
//!
//! `earthshine bench encode` runs it for each case, because an encoder may hang, and
//! because what one left in memory or caches is none of the next one's business.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::codec::VideoProfile;
use crate::content::{Content, Painter};
use crate::gpu::GpuAddress;
use crate::stream_plan::{EncoderFamily, NvencTuning, StreamPlan, VideoPlan};
use crate::units::{Bitrate, FrameRate, Size};
use crate::worker::encode::select::{self, OpenEncoderError};
use crate::worker::encode::{EncodeError, FrameRequest};
use crate::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};

/// What is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Whose encoder.
    pub family: EncoderFamily,
    /// On which GPU; the first that does it, if not given.
    pub gpu: Option<GpuAddress>,
    /// What it makes.
    pub profile: VideoProfile,
    /// Of this size.
    pub size: Size,
    /// Frames a second that its bit rate is spread over.
    pub frame_rate: FrameRate,
    /// At most.
    pub bitrate: Bitrate,
    /// NVENC's; others have none.
    pub preset: u8,
    /// Slices a frame.
    pub slices: u8,
    /// Of what.
    pub content: Content,
    /// How many.
    pub frames: u32,
    /// One a frame interval, as a stream does it, and not one after the other.
    pub paced: bool,
    /// Where the elementary stream goes.
    pub stream: PathBuf,
    /// Where the [`Outcome`] goes.
    pub outcome: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// As the encoder calls itself.
    pub encoder: String,
    /// From the call to open it until it was open.
    pub open_micros: u64,
    /// In their order.
    pub frames: Vec<FrameCost>,
    /// Processor time of all threads while frames were encoded, drawing them excluded.
    pub processor_micros: u64,
    /// Most resident memory, in KiB.
    pub peak_kib: u64,
    /// Why it ended early, empty if it did not.
    pub error: String,
}

/// What one frame took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCost {
    /// Conversion.
    pub load_micros: u64,
    /// Encoding.
    pub encode_micros: u64,
    /// Of the access unit.
    pub bytes: u64,
    /// Whether it needs no other.
    pub idr: bool,
}

impl Job {
    /// The frame `number` that is drawn into `pixels`.
    #[must_use]
    pub fn frame(&self, pixels: Arc<[u8]>, number: u32) -> Frame {
        Frame {
            pixels: Pixels::Owned(pixels),
            size: self.size,
            stride: self.size.width as usize * 4,
            format: PixelFormat::Bgrx,
            bottom_up: false,
            number: number.into(),
            changed: None,
            presented: Micros(0),
            captured: Micros(1 + u64::from(number) * micros(self.frame_rate.interval())),
        }
    }

    fn plan(&self) -> VideoPlan {
        VideoPlan {
            profile: self.profile,
            gpu: self.gpu.clone(),
            size: self.size,
            frame_rate: self.frame_rate,
            bitrate: self.bitrate,
            slices: self.slices,
            nvenc: NvencTuning { preset: self.preset, ..NvencTuning::default() },
            ..StreamPlan::small_test_card(vec![self.family]).video
        }
    }
}

/// Does what the file of a [`Job`] says.
#[must_use]
pub fn main(job: &Path) -> ExitCode {
    let job: Job = match fs::read_to_string(job).and_then(|text| Ok(serde_json::from_str(&text)?)) {
        Ok(job) => job,
        Err(error) => {
            eprintln!("earthshine encode-measure: {}: {error}", job.display());
            return ExitCode::FAILURE;
        }
    };
    let mut outcome = Outcome::default();
    if let Err(error) = run(&job, &mut outcome) {
        outcome.error = error.to_string();
    }
    outcome.peak_kib = peak_kib();
    let text = serde_json::to_string(&outcome).unwrap_or_default();
    match fs::write(&job.outcome, text) {
        Ok(()) if outcome.error.is_empty() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("earthshine encode-measure: {}: {error}", job.outcome.display());
            ExitCode::FAILURE
        }
    }
}

/// Why it ends early.
#[derive(Debug, thiserror::Error)]
enum MeasureError {
    #[error(transparent)]
    Open(#[from] OpenEncoderError),
    #[error("{0}")]
    Encode(#[from] EncodeError),
    #[error("cannot write the stream: {0}")]
    Write(#[from] io::Error),
}

fn run(job: &Job, outcome: &mut Outcome) -> Result<(), MeasureError> {
    let began = Instant::now();
    let mut encoder = select::open(&job.plan())?.encoder;
    (outcome.open_micros, outcome.encoder) = (micros(began.elapsed()), encoder.name().to_owned());
    let mut file = io::BufWriter::new(File::create(&job.stream)?);
    let painter = Painter::new(job.content, job.size);
    let mut drawn = vec![0; painter.bytes()];
    let began = Instant::now();
    for number in 0..job.frames {
        painter.draw(number, &mut drawn);
        let frame = job.frame(Arc::from(drawn.as_slice()), number);
        if job.paced {
            std::thread::sleep((job.frame_rate.interval() * number).saturating_sub(began.elapsed()));
        }
        let (processor, loading) = (processor_time(), Instant::now());
        encoder.load(&frame)?;
        let encoding = Instant::now();
        let request = FrameRequest { picture: number, idr: number == 0, repeated: false, captured: frame.captured };
        let encoded = encoder.encode(request)?;
        outcome.frames.push(FrameCost {
            load_micros: micros(encoding - loading),
            encode_micros: micros(encoding.elapsed()),
            bytes: encoded.data.len() as u64,
            idr: encoded.kind == FrameKind::Idr,
        });
        outcome.processor_micros += micros(processor_time().saturating_sub(processor));
        file.write_all(&encoded.data)?;
    }
    Ok(file.flush()?)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Of all threads of this process.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(directory: &Path, content: Content) -> Job {
        Job {
            family: EncoderFamily::Software,
            gpu: None,
            profile: VideoProfile::H264,
            size: Size::new(320, 180),
            frame_rate: FrameRate::from_hz(60),
            bitrate: Bitrate::from_kbps(2000),
            preset: 1,
            slices: 1,
            content,
            frames: 12,
            paced: false,
            stream: directory.join("stream"),
            outcome: directory.join("outcome"),
        }
    }

    #[test]
    fn every_frame_is_measured_and_written() {
        let directory = tempfile::tempdir().unwrap();
        let job = job(directory.path(), Content::Text);
        let mut outcome = Outcome::default();
        run(&job, &mut outcome).unwrap();
        assert_eq!((outcome.encoder.as_str(), outcome.frames.len()), ("software/openh264", 12));
        assert!(outcome.frames[0].idr && outcome.frames.iter().skip(1).all(|frame| !frame.idr));
        assert!(outcome.frames.iter().all(|frame| frame.encode_micros > 0) && outcome.processor_micros > 0);
        let written = fs::metadata(&job.stream).unwrap().len();
        assert_eq!(outcome.frames.iter().map(|frame| frame.bytes).sum::<u64>(), written);
        assert!(peak_kib() > 1000);
    }

    #[test]
    fn an_encoder_that_is_not_there_is_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let job = Job { family: EncoderFamily::Nvenc, ..job(directory.path(), Content::Still) };
        let path = directory.path().join("job");
        fs::write(&path, serde_json::to_string(&job).unwrap()).unwrap();
        assert_eq!(main(&path), ExitCode::FAILURE);
        let outcome: Outcome = serde_json::from_str(&fs::read_to_string(&job.outcome).unwrap()).unwrap();
        assert!(outcome.error.contains("Nvenc") && outcome.frames.is_empty(), "{outcome:?}");
    }
}
