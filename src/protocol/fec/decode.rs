//! The receiver's side: lost data shards from those that arrived.
//!
//! A host never needs this; tests and the load generator, which stand in for
//! clients, do.

use super::encode::bytes_of;
use super::galois::{INVERSE, multiply};
use super::kernels::{self, Kernel, Stripe};
use super::matrix::Matrix;

/// Fills in the data shards of `block` that are not `present`.
///
/// `block` holds `code.columns()` data shards and then `code.rows()` parity
/// shards, `present` says for each of them whether it arrived.
///
/// # Errors
/// [`RepairError`]; `block` is unchanged then.
pub fn repair(code: &Matrix, block: &mut [u8], present: &[bool], stripe: Stripe) -> Result<(), RepairError> {
    let shards = code.columns() + code.rows();
    let need = bytes_of(shards, stripe).ok_or(RepairError::Stripe(stripe))?;
    if block.len() < need || present.len() != shards {
        return Err(RepairError::Shape { need, have: block.len(), shards, flags: present.len() });
    }
    let (data, parity) = present.split_at(code.columns());
    let lost: Vec<usize> = indices(data, false).collect();
    if lost.is_empty() {
        return Ok(());
    }
    let helpers: Vec<usize> = indices(parity, true).take(lost.len()).collect();
    if helpers.len() < lost.len() {
        return Err(RepairError::TooManyLost { lost: lost.len(), parity: helpers.len() });
    }
    let matrix = repair_matrix(code, &lost, &helpers).ok_or(RepairError::Singular)?;
    let mut repaired = vec![0; lost.len() * stripe.stride];
    kernels::multiply(Kernel::best(), &matrix, block, &mut repaired, stripe);
    for (shard, &index) in repaired.chunks_exact(stripe.stride).zip(&lost) {
        let range = stripe.offset..stripe.offset + stripe.len;
        block[index * stripe.stride..][range.clone()].copy_from_slice(&shard[range]);
    }
    Ok(())
}

/// Why a block cannot be repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RepairError {
    /// More data shards are missing than parity shards arrived.
    #[error("{lost} data shards are lost, only {parity} parity shards arrived")]
    TooManyLost {
        /// Data shards missing.
        lost: usize,
        /// Parity shards that arrived.
        parity: usize,
    },
    /// The matrix is no erasure code for this loss; does not happen with ours.
    #[error("the parity that arrived does not determine the lost shards")]
    Singular,
    /// The stripe reaches into the next shard.
    #[error("{0:?} ends beyond its shard")]
    Stripe(Stripe),
    /// Block or flags do not fit the code.
    #[error("{shards} shards need {need} bytes and as many flags, there are {have} bytes and {flags} flags")]
    Shape {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
        /// Shards of the code.
        shards: usize,
        /// Flags given.
        flags: usize,
    },
}

fn indices(flags: &[bool], wanted: bool) -> impl Iterator<Item = usize> + '_ {
    flags.iter().enumerate().filter(move |&(_, &flag)| flag == wanted).map(|(index, _)| index)
}

/// The matrix that makes the `lost` data shards from all shards of the block.
///
/// Each helping parity row says `parity = Σ c·data`. Bring what arrived to one
/// side and multiply by the inverse of the lost columns; coefficients of shards
/// that did not arrive are 0.
fn repair_matrix(code: &Matrix, lost: &[usize], helpers: &[usize]) -> Option<Matrix> {
    let square = helpers.iter().map(|&row| lost.iter().map(|&column| code.at(row, column)).collect()).collect();
    let inverse = invert(square)?;
    let mut by_column = Vec::new();
    for column in 0..code.columns() {
        let arrived = !lost.contains(&column);
        by_column.extend(inverse.iter().map(|weights| {
            let sum = weights.iter().zip(helpers).fold(0, |sum, (&w, &row)| sum ^ multiply(w, code.at(row, column)));
            if arrived { sum } else { 0 }
        }));
    }
    for row in 0..code.rows() {
        let helper = helpers.iter().position(|&helper| helper == row);
        by_column.extend(inverse.iter().map(|weights| helper.map_or(0, |helper| weights[helper])));
    }
    Some(Matrix::from_columns(lost.len(), by_column))
}

/// Inverse of a square matrix given by rows (Gauss–Jordan); `None` if singular.
fn invert(mut rows: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let size = rows.len();
    for (index, row) in rows.iter_mut().enumerate() {
        row.extend((0..size).map(|column| u8::from(column == index)));
    }
    for pivot in 0..size {
        let found = (pivot..size).find(|&row| rows[row][pivot] != 0)?;
        rows.swap(pivot, found);
        let scale = INVERSE[usize::from(rows[pivot][pivot])];
        rows[pivot].iter_mut().for_each(|element| *element = multiply(*element, scale));
        let pivot_row = rows[pivot].clone();
        for row in (0..size).filter(|&row| row != pivot) {
            let factor = rows[row][pivot];
            rows[row].iter_mut().zip(&pivot_row).for_each(|(element, &p)| *element ^= multiply(factor, p));
        }
    }
    Some(rows.into_iter().map(|row| row[size..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIPE: Stripe = Stripe { stride: 4, offset: 0, len: 4 };

    #[test]
    fn any_two_of_six_audio_packets_may_be_lost() {
        let code = Matrix::audio();
        let mut whole: Vec<u8> = (0..24u8).map(|byte| byte.wrapping_mul(91)).collect();
        let (data, parity) = whole.split_at_mut(16);
        kernels::multiply(Kernel::PORTABLE, &code, data, parity, STRIPE);
        for first in 0..6 {
            for second in 0..6 {
                let present: Vec<bool> = (0..6).map(|shard| shard != first && shard != second).collect();
                let mut block = whole.clone();
                for shard in indices(&present, false) {
                    block[shard * 4..][..4].fill(0xAA);
                }
                repair(&code, &mut block, &present, STRIPE).unwrap();
                assert_eq!(block[..16], whole[..16], "{first} and {second} lost");
            }
        }
    }

    #[test]
    fn too_great_a_loss_is_reported() {
        let code = Matrix::video(3, 2).unwrap();
        let present = [false, true, false, false, true];
        let refused = repair(&code, &mut [7; 20], &present, STRIPE);
        assert_eq!(refused, Err(RepairError::TooManyLost { lost: 2, parity: 1 }));
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let code = Matrix::video(3, 2).unwrap();
        assert!(matches!(repair(&code, &mut [7; 19], &[true; 5], STRIPE), Err(RepairError::Shape { need: 20, .. })));
        assert!(matches!(repair(&code, &mut [7; 20], &[true; 4], STRIPE), Err(RepairError::Shape { flags: 4, .. })));
    }
}
