//! `earthshine encode-trial`: a second of moving picture through one encoder, with all
//! that a stream asks of it, into a file.
//!
//! `earthshine doctor --encode-test` runs it for each encoder and profile, because it
//! may hang, decodes the file, and compares.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::codec::VideoProfile;
use crate::gpu::GpuAddress;
use crate::stream_plan::{EncoderFamily, StreamPlan, VideoPlan};
use crate::units::{Bitrate, Size};
use crate::worker::capture::test_card_scene::Scene;
use crate::worker::encode::select::{self, OpenEncoderError};
use crate::worker::encode::{EncodeError, FrameRequest};
use crate::worker::frame::{Frame, FrameKind, PixelFormat, Pixels};

/// What is tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Whose encoder.
    pub family: EncoderFamily,
    /// On which GPU; the first that does it, if not given.
    pub gpu: Option<GpuAddress>,
    /// What it shall make.
    pub profile: VideoProfile,
    /// Of this size.
    pub size: Size,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Frames encoded.
    pub frames: u32,
    /// Numbers of those that are IDR frames.
    pub idr_frames: Vec<u32>,
    /// A frame after a loss refers to what is older than the loss, and is no IDR frame.
    pub invalidates: bool,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Time of a frame from its pixels to its access unit: the median.
    pub median_micros: u64,
    /// And the longest but that of the first frame.
    pub longest_micros: u64,
    /// Why it ended early, empty if it did not.
    pub error: String,
}

/// Runs a trial; prints a line of JSON and leaves the elementary stream in a file.
#[must_use]
pub fn main(trial: &Trial, stream: &Path) -> ExitCode {
    let mut outcome = Outcome::default();
    if let Err(error) = run(trial, stream, &mut outcome) {
        outcome.error = error.to_string();
    }
    let line = serde_json::to_string(&outcome).unwrap_or_default();
    drop(writeln!(io::stdout(), "{line}"));
    if outcome.error.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Frame `number` of the moving picture, the same in every process.
#[must_use]
pub(crate) fn frame(scene: &Scene, number: u32) -> Frame {
    let mut pixels = scene.background().to_vec();
    scene.draw(&mut pixels, FRAME_INTERVAL * number, &mut Vec::new());
    Frame {
        pixels: Pixels::Owned(Arc::from(pixels)),
        size: scene.size(),
        stride: scene.stride(),
        format: PixelFormat::Bgrx,
        bottom_up: false,
        number: number.into(),
        changed: None,
        presented: Micros::now(),
        captured: Micros::now(),
    }
}

/// Why a trial ends early.
#[derive(Debug, thiserror::Error)]
enum TrialError {
    #[error(transparent)]
    Open(#[from] OpenEncoderError),
    #[error("{0}")]
    Encode(#[from] EncodeError),
    #[error("cannot write the stream: {0}")]
    Write(#[from] io::Error),
    #[error("frame {0} should be an IDR frame and is none")]
    NoIdr(u32),
}

fn run(trial: &Trial, stream: &Path, outcome: &mut Outcome) -> Result<(), TrialError> {
    let plan = VideoPlan {
        profile: trial.profile,
        gpu: trial.gpu.clone(),
        size: trial.size,
        bitrate: Bitrate::from_kbps(KBPS),
        ..StreamPlan::small_test_card(vec![trial.family]).video
    };
    let mut encoder = select::open(&plan)?.encoder;
    let mut file = File::create(stream)?;
    let (scene, mut micros) = (Scene::new(trial.size), Vec::new());
    for number in 0..FRAMES {
        if number == SLOWER_FROM {
            encoder.set_bitrate(Bitrate::from_kbps(KBPS / 2))?;
            encoder.set_frame_rate(plan.frame_rate)?;
        }
        let lost = number == LOST_AT && encoder.invalidate_references(number - 1);
        let idr = number == IDR_AT || (number == LOST_AT && !lost);
        let frame = frame(&scene, number);
        let started = Micros::now();
        encoder.load(&frame)?;
        let encoded =
            encoder.encode(FrameRequest { picture: number, idr, repeated: false, captured: frame.captured })?;
        micros.push(Micros::now().since(started));
        outcome.invalidates |= encoded.kind == FrameKind::Recovered;
        match encoded.kind {
            FrameKind::Idr => outcome.idr_frames.push(number),
            _ if idr || number == 0 => return Err(TrialError::NoIdr(number)),
            _ => {}
        }
        file.write_all(&encoded.data)?;
        outcome.frames += 1;
        outcome.bytes += encoded.data.len() as u64;
    }
    // The first one includes what a driver does once.
    let mut later = micros.split_off(1);
    later.sort_unstable();
    outcome.median_micros = later.get(later.len() / 2).copied().unwrap_or_default();
    outcome.longest_micros = later.last().copied().unwrap_or_default();
    Ok(())
}

/// Frames of a trial: a second's.
pub const FRAMES: u32 = 60;

/// Bit rate that it begins with; 1280x720 look well.
const KBPS: u32 = 8000;
const IDR_AT: u32 = 20;
const SLOWER_FROM: u32 = 30;
const LOST_AT: u32 = 45;
const FRAME_INTERVAL: Duration = Duration::from_micros(16_667);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_software_encoder_does_all_that_is_asked_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let size = Size::new(320, 180);
        let trial = Trial { family: EncoderFamily::Software, gpu: None, profile: VideoProfile::H264, size };
        let (stream, mut outcome) = (directory.path().join("stream"), Outcome::default());
        run(&trial, &stream, &mut outcome).unwrap();
        assert_eq!((outcome.frames, &outcome.idr_frames[..]), (FRAMES, &[0, IDR_AT, LOST_AT][..]));
        assert_eq!(std::fs::metadata(&stream).unwrap().len(), outcome.bytes);
    }

    #[test]
    fn what_does_not_open_says_why() {
        let (profile, size) = (VideoProfile::H264, Size::new(320, 180));
        let trial = Trial { family: EncoderFamily::Vulkan, gpu: None, profile, size };
        let error = run(&trial, Path::new("/nonexistent"), &mut Outcome::default()).unwrap_err();
        assert!(error.to_string().contains("Vulkan"), "{error}");
    }
}
