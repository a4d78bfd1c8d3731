//! The GPU that encodes: the one of a render node, as Vulkan sees it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use earthshine_ffi::vulkan::video::{Capabilities, OpenVideoError, Profile};
use earthshine_ffi::vulkan::{Instance, OpenVulkanError, PhysicalDevice, Selection};

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

/// The first GPU that encodes H.264. `wanted` names one; without it, all are asked.
pub(super) fn find(wanted: Option<&GpuAddress>) -> Result<Found, OpenDeviceError> {
    let nodes = nodes_of(wanted)?;
    let instance = Instance::open()?;
    let mut reasons = Vec::new();
    for node in nodes {
        match ask(&instance, &node) {
            Ok((physical, profile, can)) => return Ok(Found { node, instance, physical, profile, can }),
            Err(reason) => reasons.push((node, reason)),
        }
    }
    Err(OpenDeviceError::Nodes(reasons))
}

fn ask(instance: &Rc<Instance>, node: &Path) -> Result<(PhysicalDevice, Profile, Capabilities), NodeError> {
    let device = std::fs::metadata(node)?.rdev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let physical = instance.device(Selection::RenderNode(major.into(), minor.into()))?;
    let (profile, can) = Capabilities::h264(instance, &physical)?;
    Ok((physical, profile, can))
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
        let error = find(Some(&GpuAddress::of_node("/nonexistent/renderD128"))).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/renderD128: cannot be looked at"), "{error}");
    }
}
