//! What an encoder family needs of this machine.
//!
//! Nothing here opens a driver or a library, which can hang: looking for files
//! is all it does. Whether a GPU encoder really opens is known when it is
//! opened.

use std::path::PathBuf;

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

/// Render nodes of GPUs, without opening them: those that the environment names in
/// [`RENDER_NODES`], or all.
#[must_use]
pub fn render_nodes() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(RENDER_NODES).filter(|named| !named.is_empty()) {
        return std::env::split_paths(&named).collect();
    }
    let Ok(entries) = std::fs::read_dir("/dev/dri") else { return Vec::new() };
    let is_node = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("renderD"))
    };
    let mut nodes: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_node).collect();
    nodes.sort();
    nodes
}

/// Environment variable with the paths of the render nodes to use, in their order,
/// separated by colons.
pub const RENDER_NODES: &str = "EARTHSHINE_RENDER_NODES";
