//! Slices' blocks, without loss (ITU-T H.265, 7.3.8).
//!
//! What equals the reference is skipped: the first candidate to merge with is always
//! the one without motion, since no block has another. Everything else is predicted from
//! its neighbours' mean, 4x4 by 4x4, with a residual without transform. The step is one
//! when Qp' is 4; what follows deblocking does not touch, below a mean Qp of 16.

use super::contexts::Contexts;
use super::residual::{self, Bins};
use super::sets::Sets;
use super::slice::{B, Header, P};
use crate::arithmetic::Arithmetic;
use crate::bits::Writer;
use crate::driver::{Result, require};
use crate::pixels::{Picture, Plane};

/// Appends a slice's blocks to its header, and ends it.
pub(super) fn write(
    mut bits: Writer,
    sets: &Sets,
    header: &Header,
    count: u32,
    picture: &Picture,
    reference: Option<&Picture>,
) -> Result<Writer> {
    let quantizer = sets.quantizer + header.quantizer_delta;
    require((4..=26).contains(&quantizer), || format!("the stand-in codes without loss up to 26, not {quantizer}"))?;
    let lossless = sets.transform_skip && sets.quantizer_varies && sets.transforms.0 == 2 && !sets.sign_hiding;
    require(lossless, || format!("the stand-in has no way to code without loss: {sets:?}"))?;
    let whole = sets.blocks.0 == 3 || sets.depths.1 + 2 >= sets.blocks.0;
    require(whole, || format!("transforms do not come down to 4x4: {sets:?}"))?;
    let kind = match header.kind {
        B => 2,
        P => 1,
        _ => 0,
    };
    let size = 1 << sets.blocks.1;
    let (columns, _) = sets.grid();
    let at = |address: u32| ((address % columns) as usize * size, (address / columns) as usize * size);
    let mut coder = Coder {
        bins: Bins { bits: &mut bits, arithmetic: Arithmetic::default() },
        contexts: Contexts::new(kind, quantizer),
        sets,
        offsets: header.offsets,
        picture,
        reference,
        top: at(header.first).1,
        stride: sets.size.0 as usize / 8,
        marks: vec![Mark::default(); sets.size.0 as usize / 8 * (sets.size.1 as usize / 8)],
        quantizer,
        is_told: false,
    };
    for address in header.first..header.first + count {
        coder.tree(at(address));
        let is_last = address + 1 == header.first + count;
        coder.bins.arithmetic.terminate(coder.bins.bits, is_last);
    }
    // The end wrote the one of the trailing bits.
    bits.align(false);
    Ok(bits)
}

/// What later blocks depend on.
#[derive(Clone, Copy, Default)]
struct Mark {
    depth: u32,
    is_skipped: bool,
}

struct Coder<'a> {
    bins: Bins<'a>,
    contexts: Contexts,
    sets: &'a Sets,
    offsets: (bool, bool),
    picture: &'a Picture,
    reference: Option<&'a Picture>,
    /// The slice's first row.
    top: usize,
    /// Blocks of 8x8 in a row, and each.
    stride: usize,
    marks: Vec<Mark>,
    /// What the next block's quantizer is predicted from.
    quantizer: i32,
    /// This tree has said its quantizer.
    is_told: bool,
}

