//! The GPU that encodes.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use earthshine_ffi::dynamic_library::LoadError;
use earthshine_ffi::vaapi::{Display, OpenDisplayError};

use super::choice::{Choice, ChooseError, choose};
use crate::codec::VideoProfile;
use crate::gpu::GpuAddress;
use crate::worker::encode::probe::{Unavailable, nodes_of};

/// A GPU that encodes what is asked for.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) node: PathBuf,
    pub(super) display: Rc<Display>,
    pub(super) choice: Choice,
}

/// No GPU encodes it.
#[derive(Debug, thiserror::Error)]
pub enum OpenDeviceError {
    /// There is none.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// libva is not there.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Each has a reason.
    #[error("{}", reasons(.0))]
    Nodes(Vec<(PathBuf, NodeError)>),
}

impl OpenDeviceError {
    /// There is no GPU, or no library for it.
    pub(in crate::worker::encode) const fn is_absence(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Load(_))
    }
}

/// What is the matter with one GPU.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It does not open.
    #[error("cannot be opened: {0}; add the user to the group render")]
    Open(#[from] std::io::Error),
    /// Its driver does not start.
    #[error(transparent)]
    Display(#[from] OpenDisplayError),
    /// Its driver cannot do it.
    #[error(transparent)]
    Choose(#[from] ChooseError),
}

/// Opens the first GPU that encodes a profile in a size. `wanted` names one; without it,
/// all are tried.
pub(super) fn open(
    wanted: Option<&GpuAddress>,
    profile: VideoProfile,
    size: (u32, u32),
) -> Result<Device, OpenDeviceError> {
    let nodes = nodes_of(wanted)?;
    let mut reasons = Vec::new();
    for node in nodes {
        match open_node(&node, profile, size) {
            Ok((display, choice)) => return Ok(Device { node, display, choice }),
            Err(NodeError::Display(OpenDisplayError::Load(error))) => return Err(error.into()),
            Err(reason) => reasons.push((node, reason)),
        }
    }
    Err(OpenDeviceError::Nodes(reasons))
}

fn open_node(node: &Path, profile: VideoProfile, size: (u32, u32)) -> Result<(Rc<Display>, Choice), NodeError> {
    let file = OpenOptions::new().read(true).write(true).open(node)?;
    let display = Display::open(file.into())?;
    let choice = choose(&display, profile, size)?;
    Ok((display, choice))
}

fn reasons(nodes: &[(PathBuf, NodeError)]) -> String {
    let reasons: Vec<_> = nodes.iter().map(|(node, reason)| format!("{}: {reason}", node.display())).collect();
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_open_is_named_with_its_reason() {
        let missing = GpuAddress::of_node("/nonexistent/renderD128");
        let error = open(Some(&missing), VideoProfile::H264, (320, 180)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("/nonexistent/renderD128: cannot be opened") && text.contains("group render"),
            "{text}"
        );
        let elsewhere = GpuAddress::at("ffff:ff:1f.7");
        let error = open(Some(&elsewhere), VideoProfile::H264, (320, 180)).unwrap_err();
        assert!(error.is_absence() && error.to_string().contains("of GPU ffff:ff:1f.7"), "{error}");
    }
}
