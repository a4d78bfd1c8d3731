//! VA-API: the encode engines of AMD's and Intel's GPUs.
//!
//! The picture is converted on the GPU, where the encoder reads it, or on the CPU and
//! taken there. Which pictures refer to
//! which is ours to say, picture by picture, so that what a client lost is avoided; and
//! so are the headers, where the driver takes them, because the parameters that it gets
//! have no place for colours. One display per stream, opened and used on the encode
//! thread alone.

mod av1;
mod choice;
mod device;
mod h264;
mod hevc;
mod input;
mod rate;
mod shared;
mod slices;
mod source;
mod syntax;
#[cfg(test)]
mod testing;

use std::ops::Range;
use std::rc::Rc;

use earthshine_ffi::vaapi::sys::*;
use earthshine_ffi::vaapi::{Buffer, Capabilities, CodedBuffer, Config, Context, Surface, VaError};
use tracing::info;

pub use self::choice::ChooseError;
use self::choice::{Choice, Headers, Profile};
use self::device::Device;
pub use self::device::{NodeError, OpenDeviceError};
use self::rate::Rate;
pub use self::shared::OpenSharedError;
pub use self::source::OpenSourceError;
use self::source::{Source, Wanted};
use self::syntax::{Coding, Reference, Syntax};
use crate::clock::Micros;
use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::Colorimetry;
use crate::gpu::GpuAddress;
use crate::ipc::abilities::{Abilities, Ability};
use crate::ipc::picture::RawPicture;
use crate::stream_plan::VideoPlan;
use crate::units::{Bitrate, FrameRate, Size};
use crate::worker::convert::planes::even;
use crate::worker::encode::bitstream;
use crate::worker::encode::bitstream::nal::Packed;
use crate::worker::encode::references::{Kept, References};
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::imports::Importable;

/// An open VA-API encoder with its picture.
#[derive(Debug)]
pub struct VaapiEncoder {
    gpu: GpuAddress,
    colorimetry: Colorimetry,
    syntax: Box<dyn Syntax>,
    headers: Headers,
    rate: Rate,
    /// The bit rate changed since the last picture.
    rate_changed: bool,
    slices: Vec<Range<u32>>,
    references: References,
    /// Pictures since the last IDR picture, that included.
    order: u32,
    idrs: u16,
    // The first picture is an IDR picture, asked or not.
    opened: bool,
    /// The next picture is the first that does not refer to lost ones.
    recovers: bool,
    // In this order they are given back.
    coded: CodedBuffer,
    context: Rc<Context>,
    source: Source,
    targets: Vec<Rc<Surface>>,
}

