//! A tile of AV1 that is a whole frame (AV1, 5.11), by what its header says.
//!
//! What equals the reference is skipped: its motion is that of the whole frame, which is
//! none. Everything else is predicted from its neighbours' mean, 4x4 by 4x4. Luma's
//! residual is left as it is (`IDTX`), so that at the least quantizer, whose step is one
//! at 8 bits, it is the very one; at 10 bits the step is a little more, and a sample may be
//! off by one. Chroma's goes through the transform that belongs to its prediction, and may
//! be off by one, too. What a decoder gets of it is what later blocks and frames are
//! predicted from, so nothing adds up.
//!
//! Not of any interface: other drivers' stand-ins code by it, too.

mod arithmetic;
mod blocks;
mod coefficients;
mod deblocking;
mod defaults;
mod marks;
mod probabilities;
mod residual;
mod steps;
mod transform;

use self::probabilities::Probabilities;
use crate::plane::Plane;

/// What headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// Of the frame, even.
    pub(crate) size: (usize, usize),
    /// Bits of a sample.
    pub(crate) depth: u32,
    /// `use_128x128_superblock`.
    pub(crate) large_blocks: bool,
    /// `enable_filter_intra`.
    pub(crate) filter_intra: bool,
    /// `base_q_idx`, which is not nought.
    pub(crate) quantizer: u8,
    /// `loop_filter_level`, without sharpness and deltas.
    pub(crate) filter_levels: [u8; 4],
}

/// What is kept of a frame.
pub(crate) struct Kept {
    /// As it was to be, as far as it is seen.
    shown: [Plane; 3],
    /// As decoders have it.
    pub(crate) decoded: [Plane; 3],
    probabilities: Probabilities,
}

impl Tile {
    /// A frame's only tile, and what is kept of it. With a reference, symbols go on from
    /// that one's, and it is the first that the header names.
    pub(crate) fn code(&self, picture: &[Plane; 3], reference: Option<&Kept>) -> (Vec<u8>, Kept) {
        let shown = self.whole(picture);
        blocks::code(self, shown, reference)
    }

    /// Whole blocks of 8x8, filled up with what is at the edge, as decoders do to references.
    fn whole(&self, picture: &[Plane; 3]) -> [Plane; 3] {
        let [luma, first, second] = picture;
        let (width, height) = self.size;
        let filled = |plane: &Plane, scale: usize| {
            let (width, height) = (width / scale, height / scale);
            let whole = (width.next_multiple_of(8 / scale), height.next_multiple_of(8 / scale));
            let samples = (0..whole.0 * whole.1)
                .map(|at| plane.at((at % whole.0).min(width - 1), (at / whole.0).min(height - 1)))
                .collect();
            Plane { width: whole.0, samples }
        };
        [filled(luma, 1), filled(first, 2), filled(second, 2)]
    }
}
