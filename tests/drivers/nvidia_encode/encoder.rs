//! The encoder behind a session: OpenH264 or a program, and what it goes by from one
//! frame to the next.

use std::collections::VecDeque;

use earthshine_drivers::calls::Refusal;
use earthshine_ffi::nvenc::sys::{NV_ENC_BUFFER_FORMAT, NVENC_INFINITE_GOPLENGTH, NVENCSTATUS};
use earthshine_ffi::openh264::{CodedKind, Encoder, MAX_SLICES, Picture, Settings as EncoderSettings};

use crate::codec::Codec;
use crate::nal;
use crate::program::Program;
use crate::settings::Settings;
use crate::surface::Surface;
use crate::words::Result;

/// An initialized encoder.
pub(crate) struct Running {
    pub(crate) settings: Settings,
    pub(crate) reports_slices: bool,
    engine: Engine,
    /// The next frame has to be an IDR frame.
    pub(crate) owes_idr: bool,
    /// Frames encoded, and since the last IDR frame.
    pub(crate) frames: u32,
    since_idr: u32,
    /// Of frames that the program may ask to forget.
    timestamps: VecDeque<u64>,
    quantizer: u8,
    pub(crate) input_stream: Option<usize>,
}

/// Who encodes.
enum Engine {
    /// H.264 of 8 bits in 4:2:0.
    OpenH264(Movable),
    /// Everything else.
    Program(Program),
}

/// The encoder may go from thread to thread.
struct Movable(Encoder);

// SAFETY: OpenH264 keeps nothing in the thread that calls it; it only must not be
// called by two at a time, which the session's lock sees to.
unsafe impl Send for Movable {}

/// An encoded frame.
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_idr: bool,
    pub(crate) quantizer: u8,
}

impl Running {
    pub(crate) fn start(settings: Settings, reports_slices: bool) -> Result<Self> {
        Ok(Self {
            settings,
            reports_slices,
            engine: Engine::start(&settings)?,
            owes_idr: true,
            frames: 0,
            since_idr: 0,
            timestamps: VecDeque::new(),
            quantizer: FIRST_QUANTIZER,
            input_stream: None,
        })
    }

    /// Takes new settings; a new size needs an encoder anew.
    pub(crate) fn reconfigure(&mut self, settings: Settings, owes_idr: bool) -> Result {
        let old = &self.settings;
        let is_other = (old.width, old.height, old.slices()) != (settings.width, settings.height, settings.slices());
        if is_other || old.part.colour != settings.part.colour {
            self.engine = Engine::start(&settings)?;
            self.owes_idr = true;
        }
        self.owes_idr |= owes_idr;
        self.settings = settings;
        Ok(())
    }

    pub(crate) fn last_timestamp(&self) -> Option<u64> {
        self.timestamps.back().copied()
    }

    pub(crate) fn has_encoded(&self, timestamp: u64) -> bool {
        self.timestamps.contains(&timestamp)
    }

    /// Encodes a frame from what its input holds.
    pub(crate) fn encode(&mut self, surface: &Surface, input: &[u8], forced: bool, timestamp: u64) -> Result<Frame> {
        let (gop, mut bytes) = (self.settings.gop, Vec::new());
        let idr = forced || self.owes_idr || (gop != NVENC_INFINITE_GOPLENGTH && self.since_idr >= gop);
        let quantizer = self.settings.rate.constant.unwrap_or(self.quantizer);
        match &mut self.engine {
            Engine::OpenH264(Movable(encoder)) => {
                let kind = with_picture(surface, input, |picture| encoder.encode(&picture, quantizer, idr, &mut bytes));
                let kind = kind?.map_err(broken)?;
                debug_assert!(!idr || kind == CodedKind::Idr);
            }
            Engine::Program(program) => {
                let size = (self.settings.width as usize, self.settings.height as usize);
                program.encode(&surface.planes(input, size)?, idr, &mut bytes).map_err(broken)?;
            }
        }
        self.steer(bytes.len());
        self.since_idr = if idr { 1 } else { self.since_idr + 1 };
        self.owes_idr = false;
        self.frames += 1;
        self.timestamps.push_back(timestamp);
        if self.timestamps.len() > REMEMBERED {
            self.timestamps.pop_front();
        }
        Ok(Frame { bytes, is_idr: idr, quantizer })
    }