/// Why no VA-API encoder could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenVaapiError {
    /// Only 4:2:0 is implemented.
    #[error("VA-API is driven for 4:2:0 pictures in H.264 (8 bits), HEVC and AV1 (8 and 10) only, not {profile:?}")]
    Profile {
        /// What was asked.
        profile: VideoProfile,
    },
    /// No GPU does it.
    #[error(transparent)]
    Device(#[from] OpenDeviceError),
    /// The driver refused.
    #[error(transparent)]
    Va(#[from] VaError),
    /// There is no place for pictures.
    #[error(transparent)]
    Source(#[from] OpenSourceError),
}

/// What a GPU makes; the first that makes anything of ours, if none is given.
///
/// # Errors
/// [`OpenVaapiError`]: there is none, or it cannot be asked.
pub fn abilities(gpu: Option<&GpuAddress>) -> Result<Abilities, OpenVaapiError> {
    let profiles = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1].into_iter().flat_map(VideoProfile::all_of);
    let (mut abilities, mut reason) = (Abilities::default(), None);
    for profile in profiles.filter(|profile| is_driven(*profile)) {
        match device::open(gpu, profile, (SMALL.width, SMALL.height)) {
            Ok(Device { node, display, choice }) => {
                let Capabilities { most_width, most_height, .. } = choice.capabilities;
                let most = (most_width > 0 && most_height > 0).then(|| Size::new(most_width, most_height));
                abilities.gpu = Some(GpuAddress::of_node(node.clone()));
                abilities.device = format!("{}: {}", node.display(), display.vendor());
                abilities.able.push(Ability { profile, most });
            }
            Err(error) => reason = reason.or(Some(error)),
        }
    }
    match reason {
        Some(reason) if abilities.able.is_empty() => Err(reason.into()),
        _ => Ok(abilities),
    }
}

impl VaapiEncoder {
    /// Opens an encoder for a plan on its GPU, or on the first that encodes it.
    ///
    /// # Errors
    /// [`OpenVaapiError`]; nothing stays open.
    pub fn open(plan: &VideoPlan) -> Result<Self, OpenVaapiError> {
        let profile = plan.profile;
        if !is_driven(profile) {
            return Err(OpenVaapiError::Profile { profile });
        }
        let size = even(plan.size);
        let device = device::open(plan.gpu.as_ref(), profile, (size.width, size.height))?;
        let Device { node, display, choice } = &device;
        let references = references(plan, choice);
        let syntax = syntax(plan, choice, references);
        let coded_size = syntax.coded_size();
        let (format, fourcc) = (choice.profile.format(), choice.profile.fourcc());
        let dimensions = (coded_size.width, coded_size.height);
        let config = Config::create(display, choice.profile.raw(), choice.entrypoint, &attributes(choice))?;
        let references = References::new(references.into());
        let targets = (0..references.surfaces()).map(|_| Surface::create(display, format, fourcc, dimensions));
        let targets: Vec<_> = targets.collect::<Result<_, _>>()?;
        let source = Source::open(display, node, &Wanted { plan, profile: choice.profile, coded: coded_size })?;
        let context = Context::create(&config, dimensions, targets.clone())?;
        let coded = CodedBuffer::create(&context, most_bytes(coded_size.width, coded_size.height))?;
        let (driver, version) = (display.vendor(), display.version());
        let conversion = source.conversion();
        info!(node = %node.display(), driver, ?version, conversion, ?choice, "VA-API open");
        Ok(Self {
            gpu: GpuAddress::of_node(node.clone()),
            colorimetry: plan.colorimetry,
            slices: slices::split(syntax.rows(), plan.slices.into(), &choice.capabilities),
            syntax,
            headers: choice.headers,
            rate: Rate::new(choice, plan.frame_rate, plan.bitrate),
            rate_changed: false,
            references,
            order: 0,
            idrs: 0,
            opened: false,
            recovers: false,
            coded,
            context,
            source,
            targets,
        })
    }

    /// Encodes what was loaded, as `coding` says, and appends it to `data`.
    fn code(&mut self, coding: &Coding, data: &mut Vec<u8>) -> Result<(), EncodeError> {
        let buffers = self.buffers(coding).map_err(|error| broken(&error))?;
        self.context.encode(self.source.surface(), &buffers).map_err(|error| broken(&error))?;
        self.source.surface().sync().map_err(|error| broken(&error))?;
        drop(buffers);
        let status = self.coded.read(data).map_err(|error| broken(&error))?;
        if status.broken || data.is_empty() {
            return Err(broken(&"the driver says that the picture it made is no valid one"));
        }
        let beginning = self.syntax.beginning();
        if !data.starts_with(beginning) {
            data.splice(..0, beginning.iter().copied());
        }
        Ok(())
    }

    /// Everything that a picture is encoded by, in the order that drivers want.
    fn buffers(&self, coding: &Coding) -> Result<Vec<Buffer>, VaError> {
        let mut buffers = Vec::new();
        let begins = coding.reference.is_none();
        if begins {
            buffers.push(self.syntax.sequence(&self.context, self.rate.bits_per_second())?);
            buffers.extend(self.rate.settings(&self.context)?);
        } else if self.rate_changed {
            buffers.extend(self.rate.change(&self.context)?);
        }
        buffers.push(self.syntax.picture(&self.context, coding)?);
        if begins && self.headers.sequence {
            buffers
                .extend(self.packed(VAEncPackedHeaderType::VAEncPackedHeaderSequence, &self.syntax.parameter_sets())?);
        }
        for rows in &self.slices {
            if self.headers.slice {
                let header = self.syntax.slice_header(coding, rows.clone());
                buffers.extend(self.packed(self.syntax.slice_header_kind(), &header)?);
            }
            buffers.push(self.syntax.slice(&self.context, coding, rows.clone())?);
        }
        Ok(buffers)
    }

    fn packed(&self, kind: VAEncPackedHeaderType, header: &Packed) -> Result<[Buffer; 2], VaError> {
        Buffer::packed(&self.context, kind, &header.bytes, header.bits)
    }

    fn coding(&self, reference: Option<Kept>, target: usize) -> Coding {
        let known = |kept: &Kept| Reference { order: kept.order, surface: self.targets[kept.surface].id() };
        let keeps_lost = self.syntax.keeps_lost();
        Coding {
            reference: reference.as_ref().map(known),
            idr: self.idrs,
            order: self.order,
            target: self.targets[target].id(),
            coded: self.coded.id(),
            kept: self.references.kept().filter(|kept| keeps_lost || !kept.lost).map(known).collect(),
        }
    }
}

impl Encoder for VaapiEncoder {
    fn name(&self) -> &str {
        NAME
    }

    fn gpu(&self) -> Option<&GpuAddress> {
        Some(&self.gpu)
    }

    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        self.source.show(frame).map_err(|error| broken(&error))
    }

    fn imports(&self) -> Option<Importable> {
        self.source.imports()
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let started = Micros::now();
        let FrameRequest { picture, captured, repeated, .. } = request;
        let reference = self.references.newest_sound().filter(|_| self.opened && !request.idr);
        if reference.is_none() {
            self.references.clear();
            (self.order, self.idrs) = (0, self.idrs.wrapping_add(1));
        }
        let surface = self.references.free_surface();
        let coding = self.coding(reference, surface);
        let mut data = Vec::with_capacity(1 << 16);
        self.code(&coding, &mut data)?;
        self.references.keep(Kept { picture, order: self.order, surface, lost: false });
        (self.order, self.opened, self.rate_changed) = (self.order + 1, true, false);
        let recovers = std::mem::take(&mut self.recovers);
        let kind = match (reference, recovers) {
            (None, _) => FrameKind::Idr,
            (Some(_), true) => FrameKind::Recovered,
            (Some(_), false) => FrameKind::Predicted,
        };
        let encoding = Micros::now().since(started);
        Ok(EncodedFrame { data, kind, picture, captured, encoding, repeated })
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        if !self.rate.set(bitrate) {
            return Err(broken(&"this driver has no rate control: the quantizer is always the same"));
        }
        self.rate_changed = true;
        Ok(())
    }

    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        self.rate_changed |= self.rate.set_frame_rate(frame_rate);
        Ok(true)
    }

    fn invalidate_references(&mut self, first: u32) -> bool {
        // A slice has to name the picture that it refers to, if that is not the one
        // before. What drivers do that write slice headers themselves is not known.
        let sound = self.references.lose(first) && self.headers.slice;
        self.recovers |= sound;
        sound
    }

    fn picture(&self) -> Option<RawPicture> {
        self.source.copy(self.colorimetry)
    }
}

