//! Nibble shuffles on 128-bit vectors: x86 without AVX2, virtual machines with
//! old CPU models above all.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_loadu_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi64,
    _mm_storeu_si128, _mm_xor_si128,
};

use super::field::NIBBLE_PRODUCTS;
use super::task::Task;
use super::transform::{self, Costs, Lanes};

/// Bytes of a shard per step: one vector.
pub(super) const WIDTH: usize = 16;

/// Rows at a time: four sums leave room for the copies that two-operand
/// instructions need.
const ROWS: usize = 4;

/// # Safety
/// The CPU has SSSE3, and `task.len >= WIDTH`.
#[target_feature(enable = "ssse3")]
pub(super) unsafe fn run(task: &Task<'_>) {
    if transform::pays::<Vector>(task) {
        // SAFETY: as the caller promised, and a step of the transform is no wider.
        return unsafe { transform::run::<Vector>(task) };
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
        let nibbles = nibbles(bytes);
        for (row, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `first + row` is a row of the matrix.
            let tables = tables(unsafe { *coefficients.add(row) });
            *sum = _mm_xor_si128(*sum, product(tables, nibbles));
        }
    }
    for (row, sum) in sums.into_iter().enumerate() {
        // SAFETY: `Task` grants `len` writable bytes from each output shard;
        // `storeu` needs no alignment.
        unsafe { _mm_storeu_si128(task.output.add((first + row) * task.stride + at).cast(), sum) };
    }
}

/// Low and high half of every byte.
#[target_feature(enable = "ssse3")]
#[inline]
fn nibbles(bytes: __m128i) -> (__m128i, __m128i) {
    let mask = _mm_set1_epi8(15);
    (_mm_and_si128(bytes, mask), _mm_and_si128(_mm_srli_epi64::<4>(bytes), mask))
}

/// Products of a coefficient with all low and all high nibbles.
#[target_feature(enable = "ssse3")]
#[inline]
fn tables(coefficient: u8) -> (__m128i, __m128i) {
    let table = NIBBLE_PRODUCTS.0[usize::from(coefficient)].as_ptr();
    // SAFETY: a row of the table has 32 bytes; `loadu` needs no alignment.
    unsafe { (_mm_loadu_si128(table.cast()), _mm_loadu_si128(table.add(16).cast())) }
}

#[target_feature(enable = "ssse3")]
#[inline]
fn product(tables: (__m128i, __m128i), nibbles: (__m128i, __m128i)) -> __m128i {
    _mm_xor_si128(_mm_shuffle_epi8(tables.0, nibbles.0), _mm_shuffle_epi8(tables.1, nibbles.1))
}

/// One vector: a group fills the registers.
#[derive(Clone, Copy)]
struct Vector(__m128i);

impl Lanes for Vector {
    const BYTES: usize = 16;
    const COSTS: Costs = Costs { step: 8, scale: 4, sum: 2, product: 4, element: 5 };
    type Factor = (__m128i, __m128i);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller promised, and in all that follows.
        unsafe { Self(_mm_setzero_si128()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: 16 bytes may be read, at any alignment.
        unsafe { Self(_mm_loadu_si128(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: 16 bytes may be written, at any alignment.
        unsafe { _mm_storeu_si128(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn factor(coefficient: u8) -> Self::Factor {
        // SAFETY: the CPU has SSSE3.
        unsafe { tables(coefficient) }
    }

    #[inline(always)]
    unsafe fn plus_product(self, factor: Self::Factor, other: Self) -> Self {
        // SAFETY: the CPU has SSSE3.
        unsafe { Self(_mm_xor_si128(self.0, product(factor, nibbles(other.0)))) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the CPU has SSSE3.
        unsafe { Self(_mm_xor_si128(self.0, other.0)) }
    }
}
