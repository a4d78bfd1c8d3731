//! The sound of a desktop, as packets at a steady rate.
//!
//! Sound is optional for a stream: nothing that a sound server does or fails
//! to do ends it. Packets leave by our own clock whether there is sound or
//! not, because clients throw away the first half second and fall back to
//! concealment at every gap; what the server delivers meets that clock in
//! [`sample_queue`].
//!
//! All samples in here are interleaved 32-bit floats at 48 kHz in the order
//! FL FR C LFE BL BR SL SR.

pub mod capture;
pub mod clock;
pub mod feed;
pub mod opus;
pub mod sample_queue;
pub mod thread;
pub mod tone;

/// Samples per second and channel of everything in GameStream.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples per millisecond and channel.
pub const SAMPLES_PER_MS: usize = 48;
