//! Nibble shuffles on 256-bit vectors: every x86 server since Haswell and Zen.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_loadu_si256, _mm256_set1_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::field::NIBBLE_PRODUCTS;
use super::task::Task;
use super::transform::{self, Costs, Lanes};

/// Bytes of a shard per step: two vectors, so that the two tables of a
/// coefficient are loaded once for both.
pub(super) const WIDTH: usize = 64;

/// Rows at a time: 2 × 4 sums, four nibble vectors, two tables and the mask fit
/// the 16 registers.
const ROWS: usize = 4;

/// # Safety
/// The CPU has AVX2, and `task.len >= WIDTH`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(task: &Task<'_>) {
    if transform::pays::<Pair>(task) {
        // SAFETY: as the caller promised, and a step of the transform is no wider.
        return unsafe { transform::run::<Pair>(task) };
    }
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
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn rows<const R: usize>(task: &Task<'_>, first: usize, at: usize) {
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for column in 0..task.columns {
        // SAFETY: `Task` grants `len` readable bytes from each input shard, and
        // `rows` coefficients for each column; `loadu` needs no alignment.
        let (a, b, coefficients) = unsafe {
            let input = task.input.add(column * task.stride + at);
            let coefficients = task.coefficients.as_ptr().add(column * task.rows + first);
            (_mm256_loadu_si256(input.cast()), _mm256_loadu_si256(input.add(32).cast()), coefficients)
        };
        let (a, b) = (nibbles(a), nibbles(b));
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `first + row` is a row of the matrix.
            let tables = tables(unsafe { *coefficients.add(row) });
            sums[0] = _mm256_xor_si256(sums[0], product(tables, a));
            sums[1] = _mm256_xor_si256(sums[1], product(tables, b));
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        // SAFETY: `Task` grants `len` writable bytes from each output shard;
        // `storeu` needs no alignment.
        unsafe {
            let output = task.output.add((first + row) * task.stride + at);
            _mm256_storeu_si256(output.cast(), sums[0]);
            _mm256_storeu_si256(output.add(32).cast(), sums[1]);
        }
    }
}

/// Low and high half of every byte.
#[target_feature(enable = "avx2")]
#[inline]
fn nibbles(bytes: __m256i) -> (__m256i, __m256i) {
    let mask = _mm256_set1_epi8(15);
    (_mm256_and_si256(bytes, mask), _mm256_and_si256(_mm256_srli_epi64::<4>(bytes), mask))
}

/// Products of a coefficient with all low and all high nibbles.
#[target_feature(enable = "avx2")]
#[inline]
fn tables(coefficient: u8) -> (__m256i, __m256i) {
    let table = NIBBLE_PRODUCTS.0[usize::from(coefficient)].as_ptr();
    // SAFETY: a row of the table has 32 bytes; `loadu` needs no alignment.
    let (low, high) = unsafe { (_mm_loadu_si128(table.cast()), _mm_loadu_si128(table.add(16).cast())) };
    (_mm256_broadcastsi128_si256(low), _mm256_broadcastsi128_si256(high))
}

#[target_feature(enable = "avx2")]
#[inline]
fn product(tables: (__m256i, __m256i), nibbles: (__m256i, __m256i)) -> __m256i {
    _mm256_xor_si256(_mm256_shuffle_epi8(tables.0, nibbles.0), _mm256_shuffle_epi8(tables.1, nibbles.1))
}

/// Two vectors, so that the tables of a factor are loaded once for both.
#[derive(Clone, Copy)]
struct Pair([__m256i; 2]);

impl Lanes for Pair {
    const BYTES: usize = WIDTH;
    const COSTS: Costs = Costs { step: 8, scale: 4, sum: 2, product: 4, element: 5 };
    type Factor = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller promised, and in all that follows.
        unsafe { Self([_mm256_setzero_si256(); 2]) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: 64 bytes may be read, and `loadu` needs no alignment.
        unsafe { Self([_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())]) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: 64 bytes may be written, and `storeu` needs no alignment.
        unsafe {
            _mm256_storeu_si256(to.cast(), self.0[0]);
            _mm256_storeu_si256(to.add(32).cast(), self.0[1]);
        }
    }

    #[inline(always)]
    unsafe fn factor(coefficient: u8) -> Self::Factor {
        // SAFETY: the CPU has AVX2.
        unsafe { tables(coefficient) }
    }

    #[inline(always)]
    unsafe fn plus_product(self, factor: Self::Factor, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        unsafe {
            let half = |at: usize| _mm256_xor_si256(self.0[at], product(factor, nibbles(other.0[at])));
            Self([half(0), half(1)])
        }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2.
        unsafe { Self([_mm256_xor_si256(self.0[0], other.0[0]), _mm256_xor_si256(self.0[1], other.0[1])]) }
    }
}
