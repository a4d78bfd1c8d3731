//! Where programs are, and which package brings them.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The search path that desktops get too: the host's own, because operators
/// put programs there, or the usual one.
#[must_use]
pub fn search_path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| USUAL_PATH.into())
}

/// The file that `name` would run.
#[must_use]
pub fn find(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.as_encoded_bytes().contains(&b'/') {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    std::env::split_paths(&search_path())
        .filter(|directory| !name.is_empty() && directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| is_program(path))
}

/// Debian's package for a program of ours.
#[must_use]
pub fn package(program: &str) -> Option<&'static str> {
    Some(match program {
        "sway" => "sway",
        "cage" => "cage",
        "labwc" => "labwc",
        "foot" => "foot",
        "Xwayland" => "xwayland",
        "pulseaudio" => "pulseaudio",
        "wlr-randr" => "wlr-randr",
        "setpriv" => "util-linux",
        _ => return None,
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        let shell = find("sh").unwrap();
        assert_eq!(find(&shell), Some(shell));
        assert_eq!(find("/etc/passwd"), None, "not executable");
        assert_eq!(find("no-such-program-here"), None);
        assert_eq!(find(""), None);
    }
}
