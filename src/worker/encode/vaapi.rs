//! VA-API (AMD, Intel): looked for, not driven by this version.

use crate::stream_plan::VideoPlan;
use crate::worker::encode::Encoder;
use crate::worker::encode::probe::{Unavailable, find_library, render_nodes};

/// Opens an encoder on a GPU with VA-API.
///
/// # Errors
/// Always, with what is missing on this machine, or that this version has no
/// driver for it.
pub fn open(_plan: &VideoPlan) -> Result<Box<dyn Encoder>, Unavailable> {
    Err(why_not())
}

/// What stands in the way of VA-API here. Only looks for files; opens no driver.
#[must_use]
pub fn why_not() -> Unavailable {
    if render_nodes().is_empty() {
        return Unavailable::NoDevice { looked_for: "/dev/dri/renderD*".to_owned() };
    }
    match LIBRARIES.into_iter().find(|name| find_library(name).is_none()) {
        Some(name) => Unavailable::NoLibrary { name },
        None => Unavailable::NotBuilt,
    }
}

const LIBRARIES: [&str; 2] = ["libva.so.2", "libva-drm.so.2"];
