//! Capture and input against a real compositor: headless sway.
//!
//! Each test has a sway of its own, and skips loudly where there is none.

mod capture;
#[path = "../support/capturing.rs"]
mod capturing;
mod input;
#[path = "../support/playing.rs"]
mod playing;
#[path = "../support/sway.rs"]
mod sway;
