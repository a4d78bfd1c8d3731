//! Opens the first encoder of the plan's preference list that works here, on the
//! plan's GPU if it names one.
//!
//! Where that GPU encodes it with no family of the list, others follow, in the plan's
//! order, before the processor has to do it; a family that needs no GPU keeps its
//! place in the list.

use crate::gpu::GpuAddress;
use crate::ipc::abilities::Abilities;
use crate::stream_plan::{EncoderFamily, VideoPlan};
use crate::worker::encode::Encoder;
use crate::worker::encode::null::{self, NullEncoder};
use crate::worker::encode::nvenc::{self, NvencEncoder, OpenNvencError};
use crate::worker::encode::probe::{Unavailable, render_nodes};
use crate::worker::encode::software::{self, OpenSoftwareError, SoftwareEncoder};
use crate::worker::encode::vaapi::{self, OpenVaapiError, VaapiEncoder};
use crate::worker::encode::vulkan::{self, OpenVulkanVideoError, VulkanEncoder};

/// An encoder that is open.
#[derive(Debug)]
pub struct Selected {
    /// It.
    pub encoder: Box<dyn Encoder>,
    /// What kind of encoder.
    pub family: EncoderFamily,
    /// The GPU that it is on, if it is on one.
    pub gpu: Option<GpuAddress>,
    /// What was tried before it.
    pub skipped: Vec<Skipped>,
}

/// Opens an encoder. Also returns what was tried before it and why that was passed
/// over, for logs and the API.
///
/// # Errors
/// [`OpenEncoderError`] with every family's reason.
pub fn open(plan: &VideoPlan) -> Result<Selected, OpenEncoderError> {
    open_telling(plan, |_| ())
}

/// Opens an encoder, and says before each attempt whose driver is called now, for
/// whoever waits with a deadline.
///
/// # Errors
/// As [`open`].
pub fn open_telling(plan: &VideoPlan, mut opens: impl FnMut(EncoderFamily)) -> Result<Selected, OpenEncoderError> {
    let mut skipped = Vec::new();
    for (family, gpu) in attempts(plan) {
        opens(family);
        let attempt = VideoPlan { gpu, ..plan.clone() };
        match open_family(family, &attempt) {
            Ok(encoder) => {
                // The plan may know the GPU by more than its encoder does.
                let named = attempt.gpu.filter(|_| family != EncoderFamily::Software);
                let gpu = named.or_else(|| encoder.gpu().cloned());
                return Ok(Selected { encoder, family, gpu, skipped });
            }
            Err(reason) => skipped.push(Skipped { family, gpu: attempt.gpu, reason }),
        }
    }
    Err(OpenEncoderError { skipped })
}

/// What to try, in order.
fn attempts(plan: &VideoPlan) -> Vec<(EncoderFamily, Option<GpuAddress>)> {
    let gpus: Vec<_> = plan.gpu.iter().chain(&plan.other_gpus).cloned().map(Some).collect();
    let gpus = if gpus.is_empty() { vec![None] } else { gpus };
    let needs_gpu = |family: &EncoderFamily| *family != EncoderFamily::Software;
    let mut attempts = Vec::new();
    for families in plan.encoders.chunk_by(|one, next| needs_gpu(one) && needs_gpu(next)) {
        let on = |gpu: Option<&GpuAddress>| families.iter().map(|family| (*family, gpu.cloned())).collect::<Vec<_>>();
        match families {
            [EncoderFamily::Software] => attempts.extend(on(None)),
            _ => attempts.extend(gpus.iter().flat_map(|gpu| on(gpu.as_ref()))),
        }
    }
    attempts
}

/// GPUs that a family may work on; none if nobody knows before it is asked.
#[must_use]
pub fn gpus(family: EncoderFamily) -> Vec<GpuAddress> {
    match family {
        EncoderFamily::Nvenc => nvenc::gpus().unwrap_or_default(),
        EncoderFamily::Vaapi | EncoderFamily::Vulkan => render_nodes().into_iter().map(GpuAddress::of_node).collect(),
        EncoderFamily::Software => Vec::new(),
    }
}

/// What a family can do on a GPU, or on the first that it works on. Asks its driver,
/// which may hang.
///
/// # Errors
/// Why it cannot be used.
pub fn abilities(family: EncoderFamily, gpu: Option<&GpuAddress>) -> Result<Abilities, SkipReason> {
    match family {
        EncoderFamily::Nvenc => Ok(nvenc::abilities(gpu)?),
        EncoderFamily::Vaapi => Ok(vaapi::abilities(gpu)?),
        EncoderFamily::Vulkan => Ok(vulkan::abilities(gpu)?),
        EncoderFamily::Software => Ok(software::abilities()),
    }
}

/// A family that was tried and passed over.
#[derive(Debug)]
pub struct Skipped {
    /// Which family.
    pub family: EncoderFamily,
    /// On which GPU; any, if the plan named none, or the family needs none.
    pub gpu: Option<GpuAddress>,
    /// Why.
    pub reason: SkipReason,
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { family, gpu, reason } = self;
        match gpu {
            Some(gpu) => write!(out, "{family:?} on {gpu}: {reason}"),
            None => write!(out, "{family:?}: {reason}"),
        }
    }
}

