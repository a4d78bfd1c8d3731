//! Capture and input against a real compositor: headless sway.
//!
//! Each test has a sway of its own, and says so where there is none.

mod capture;
#[path = "../support/capturing.rs"]
#[allow(dead_code, reason = "shared by test binaries that each use a part")]
mod capturing;
mod input;
#[path = "../support/playing.rs"]
mod playing;
#[path = "../support/skip.rs"]
#[allow(dead_code, reason = "shared by test binaries that each use a part")]
mod skip;
#[path = "../support/sway.rs"]
mod sway;
