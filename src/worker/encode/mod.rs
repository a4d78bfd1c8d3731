//! From captured pixels to access units.
//!
//! An encoder takes captured frames as they are, because where pixels are
//! converted depends on which device encodes them, and keeps what it made of
//! the newest, so that the frame's buffer is free at once. There are four families
//! behind one trait; [`select`] opens the first of the plan's preference list
//! that works here, and [`thread`] drives it.

pub mod bitstream;
pub mod null;
pub mod nvenc;
pub mod probe;
mod references;
pub mod select;
pub mod software;
#[cfg(test)]
mod testing;
pub mod thread;
pub mod vaapi;
pub mod vulkan;

use crate::clock::Micros;
use crate::gpu::GpuAddress;
use crate::ipc::picture::RawPicture;
use crate::units::{Bitrate, FrameRate};
use crate::worker::frame::{EncodedFrame, Frame};
use crate::worker::imports::Importable;

/// One open encoder. Created, used and dropped on the encode thread, because
/// it may own a GPU context that belongs to that thread.
pub trait Encoder: std::fmt::Debug {
    /// Name for logs and the API, e.g. "software/openh264".
    fn name(&self) -> &str;

    /// The GPU that it encodes on, if it is on one.
    fn gpu(&self) -> Option<&GpuAddress> {
        None
    }

    /// Takes a picture in, in the encoder's format: its buffer is not needed
    /// any more when this returns.
    ///
    /// # Errors
    /// When the device or library broke; the encoder must not be used again.
    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError>;

    /// Encodes the picture loaded last, be it for the first time or again.
    ///
    /// # Errors
    /// When the device or library broke; the encoder must not be used again.
    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError>;

    /// Spends this much from the next frame on.
    ///
    /// # Errors
    /// When the encoder refuses; it goes on at the old rate.
    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError>;

    /// Expects so many frames a second from the next one on, without an IDR frame, and
    /// spends on each what its interval has. `false` if it cannot.
    ///
    /// # Errors
    /// When the encoder refuses; it goes on at the old rate.
    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        let _ = frame_rate;
        Ok(false)
    }

    /// Pictures that it takes straight out of a compositor's device, if any; it
    /// takes all others too.
    fn imports(&self) -> Option<Importable> {
        None
    }

    /// A copy of the picture that was loaded last, for a screenshot; `None` from
    /// encoders whose pictures are out of reach.
    fn picture(&self) -> Option<RawPicture> {
        None
    }

    /// Picture `first` is lost to the client, and so are those after it, which
    /// refer to it: refers to none of them from now on. `false` if the encoder
    /// cannot, so that an IDR frame is due.
    fn invalidate_references(&mut self, first: u32) -> bool {
        let _ = first;
        false
    }

    /// Begins a wave of intra blocks with the next frame, after which nothing of what is
    /// lost now is seen any more. `false` if it does not do that in this stream, so
    /// that an IDR frame is due.
    fn refresh(&mut self) -> bool {
        false
    }
}

/// What is asked of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRequest {
    /// Counts the pictures that the encoder is asked for: more than the last one's.
    pub picture: u32,
    /// Make it an IDR frame.
    pub idr: bool,
    /// It is the same picture as the one before.
    pub repeated: bool,
    /// When its pixels were captured, or when it was decided to repeat them.
    pub captured: Micros,
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
