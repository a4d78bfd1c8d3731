//! GFNI on 256-bit vectors: CPUs with GFNI and no AVX-512 (Alder Lake and later
//! client CPUs).

use std::arch::x86_64::{
    __m256i, _mm256_gf2p8affine_epi64_epi8, _mm256_loadu_si256, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm256_xor_si256,
};

use super::field::BIT_MATRICES;
use super::task::Task;
use super::transform::{self, Costs, Lanes};

/// Bytes of a shard per step: two vectors.
pub(super) const WIDTH: usize = 64;

/// Rows at a time: 2 × 5 sums, two inputs and a matrix fit the 16 registers.
const ROWS: usize = 5;

/// # Safety
/// The CPU has AVX2 and GFNI, and `task.len >= WIDTH`.
#[target_feature(enable = "avx2,gfni")]
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
            let matrix = bit_matrix(unsafe { *coefficients.add(row) });
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

#[target_feature(enable = "avx2,gfni")]
#[inline]
fn bit_matrix(coefficient: u8) -> __m256i {
    _mm256_set1_epi64x(BIT_MATRICES[usize::from(coefficient)].cast_signed())
}

/// One vector: more of a group stays in the registers.
#[derive(Clone, Copy)]
struct Vector(__m256i);

impl Lanes for Vector {
    const BYTES: usize = 32;
    /// By the instructions that compete for two ports, half a cycle each; not by times.
    const COSTS: Costs = Costs { step: 3, scale: 2, sum: 1, product: 2, element: 2 };
    type Factor = __m256i;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller promised, and in all that follows.
        unsafe { Self(_mm256_setzero_si256()) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: 32 bytes may be read, at any alignment.
        unsafe { Self(_mm256_loadu_si256(from.cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: 32 bytes may be written, at any alignment.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn factor(coefficient: u8) -> Self::Factor {
        // SAFETY: the CPU has AVX2 and GFNI.
        unsafe { bit_matrix(coefficient) }
    }

    #[inline(always)]
    unsafe fn plus_product(self, factor: Self::Factor, other: Self) -> Self {
        // SAFETY: the CPU has AVX2 and GFNI.
        unsafe { Self(_mm256_xor_si256(self.0, _mm256_gf2p8affine_epi64_epi8::<0>(other.0, factor))) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the CPU has AVX2 and GFNI.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }
}
