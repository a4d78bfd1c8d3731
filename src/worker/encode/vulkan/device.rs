//! The GPU that encodes: the one of a render node, as Vulkan sees it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use earthshine_ffi::vulkan::video::{Capabilities, Depth, H264Profile, HevcProfile, OpenVideoError, Profile};
use earthshine_ffi::vulkan::{Instance, OpenVulkanError, PhysicalDevice, Selection};

use crate::codec::{Chroma, VideoCodec, VideoProfile};
use crate::gpu::GpuAddress;
use crate::worker::encode::probe::{Unavailable, nodes_of};

/// A GPU that encodes, not opened yet.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) node: PathBuf,
    pub(super) instance: Rc<Instance>,
    pub(super) physical: PhysicalDevice,
    pub(super) profile: Profile,
    pub(super) can: Capabilities,
}

/// No GPU encodes.
#[derive(Debug, thiserror::Error)]
pub enum OpenDeviceError {
    /// There is none.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Vulkan is not there, or does not start.
    #[error(transparent)]
    Vulkan(#[from] OpenVulkanError),
    /// Each has a reason.
    #[error("{}", reasons(.0))]
    Nodes(Vec<(PathBuf, NodeError)>),
}

impl OpenDeviceError {
    /// There is no GPU, or no library for it.
    pub(in crate::worker::encode) const fn is_absence(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Vulkan(OpenVulkanError::Load(_)))
    }
}

/// What is the matter with one GPU.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It is not there.
    #[error("cannot be looked at: {0}")]
    Look(#[from] std::io::Error),
    /// Vulkan does not see it.
    #[error(transparent)]
    Vulkan(#[from] OpenVulkanError),
    /// It does not encode.
    #[error(transparent)]
    Video(#[from] OpenVideoError),
}

/// GPUs that may encode, and Vulkan.
#[derive(Debug)]
pub(super) struct Gpus {
    nodes: Vec<PathBuf>,
    instance: Rc<Instance>,
}

impl Gpus {
    /// The one that is `wanted`; without it, all.
    pub(super) fn of(wanted: Option<&GpuAddress>) -> Result<Self, OpenDeviceError> {
        Ok(Self { nodes: nodes_of(wanted)?, instance: Instance::open()? })
    }

    /// The first that encodes a profile.
    pub(super) fn find(&self, profile: VideoProfile) -> Result<Found, OpenDeviceError> {
        let mut reasons = Vec::new();
        for node in &self.nodes {
            match self.ask(node, profile) {
                Ok((physical, profile, can)) => {
                    let (node, instance) = (node.clone(), Rc::clone(&self.instance));
                    return Ok(Found { node, instance, physical, profile, can });
                }
                Err(reason) => reasons.push((node.clone(), reason)),
            }
        }
        Err(OpenDeviceError::Nodes(reasons))
    }

    fn ask(&self, node: &Path, profile: VideoProfile) -> Result<(PhysicalDevice, Profile, Capabilities), NodeError> {
        let device = std::fs::metadata(node)?.rdev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let physical = self.instance.device(Selection::RenderNode(major.into(), minor.into()))?;
        let (profile, can) = Capabilities::first(&self.instance, &physical, candidates(profile))?;
        Ok((physical, profile, can))
    }
}

/// Whether there is something for a profile at all.
pub(super) const fn is_driven(profile: VideoProfile) -> bool {
    !candidates(profile).is_empty()
}

/// What will do for a profile, best first.
const fn candidates(profile: VideoProfile) -> &'static [Profile] {
    match (profile.codec, profile.ten_bit, profile.chroma) {
        (VideoCodec::H264, false, Chroma::Yuv420) => &[
            Profile::H264(H264Profile::High),
            Profile::H264(H264Profile::Main),
            Profile::H264(H264Profile::ConstrainedBaseline),
        ],
        (VideoCodec::Hevc, false, Chroma::Yuv420) => &[Profile::Hevc(HevcProfile::Main)],
        (VideoCodec::Hevc, true, Chroma::Yuv420) => &[Profile::Hevc(HevcProfile::Main10)],
        (VideoCodec::Av1, false, Chroma::Yuv420) => &[Profile::Av1(Depth::Eight)],
        (VideoCodec::Av1, true, Chroma::Yuv420) => &[Profile::Av1(Depth::Ten)],
        _ => &[],
    }
}

fn reasons(nodes: &[(PathBuf, NodeError)]) -> String {
    let reasons: Vec<_> = nodes.iter().map(|(node, reason)| format!("{}: {reason}", node.display())).collect();
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_not_there_is_named_with_its_reason() {
        // Without the loader that is the reason.
        if Instance::open().is_err() {
            return;
        }
        let gpus = Gpus::of(Some(&GpuAddress::of_node("/nonexistent/renderD128"))).unwrap();
        let error = gpus.find(VideoProfile::H264).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/renderD128: cannot be looked at"), "{error}");
    }
}