fn is_driven(profile: VideoProfile) -> bool {
    let codec = match profile.codec {
        VideoCodec::H264 => !profile.ten_bit,
        VideoCodec::Hevc | VideoCodec::Av1 => true,
    };
    codec && profile.chroma == Chroma::Yuv420
}

/// Pictures that decoders keep. More than the last are of use only if slices can name
/// them, and then drivers take any of them.
fn references(plan: &VideoPlan, choice: &Choice) -> u8 {
    if plan.single_reference || !choice.headers.slice { 1 } else { REFERENCES }
}

fn syntax(plan: &VideoPlan, choice: &Choice, references: u8) -> Box<dyn Syntax> {
    let size = even(plan.size);
    match choice.profile {
        Profile::H264(profile) => {
            let level = bitstream::h264::level(size, plan.frame_rate.millihertz(), plan.bitrate.bps(), references);
            let colorimetry = plan.colorimetry;
            Box::new(h264::H264::new(bitstream::h264::Sequence { profile, level, size, references, colorimetry }))
        }
        Profile::Hevc { ten_bit } => {
            let level = bitstream::hevc::level(size, plan.frame_rate.millihertz(), plan.bitrate.bps());
            let tools = hevc::tools(&choice.capabilities, choice.rate_control);
            let colorimetry = plan.colorimetry;
            Box::new(hevc::Hevc::new(bitstream::hevc::Sequence {
                ten_bit,
                level,
                size,
                references,
                colorimetry,
                tools,
            }))
        }
        Profile::Av1 { ten_bit } => {
            let level = bitstream::av1::level(size, plan.frame_rate.millihertz(), plan.bitrate.bps());
            let (tools, colorimetry) = (av1::tools(&choice.capabilities), plan.colorimetry);
            let sequence = bitstream::av1::Sequence { ten_bit, level, size, colorimetry, tools };
            Box::new(av1::Av1::new(sequence, choice.rate_control, choice.headers))
        }
    }
}

