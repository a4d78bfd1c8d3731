//! GFNI on 256-bit vectors: CPUs with GFNI and no AVX-512 (Alder Lake and later
//! client CPUs).

use std::arch::x86_64::{
    _mm256_gf2p8affine_epi64_epi8, _mm256_loadu_si256, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256,
    _mm256_xor_si256,
};

use super::field::BIT_MATRICES;
use super::task::Task;

/// Bytes of a shard per step: two vectors.
pub(super) const WIDTH: usize = 64;

/// Rows at a time: 2 × 5 sums, two inputs and a matrix fit the 16 registers.
const ROWS: usize = 5;

/// # Safety
/// The CPU has AVX2 and GFNI, and `task.len >= WIDTH`.
#[target_feature(enable = "avx2,gfni")]
pub(super) unsafe fn run(task: &Task<'_>) {
    for at in task.steps(WIDTH) {
        for (first, count) in task.row_groups(ROWS) {
            // SAFETY: `steps` keeps `at + WIDTH <= len`, and `row_groups` keeps
            // `first + count <= rows`.
            unsafe {
                match count {
                    1 => rows::<1>(task, first, at),
                    2 => rows::<2>(task, first, at),
                    3 => rows::<3>(task, first, at),
                    4 => rows::<4>(task, first, at),
                    _ => rows::<ROWS>(task, first, at),
                }
            }
        }
    }
}

/// # Safety
/// As for [`run`]; `first + R <= task.rows` and `at + WIDTH <= task.len`.
#[target_feature(enable = "avx2,gfni")]
#[inline]
unsafe fn rows<const R: usize>(task: &Task<'_>, first: usize, at: usize) {
    let mut low = [_mm256_setzero_si256(); R];
    let mut high = [_mm256_setzero_si256(); R];
    for column in 0..task.columns {
        // SAFETY: `Task` grants `len` readable bytes from each input shard, and
        // `rows` coefficients for each column; `loadu` needs no alignment.
        let (a, b, coefficients) = unsafe {
            let input = task.input.add(column * task.stride + at);
            let coefficients = task.coefficients.as_ptr().add(column * task.rows + first);
            (_mm256_loadu_si256(input.cast()), _mm256_loadu_si256(input.add(32).cast()), coefficients)
        };
        for row in 0..R {
            // SAFETY: `first + row` is a row of the matrix.
            let coefficient = unsafe { *coefficients.add(row) };
            let matrix = _mm256_set1_epi64x(BIT_MATRICES[usize::from(coefficient)].cast_signed());
            low[row] = _mm256_xor_si256(low[row], _mm256_gf2p8affine_epi64_epi8::<0>(a, matrix));
            high[row] = _mm256_xor_si256(high[row], _mm256_gf2p8affine_epi64_epi8::<0>(b, matrix));
        }
    }
    for row in 0..R {
        // SAFETY: `Task` grants `len` writable bytes from each output shard;
        // `storeu` needs no alignment.
        unsafe {
            let output = task.output.add((first + row) * task.stride + at);
            _mm256_storeu_si256(output.cast(), low[row]);
            _mm256_storeu_si256(output.add(32).cast(), high[row]);
        }
    }
}
