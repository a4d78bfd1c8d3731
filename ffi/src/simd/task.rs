//! What a kernel is asked to do, checked once so that kernels need not check.

use std::marker::PhantomData;

/// Which bytes of the shards take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stripe {
    /// Bytes from the start of one shard to the start of the next.
    pub stride: usize,
    /// First byte of each shard that takes part.
    pub offset: usize,
    /// How many bytes of each shard take part.
    pub len: usize,
}

/// A matrix over GF(2⁸), stored column by column: the coefficients of one input
/// shard lie together, because a kernel reads each input once for many rows.
#[derive(Debug, Clone, Copy)]
pub struct Coefficients<'a> {
    rows: usize,
    columns: usize,
    by_column: &'a [u8],
    cauchy: bool,
}

impl<'a> Coefficients<'a> {
    /// `by_column[column * rows + row]`.
    ///
    /// # Errors
    /// [`ShapeError::Matrix`] unless that is a whole number of columns.
    pub const fn new(rows: usize, by_column: &'a [u8]) -> Result<Self, ShapeError> {
        if rows == 0 || !by_column.len().is_multiple_of(rows) {
            return Err(ShapeError::Matrix { rows, len: by_column.len() });
        }
        Ok(Self { rows, columns: by_column.len() / rows, by_column, cauchy: false })
    }

    /// As [`Coefficients::new`] for the matrix of video, `1 / ((rows + column) XOR
    /// row)`, which some kernels multiply by in another way. The caller vouches for
    /// the coefficients; where they are others, so is what comes out.
    ///
    /// # Errors
    /// [`ShapeError::Matrix`].
    pub const fn cauchy(rows: usize, by_column: &'a [u8]) -> Result<Self, ShapeError> {
        match Self::new(rows, by_column) {
            Ok(matrix) => Ok(Self { cauchy: true, ..matrix }),
            Err(error) => Err(error),
        }
    }
}

/// Why a multiplication was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The coefficients do not make whole columns.
    #[error("{len} coefficients do not fill columns of {rows} rows")]
    Matrix {
        /// Rows asked for.
        rows: usize,
        /// Coefficients given.
        len: usize,
    },
    /// The stripe reaches into the next shard.
    #[error("the stripe ends at byte {end} of a shard of {stride} bytes")]
    Stride {
        /// Bytes from shard to shard.
        stride: usize,
        /// End of the stripe.
        end: usize,
    },
    /// The input does not hold all shards.
    #[error("input shards need {need} bytes, there are {have}")]
    Input {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },
    /// The output does not hold all shards.
    #[error("output shards need {need} bytes, there are {have}")]
    Output {
        /// Bytes needed.
        need: usize,
        /// Bytes given.
        have: usize,
    },
}

