//! NVIDIA's encode engine.
//!
//! The picture is converted on the engine's GPU, into memory that the engine reads
//! from then on; or on the CPU, and copied to the device in one step. One CUDA context
//! per stream, made and used on the encode thread alone.

use std::path::Path;
use std::rc::Rc;

use earthshine_ffi::cuda::{Context, CudaError, Device, Driver, ExternalMemory, OpenDriverError};
use earthshine_ffi::nvenc::{
    self, Api, Capabilities, Codec, Colour, EncoderError, Hdr, NvencError, OpenApiError, Request, Samples, Settings,
    SharedPicture, Split,
};
use earthshine_ffi::vulkan::{self, Handle, OpenVulkanError, Selection, SurfaceFormat, VulkanError};
use tracing::{info, warn};

use crate::clock::Micros;
use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::color::{ColorRange, Colorimetry};
use crate::gpu::{GpuAddress, bus_id};
use crate::ipc::abilities::{Abilities, Ability};
use crate::ipc::picture::RawPicture;
use crate::stream_plan::{Conversion, VideoPlan};
use crate::units::{Bitrate, FrameRate, Size};
use crate::worker::convert::color_matrix::{self, CodePoints};
use crate::worker::convert::picture::Picture;
use crate::worker::convert::planes::even;
use crate::worker::convert::vulkan::{PICTURE_DEADLINE, Target, VulkanPicture};
use crate::worker::encode::probe::Unavailable;
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::imports::Importable;
use crate::worker::screenshot;

/// An open NVENC encoder with its picture.
#[derive(Debug)]
pub struct NvencEncoder {
    // Before the memory that it reads.
    engine: nvenc::Encoder,
    picture: Converted,
    gpu: GpuAddress,
    colorimetry: Colorimetry,
    // The first picture is an IDR frame, asked or not.
    opened: bool,
    /// The next picture is the first that does not refer to lost ones.
    recovers: bool,
    /// The next picture begins a wave of intra blocks.
    refreshes: bool,
}

/// The newest picture, and where it is converted.
#[derive(Debug)]
enum Converted {
    /// On the CPU; the engine has a copy.
    Cpu(Box<Picture>),
    /// On the engine's GPU, where the engine reads it.
    Gpu(Box<VulkanPicture>),
}

