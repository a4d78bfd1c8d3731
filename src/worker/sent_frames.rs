//! Which of the encoder's pictures went out as which frame.
//!
//! A client tells of lost frames by the numbers that the send thread gave them; an
//! encoder knows its own pictures, some of which were never sent. Written by the
//! send thread, read by the encode thread.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::units::FrameIndex;

/// The last frames and their pictures.
#[derive(Debug)]
pub struct SentFrames([AtomicU64; PLACES]);

impl SentFrames {
    /// Nothing was sent yet.
    #[must_use]
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; PLACES])
    }

    /// `frame` is `picture`.
    pub fn note(&self, frame: FrameIndex, picture: u32) {
        // Both in one word, so that nobody reads half of a newer one.
        self.place(frame.0).store(u64::from(frame.0) << 32 | u64::from(picture), Ordering::Relaxed);
    }

    /// The picture that `frame` is; `None` if it is not among the last ones.
    #[must_use]
    pub fn picture(&self, frame: FrameIndex) -> Option<u32> {
        let word = self.place(frame.0).load(Ordering::Relaxed);
        let [.., a, b, c, d] = word.to_be_bytes();
        (frame != FrameIndex(0) && word >> 32 == u64::from(frame.0)).then_some(u32::from_be_bytes([a, b, c, d]))
    }

    fn place(&self, frame: u32) -> &AtomicU64 {
        &self.0[frame as usize % PLACES]
    }
}

impl Default for SentFrames {
    fn default() -> Self {
        Self::new()
    }
}

/// A second of most streams: what was lost longer ago, no encoder remembers.
const PLACES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frames_are_known_and_no_others() {
        let sent = SentFrames::new();
        assert_eq!(sent.picture(FrameIndex(0)), None);
        for number in 1..=200 {
            sent.note(FrameIndex(number), number * 2);
        }
        assert_eq!(sent.picture(FrameIndex(200)), Some(400));
        assert_eq!(sent.picture(FrameIndex(73)), Some(146));
        assert_eq!(sent.picture(FrameIndex(72)), None, "another has its place");
        assert_eq!(sent.picture(FrameIndex(201)), None);
    }
}
