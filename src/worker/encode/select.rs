//! Opens the first encoder of the plan's preference list that works here.

use crate::ipc::abilities::Abilities;
use crate::stream_plan::{EncoderFamily, VideoPlan};
use crate::worker::encode::Encoder;
use crate::worker::encode::nvenc::{self, NvencEncoder, OpenNvencError};
use crate::worker::encode::probe::Unavailable;
use crate::worker::encode::software::{self, OpenSoftwareError, SoftwareEncoder};
use crate::worker::encode::vaapi::{self, OpenVaapiError, VaapiEncoder};
use crate::worker::encode::vulkan::{self, OpenVulkanVideoError, VulkanEncoder};

/// Opens an encoder. Also returns the families that were tried before it and
/// why they were passed over, for logs and the API.
///
/// # Errors
/// [`OpenEncoderError`] with every family's reason.
pub fn open(plan: &VideoPlan) -> Result<(Box<dyn Encoder>, Vec<Skipped>), OpenEncoderError> {
    let mut skipped = Vec::new();
    for &family in &plan.encoders {
        match open_family(family, plan) {
            Ok(encoder) => return Ok((encoder, skipped)),
            Err(reason) => skipped.push(Skipped { family, reason }),
        }
    }
    Err(OpenEncoderError { skipped })
}

/// What a family can do on this machine. Asks its driver, which may hang.
///
/// # Errors
/// Why it cannot be used.
pub fn abilities(family: EncoderFamily) -> Result<Abilities, SkipReason> {
    match family {
        EncoderFamily::Nvenc => Ok(nvenc::abilities()?),
        EncoderFamily::Vaapi => Ok(vaapi::abilities()?),
        EncoderFamily::Vulkan => Ok(vulkan::abilities()?),
        EncoderFamily::Software => Ok(software::abilities()),
    }
}

/// A family that was tried and passed over.
#[derive(Debug)]
pub struct Skipped {
    /// Which family.
    pub family: EncoderFamily,
    /// Why.
    pub reason: SkipReason,
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
        EncoderFamily::Software => Box::new(SoftwareEncoder::open(plan)?),
    })
}

fn reasons(skipped: &[Skipped]) -> String {
    if skipped.is_empty() {
        return "the list of encoders is empty".to_owned();
    }
    let reasons: Vec<_> = skipped.iter().map(|skipped| format!("{:?}: {}", skipped.family, skipped.reason)).collect();
    reasons.join("; ")
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
        let (encoder, skipped) = open(&plan).unwrap();
        assert_eq!(encoder.name(), "software/openh264");
        let families: Vec<_> = skipped.iter().map(|skipped| skipped.family).collect();
        assert_eq!(families, plan.encoders[..3]);
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
