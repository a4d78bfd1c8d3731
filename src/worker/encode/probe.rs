//! What an encoder family needs of this machine.
//!
//! Nothing here opens a driver or a library, which can hang: looking for files
//! is all it does. Whether a GPU encoder really opens is known when it is
//! opened.

use std::path::PathBuf;

use crate::gpu::GpuAddress;
use crate::render_nodes;
pub use crate::render_nodes::render_nodes;
pub use crate::vendor_libraries::{find_library, library_directories};

/// Why a family cannot be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The device is not there, or not passed into this container.
    #[error("not available here: no {looked_for}; pass the GPU to this machine or container")]
    NoDevice {
        /// Path that was looked for.
        looked_for: String,
    },
    /// The user-space driver is not installed.
    #[error("not available here: {name} was not found in the library paths; install the driver that has it")]
    NoLibrary {
        /// File name that was looked for.
        name: &'static str,
    },
}

/// Render nodes to try: that of `gpu`, or all, if any will do.
///
/// # Errors
/// [`Unavailable::NoDevice`]: there is none.
pub fn nodes_of(gpu: Option<&GpuAddress>) -> Result<Vec<PathBuf>, Unavailable> {
    let of = |gpu: &GpuAddress| gpu.render_node.clone().or_else(|| render_nodes::at(gpu.bus_id.as_deref()?));
    let nodes = gpu.map_or_else(render_nodes, |gpu| of(gpu).into_iter().collect());
    if nodes.is_empty() {
        let of_gpu = gpu.map(|gpu| format!(" of GPU {gpu}")).unwrap_or_default();
        return Err(Unavailable::NoDevice { looked_for: format!("/dev/dri/renderD*{of_gpu}") });
    }
    Ok(nodes)
}