impl Coder<'_> {
    fn tree(&mut self, at: (usize, usize)) {
        self.is_told = false;
        let (luma, chroma) = self.offsets;
        if luma || chroma {
            // No offsets, neither a neighbour's nor its own.
            for _ in 0..usize::from(at.0 > 0) + usize::from(at.1 > self.top) {
                self.bins.decide(&mut self.contexts.offset_merge, false);
            }
            for _ in 0..usize::from(luma) + usize::from(chroma) {
                self.bins.decide(&mut self.contexts.offset_type, false);
            }
        }
        self.split(at, self.sets.blocks.1, 0);
    }

    /// `coding_quadtree()`.
    fn split(&mut self, (x, y): (usize, usize), log_size: u32, depth: u32) {
        let size = 1_usize << log_size;
        let (width, height) = (self.sets.size.0 as usize, self.sets.size.1 as usize);
        let fits = x + size <= width && y + size <= height;
        let is_still = fits && self.is_still((x, y), size);
        let splits = log_size > self.sets.blocks.0 && !is_still;
        if fits && log_size > self.sets.blocks.0 {
            let deeper = self.neighbours((x, y)).filter(|mark| mark.depth > depth).count();
            self.bins.decide(&mut self.contexts.split_block[deeper], splits);
        }
        if !splits {
            self.block((x, y), log_size, is_still);
            self.mark((x, y), size, Mark { depth, is_skipped: is_still });
            return;
        }
        let half = size / 2;
        for (x, y) in [(x, y), (x + half, y), (x, y + half), (x + half, y + half)] {
            if x < width && y < height {
                self.split((x, y), log_size - 1, depth + 1);
            }
        }
    }

    fn mark(&mut self, (x, y): (usize, usize), size: usize, mark: Mark) {
        for row in y / 8..(y + size) / 8 {
            self.marks[row * self.stride + x / 8..][..size / 8].fill(mark);
        }
    }

    /// Those to the left and above that are in the slice.
    fn neighbours(&self, (x, y): (usize, usize)) -> impl Iterator<Item = Mark> {
        let left = (x > 0).then(|| self.marks[y / 8 * self.stride + x / 8 - 1]);
        let above = (y > self.top).then(|| self.marks[(y / 8 - 1) * self.stride + x / 8]);
        left.into_iter().chain(above)
    }

    fn is_still(&self, (x, y): (usize, usize), size: usize) -> bool {
        self.reference.is_some_and(|reference| {
            self.picture.planes.iter().zip(&reference.planes).enumerate().all(|(index, (plane, before))| {
                let scale = if index > 0 { 2 } else { 1 };
                let (at, size) = ((x / scale, y / scale), (size / scale, size / scale));
                plane.rows(at, size).eq(before.rows(at, size))
            })
        })
    }

    /// `coding_unit()`.
    fn block(&mut self, at: (usize, usize), log_size: u32, is_still: bool) {
        if self.reference.is_some() {
            let skipped = self.neighbours(at).filter(|mark| mark.is_skipped).count();
            self.bins.decide(&mut self.contexts.skip[skipped], is_still);
            if is_still {
                self.bins.decide(&mut self.contexts.merge, false);
                return;
            }
            self.bins.decide(&mut self.contexts.intra, true);
        }
        // Blocks of 8x8 have four modes, one for each 4x4.
        let parts = if log_size == 3 { 4 } else { 1 };
        self.bins.decide(&mut self.contexts.partition, parts == 1);
        for _ in 0..parts {
            self.bins.decide(&mut self.contexts.expected_mode, true);
        }
        for _ in 0..parts {
            // The second of those expected: all neighbours have the mean, or count as if.
            self.bins.bypass(0b10, 2);
        }
        self.bins.decide(&mut self.contexts.chroma_mode, false);
        self.transforms(at, log_size, 0, [true; 2]);
    }

    /// `transform_tree()` down to 4x4.
    fn transforms(&mut self, (x, y): (usize, usize), log_size: u32, depth: u32, before: [bool; 2]) {
        let is_implied = log_size > self.sets.transforms.1 || (depth == 0 && log_size == 3);
        if !is_implied {
            self.bins.decide(&mut self.contexts.split_transform[5 - log_size as usize], true);
        }
        let half = 1_usize << (log_size - 1);
        let mut coded = [false; 2];
        for (index, coded) in coded.iter_mut().enumerate() {
            if before[index] {
                *coded = self.has_residual(index + 1, (x / 2, y / 2), half);
                self.bins.decide(&mut self.contexts.chroma[depth as usize], *coded);
            }
        }
        for (index, at) in [(x, y), (x + half, y), (x, y + half), (x + half, y + half)].into_iter().enumerate() {
            if log_size > 3 {
                self.transforms(at, log_size - 1, depth + 1, coded);
                continue;
            }
            self.luma(at, coded);
            for (plane, coded) in coded.iter().enumerate().filter(|_| index == 3) {
                if *coded {
                    let levels = self.levels(plane + 1, (x / 2, y / 2));
                    residual::write(&mut self.bins, &mut self.contexts, &levels, false, true);
                }
            }
        }
    }

    /// `transform_unit()`, without its chroma.
    fn luma(&mut self, at: (usize, usize), chroma: [bool; 2]) {
        let mut levels = self.levels(0, at);
        let is_left = levels != [0; 16];
        if !is_left && !self.is_told {
            // Something has to be coded for the quantizer to be said: through the
            // transform, at this quantizer, the least level rounds to nothing.
            levels[0] = 1;
        }
        let is_coded = levels != [0; 16];
        self.bins.decide(&mut self.contexts.luma[0], is_coded);
        if (is_coded || chroma != [false; 2]) && !self.is_told {
            self.tell_quantizer();
        }
        if is_coded {
            residual::write(&mut self.bins, &mut self.contexts, &levels, true, is_left);
        }
    }

    /// `cu_qp_delta_abs`: from what was predicted to the one whose step is one. Qp wraps
    /// around, so that every one can be reached.
    fn tell_quantizer(&mut self) {
        self.is_told = true;
        let offset = (self.sets.depth.cast_signed() - 8) * 6;
        let wanted = LOSSLESS - offset;
        let (span, least) = (52 + offset, -(26 + offset / 2));
        let delta = (wanted - self.quantizer - least).rem_euclid(span) + least;
        self.quantizer = wanted;
        let magnitude = delta.unsigned_abs();
        for index in 0..(magnitude + 1).min(5) {
            self.bins.decide(&mut self.contexts.quantizer[usize::from(index > 0)], index < magnitude);
        }
        if magnitude >= 5 {
            self.bins.exponential(magnitude - 5, 0);
        }
        if magnitude > 0 {
            self.bins.bypass(u32::from(delta < 0), 1);
        }
    }

    fn has_residual(&self, plane: usize, (x, y): (usize, usize), size: usize) -> bool {
        let parts = (0..size / 4).flat_map(|row| (0..size / 4).map(move |column| (x + column * 4, y + row * 4)));
        parts.into_iter().any(|at| self.levels(plane, at) != [0; 16])
    }

    /// What 4x4 samples lack to their prediction.
    fn levels(&self, plane: usize, (x, y): (usize, usize)) -> [i32; 16] {
        let top = if plane > 0 { self.top / 2 } else { self.top };
        let samples = &self.picture.planes[plane];
        let predicted = mean(samples, (x, y), top, self.sets.depth, plane == 0);
        std::array::from_fn(|index| i32::from(samples.at(x + index % 4, y + index / 4)) - predicted[index])
    }
}

