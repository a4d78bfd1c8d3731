//! How calls run, and what they refuse.

use ash::vk;
use earthshine_drivers::calls::{self, Refusal};
use earthshine_drivers::{faults, ledger};

pub(crate) type Result<T = ()> = std::result::Result<T, Refusal>;

/// A correct program never does this.
pub(crate) fn violation(text: impl Into<String>) -> Refusal {
    Refusal::violation(code(vk::Result::ERROR_VALIDATION_FAILED_EXT), text)
}

/// Refuses unless `met`.
pub(crate) fn require(met: bool, text: impl FnOnce() -> String) -> Result {
    if met { Ok(()) } else { Err(violation(text())) }
}

/// Refuses unless a member is what it has to be.
pub(crate) fn require_equal<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result {
    require(found == expected, || format!("{what} is {found:?}, and has to be {expected:?}"))
}

/// A code, as faults are ordered.
pub(crate) const fn code(result: vk::Result) -> u32 {
    result.as_raw().cast_unsigned()
}

/// What the test ordered of a call.
pub(crate) fn ordered(call: &'static str) -> Option<vk::Result> {
    faults::play(call).map(|code| vk::Result::from_raw(code.cast_signed()))
}

/// Runs a call that, when it is ordered to fail, does nothing.
pub(crate) fn answer(call: &'static str, work: impl FnOnce() -> Result) -> vk::Result {
    vk::Result::from_raw(calls::take(call, work).cast_signed())
}

/// Runs a call that has no answer: what is wrong is reported.
pub(crate) fn note(call: &str, work: impl FnOnce() -> Result) {
    calls::settle(call, work());
}

/// Reports what is wrong in something that was handed over before.
pub(crate) fn complain(call: &str, text: &str) {
    ledger::violation(&format!("{call}: {text}"));
}
