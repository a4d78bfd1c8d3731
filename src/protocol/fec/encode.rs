//! Parity for a block of shards that lie one after the other.

use super::kernels::{self, Kernel, Stripe};
use super::matrix::{MatrixCache, ShardCountError};

/// Makes parity for video blocks. Reused for all frames of a stream, it does
/// not allocate once it has met a few block sizes.
#[derive(Debug)]
pub struct Encoder {
    kernel: Kernel,
    matrices: MatrixCache,
}

impl Encoder {
    /// With the fastest kernel of this CPU.
    #[must_use]
    pub fn new() -> Self {
        Self::with_kernel(Kernel::best())
    }

    /// With a certain kernel, for comparisons.
    #[must_use]
    pub fn with_kernel(kernel: Kernel) -> Self {
        Self { kernel, matrices: MatrixCache::default() }
    }

    /// Overwrites the `parity` shards behind the `data` shards in `block`.
    ///
    /// # Errors
    /// [`EncodeError`] if there is no such code or `block` is too short.
    pub fn encode(&mut self, block: &mut [u8], data: usize, parity: usize, stripe: Stripe) -> Result<(), EncodeError> {
        let matrix = self.matrices.video(data, parity)?;
        let need = bytes_of(data + parity, stripe).ok_or(EncodeError::Stripe(stripe))?;
        if block.len() < need {
            return Err(EncodeError::Block { need, have: block.len() });
        }
        let (input, output) = block.split_at_mut(data * stripe.stride);
        kernels::multiply(self.kernel, matrix, input, output, stripe);
        Ok(())
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a block was not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// No code has these shard counts.
    #[error(transparent)]
    ShardCount(#[from] ShardCountError),
    /// The stripe reaches into the next shard.
    #[error("{0:?} ends beyond its shard")]
    Stripe(Stripe),
    /// The block does not hold all shards.
    #[error("the block needs {need} bytes, there are {have}")]
    Block {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },
}

/// Bytes from the first shard to the end of the stripe in the last; `None` if
/// the stripe does not fit its shard, or the shard is nothing.
pub(super) fn bytes_of(shards: usize, stripe: Stripe) -> Option<usize> {
    let end = stripe.offset.checked_add(stripe.len)?;
    let start_of_last = shards.checked_sub(1)?.checked_mul(stripe.stride)?;
    if stripe.stride == 0 || end > stripe.stride { None } else { start_of_last.checked_add(end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fec::galois::multiply;
    use crate::protocol::fec::matrix::Matrix;

    #[test]
    fn parity_is_the_matrix_times_the_data() {
        let (data, parity, stripe) = (6, 3, Stripe { stride: 20, offset: 2, len: 17 });
        let mut block: Vec<u8> = (0..180u8).map(|byte| byte.wrapping_mul(37)).collect();
        let before = block.clone();
        Encoder::new().encode(&mut block, data, parity, stripe).unwrap();
        let matrix = Matrix::video(data, parity).unwrap();
        for row in 0..parity {
            for at in 2..19 {
                let sum = (0..data).fold(0, |sum, i| sum ^ multiply(matrix.at(row, i), before[i * 20 + at]));
                assert_eq!(block[(data + row) * 20 + at], sum);
            }
        }
        assert_eq!(block[..data * 20], before[..data * 20]);
    }

    #[test]
    fn impossible_blocks_are_refused() {
        let mut encoder = Encoder::new();
        let stripe = Stripe { stride: 16, offset: 0, len: 16 };
        assert_eq!(encoder.encode(&mut [0; 47], 2, 1, stripe), Err(EncodeError::Block { need: 48, have: 47 }));
        assert_eq!(
            encoder.encode(&mut [0; 48], 2, 0, stripe),
            Err(EncodeError::ShardCount(ShardCountError { data: 2, parity: 0 }))
        );
        let wide = Stripe { stride: 16, offset: 1, len: 16 };
        assert_eq!(encoder.encode(&mut [0; 48], 2, 1, wide), Err(EncodeError::Stripe(wide)));
    }
}