/// 8.4.4.2.2 and 8.4.4.2.5: what lacks is taken from what is there.
fn mean(plane: &Plane, (x, y): (usize, usize), top: usize, depth: u32, smooths: bool) -> [i32; 16] {
    let sample = |x: usize, y: usize| i32::from(plane.at(x, y));
    let (left, above): ([i32; 4], [i32; 4]) = match (x > 0, y > top) {
        (false, false) => ([1 << (depth - 1); 4], [1 << (depth - 1); 4]),
        (true, false) => (std::array::from_fn(|row| sample(x - 1, y + row)), [sample(x - 1, y); 4]),
        (false, true) => ([sample(x, y - 1); 4], std::array::from_fn(|column| sample(x + column, y - 1))),
        (true, true) => {
            (std::array::from_fn(|row| sample(x - 1, y + row)), std::array::from_fn(|column| sample(x + column, y - 1)))
        }
    };
    let mean = (left.iter().sum::<i32>() + above.iter().sum::<i32>() + 4) >> 3;
    std::array::from_fn(|index| match (index % 4, index / 4) {
        _ if !smooths => mean,
        (0, 0) => (left[0] + 2 * mean + above[0] + 2) >> 2,
        (column, 0) => (above[column] + 3 * mean + 2) >> 2,
        (0, row) => (left[row] + 3 * mean + 2) >> 2,
        _ => mean,
    })
}

/// Qp' with a step of one.
const LOSSLESS: i32 = 4;
