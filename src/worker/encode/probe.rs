//! What an encoder family needs of this machine.
//!
//! Nothing here opens a driver or a library, which can hang: looking for files
//! is all it does. Whether a GPU encoder really opens is known when it is
//! opened.

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
    /// The machine could, this version cannot.
    #[error("not built into this version yet")]
    NotBuilt,
}
