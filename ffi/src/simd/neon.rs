//! Nibble shuffles on 128-bit vectors of ARM: Graviton, Grace, Ampere.

use std::arch::aarch64::{uint8x16_t, vandq_u8, vdupq_n_u8, veorq_u8, vld1q_u8, vqtbl1q_u8, vshrq_n_u8, vst1q_u8};

use super::field::NIBBLE_PRODUCTS;
use super::task::Task;
use super::transform::{self, Costs, Lanes};

/// Bytes of a shard per step: two vectors, so that the two tables of a
/// coefficient are loaded once for both.
pub(super) const WIDTH: usize = 32;

/// Rows at a time: 2 × 8 sums, four nibble vectors, two tables and the mask fit
/// the 32 registers.
const ROWS: usize = 8;

/// # Safety
/// The CPU has NEON, and `task.len >= WIDTH`.
#[target_feature(enable = "neon")]
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
                    5 => rows::<5>(task, first, at),
                    6 => rows::<6>(task, first, at),
                    7 => rows::<7>(task, first, at),
                    _ => rows::<ROWS>(task, first, at),
                }
            }
        }
    }
}

/// # Safety
/// As for [`run`]; `first + R <= task.rows` and `at + WIDTH <= task.len`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn rows<const R: usize>(task: &Task<'_>, first: usize, at: usize) {
    let mut sums = [[vdupq_n_u8(0); 2]; R];
    for column in 0..task.columns {
        // SAFETY: `Task` grants `len` readable bytes from each input shard, and
        // `rows` coefficients for each column; `vld1q` needs no alignment.
        let (a, b, coefficients) = unsafe {
            let input = task.input.add(column * task.stride + at);
            let coefficients = task.coefficients.as_ptr().add(column * task.rows + first);
            (vld1q_u8(input), vld1q_u8(input.add(16)), coefficients)
        };
        let (a, b) = (nibbles(a), nibbles(b));
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `first + row` is a row of the matrix.
            let tables = tables(unsafe { *coefficients.add(row) });
            sums[0] = veorq_u8(sums[0], product(tables, a));
            sums[1] = veorq_u8(sums[1], product(tables, b));
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        // SAFETY: `Task` grants `len` writable bytes from each output shard;
        // `vst1q` needs no alignment.
        unsafe {
            let output = task.output.add((first + row) * task.stride + at);
            vst1q_u8(output, sums[0]);
            vst1q_u8(output.add(16), sums[1]);
        }
    }
}

/// Low and high half of every byte.
#[target_feature(enable = "neon")]
#[inline]
fn nibbles(bytes: uint8x16_t) -> (uint8x16_t, uint8x16_t) {
    (vandq_u8(bytes, vdupq_n_u8(15)), vshrq_n_u8::<4>(bytes))
}

/// Products of a coefficient with all low and all high nibbles.
#[target_feature(enable = "neon")]
#[inline]
fn tables(coefficient: u8) -> (uint8x16_t, uint8x16_t) {
    let table = NIBBLE_PRODUCTS.0[usize::from(coefficient)].as_ptr();
    // SAFETY: a row of the table has 32 bytes; `vld1q` needs no alignment.
    unsafe { (vld1q_u8(table), vld1q_u8(table.add(16))) }
}

#[target_feature(enable = "neon")]
#[inline]
fn product(tables: (uint8x16_t, uint8x16_t), nibbles: (uint8x16_t, uint8x16_t)) -> uint8x16_t {
    veorq_u8(vqtbl1q_u8(tables.0, nibbles.0), vqtbl1q_u8(tables.1, nibbles.1))
}

/// One vector: a group and its sums fill the registers.
#[derive(Clone, Copy)]
struct Vector(uint8x16_t);

impl Lanes for Vector {
    const BYTES: usize = 16;
    /// Those of AVX2, for want of times.
    const COSTS: Costs = Costs { step: 8, scale: 4, sum: 2, product: 4, element: 5 };
    type Factor = (uint8x16_t, uint8x16_t);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller promised, and in all that follows.
        unsafe { Self(vdupq_n_u8(0)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: 16 bytes may be read, at any alignment.
        unsafe { Self(vld1q_u8(from)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: 16 bytes may be written, at any alignment.
        unsafe { vst1q_u8(to, self.0) }
    }

    #[inline(always)]
    unsafe fn factor(coefficient: u8) -> Self::Factor {
        // SAFETY: the CPU has NEON.
        unsafe { tables(coefficient) }
    }

    #[inline(always)]
    unsafe fn plus_product(self, factor: Self::Factor, other: Self) -> Self {
        // SAFETY: the CPU has NEON.
        unsafe { Self(veorq_u8(self.0, product(factor, nibbles(other.0)))) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: the CPU has NEON.
        unsafe { Self(veorq_u8(self.0, other.0)) }
    }
}
