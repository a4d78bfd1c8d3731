//! Where vendors' libraries are, by file name: nothing is opened.

use std::env::consts::ARCH;
use std::path::PathBuf;

/// Where the dynamic linker would probably find a library.
#[must_use]
pub fn find_library(name: &str) -> Option<PathBuf> {
    library_directories().map(|directory| directory.join(name)).find(|path| path.exists())
}

/// Where the dynamic linker looks, near enough: what the environment says, and
/// the default paths of Debian, Ubuntu, Fedora and NVIDIA's containers.
pub fn library_directories() -> impl Iterator<Item = PathBuf> {
    let configured = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let configured: Vec<_> = std::env::split_paths(&configured).filter(|path| path.is_absolute()).collect();
    let of_architecture = ["/usr/lib", "/lib"].map(|parent| format!("{parent}/{ARCH}-linux-gnu").into());
    let others = ["/usr/local/nvidia/lib64", "/usr/local/lib", "/usr/lib64", "/usr/lib"].map(PathBuf::from);
    configured.into_iter().chain(of_architecture).chain(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_found_by_name() {
        assert!(find_library("libc.so.6").is_some());
        assert_eq!(find_library("libnothing-of-this-name.so.1"), None);
    }
}