/// Why no NVENC encoder could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenNvencError {
    /// There is no GPU of NVIDIA's here.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// CUDA does not work.
    #[error(transparent)]
    Driver(#[from] OpenDriverError),
    /// CUDA refused.
    #[error(transparent)]
    Cuda(#[from] CudaError),
    /// The driver sees no GPU.
    #[error("CUDA sees no GPU; pass one to this machine or container")]
    NoDevice,
    /// NVENC does not work.
    #[error(transparent)]
    Api(#[from] OpenApiError),
    /// NVENC refused.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// Pictures cannot be converted on its GPU, and shall be.
    #[error("conversion on the GPU: {0}")]
    Vulkan(#[from] OpenVulkanError),
}

impl From<VulkanError> for OpenNvencError {
    fn from(error: VulkanError) -> Self {
        Self::Vulkan(error.into())
    }
}

impl From<NvencError> for OpenNvencError {
    fn from(error: NvencError) -> Self {
        Self::Encoder(error.into())
    }
}

/// The GPUs that the driver sees, in its order.
///
/// # Errors
/// [`OpenNvencError`]: it sees none, or cannot be asked.
pub fn gpus() -> Result<Vec<GpuAddress>, OpenNvencError> {
    let (_, devices) = devices()?;
    if devices.is_empty() {
        return Err(OpenNvencError::NoDevice);
    }
    Ok(devices.iter().map(address).collect())
}

/// What the engine of a GPU makes, of the first one if none is given.
///
/// # Errors
/// [`OpenNvencError`]: there is none, or it cannot be asked.
pub fn abilities(gpu: Option<&GpuAddress>) -> Result<Abilities, OpenNvencError> {
    let Opened { api, context, device } = Opened::new(gpu)?;
    let codecs = Capabilities::probe(&api, &context)?;
    let able = codecs.into_iter().flat_map(|(codec, can)| {
        let most = Some(Size::new(can.most_width, can.most_height));
        let profiles = VideoProfile::all_of(codec_named(codec)).filter(move |profile| can.makes(samples(*profile)));
        profiles.map(move |profile| Ability { profile, most })
    });
    let gpu = Some(address(&device));
    Ok(Abilities { device: format!("{} at {}", device.name, device.bus_id), gpu, able: able.collect() })
}

/// The driver and all its GPUs.
fn devices() -> Result<(Driver, Vec<Device>), OpenNvencError> {
    let driver = Driver::open().map_err(|error| why_not(error, Path::new("/dev/nvidiactl")))?;
    let devices = driver.devices()?;
    Ok((driver, devices))
}

fn address(device: &Device) -> GpuAddress {
    GpuAddress::at(bus_id(&device.bus_id).unwrap_or_else(|| device.bus_id.clone()))
}

/// The driver with a context of its own on a GPU.
struct Opened {
    api: Api,
    context: Rc<Context>,
    device: Device,
}

impl Opened {
    /// On this one; on the first, if none is given.
    fn new(gpu: Option<&GpuAddress>) -> Result<Self, OpenNvencError> {
        let (driver, devices) = devices()?;
        let missing = || match gpu {
            Some(gpu) => Unavailable::NoDevice { looked_for: format!("GPU {gpu} among those of CUDA") }.into(),
            None => OpenNvencError::NoDevice,
        };
        let is_wanted = |device: &Device| gpu.is_none_or(|gpu| gpu.is(&address(device)));
        let device = devices.into_iter().find(is_wanted).ok_or_else(missing)?;
        let api = Api::open()?;
        let context = Context::create(&driver, &device)?;
        Ok(Self { api, context, device })
    }
}

impl NvencEncoder {
    /// Opens an encoder for a plan on its GPU, or on the first.
    ///
    /// # Errors
    /// [`OpenNvencError`]; nothing stays open.
    pub fn open(plan: &VideoPlan) -> Result<Self, OpenNvencError> {
        let opening = Opening { opened: Opened::new(plan.gpu.as_ref())?, settings: settings(plan), plan };
        let (engine, picture) = opening.encoder()?;
        let conversion = match &picture {
            Converted::Cpu(_) => "cpu",
            Converted::Gpu(picture) => &picture.device().physical().name,
        };
        let Device { name, bus_id: bus, .. } = &opening.opened.device;
        info!(device = name, bus, conversion, capabilities = ?engine.capabilities(), "NVENC open");
        let gpu = address(&opening.opened.device);
        if plan.intra_refresh && !engine.refreshes() {
            info!("the client asks for intra refresh, which this GPU does not have");
        }
        let colorimetry = plan.colorimetry;
        Ok(Self { engine, picture, gpu, colorimetry, opened: false, recovers: false, refreshes: false })
    }
}

/// What an encoder is opened with.
struct Opening<'a> {
    opened: Opened,
    settings: Settings,
    plan: &'a VideoPlan,
}

impl Opening<'_> {
    fn encoder(&self) -> Result<(nvenc::Encoder, Converted), OpenNvencError> {
        match self.plan.conversion {
            Conversion::Cpu => self.with_copies(),
            Conversion::Vulkan => self.with_shared_memory(),
            Conversion::Auto => self.with_shared_memory().or_else(|reason| {
                info!(%reason, "pictures are converted on the CPU");
                self.with_copies()
            }),
        }
    }

    fn with_copies(&self) -> Result<(nvenc::Encoder, Converted), OpenNvencError> {
        let engine = nvenc::Encoder::open(&self.opened.api, &self.opened.context, &self.settings)?;
        let picture = Picture::new(self.plan.size, self.plan.profile.chroma, self.plan.colorimetry);
        Ok((engine, Converted::Cpu(Box::new(picture))))
    }

    /// One memory, which Vulkan makes and writes, CUDA imports and the engine reads.
    fn with_shared_memory(&self) -> Result<(nvenc::Encoder, Converted), OpenNvencError> {
        let (opened, instance) = (&self.opened, vulkan::Instance::open()?);
        let physical = instance.device(Selection::Uuid(opened.device.uuid))?;
        let device = vulkan::Device::open(&instance, physical)?;
        let target = Target {
            visible: self.plan.size,
            colorimetry: self.plan.colorimetry,
            format: surface_format(self.plan.profile),
            handle: Handle::Opaque,
            deadline: PICTURE_DEADLINE,
        };
        let picture = VulkanPicture::open(&device, &target)?;
        let exported = picture.surface().export()?;
        let memory = ExternalMemory::import(&opened.context, exported.fd, exported.length, exported.is_dedicated)?;
        let shared = SharedPicture { memory, pitch: picture.surface().pitch() };
        let engine = nvenc::Encoder::open_shared(&opened.api, &opened.context, &self.settings, shared)?;
        Ok((engine, Converted::Gpu(Box::new(picture))))
    }
}

impl Encoder for NvencEncoder {
    fn name(&self) -> &str {
        NAME
    }

    fn gpu(&self) -> Option<&GpuAddress> {
        Some(&self.gpu)
    }

    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let picture = match &mut self.picture {
            Converted::Gpu(picture) => return picture.show(frame).map(drop).map_err(|error| broken(&error)),
            Converted::Cpu(picture) => picture,
        };
        picture.show(frame).map_err(|error| broken(&error))?;
        let planes = picture.planes();
        let planes =
            [(&planes.y[..], planes.y_stride), (&planes.u[..], planes.uv_stride), (&planes.v[..], planes.uv_stride)];
        self.engine.load(&nvenc::Picture { planes }).map_err(|error| broken(&error))
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let started = Micros::now();
        let mut data = Vec::with_capacity(1 << 16);
        let FrameRequest { picture, captured, repeated, .. } = request;
        let idr = request.idr || !self.opened;
        let (recovers, refresh) = (std::mem::take(&mut self.recovers), std::mem::take(&mut self.refreshes));
        let asked = Request { picture: picture.into(), idr, refresh };
        let coded = self.engine.encode(asked, &mut data).map_err(|error| broken(&error))?;
        self.opened = true;
        let kind = match (coded.is_idr, recovers, refresh) {
            (true, ..) => FrameKind::Idr,
            (false, true, _) => FrameKind::Recovered,
            (false, false, true) => FrameKind::Refreshing,
            (false, false, false) => FrameKind::Predicted,
        };
        let encoding = Micros::now().since(started);
        Ok(EncodedFrame { data, kind, picture, captured, encoding, repeated })
    }

    fn imports(&self) -> Option<Importable> {
        match &self.picture {
            Converted::Cpu(_) => None,
            Converted::Gpu(picture) => picture.importable().cloned(),
        }
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.engine.set_bitrate(bits_per_second(bitrate)).map_err(|error| broken(&error))
    }

    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        self.engine.set_frame_rate(fraction(frame_rate)).map_err(|error| broken(&error))?;
        Ok(true)
    }

    fn refresh(&mut self) -> bool {
        self.refreshes |= self.engine.refreshes();
        self.refreshes
    }

    fn invalidate_references(&mut self, first: u32) -> bool {
        match self.engine.invalidate_references(first.into()) {
            Ok(done) => {
                self.recovers |= done;
                done
            }
            Err(error) => {
                warn!(%error, "references not invalidated: an IDR frame follows");
                false
            }
        }
    }

    fn picture(&self) -> Option<RawPicture> {
        match &self.picture {
            Converted::Cpu(picture) => Some(screenshot::copy(picture.planes(), self.colorimetry)),
            Converted::Gpu(picture) => picture.raw(self.colorimetry),
        }
    }
}

