//! What can go wrong with GBM.

use std::io;

use crate::dynamic_library::LoadError;

/// A call failed.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {error}")]
pub struct GbmError {
    /// The function.
    pub call: &'static str,
    /// What the system says was the last error, if anything.
    #[source]
    pub error: io::Error,
}

impl GbmError {
    /// A call that failed just now.
    pub(crate) fn last(call: &'static str) -> Self {
        Self { call, error: io::Error::last_os_error() }
    }

    /// A call whose answer makes no sense.
    pub(crate) fn nonsense(call: &'static str, what: &'static str) -> Self {
        Self { call, error: io::Error::other(what) }
    }
}

/// A device's memory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenDeviceError {
    /// No library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No driver for the device.
    #[error(transparent)]
    Gbm(#[from] GbmError),
}
