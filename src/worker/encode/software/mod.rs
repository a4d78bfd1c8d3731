//! H.264 on the CPU, with OpenH264: what every client decodes and every
//! machine can encode.

pub mod content;
mod envelope;
pub mod rate_control;
mod steepness;
mod tried;
mod usual;

use earthshine_ffi::openh264::{self, CodedKind, Settings};
use tracing::warn;

use self::content::{Content, Observer};
use self::rate_control::RateControl;
use crate::clock::Micros;
use crate::codec::{Chroma, VideoProfile};
use crate::color::{ColorRange, Colorimetry};
use crate::ipc::abilities::{Abilities, Ability};
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{EncoderFamily, VideoPlan};
use crate::units::{Bitrate, FrameRate, Size};
use crate::worker::convert::color_matrix;
use crate::worker::convert::picture::Picture;
use crate::worker::convert::planes::even;
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::screenshot;

/// Profiles this family encodes, on every machine.
pub const PROFILES: &[VideoProfile] = EncoderFamily::Software.certain_profiles();

/// What it can do: there is nobody to be asked.
#[must_use]
pub fn abilities() -> Abilities {
    let able = PROFILES.iter().map(|&profile| Ability { profile, most: Some(LARGEST) });
    Abilities { device: "this processor".to_owned(), gpu: None, able: able.collect() }
}

/// An open OpenH264 encoder with its picture and rate control.
#[derive(Debug)]
pub struct SoftwareEncoder {
    picture: Picture,
    colorimetry: Colorimetry,
    observer: Observer,
    /// Of a picture that was loaded and not yet encoded.
    content: Option<Content>,
    // The library's first frame is an IDR frame, asked or not.
    opened: bool,
    library: openh264::Encoder,
    rate: RateControl,
    slices: Slices,
}

impl SoftwareEncoder {
    /// Opens an encoder for a plan.
    ///
    /// # Errors
    /// [`OpenSoftwareError`].
    pub fn open(plan: &VideoPlan) -> Result<Self, OpenSoftwareError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::open_with(plan, Slices::choose(plan.slices, cores))
    }

    /// Opens an encoder that cuts pictures in a given way.
    ///
    /// # Errors
    /// [`OpenSoftwareError`].
    pub fn open_with(plan: &VideoPlan, slices: Slices) -> Result<Self, OpenSoftwareError> {
        if !PROFILES.contains(&plan.profile) {
            return Err(OpenSoftwareError::Profile { profile: plan.profile });
        }
        if let Some(reason) = degraded() {
            warn!(encoder = NAME, reason, "encoder degraded");
        }
        let library = openh264::Encoder::open(&settings(plan, slices))?;
        let picture = Picture::new(plan.size, Chroma::Yuv420, plan.colorimetry);
        Ok(Self {
            observer: Observer::new(picture.planes().size()),
            picture,
            colorimetry: plan.colorimetry,
            content: None,
            opened: false,
            library,
            rate: RateControl::new(samples(plan), plan.bitrate, plan.frame_rate),
            slices,
        })
    }

    /// Slices per picture and threads that code them.
    #[must_use]
    pub const fn slices(&self) -> Slices {
        self.slices
    }
}