fn settings(plan: &VideoPlan) -> Settings {
    let size = even(plan.size);
    let points = color_matrix::code_points(plan.colorimetry.space);
    Settings {
        codec: match plan.profile.codec {
            VideoCodec::H264 => Codec::H264,
            VideoCodec::Hevc => Codec::Hevc,
            VideoCodec::Av1 => Codec::Av1,
        },
        samples: samples(plan.profile),
        width: size.width,
        height: size.height,
        frame_rate: fraction(plan.frame_rate),
        bitrate: bits_per_second(plan.bitrate),
        preset: plan.nvenc.preset,
        slices: plan.slices.into(),
        references: if plan.single_reference { 1 } else { REFERENCES },
        spatial_aq: plan.nvenc.spatial_aq,
        two_pass: plan.nvenc.two_pass,
        colour: Colour {
            primaries: points.primaries,
            transfer: points.transfer,
            matrix: points.matrix,
            full_range: plan.colorimetry.range == ColorRange::Full,
        },
        hdr: hdr(points, plan.profile),
        intra_refresh: plan.intra_refresh.then(|| plan.frame_rate.millihertz().div_ceil(1000).max(2)),
        split: split(size, plan.frame_rate),
    }
}

const fn fraction(frame_rate: FrameRate) -> (u32, u32) {
    (frame_rate.millihertz(), 1000)
}

/// Of a picture in PQ. No client gets one yet: what is captured is SDR.
fn hdr(points: CodePoints, profile: VideoProfile) -> Option<Hdr> {
    (points.transfer == PQ && profile.ten_bit).then_some(Hdr::BT2020_1000)
}

/// Engines are shared by all streams of a GPU, and strips cost quality, so one engine
/// has to do as long as it can.
fn split(size: Size, frame_rate: FrameRate) -> Split {
    let samples = u64::from(size.width) * u64::from(size.height) * u64::from(frame_rate.millihertz()) / 1000;
    if samples > ONE_ENGINE { Split::Forced } else { Split::Never }
}

fn samples(profile: VideoProfile) -> Samples {
    Samples { ten_bit: profile.ten_bit, yuv444: profile.chroma == Chroma::Yuv444 }
}

const fn codec_named(codec: Codec) -> VideoCodec {
    match codec {
        Codec::H264 => VideoCodec::H264,
        Codec::Hevc => VideoCodec::Hevc,
        Codec::Av1 => VideoCodec::Av1,
    }
}

