//! Vulkan Video: the encode engine of a GPU, driven by the standard's interface.
//!
//! Facts from the Vulkan specification (VK_KHR_video_queue, VK_KHR_video_encode_queue,
//! VK_KHR_video_encode_h264, _h265 and _av1). An [`Encoder`] takes a converted
//! [`Surface`](super::Surface) of the same device: it is copied once, on the device, into
//! a picture of the engine's own tiling, and encoded from there. Which pictures refer to
//! which is the caller's to say; parameter sets are asked for as the driver writes them,
//! because it may write others than ours. One picture is with the engine at a time, and
//! is waited for.

mod av1;
pub mod av1_sys;
mod bitstream;
mod capabilities;
mod encoder;
mod error;
mod h264;
mod hevc;
mod image;
mod input;
mod parameters;
mod profile;
pub(super) mod queue;
mod rate;
mod remaining;
mod session;
mod syntax;

pub use self::capabilities::Capabilities;
pub use self::encoder::{Encoder, Settings};
pub use self::error::{EncodeVideoError, OpenVideoError};
pub use self::profile::{Depth, H264Profile, HevcProfile, Profile};
pub use self::rate::{Rate, RateMode};
pub use self::syntax::{Coding, Reference};

/// What the samples of a stream are as colours: code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// `colour_primaries`.
    pub primaries: u8,
    /// `transfer_characteristics`.
    pub transfer: u8,
    /// `matrix_coefficients`.
    pub matrix: u8,
    /// Samples span all codes.
    pub full_range: bool,
}