fn attributes(choice: &Choice) -> Vec<(VAConfigAttribType, u32)> {
    let mut attributes = vec![
        (VAConfigAttribType::VAConfigAttribRTFormat, choice.profile.format()),
        (VAConfigAttribType::VAConfigAttribRateControl, choice.rate_control.raw()),
    ];
    if choice.headers.raw(choice.profile) != 0 {
        attributes.push((VAConfigAttribType::VAConfigAttribEncPackedHeaders, choice.headers.raw(choice.profile)));
    }
    attributes
}

/// Bytes of a coded picture at most: two of a raw one of 8 bits, and room for headers.
const fn most_bytes(width: u32, height: u32) -> usize {
    width as usize * height as usize * 3 + (1 << 16)
}

fn broken(error: &dyn std::fmt::Display) -> EncodeError {
    EncodeError { encoder: NAME, what: error.to_string() }
}

/// Asked about what can be made: any driver has room for it.
const SMALL: Size = Size::new(640, 360);

const NAME: &str = "vaapi";

/// Pictures that decoders keep, where the client takes more than one: what H.264 allows
/// up to 4096x2160 at level 5.1.
const REFERENCES: u8 = 5;

#[cfg(test)]
mod tests {
    use super::testing::capabilities;
    use super::*;
    use crate::worker::encode::testing::plan;

    #[test]
    fn a_profile_that_is_not_driven_is_refused_before_a_driver_is_asked() {
        let mut plan = plan(320, 176);
        plan.profile.ten_bit = true;
        assert!(matches!(VaapiEncoder::open(&plan), Err(OpenVaapiError::Profile { .. })));
    }

    #[test]
    fn more_than_one_reference_needs_a_client_and_a_driver_that_take_it() {
        let mut plan = plan(320, 176);
        let headers = Headers { sequence: true, slice: true };
        let mut choice = Choice {
            profile: Profile::H264(bitstream::h264::Profile::High),
            entrypoint: VAEntrypoint::VAEntrypointEncSlice,
            capabilities: capabilities(),
            rate_control: choice::RateControl::Constant,
            headers,
        };
        plan.single_reference = false;
        assert_eq!(references(&plan, &choice), REFERENCES);
        choice.headers.slice = false;
        assert_eq!(references(&plan, &choice), 1);
        (choice.headers, plan.single_reference) = (headers, true);
        assert_eq!(references(&plan, &choice), 1);
    }
}
