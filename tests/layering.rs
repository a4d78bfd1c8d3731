//! Who may use whom: the walls of `docs/architecture.md`, kept by reading the
//! sources. A wall that only a document keeps has a hole within a month.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file with comments and its test module cut off.
struct Source {
    path: String,
    text: String,
    code: String,
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in sources(&["src", "ffi/src", "tests", "benches"]) {
        assert!(source.text.starts_with("//!"), "{} does not open with //!", source.path);
    }
}

#[test]
fn protocol_is_pure() {
    // Bytes, keys and now in; bytes and events out.
    assert_absent(
        "src/protocol",
        &[
            "std::net::TcpStream",
            "std::net::TcpListener",
            "std::net::UdpSocket",
            "UdpSocket",
            "TcpStream",
            "TcpListener",
            "std::thread",
            "thread::spawn",
            "std::fs",
            "std::process",
            "Instant::now",
            "SystemTime::now",
            "getrandom",
            "tokio",
            "rustix",
            "crate::host",
            "crate::worker",
            "crate::desktop",
            "crate::config",
            "crate::ipc",
            "println!",
            "eprintln!",
        ],
    );
    let walls = ["host", "worker", "desktop", "config", "ipc"];
    for source in below("src/protocol") {
        for used in crate_imports(&source.code) {
            assert!(!walls.contains(&used.as_str()), "{} uses crate::{used}", source.path);
        }
    }
}

#[test]
fn worker_and_host_never_name_each_other() {
    assert_absent("src/worker", &["crate::host"]);
    assert_absent("src/host", &["crate::worker"]);
    assert_absent("src/desktop", &["crate::host", "crate::worker"]);
    assert_absent("src/ipc", &["crate::host", "crate::worker"]);
}

#[test]
fn the_bench_stands_outside_of_what_it_measures() {
    // It meets the host on the network, as clients do; what measures encoders meets none.
    for source in below("src/bench").into_iter().filter(|source| !source.path.starts_with("src/bench/encode/")) {
        for used in crate_imports(&source.code) {
            let inside = ["host", "worker", "desktop", "ipc", "doctor", "stream_plan"];
            assert!(!inside.contains(&used.as_str()), "{} uses crate::{used}", source.path);
        }
    }
    for directory in ["src/host", "src/worker", "src/desktop", "src/ipc", "src/protocol", "src/config"] {
        assert_absent(directory, &["crate::bench"]);
    }
}

#[test]
fn only_the_host_and_its_desktops_are_async() {
    for directory in ["src/worker", "src/protocol", "ffi/src"] {
        assert_absent(directory, &["tokio", "async fn", ".await"]);
    }
}

#[test]
fn host_touches_no_driver() {
    assert_absent(
        "src/host",
        &[
            "wayland_client",
            "libpulse",
            "opus::",
            "openh264",
            "cudarc",
            "nvenc::",
            "vaapi::",
            "ash::",
            "yuv::",
            "fast_image_resize",
        ],
    );
}

#[test]
fn unsafe_lives_in_ffi_only() {
    for root in ["src/lib.rs", "src/main.rs"] {
        assert!(read(Path::new(root)).contains("#![forbid(unsafe_code)]"), "{root} does not forbid unsafe code");
    }
    assert_absent("src", &["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"]);
}

#[test]
fn units_stand_at_the_bottom_of_the_stack() {
    for file in ["src/units.rs", "src/ids.rs", "src/codec.rs", "src/color.rs", "src/clock.rs"] {
        let source = Source::read(Path::new(file));
        for used in crate_imports(&source.code) {
            let small = ["units", "ids", "codec", "color", "clock"];
            assert!(small.contains(&used.as_str()), "{file} uses crate::{used}");
        }
    }
}

/// No file below `directory` has one of `words` in its code.
fn assert_absent(directory: &str, words: &[&str]) {
    let found = below(directory);
    assert!(!found.is_empty(), "{directory} has no sources: was it moved?");
    for source in found {
        for (number, line) in source.code.lines().enumerate() {
            for word in words {
                assert!(
                    !has_word(line, word),
                    "{}: {word} has no place in {directory}: line {}: {line}",
                    source.path,
                    number + 1
                );
            }
        }
    }
}

/// `line` has `word`, and not as the end of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let ends_a_name = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| !ends_a_name(&line[..at]))
}

#[test]
fn the_end_of_a_longer_name_is_no_word() {
    assert!(has_word("use ash::vk;", "ash::") && has_word("(ash::Entry)", "ash::"));
    assert!(!has_word("use std::hash::Hash;", "ash::"));
}

/// Modules of our own crate that a source imports.
fn crate_imports(code: &str) -> Vec<String> {
    let after = code.split("crate::").skip(1);
    after.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

fn below(directory: &str) -> Vec<Source> {
    sources(&[directory])
}

fn sources(directories: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for directory in directories {
        collect(Path::new(directory), &mut paths);
    }
    paths.iter().map(|path| Source::read(path)).collect()
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            // The fuzz targets may have been built beside their sources.
            if !path.ends_with("target") {
                collect(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = read(path);
        let without_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code = without_tests.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
        let code = code.collect::<Vec<_>>().join("\n");
        Self { path: path.display().to_string(), text, code }
    }
}
