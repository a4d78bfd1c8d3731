//! Nibble shuffles on 128-bit vectors: x86 without AVX2, virtual machines with
//! old CPU models above all.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_loadu_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi64,
    _mm_storeu_si128, _mm_xor_si128,
};

use super::field::NIBBLE_PRODUCTS;
use super::task::Task;

/// Bytes of a shard per step: one vector.
pub(super) const WIDTH: usize = 16;

/// Rows at a time: four sums leave room for the copies that two-operand
/// instructions need.
const ROWS: usize = 4;

/// # Safety
/// The CPU has SSSE3, and `task.len >= WIDTH`.
#[target_feature(enable = "ssse3")]
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
                    _ => rows::<ROWS>(task, first, at),
                }
            }
        }
    }
}

/// # Safety
/// As for [`run`]; `first + R <= task.rows` and `at + WIDTH <= task.len`.
#[target_feature(enable = "ssse3")]
#[inline]
unsafe fn rows<const R: usize>(task: &Task<'_>, first: usize, at: usize) {
    let mut sums = [_mm_setzero_si128(); R];
    for column in 0..task.columns {
        // SAFETY: `Task` grants `len` readable bytes from each input shard, and
        // `rows` coefficients for each column; `loadu` needs no alignment.
        let (bytes, coefficients) = unsafe {
            let coefficients = task.coefficients.as_ptr().add(column * task.rows + first);
            (_mm_loadu_si128(task.input.add(column * task.stride + at).cast()), coefficients)
        };
        let mask = _mm_set1_epi8(15);
        let low = _mm_and_si128(bytes, mask);
        let high = _mm_and_si128(_mm_srli_epi64::<4>(bytes), mask);
        for (row, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `first + row` is a row of the matrix.
            let (low_table, high_table) = tables(unsafe { *coefficients.add(row) });
            let product = _mm_xor_si128(_mm_shuffle_epi8(low_table, low), _mm_shuffle_epi8(high_table, high));
            *sum = _mm_xor_si128(*sum, product);
        }
    }
    for (row, sum) in sums.into_iter().enumerate() {
        // SAFETY: `Task` grants `len` writable bytes from each output shard;
        // `storeu` needs no alignment.
        unsafe { _mm_storeu_si128(task.output.add((first + row) * task.stride + at).cast(), sum) };
    }
}

/// Products of a coefficient with all low and all high nibbles.
#[target_feature(enable = "ssse3")]
#[inline]
fn tables(coefficient: u8) -> (__m128i, __m128i) {
    let table = NIBBLE_PRODUCTS.0[usize::from(coefficient)].as_ptr();
    // SAFETY: a row of the table has 32 bytes; `loadu` needs no alignment.
    unsafe { (_mm_loadu_si128(table.cast()), _mm_loadu_si128(table.add(16).cast())) }
}