/// Samples as Vulkan writes them for NVENC.
const fn surface_format(profile: VideoProfile) -> SurfaceFormat {
    match (profile.chroma, profile.ten_bit) {
        (Chroma::Yuv420, false) => SurfaceFormat::Nv12,
        (Chroma::Yuv420, true) => SurfaceFormat::P010,
        (Chroma::Yuv444, false) => SurfaceFormat::Yuv444,
        (Chroma::Yuv444, true) => SurfaceFormat::Yuv444Ten,
    }
}

/// A missing device explains a driver that does not load better than the driver
/// does.
fn why_not(error: OpenDriverError, control: &Path) -> OpenNvencError {
    if control.exists() {
        return error.into();
    }
    Unavailable::NoDevice { looked_for: control.display().to_string() }.into()
}

fn bits_per_second(bitrate: Bitrate) -> u32 {
    u32::try_from(bitrate.bps()).unwrap_or(u32::MAX)
}

fn broken(error: &dyn std::fmt::Display) -> EncodeError {
    EncodeError { encoder: NAME, what: error.to_string() }
}

const NAME: &str = "nvenc";

/// Transfer characteristics of SMPTE ST 2084 (ITU-T H.273).
const PQ: u8 = 16;

/// Luma samples per second up to which one engine codes all of a picture: 4096x2160 at
/// 60 Hz. Not measured: it is half of what others have seen of one engine with the
/// fastest preset in one pass, and we use two. The driver's own rule goes by rows alone,
/// so that 2160 of them take two engines at any rate and 1440 none.
const ONE_ENGINE: u64 = 4096 * 2160 * 60;

/// Pictures that one may refer to, where the client takes more than one: what H.264
/// allows up to 4096x2160 at level 5.1.
const REFERENCES: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream_plan::NvencTuning;
    use crate::worker::encode::testing::plan;

    #[test]
    fn a_missing_device_is_named() {
        let missing = Path::new("/nonexistent/nvidiactl");
        let error = OpenDriverError::Load(earthshine_ffi::dynamic_library::LoadError::Open {
            name: "libcuda.so.1",
            reason: "not there".to_owned(),
        });
        assert!(why_not(error.clone(), missing).to_string().contains("no /nonexistent/nvidiactl"));
        assert!(why_not(error, Path::new("/")).to_string().starts_with("cannot open libcuda.so.1: not there"));
    }

    #[test]
    fn a_plan_becomes_settings() {
        let mut plan = plan(1281, 719);
        (plan.slices, plan.profile.ten_bit) = (4, true);
        plan.nvenc = NvencTuning { preset: 6, two_pass: false, spatial_aq: true };
        let settings = settings(&plan);
        assert_eq!((settings.width, settings.height), (1282, 720));
        assert_eq!((settings.frame_rate, settings.bitrate, settings.slices), ((60_000, 1000), 5_000_000, 4));
        assert_eq!(settings.samples, Samples { ten_bit: true, yuv444: false });
        assert_eq!((settings.preset, settings.two_pass, settings.spatial_aq), (6, false, true));
        assert_eq!((settings.hdr, settings.intra_refresh, settings.split), (None, None, Split::Never));
    }

    #[test]
    fn a_wave_of_intra_blocks_takes_a_second() {
        let mut plan = plan(1280, 720);
        plan.intra_refresh = true;
        for (millihertz, frames) in [(60_000, 60), (59_940, 60), (500, 2)] {
            plan.frame_rate = FrameRate::from_millihertz(millihertz);
            assert_eq!(settings(&plan).intra_refresh, Some(frames));
        }
    }

    #[test]
    fn only_what_one_engine_does_not_hold_is_split() {
        let at = |width, height, hz| split(Size::new(width, height), FrameRate::from_hz(hz));
        assert_eq!([at(1920, 1080, 240), at(3840, 2160, 60), at(4096, 2160, 60)], [Split::Never; 3]);
        assert_eq!([at(3840, 2160, 120), at(5120, 1440, 240), at(7680, 4320, 30)], [Split::Forced; 3]);
    }

    #[test]
    fn only_pq_of_ten_bits_has_a_mastering_display() {
        let points = CodePoints { primaries: 9, transfer: PQ, matrix: 9 };
        let ten = VideoProfile { codec: VideoCodec::Hevc, chroma: Chroma::Yuv420, ten_bit: true };
        assert_eq!(hdr(points, ten), Some(Hdr::BT2020_1000));
        assert_eq!(hdr(points, VideoProfile { ten_bit: false, ..ten }), None);
        assert_eq!(hdr(CodePoints { transfer: 14, ..points }, ten), None);
    }
}
