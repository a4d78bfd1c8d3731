//! Tests that cannot run here say so.

use std::io::Write;

/// Says what a test needs and does not find. `make test` installs what tests
/// need: under `EARTHSHINE_TESTS_MUST_RUN` that is a failure, so that a green
/// run hides no test that was not run.
///
/// # Panics
/// If tests must run.
pub(crate) fn skip(needs: &str) {
    assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "not here, and needed: {needs}");
    say(needs);
}

/// The same for what nobody can install: root, a kernel's older interface, a
/// compositor that this system does not have.
pub(crate) fn say(needs: &str) {
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    // Not by `eprintln!`, which nobody sees of a test that passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED {name}: needs {needs}");
}
