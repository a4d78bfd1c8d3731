//! What a test needs of the machine, and whose turn it is.
//!
//! A test that cannot run says so and what it needed. Under `make test`, which
//! installs everything, `EARTHSHINE_TESTS_MUST_RUN` turns that into a failure:
//! a green run never hides a skipped one.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::client;

static TURN: Mutex<()> = Mutex::new(());

/// Waits for this test's turn if the machine has all `programs` and the client
/// driver; says what is missing and answers `None` otherwise.
///
/// # Panics
/// If something is missing and `EARTHSHINE_TESTS_MUST_RUN` is set.
pub(crate) fn turn(programs: &[&str]) -> Option<MutexGuard<'static, ()>> {
    let mut missing: Vec<String> =
        programs.iter().filter(|name| find_program(name).is_none()).map(ToString::to_string).collect();
    if !client::python().exists() {
        missing.push(format!("the client driver's environment ({}; `make test` makes it)", client::python().display()));
    }
    if missing.is_empty() {
        return Some(TURN.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    let complaint = format!("SKIPPED {name}: needs {}", missing.join(", "));
    assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "{complaint}");
    eprintln!("{complaint}");
    None
}

/// Waits for the turn of a test that needs nothing but what we build.
pub(crate) fn turn_alone() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Programs that every test with a desktop needs.
pub(crate) const DESKTOP: &[&str] = &["sway", "foot", "pulseaudio", "ffmpeg"];

/// Full path of a program on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}
