//! Slices' macroblocks, without loss: raw ones (`I_PCM`), and in predicted slices skipped
//! ones (`P_Skip`), which a decoder copies from the reference.
//!
//! A skipped macroblock's motion is predicted from its neighbours (8.4.1.1), and those
//! are skipped without motion, raw, or outside of the slice: it is nought.

use std::ops::Range;

use super::contexts::Contexts;
use crate::arithmetic::Arithmetic;
use crate::bits::Writer;
use crate::pixels::Picture;

/// Which entropy coding, and the slice's quantizer.
#[derive(Clone, Copy)]
pub(crate) struct Entropy {
    pub(crate) has_cabac: bool,
    pub(crate) quantizer: i32,
}

/// Appends the macroblocks of a slice, and ends it. A slice with a reference is a
/// predicted one.
pub(crate) fn write(
    bits: &mut Writer,
    entropy: Entropy,
    addresses: Range<u32>,
    picture: &Picture,
    reference: Option<&Picture>,
) {
    let macroblocks: Vec<Macroblock> = addresses.map(|address| Macroblock::new(address, picture, reference)).collect();
    let columns = picture.planes[0].width / 16;
    if entropy.has_cabac {
        write_arithmetic(bits, entropy.quantizer, &macroblocks, reference.is_some(), columns);
    } else {
        write_variable(bits, &macroblocks, reference.is_some());
    }
}

struct Macroblock {
    is_skipped: bool,
    samples: Vec<u8>,
}

impl Macroblock {
    fn new(address: u32, picture: &Picture, reference: Option<&Picture>) -> Self {
        let samples = samples(address, picture);
        let is_skipped = reference.is_some_and(|reference| self::samples(address, reference) == samples);
        Self { is_skipped, samples }
    }
}

/// In the order of `pcm_sample_luma` and `pcm_sample_chroma`.
fn samples(address: u32, picture: &Picture) -> Vec<u8> {
    let columns = picture.planes[0].width / 16;
    let (x, y) = (address as usize % columns, address as usize / columns);
    let [luma, blue, red] = &picture.planes;
    let parts = [(luma, 16), (blue, 8), (red, 8)];
    let rows = parts.into_iter().flat_map(|(plane, size)| plane.rows((x * size, y * size), (size, size)));
    rows.flatten().map(|&sample| u8::try_from(sample).unwrap_or(u8::MAX)).collect()
}

/// 7.3.4 with `entropy_coding_mode_flag` 0.
fn write_variable(bits: &mut Writer, macroblocks: &[Macroblock], is_predicted: bool) {
    let mut skipped = 0;
    for macroblock in macroblocks {
        if macroblock.is_skipped {
            skipped += 1;
            continue;
        }
        if is_predicted {
            bits.ue(std::mem::take(&mut skipped));
        }
        bits.ue(if is_predicted { 30 } else { 25 });
        bits.align(false);
        bits.extend(&macroblock.samples);
    }
    if skipped > 0 {
        bits.ue(skipped);
    }
    bits.trailing();
}

/// 7.3.4 with `entropy_coding_mode_flag` 1.
fn write_arithmetic(bits: &mut Writer, quantizer: i32, macroblocks: &[Macroblock], is_predicted: bool, columns: usize) {
    bits.align(true);
    let mut contexts = Contexts::new(quantizer);
    let mut coder = Arithmetic::default();
    // Slices begin at the left: who is above is in the slice from its second row on.
    let left = |at: usize| (!at.is_multiple_of(columns)).then(|| &macroblocks[at - 1]);
    let above = |at: usize| at.checked_sub(columns).map(|at| &macroblocks[at]);
    for (at, macroblock) in macroblocks.iter().enumerate() {
        let neighbours = [left(at), above(at)];
        let coded = neighbours.iter().flatten().filter(|neighbour| !neighbour.is_skipped).count();
        if is_predicted {
            coder.decision(bits, contexts.skip(coded), macroblock.is_skipped);
        }
        if !macroblock.is_skipped {
            if is_predicted {
                coder.decision(bits, contexts.intra_prefix(), true);
                coder.decision(bits, contexts.intra_suffix(), true);
            } else {
                coder.decision(bits, contexts.intra(coded), true);
            }
            coder.terminate(bits, true);
            bits.align(false);
            bits.extend(&macroblock.samples);
            coder = Arithmetic::default();
        }
        coder.terminate(bits, at + 1 == macroblocks.len());
    }
    // The end wrote the one of the trailing bits.
    bits.align(false);
}