/// A checked multiplication. Invariant, for all `column < columns`,
/// `row < rows` and `at < len`: `input + column * stride + at` may be read,
/// `output + row * stride + at` may be written, and
/// `coefficients[column * rows + row]` exists, while `'a` lasts.
#[derive(Debug)]
pub(super) struct Task<'a> {
    pub(super) coefficients: &'a [u8],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) input: *const u8,
    pub(super) output: *mut u8,
    pub(super) stride: usize,
    pub(super) len: usize,
    /// The matrix is that of [`Coefficients::cauchy`].
    #[cfg_attr(
        not(any(target_arch = "x86_64", target_arch = "aarch64")),
        allow(dead_code, reason = "the portable kernel has one way for all")
    )]
    pub(super) cauchy: bool,
    borrow: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Task<'a> {
    pub(super) fn new(
        coefficients: Coefficients<'a>,
        input: &'a [u8],
        output: &'a mut [u8],
        stripe: Stripe,
    ) -> Result<Self, ShapeError> {
        let Stripe { stride, offset, len } = stripe;
        let end = offset.saturating_add(len);
        if end > stride {
            return Err(ShapeError::Stride { stride, end });
        }
        let Coefficients { rows, columns, by_column, cauchy } = coefficients;
        let need = bytes_spanned(columns, stride, end);
        if input.len() < need {
            return Err(ShapeError::Input { need, have: input.len() });
        }
        let need = bytes_spanned(rows, stride, end);
        if output.len() < need {
            return Err(ShapeError::Output { need, have: output.len() });
        }
        // `get` and not an index: with no column at all the input may be empty.
        let input = input.get(offset..).unwrap_or_default().as_ptr();
        let output = output[offset..].as_mut_ptr();
        Ok(Self { coefficients: by_column, rows, columns, input, output, stride, len, cauchy, borrow: PhantomData })
    }

    /// Splits the rows into as few equal groups of at most `most` as possible.
    /// Yields first row and number of rows of each.
    pub(super) fn row_groups(&self, most: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let rows = self.rows;
        let groups = rows.div_ceil(most);
        (0..groups).map(move |group| {
            let first = group * rows / groups;
            (first, (group + 1) * rows / groups - first)
        })
    }

    /// Where each step of `width` columns begins so that all are covered. The
    /// last step overlaps the one before when `len` is no multiple: outputs are
    /// stored, not added to, so doing bytes twice is harmless, and cheaper than
    /// a second loop for the rest. Needs `width <= len`.
    pub(super) fn steps(&self, width: usize) -> impl Iterator<Item = usize> + use<> {
        debug_assert!(width <= self.len);
        let last = self.len - width;
        (0..self.len).step_by(width).map(move |at| at.min(last))
    }
}

/// Bytes from the first shard to the end of the stripe in the last one.
fn bytes_spanned(shards: usize, stride: usize, end: usize) -> usize {
    shards.checked_sub(1).map_or(0, |gaps| gaps.saturating_mul(stride).saturating_add(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task<'a>(matrix: &'a [u8], rows: usize, len: usize, output: &'a mut [u8]) -> Task<'a> {
        let coefficients = Coefficients::new(rows, matrix).unwrap();
        Task::new(coefficients, &[0; 64], output, Stripe { stride: len, offset: 0, len }).unwrap()
    }

    #[test]
    fn row_groups_cover_all_rows_evenly() {
        let mut output = [0; 64];
        for rows in 1..=60 {
            let matrix = vec![1; rows];
            let groups: Vec<_> = task(&matrix, rows, 1, &mut output).row_groups(10).collect();
            let covered: Vec<_> = groups.iter().flat_map(|&(first, count)| first..first + count).collect();
            assert_eq!(covered, (0..rows).collect::<Vec<_>>());
            assert!(groups.iter().all(|&(_, count)| (1..=10).contains(&count)));
            assert_eq!(groups.len(), rows.div_ceil(10));
        }
    }

    #[test]
    fn steps_cover_all_columns_and_stay_inside() {
        let mut output = [0; 64];
        for len in 16..64 {
            let steps: Vec<_> = task(&[1], 1, len, &mut output).steps(16).collect();
            assert!((0..len).all(|at| steps.iter().any(|&step| (step..step + 16).contains(&at))));
            assert!(steps.iter().all(|step| step + 16 <= len));
        }
    }

    #[test]
    fn huge_shapes_do_not_overflow() {
        let coefficients = Coefficients::new(1, &[1, 1, 1]).unwrap();
        let stripe = Stripe { stride: usize::MAX, offset: 0, len: 1 };
        let refused = Task::new(coefficients, &[0; 9], &mut [0; 9], stripe).unwrap_err();
        assert_eq!(refused, ShapeError::Input { need: usize::MAX, have: 9 });
        let stripe = Stripe { stride: 4, offset: 5, len: usize::MAX };
        assert!(matches!(
            Task::new(coefficients, &[0; 9], &mut [0; 9], stripe),
            Err(ShapeError::Stride { end: usize::MAX, .. })
        ));
    }
}