impl Encoder for SoftwareEncoder {
    fn name(&self) -> &str {
        NAME
    }

    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let changed = self.picture.show(frame).map_err(|error| broken(&error))?;
        self.content = Some(self.observer.look(self.picture.planes(), changed));
        Ok(())
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let started = Micros::now();
        let content = self.content.take().unwrap_or_else(|| self.observer.still());
        let quantizer = self.rate.quantizer(content, request.idr || !self.opened, request.captured);
        let planes = self.picture.planes();
        let picture = openh264::Picture {
            y: &planes.y,
            u: &planes.u,
            v: &planes.v,
            y_stride: planes.y_stride,
            uv_stride: planes.uv_stride,
        };
        let mut data = Vec::with_capacity(1 << 16);
        let kind = self.library.encode(&picture, quantizer, request.idr, &mut data).map_err(|error| broken(&error))?;
        self.opened = true;
        self.rate.coded(data.len());
        let kind = match kind {
            CodedKind::Idr => FrameKind::Idr,
            CodedKind::Predicted => FrameKind::Predicted,
        };
        let encoding = Micros::now().since(started);
        let FrameRequest { picture, captured, repeated, .. } = request;
        Ok(EncodedFrame { data, kind, picture, captured, encoding, repeated })
    }

    fn picture(&self) -> Option<RawPicture> {
        Some(screenshot::copy(self.picture.planes(), self.colorimetry))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.rate.set_bitrate(bitrate);
        Ok(())
    }

    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        self.rate.set_frame_rate(frame_rate);
        Ok(true)
    }
}

/// How a picture is cut so that threads can share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slices {
    /// Slices per picture.
    pub count: u8,
    /// Threads.
    pub threads: u8,
}

impl Slices {
    /// At least what the client asks for, and at least one per thread: two
    /// threads nearly halve the time, more than four gain little.
    #[must_use]
    pub fn choose(asked: u8, cores: usize) -> Self {
        let threads = u8::try_from(cores.clamp(1, MOST_THREADS)).unwrap_or(1);
        let count = asked.max(threads).clamp(1, openh264::MAX_SLICES);
        Self { count, threads }
    }
}

/// Why no software encoder could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenSoftwareError {
    /// Only 8-bit 4:2:0 H.264 is encoded on the CPU.
    #[error("the software encoder makes 8-bit 4:2:0 H.264 only, not {profile:?}")]
    Profile {
        /// What was asked.
        profile: VideoProfile,
    },
    /// The library refused.
    #[error(transparent)]
    Library(#[from] openh264::OpenError),
}

/// Why this build encodes worse than it should, if it does.
#[must_use]
pub fn degraded() -> Option<&'static str> {
    (!openh264::has_assembler())
        .then_some("OpenH264 was built without nasm and is about 2.8 times slower; install nasm and build again")
}

fn settings(plan: &VideoPlan, slices: Slices) -> Settings {
    let size = even(plan.size);
    let points = color_matrix::code_points(plan.colorimetry.space);
    #[allow(clippy::cast_possible_truncation, reason = "a frame rate needs no 53 bits")]
    let frame_rate = plan.frame_rate.hz() as f32;
    Settings {
        width: size.width,
        height: size.height,
        frame_rate,
        bitrate: u32::try_from(plan.bitrate.bps()).unwrap_or(u32::MAX),
        slices: slices.count,
        threads: slices.threads,
        primaries: points.primaries,
        transfer: points.transfer,
        matrix: points.matrix,
        full_range: plan.colorimetry.range == ColorRange::Full,
    }
}

fn samples(plan: &VideoPlan) -> f64 {
    f64::from(plan.size.width) * f64::from(plan.size.height)
}

fn broken(error: &dyn std::fmt::Display) -> EncodeError {
    EncodeError { encoder: NAME, what: error.to_string() }
}

/// Level 5.2.
const LARGEST: Size = Size::new(4096, 2304);

const NAME: &str = "software/openh264";
const MOST_THREADS: usize = 4;

#[cfg(test)]
mod decoded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_of_many_cores_starts_few_threads() {
        let threads = [0, 1, 2, 4, 64, 1000].map(|cores| Slices::choose(1, cores).threads);
        assert_eq!(threads, [1, 1, 2, 4, 4, 4]);
    }

    #[test]
    fn slices_are_as_many_as_asked_for_and_one_a_thread_at_least() {
        assert_eq!(Slices::choose(1, 64), Slices { count: 4, threads: 4 });
        assert_eq!(Slices::choose(6, 2), Slices { count: 6, threads: 2 });
        assert_eq!(Slices::choose(255, 2).count, openh264::MAX_SLICES);
    }
}
