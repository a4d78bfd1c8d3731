//! From captured pixels to access units.
//!
//! An encoder takes captured frames as they are, because where pixels are
//! converted depends on which device encodes them. There are four families
//! behind one trait; [`select`] opens the first of the plan's preference list
//! that works here, and [`thread`] drives it.

pub mod nvenc;
pub mod probe;
pub mod select;
pub mod software;
#[cfg(test)]
mod testing;
pub mod thread;
pub mod vaapi;
pub mod vulkan;

use crate::clock::Micros;
use crate::units::Bitrate;
use crate::worker::frame::{EncodedFrame, Frame};

/// One open encoder. Created, used and dropped on the encode thread, because
/// it may own a GPU context that belongs to that thread.
pub trait Encoder: std::fmt::Debug {
    /// Name for logs and the API, e.g. "software/openh264".
    fn name(&self) -> &str;

    /// Converts and encodes one picture.
    ///
    /// # Errors
    /// When the device or library broke; the encoder must not be used again.
    fn encode(&mut self, frame: &Frame, request: FrameRequest) -> Result<Encoded, EncodeError>;

    /// Spends this much from the next frame on.
    ///
    /// # Errors
    /// When the encoder refuses; it goes on at the old rate.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError>;

    /// Frames `first..=last` (wire numbers) are lost to the client: avoid them
    /// from now on. `false` if the encoder cannot, so that an IDR frame is due.
    fn invalidate_references(&mut self, first: u32, last: u32) -> bool {
        let _ = (first, last);
        false
    }
}

/// What is asked of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameRequest {
    /// Make it an IDR frame.
    pub idr: bool,
    /// It is the same picture as the one before: what was converted for that
    /// may be used again.
    pub repeated: bool,
}

/// An access unit with the time its conversion took to finish.
#[derive(Debug)]
pub struct Encoded {
    /// The access unit.
    pub frame: EncodedFrame,
    /// When the pixels were in the encoder's format.
    pub converted: Micros,
}

/// An open encoder broke.
#[derive(Debug, thiserror::Error)]
#[error("{encoder}: {what}")]
pub struct EncodeError {
    /// Name of the encoder.
    pub encoder: &'static str,
    /// What its library said.
    pub what: String,
}