/// Why a family was passed over.
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    /// Its device or driver is missing.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// NVENC refused.
    #[error(transparent)]
    Nvenc(#[from] OpenNvencError),
    /// VA-API refused.
    #[error(transparent)]
    Vaapi(#[from] OpenVaapiError),
    /// Vulkan Video refused.
    #[error(transparent)]
    Vulkan(#[from] OpenVulkanVideoError),
    /// The software encoder refused.
    #[error(transparent)]
    Software(#[from] OpenSoftwareError),
}

impl SkipReason {
    /// The family has no device or driver on this machine, which is nobody's fault.
    #[must_use]
    pub const fn is_absence(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Nvenc(OpenNvencError::Unavailable(_)) => true,
            Self::Vaapi(OpenVaapiError::Device(error)) => error.is_absence(),
            Self::Vulkan(OpenVulkanVideoError::Device(error)) => error.is_absence(),
            _ => false,
        }
    }
}

/// No family of the list could be opened.
#[derive(Debug, thiserror::Error)]
#[error("no encoder could be opened: {}", reasons(skipped))]
pub struct OpenEncoderError {
    /// Every family tried, in order; empty if the list was empty.
    pub skipped: Vec<Skipped>,
}

fn open_family(family: EncoderFamily, plan: &VideoPlan) -> Result<Box<dyn Encoder>, SkipReason> {
    Ok(match family {
        EncoderFamily::Nvenc => Box::new(NvencEncoder::open(plan)?),
        EncoderFamily::Vaapi => Box::new(VaapiEncoder::open(plan)?),
        EncoderFamily::Vulkan => Box::new(VulkanEncoder::open(plan)?),
        EncoderFamily::Software if null::is_ordered() => Box::new(NullEncoder::open(plan)),
        EncoderFamily::Software => Box::new(SoftwareEncoder::open(plan)?),
    })
}

fn reasons(skipped: &[Skipped]) -> String {
    if skipped.is_empty() {
        return "the list of encoders is empty".to_owned();
    }
    skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Chroma, VideoCodec, VideoProfile};
    use crate::worker::encode::testing::plan;

    #[test]
    fn families_before_the_one_that_opens_are_reported() {
        let mut plan = plan(320, 176);
        plan.encoders =
            vec![EncoderFamily::Nvenc, EncoderFamily::Vaapi, EncoderFamily::Vulkan, EncoderFamily::Software];
        let Selected { encoder, gpu, skipped, .. } = open(&plan).unwrap();
        assert_eq!(gpu, None);
        assert_eq!(encoder.name(), "software/openh264");
        let families: Vec<_> = skipped.iter().map(|skipped| skipped.family).collect();
        assert_eq!(families, plan.encoders[..3]);
    }

    #[test]
    fn other_gpus_come_before_the_processor_and_after_all_families_of_the_first() {
        let mut plan = plan(320, 176);
        plan.encoders = vec![EncoderFamily::Nvenc, EncoderFamily::Vaapi, EncoderFamily::Software];
        let told = |plan: &VideoPlan| {
            let name = |(family, gpu): (EncoderFamily, Option<GpuAddress>)| {
                format!("{} {}", family.name(), gpu.map(|gpu| gpu.to_string()).unwrap_or_default()).trim().to_owned()
            };
            attempts(plan).into_iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(told(&plan), ["nvenc", "vaapi", "software"], "no GPU is named");
        plan.gpu = Some(GpuAddress::at("b"));
        assert_eq!(told(&plan), ["nvenc b", "vaapi b", "software"]);
        plan.other_gpus = vec![GpuAddress::at("a")];
        assert_eq!(told(&plan), ["nvenc b", "vaapi b", "nvenc a", "vaapi a", "software"]);
        plan.encoders = vec![EncoderFamily::Software, EncoderFamily::Nvenc];
        assert_eq!(told(&plan), ["software", "nvenc b", "nvenc a"]);
        let selected = open(&plan).unwrap();
        assert_eq!((selected.encoder.name(), selected.gpu), ("software/openh264", None));
    }

    #[test]
    fn a_gpu_that_is_not_there_is_nobodys_fault_and_is_named() {
        let mut plan = plan(320, 176);
        plan.encoders = vec![EncoderFamily::Vaapi, EncoderFamily::Software];
        plan.gpu = Some(GpuAddress::at("ffff:ff:1f.7"));
        let Selected { skipped, .. } = open(&plan).unwrap();
        assert!(skipped[0].reason.is_absence() && skipped[0].to_string().contains("ffff:ff:1f.7"), "{}", skipped[0]);
    }

    #[test]
    fn profiles_the_software_encoder_lacks_are_a_typed_reason() {
        let h264 = VideoProfile::H264;
        for profile in [
            VideoProfile { codec: VideoCodec::Hevc, ..h264 },
            VideoProfile { codec: VideoCodec::Av1, ..h264 },
            VideoProfile { chroma: Chroma::Yuv444, ..h264 },
            VideoProfile { ten_bit: true, ..h264 },
        ] {
            let mut plan = plan(320, 176);
            plan.profile = profile;
            let error = open(&plan).unwrap_err();
            assert!(
                matches!(
                    error.skipped[..],
                    [Skipped { reason: SkipReason::Software(OpenSoftwareError::Profile { profile: p }), .. }] if p == profile
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn an_empty_list_is_a_clear_error() {
        let mut plan = plan(320, 176);
        plan.encoders.clear();
        assert!(open(&plan).unwrap_err().to_string().contains("list of encoders is empty"));
    }
}
