//! NVIDIA's encode engine: looked for, not driven by this version.

use std::path::{Path, PathBuf};

use crate::stream_plan::VideoPlan;
use crate::worker::encode::Encoder;
use crate::worker::encode::probe::{Unavailable, find_library};

/// Opens an encoder on an NVIDIA GPU.
///
/// # Errors
/// Always, with what is missing on this machine, or that this version has no
/// driver for it.
pub fn open(_plan: &VideoPlan) -> Result<Box<dyn Encoder>, Unavailable> {
    Err(why_not())
}

/// What stands in the way of NVENC here. Only looks for files; opens no driver.
#[must_use]
pub fn why_not() -> Unavailable {
    check(Path::new("/dev/nvidiactl"), &find_library(LIBRARY))
}

fn check(control: &Path, library: &Option<PathBuf>) -> Unavailable {
    if !control.exists() {
        return Unavailable::NoDevice { looked_for: control.display().to_string() };
    }
    if library.is_none() {
        return Unavailable::NoLibrary { name: LIBRARY };
    }
    Unavailable::NotBuilt
}

const LIBRARY: &str = "libnvidia-encode.so.1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_missing_is_named() {
        let missing = Path::new("/nonexistent/nvidiactl");
        assert_eq!(check(missing, &None), Unavailable::NoDevice { looked_for: "/nonexistent/nvidiactl".to_owned() });
        assert_eq!(check(Path::new("/"), &None), Unavailable::NoLibrary { name: LIBRARY });
        assert_eq!(check(Path::new("/"), &Some(PathBuf::from("/x"))), Unavailable::NotBuilt);
    }
}
