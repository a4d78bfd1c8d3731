//! Vulkan Video: the encode engines of GPUs, driven by the standard's interface.
//!
//! The picture is converted on the engine's GPU, copied there into a picture of the
//! engine's own tiling, and encoded from that. Which pictures refer to which is ours to
//! say, picture by picture, so that what a client lost is avoided; slice headers are the
//! driver's, made of what it is told. One device per stream, opened and used on the encode
//! thread alone.

mod device;

use earthshine_ffi::vulkan::video::{Coding, Colour, Encoder as Engine, OpenVideoError, RateMode, Reference, Settings};
use earthshine_ffi::vulkan::{self, Handle, OpenVulkanError, SurfaceFormat, VulkanError};
use tracing::info;

use self::device::{Found, Gpus, is_driven};
pub use self::device::{NodeError, OpenDeviceError};
use crate::clock::Micros;
use crate::codec::{VideoCodec, VideoProfile};
use crate::color::{ColorRange, Colorimetry};
use crate::gpu::GpuAddress;
use crate::ipc::abilities::{Abilities, Ability};
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{Conversion, VideoPlan};
use crate::units::{Bitrate, FrameRate, Size};
use crate::worker::convert::color_matrix;
use crate::worker::convert::planes::even;
use crate::worker::convert::vulkan::{PICTURE_DEADLINE, Target, VulkanPicture};
use crate::worker::encode::bitstream;
use crate::worker::encode::references::{Kept, References};
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::imports::Importable;

/// An open Vulkan Video encoder with its picture.
#[derive(Debug)]
pub struct VulkanEncoder {
    engine: Engine,
    picture: VulkanPicture,
    gpu: GpuAddress,
    colorimetry: Colorimetry,
    references: References,
    /// Pictures that the client lost have their place among those that are kept.
    keeps_lost: bool,
    /// The picture is another one than the engine has.
    changed: bool,
    /// Pictures since the last IDR picture, that included.
    order: u32,
    idrs: u16,
    // The first picture is an IDR picture, asked or not.
    opened: bool,
    /// The next picture is the first that does not refer to lost ones.
    recovers: bool,
}

