//! What a test needs of the machine, and whose turn it is.
//!
//! A test that cannot run says so and what it needed. Under `make test`, which
//! installs everything, `EARTHSHINE_TESTS_MUST_RUN` turns that into a failure:
//! a green run never hides a skipped one.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};

use super::client;
use super::skip::skip;

/// Tests that stream take turns, [`PLACES`] at a time: a host, a compositor, a
/// client and its decoder leave some of a core idle.
static TURNS: Turns = Turns { state: Mutex::new(State { free: PLACES, waiting_for_all: 0 }), changed: Condvar::new() };

#[derive(Debug)]
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Tests that want all places: no other begins before them.
    waiting_for_all: usize,
}

/// A test's turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    places: usize,
}

impl Turn {
    fn one() -> Self {
        let state = TURNS.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = TURNS
            .changed
            .wait_while(state, |state| state.free == 0 || state.waiting_for_all > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.free -= 1;
        Self { places: 1 }
    }

    fn all() -> Self {
        let mut state = TURNS.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting_for_all += 1;
        let mut state =
            TURNS.changed.wait_while(state, |state| state.free < PLACES).unwrap_or_else(PoisonError::into_inner);
        (state.free, state.waiting_for_all) = (0, state.waiting_for_all - 1);
        Self { places: PLACES }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURNS.state.lock().unwrap_or_else(PoisonError::into_inner).free += self.places;
        TURNS.changed.notify_all();
    }
}

/// Waits for this test's turn if the machine has all `programs` and the client
/// driver; says what is missing and answers `None` otherwise.
///
/// # Panics
/// If something is missing and `EARTHSHINE_TESTS_MUST_RUN` is set.
pub(crate) fn turn(programs: &[&str]) -> Option<Turn> {
    has(programs).then(Turn::one)
}

/// The same for a test that looks at single frames or samples, counts what the
/// whole machine does, or keeps it busy: nothing else streams meanwhile.
///
/// # Panics
/// As [`turn`].
pub(crate) fn whole_machine(programs: &[&str]) -> Option<Turn> {
    has(programs).then(Turn::all)
}

/// Waits for the turn of a test that needs nothing but what we build, and the
/// whole machine.
pub(crate) fn whole_machine_without_client() -> Turn {
    Turn::all()
}

/// Waits for the turn of a test that needs nothing but what we build.
pub(crate) fn turn_without_client() -> Turn {
    Turn::one()
}

fn has(programs: &[&str]) -> bool {
    let mut missing: Vec<String> =
        programs.iter().filter(|name| find_program(name).is_none()).map(ToString::to_string).collect();
    if !client::python().exists() {
        missing.push(format!("the client driver's environment ({}; `make test` makes it)", client::python().display()));
    }
    if missing.is_empty() {
        return true;
    }
    skip(&missing.join(", "));
    false
}

/// More than tests have cores: two thirds of a test are waiting.
const PLACES: usize = 4;

/// Programs that every test with a desktop needs.
pub(crate) const DESKTOP: &[&str] = &["sway", "foot", "pulseaudio", "ffmpeg"];

/// Full path of a program on `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}