    /// One step a frame towards the size that the bitrate has room for.
    fn steer(&mut self, bytes: usize) {
        let (frames, seconds) = self.settings.frame_rate;
        let budget = u64::from(self.settings.rate.average) / 8 * u64::from(seconds) / u64::from(frames.max(1));
        let bytes = bytes as u64;
        if bytes > budget {
            self.quantizer = (self.quantizer + 1).min(HIGHEST_QUANTIZER);
        } else if bytes < budget / 2 {
            self.quantizer = (self.quantizer - 1).max(LOWEST_QUANTIZER);
        }
    }

    /// SPS and PPS, as an IDR frame would have them.
    pub(crate) fn parameter_sets(&self) -> Result<Vec<u8>> {
        let Engine::OpenH264(_) = self.engine else {
            let text = format!("nobody tells the parameter sets of {} here", self.settings.codec.name());
            return Err(Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED.0, text));
        };
        let (width, height) = (self.settings.width as usize, self.settings.height as usize);
        let grey = vec![128; width * height];
        let picture = Picture { y: &grey, u: &grey, v: &grey, y_stride: width, uv_stride: width / 2 };
        let mut bytes = Vec::new();
        let Movable(mut encoder) = open_h264(&self.settings)?;
        encoder.encode(&picture, HIGHEST_QUANTIZER, true, &mut bytes).map_err(broken)?;
        Ok(nal::only(&bytes, true))
    }
}

impl Engine {
    fn start(settings: &Settings) -> Result<Self> {
        if settings.codec == Codec::H264 && settings.part.chroma == 1 {
            return Ok(Self::OpenH264(open_h264(settings)?));
        }
        Ok(Self::Program(Program::start(settings).map_err(broken)?))
    }
}

/// Not the driver's fault, and not the program's that is tested.
fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_GENERIC.0, error.to_string())
}

fn open_h264(settings: &Settings) -> Result<Movable> {
    let colour = settings.part.colour;
    let slices = u8::try_from(settings.slices()).unwrap_or(MAX_SLICES).min(MAX_SLICES);
    let (frames, seconds) = settings.frame_rate;
    let encoder = Encoder::open(&EncoderSettings {
        width: settings.width,
        height: settings.height,
        frame_rate: frames as f32 / seconds as f32,
        bitrate: settings.rate.average,
        slices,
        threads: slices.min(2),
        primaries: colour.primaries,
        transfer: colour.transfer,
        matrix: colour.matrix,
        full_range: colour.full_range,
    });
    // A limit of OpenH264's, which a GPU does not have.
    let refuse = |error: earthshine_ffi::openh264::OpenError| {
        Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM.0, error.to_string())
    };
    encoder.map(Movable).map_err(refuse)
}

/// The planes of an input: chroma follows luma without a gap;
/// planes of half the width have half the pitch.
fn with_picture<T>(surface: &Surface, input: &[u8], work: impl FnOnce(Picture<'_>) -> T) -> Result<T> {
    let pitch = surface.pitch as usize;
    let (y, chroma) = input.split_at(pitch * surface.height as usize);
    match surface.format {
        NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_IYUV => {
            let (u, v) = chroma.split_at(chroma.len() / 2);
            Ok(work(Picture { y, u, v, y_stride: pitch, uv_stride: pitch / 2 }))
        }
        NV_ENC_BUFFER_FORMAT::NV_ENC_BUFFER_FORMAT_NV12 => {
            let (u, v): (Vec<u8>, Vec<u8>) = chroma.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
            Ok(work(Picture { y, u: &u, v: &v, y_stride: pitch, uv_stride: pitch / 2 }))
        }
        other => {
            let text = format!("nobody encodes format {:#x} here", other.0);
            Err(Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED.0, text))
        }
    }
}

const FIRST_QUANTIZER: u8 = 30;
const LOWEST_QUANTIZER: u8 = 12;
const HIGHEST_QUANTIZER: u8 = 51;
/// Frames that a program may still ask to forget: more than a client's feedback is late.
const REMEMBERED: usize = 1024;