/// Why no Vulkan Video encoder could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenVulkanVideoError {
    /// Only 4:2:0 is implemented.
    #[error(
        "Vulkan Video is driven for 4:2:0 pictures in H.264 (8 bits), HEVC and AV1 (8 and 10) only, not {profile:?}"
    )]
    Profile {
        /// What was asked.
        profile: VideoProfile,
    },
    /// Pictures are to be converted on the CPU.
    #[error("Vulkan Video takes pictures that its own GPU converted; set video.conversion to \"auto\" or \"vulkan\"")]
    Conversion,
    /// No GPU does it.
    #[error(transparent)]
    Device(#[from] OpenDeviceError),
    /// The driver refused.
    #[error(transparent)]
    Video(#[from] OpenVideoError),
    /// Pictures cannot be converted on its GPU.
    #[error("conversion on the GPU: {0}")]
    Conversions(#[from] OpenVulkanError),
}

impl From<VulkanError> for OpenVulkanVideoError {
    fn from(error: VulkanError) -> Self {
        Self::Video(error.into())
    }
}

/// What a GPU makes; the first that makes anything of ours, if none is given.
///
/// # Errors
/// [`OpenVulkanVideoError`]: there is none, or it cannot be asked.
pub fn abilities(gpu: Option<&GpuAddress>) -> Result<Abilities, OpenVulkanVideoError> {
    let gpus = Gpus::of(gpu)?;
    let profiles = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1].into_iter().flat_map(VideoProfile::all_of);
    let (mut abilities, mut reason) = (Abilities::default(), None);
    for profile in profiles.filter(|profile| is_driven(*profile)) {
        match gpus.find(profile) {
            Ok(Found { node, physical, can, .. }) => {
                let most = Some(Size::new(can.most.0, can.most.1));
                abilities.device = format!("{}: {}", node.display(), physical.name);
                abilities.gpu = Some(GpuAddress::of_node(node));
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

impl VulkanEncoder {
    /// Opens an encoder for a plan on its GPU, or on the first that encodes it.
    ///
    /// # Errors
    /// [`OpenVulkanVideoError`]; nothing stays open.
    pub fn open(plan: &VideoPlan) -> Result<Self, OpenVulkanVideoError> {
        if !is_driven(plan.profile) {
            return Err(OpenVulkanVideoError::Profile { profile: plan.profile });
        }
        if plan.conversion == Conversion::Cpu {
            return Err(OpenVulkanVideoError::Conversion);
        }
        let Found { node, instance, physical, profile, can } = Gpus::of(plan.gpu.as_ref())?.find(plan.profile)?;
        let device = vulkan::Device::open_video(&instance, physical).map_err(OpenVideoError::from)?;
        let settings = settings(plan, can.slots);
        let engine = Engine::open(&device, profile, &can, &settings, PICTURE_DEADLINE)?;
        let target = Target {
            visible: plan.size,
            colorimetry: plan.colorimetry,
            format: if plan.profile.ten_bit { SurfaceFormat::P010 } else { SurfaceFormat::Nv12 },
            handle: Handle::None,
            deadline: PICTURE_DEADLINE,
        };
        let picture = VulkanPicture::open(&device, &target)?;
        let name = &device.physical().name;
        info!(node = %node.display(), device = name, ?profile, ?can, ?settings, "Vulkan Video open");
        Ok(Self {
            engine,
            picture,
            gpu: GpuAddress::of_node(node),
            colorimetry: plan.colorimetry,
            references: References::new(settings.references.into()),
            // Each picture of HEVC says what is kept, and a decoder misses what it is told
            // to keep.
            keeps_lost: plan.profile.codec != VideoCodec::Hevc,
            changed: true,
            order: 0,
            idrs: 0,
            opened: false,
            recovers: false,
        })
    }

    fn coding(&self, reference: Option<Kept>, slot: usize) -> Coding {
        let known = |kept: &Kept| Reference { slot: number(kept.surface), order: kept.order };
        Coding {
            reference: reference.as_ref().map(known),
            slot: number(slot),
            order: self.order,
            idr: self.idrs,
            kept: self.references.kept().filter(|kept| self.keeps_lost || !kept.lost).map(known).collect(),
        }
    }
}

impl Encoder for VulkanEncoder {
    fn name(&self) -> &str {
        NAME
    }

    fn gpu(&self) -> Option<&GpuAddress> {
        Some(&self.gpu)
    }

    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let rows = self.picture.show(frame).map_err(|error| broken(&error))?;
        self.changed |= !rows.is_empty();
        Ok(())
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let started = Micros::now();
        let FrameRequest { picture, captured, repeated, .. } = request;
        let reference = self.references.newest_sound().filter(|_| self.opened && !request.idr);
        if reference.is_none() {
            self.references.clear();
            (self.order, self.idrs) = (0, self.idrs.wrapping_add(1));
        }
        let slot = self.references.free_surface();
        let coding = self.coding(reference, slot);
        let mut data = Vec::with_capacity(1 << 16);
        let surface = self.changed.then(|| self.picture.surface());
        self.engine.encode(surface, &coding, &mut data).map_err(|error| broken(&error))?;
        self.references.keep(Kept { picture, order: self.order, surface: slot, lost: false });
        (self.order, self.opened, self.changed) = (self.order + 1, true, false);
        let recovers = std::mem::take(&mut self.recovers);
        let kind = match (reference, recovers) {
            (None, _) => FrameKind::Idr,
            (Some(_), true) => FrameKind::Recovered,
            (Some(_), false) => FrameKind::Predicted,
        };
        let encoding = Micros::now().since(started);
        Ok(EncodedFrame { data, kind, picture, captured, encoding, repeated })
    }

    fn imports(&self) -> Option<Importable> {
        self.picture.importable().cloned()
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        let rate = *self.engine.rate();
        if matches!(rate.mode, RateMode::Quantizer(_)) {
            return Err(broken(&"this driver has no rate control: the quantizer is always the same"));
        }
        self.engine.set_rate(vulkan::video::Rate { bits_per_second: bitrate.bps(), ..rate });
        Ok(())
    }

    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        let rate = *self.engine.rate();
        self.engine.set_rate(vulkan::video::Rate { frame_rate: (frame_rate.millihertz(), 1000), ..rate });
        Ok(true)
    }

    fn invalidate_references(&mut self, first: u32) -> bool {
        let sound = self.references.lose(first);
        self.recovers |= sound;
        sound
    }

    fn picture(&self) -> Option<RawPicture> {
        self.picture.raw(self.colorimetry)
    }
}

/// `slots` is how many pictures the engine keeps, the one that is encoded included.
fn settings(plan: &VideoPlan, slots: u32) -> Settings {
    let size = even(plan.size);
    let points = color_matrix::code_points(plan.colorimetry.space);
    let most = u8::try_from(slots.saturating_sub(1)).unwrap_or(u8::MAX).max(1);
    let references = if plan.single_reference { 1 } else { REFERENCES.min(most) };
    let (millihertz, bits_per_second) = (plan.frame_rate.millihertz(), plan.bitrate.bps());
    Settings {
        size: (size.width, size.height),
        level: match plan.profile.codec {
            VideoCodec::Hevc => bitstream::hevc::level(size, millihertz, bits_per_second),
            VideoCodec::Av1 => bitstream::av1::level(size, millihertz, bits_per_second),
            VideoCodec::H264 => bitstream::h264::level(size, millihertz, bits_per_second, references),
        },
        references,
        slices: plan.slices.into(),
        colour: Colour {
            primaries: points.primaries,
            transfer: points.transfer,
            matrix: points.matrix,
            full_range: plan.colorimetry.range == ColorRange::Full,
        },
        rate: (millihertz, 1000),
        bits_per_second,
    }
}

fn number(slot: usize) -> u8 {
    u8::try_from(slot).unwrap_or(u8::MAX)
}

fn broken(error: &dyn std::fmt::Display) -> EncodeError {
    EncodeError { encoder: NAME, what: error.to_string() }
}

const NAME: &str = "vulkan";

/// Pictures that decoders keep, where the client takes more than one: what H.264 allows
/// up to 4096x2160 at level 5.1, and HEVC with the largest pictures of a level.
const REFERENCES: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::encode::testing::plan;

    #[test]
    fn what_is_not_driven_is_refused_before_a_driver_is_asked() {
        let mut plan = plan(320, 176);
        plan.conversion = Conversion::Cpu;
        assert!(matches!(VulkanEncoder::open(&plan), Err(OpenVulkanVideoError::Conversion)));
        plan.profile.ten_bit = true;
        assert!(matches!(VulkanEncoder::open(&plan), Err(OpenVulkanVideoError::Profile { .. })));
    }

    #[test]
    fn a_plan_becomes_settings() {
        let mut plan = plan(1919, 1079);
        (plan.slices, plan.single_reference) = (4, false);
        let told = settings(&plan, 17);
        assert_eq!((told.size, told.slices, told.references, told.level), ((1920, 1080), 4, 5, 50));
        assert_eq!((told.rate, told.bits_per_second), ((60_000, 1000), 5_000_000));
        assert_eq!(settings(&plan, 3).references, 2, "one place is for the picture itself");
        plan.single_reference = true;
        assert_eq!(settings(&plan, 17).references, 1);
        plan.profile.codec = VideoCodec::Hevc;
        assert_eq!(settings(&plan, 17).level, 123);
    }
}
