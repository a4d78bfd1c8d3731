//! What the open encoder can take straight out of a compositor's device, which
//! decides what pictures are captured into.
//!
//! Encode tells, once it has opened an encoder, and capture asks: neither waits
//! for the other. An encoder that imports takes frames in ordinary memory too, as
//! those are that were captured before it was open.

use std::sync::OnceLock;

/// Told by the encode thread, read by the capture thread. Share it by `Arc`.
#[derive(Debug, Default)]
pub struct Imports(OnceLock<Importable>);

/// Pictures that a device imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Importable {
    /// Device number of a DRM node of it; `None` if it does not matter which
    /// device a picture is of.
    pub device: Option<u64>,
    /// Pairs of DRM format code and modifier.
    pub formats: Vec<(u32, u64)>,
    /// The device's driver says by fences when a picture is finished, so that one can
    /// be waited for. NVIDIA's does not: what compositors call ready may not be yet.
    pub fenced: bool,
}

impl Imports {
    /// Nobody imports yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The open encoder imports this, for as long as this process lives.
    pub fn tell(&self, importable: Importable) {
        // A worker opens one encoder.
        let _ = self.0.set(importable);
    }

    /// What is imported, if anything is known to be.
    #[must_use]
    pub fn get(&self) -> Option<&Importable> {
        self.0.get()
    }
}
