//! `earthshine canary`: a few small frames through the whole data path.
//!
//! The host runs it in a process of its own, with a deadline, to learn whether
//! a new stream would work: test card, conversion, an encoder on a context of
//! its own, packets, parity, and the packets back to frames. It prints one line
//! of JSON on standard output; the exit status says whether it worked. It may
//! hang wherever a driver hangs: that is what it is for.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::gpu::GpuName;
use crate::protocol::video::assembler::{Assembler, Event};
use crate::protocol::video::frame_header::FrameType;
use crate::protocol::video::packetizer::{
    PacketSizeError, PacketizeError, Packetizer, PacketizerConfig, PictureToSend,
};
use crate::protocol::video::shard_batch::ShardBatch;
use crate::stream_plan::{EncoderFamily, StreamPlan};
use crate::units::{FrameIndex, RtpTimestamp};
use crate::worker::capture::CaptureError;
use crate::worker::capture::source::{FrameSource, open_test_card};
use crate::worker::encode::select::{self, OpenEncoderError};
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, FrameKind};

/// Runs the canary, on one GPU if it is named; prints its line.
#[must_use]
pub fn main(encoders: Vec<EncoderFamily>, gpu: &GpuName) -> ExitCode {
    let started = Instant::now();
    let outcome = sing(encoders, gpu);
    let report = Report {
        ok: outcome.is_ok(),
        milliseconds: started.elapsed().as_millis(),
        encoder: outcome.as_ref().map(|song| song.encoder.clone()).unwrap_or_default(),
        frames: outcome.as_ref().map_or(0, |song| song.frames),
        bytes: outcome.as_ref().map_or(0, |song| song.bytes),
        error: outcome.as_ref().err().map(ToString::to_string),
    };
    match serde_json::to_string(&report) {
        // A host that is gone reads neither.
        Ok(line) => drop(writeln!(io::stdout(), "{line}")),
        Err(error) => drop(writeln!(io::stderr(), "canary: {error}")),
    }
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the canary says.
#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    milliseconds: u128,
    encoder: String,
    frames: u32,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Why it does not work.
#[derive(Debug, thiserror::Error)]
enum CanaryError {
    #[error("capture: {0}")]
    Capture(#[from] CaptureError),
    #[error("capture: no picture within {PATIENCE:?}")]
    NoPicture,
    #[error("{0}")]
    Open(#[from] OpenEncoderError),
    #[error("encode: {0}")]
    Encode(#[from] EncodeError),
    #[error("the first frame is no IDR frame")]
    NoIdr,
    #[error("packetize: {0}")]
    Size(#[from] PacketSizeError),
    #[error("packetize: {0}")]
    Packetize(#[from] PacketizeError),
    #[error("frame {0} did not come back whole from its packets")]
    Torn(u32),
}

/// What went through.
#[derive(Debug, Default)]
struct Song {
    encoder: String,
    frames: u32,
    bytes: usize,
}

fn sing(encoders: Vec<EncoderFamily>, gpu: &GpuName) -> Result<Song, CanaryError> {
    let mut plan = StreamPlan::small_test_card(encoders);
    plan.video.gpu = gpu.address();
    let mut source = open_test_card(&plan.video);
    let mut encoder = select::open(&plan.video)?.encoder;
    let mut network = Network::new(&plan)?;
    let mut song = Song { encoder: encoder.name().to_owned(), ..Song::default() };
    for number in 1..=FRAMES {
        let encoded = next_frame(source.as_mut(), encoder.as_mut(), number)?;
        if number == 1 && encoded.kind != FrameKind::Idr {
            return Err(CanaryError::NoIdr);
        }
        network.pass(&encoded, number)?;
        song.frames = number;
        song.bytes += encoded.data.len();
    }
    Ok(song)
}

fn next_frame(
    source: &mut dyn FrameSource,
    encoder: &mut dyn Encoder,
    number: u32,
) -> Result<EncodedFrame, CanaryError> {
    let frame = source.next_frame(PATIENCE)?.ok_or(CanaryError::NoPicture)?;
    let captured = frame.captured;
    encoder.load(&frame)?;
    Ok(encoder.encode(FrameRequest { picture: number, idr: number == 1, repeated: false, captured })?)
}

/// Packets there and back, with one lost on the way.
#[derive(Debug)]
struct Network {
    packetizer: Packetizer,
    batch: ShardBatch,
    assembler: Assembler,
}

impl Network {
    fn new(plan: &StreamPlan) -> Result<Self, PacketSizeError> {
        let video = &plan.video;
        let packetizer = Packetizer::new(&PacketizerConfig {
            packet_size: video.packet_size,
            fec: video.fec,
            minimum_parity: video.minimum_parity,
            seal: None,
            first_packet_index: 0,
        })?;
        Ok(Self { packetizer, batch: ShardBatch::new(), assembler: Assembler::new(video.packet_size) })
    }

    fn pass(&mut self, frame: &EncodedFrame, number: u32) -> Result<(), CanaryError> {
        let picture = PictureToSend {
            data: &frame.data,
            kind: if frame.kind == FrameKind::Idr { FrameType::Idr } else { FrameType::Predicted },
            frame_index: FrameIndex(number),
            rtp_timestamp: RtpTimestamp(number),
            latency_100us: 0,
        };
        self.packetizer.packetize(&picture, &mut self.batch)?;
        // Parity has to stand in for the first packet of the second frame.
        let lost = usize::from(number == 2);
        let mut whole = false;
        for packet in self.batch.datagrams().skip(lost) {
            whole |= self.assembler.handle_packet(packet).any(|event| match event {
                Event::Frame(frame) => frame.index == FrameIndex(number) && frame.repaired == (lost > 0),
                Event::Lost { .. } | Event::Status(_) => false,
            });
        }
        if whole { Ok(()) } else { Err(CanaryError::Torn(number)) }
    }
}

/// An IDR frame, and what refers to it.
const FRAMES: u32 = 3;

/// The test card shows a picture every 17 ms.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_go_through_and_the_encoder_is_named() {
        let song = sing(vec![EncoderFamily::Nvenc, EncoderFamily::Software], &GpuName::Auto).unwrap();
        assert_eq!(song.frames, FRAMES);
        assert!(song.encoder.starts_with("software"), "{}", song.encoder);
        assert!(song.bytes > 0);
    }

    #[test]
    fn without_an_encoder_the_reason_is_said() {
        let error = sing(Vec::new(), &GpuName::Auto).unwrap_err().to_string();
        assert!(error.contains("encoder"), "{error}");
    }
}
