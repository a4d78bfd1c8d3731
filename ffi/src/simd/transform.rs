//! Parity of video blocks by a fast transform instead of a whole matrix.
//!
//! The matrix of video is Cauchy's, `1 / (x + y)`: a parity shard stands for a
//! point `x` below `rows`, a data shard for a point `y` from `rows` on. Within an
//! aligned group of 16 points, a coset of the subspace {0..15}, the polynomial that
//! takes the values of the data is found by an additive Fourier transform in 32
//! steps instead of 256 (S.-J. Lin, W.-H. Chung, Y. S. Han, "Novel Polynomial Basis
//! and Its Application to Reed-Solomon Erasure Codes", FOCS 2014). On every other
//! coset the sum over `value / (x + y)` is that polynomial times a constant, because
//! the polynomial that vanishes on the subspace is linear. So each group of data is
//! transformed, scaled, added up for each group of parity, and transformed back.
//! Only data that shares a group with parity is multiplied point by point.
//!
//! The bytes are those of the matrix, which the tests compare; for 100 data and 20
//! parity shards there are about 500 multiplications instead of 2000.

use super::field::multiply;
use super::task::Task;

/// Bytes of a shard that are worked on at once, in the registers of one CPU.
pub(super) trait Lanes: Copy {
    /// How many bytes.
    const BYTES: usize;
    /// What its instructions take.
    const COSTS: Costs;
    /// A coefficient as the multiplication wants it.
    type Factor: Copy;

    /// # Safety
    /// The CPU has the instructions, here and in all that follows.
    unsafe fn zero() -> Self;
    /// # Safety
    /// [`Lanes::BYTES`] may be read from there, at any alignment.
    unsafe fn load(from: *const u8) -> Self;
    /// # Safety
    /// [`Lanes::BYTES`] may be written there, at any alignment.
    unsafe fn store(self, to: *mut u8);
    /// # Safety
    /// See [`Lanes::zero`].
    unsafe fn factor(coefficient: u8) -> Self::Factor;
    /// Byte by byte the sum of `self` and the product of two others.
    ///
    /// # Safety
    /// See [`Lanes::zero`].
    unsafe fn plus_product(self, factor: Self::Factor, other: Self) -> Self;
    /// # Safety
    /// See [`Lanes::zero`].
    unsafe fn plus(self, other: Self) -> Self;
}

/// Relative times of parts of the work, so that the two ways cross where measured times do:
/// a step of a transform splits its bytes anew and adds twice, and sums are in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// One step of a transform.
    pub(super) step: usize,
    /// One scaled value.
    pub(super) scale: usize,
    /// The same again for each group of parity that it is added to.
    pub(super) sum: usize,
    /// A product by itself.
    pub(super) product: usize,
    /// One element of a matrix, where many rows share what is read.
    pub(super) element: usize,
}

/// Whether the transform does a task, and is the faster way.
pub(super) const fn pays<L: Lanes>(task: &Task<'_>) -> bool {
    task.cauchy && is_faster(&L::COSTS, task.rows, task.columns)
}

const fn is_faster(costs: &Costs, rows: usize, columns: usize) -> bool {
    let parity_groups = rows.div_ceil(GROUP);
    if parity_groups > PARITY_GROUPS || rows + columns > 256 {
        return false;
    }
    let data_groups = (rows + columns).div_ceil(GROUP) - rows / GROUP;
    let shared = (rows % GROUP) * ((GROUP - rows % GROUP) % GROUP);
    let steps = STEPS * (data_groups + parity_groups);
    let scaled = GROUP * data_groups * parity_groups;
    let transform = costs.step * steps + (costs.scale + costs.sum * parity_groups) * scaled + costs.product * shared;
    transform < costs.element * rows * columns
}

/// Sets the outputs to the Cauchy matrix times the inputs.
///
/// # Safety
/// The CPU has the instructions of `L`, `task.len >= L::BYTES`, and [`pays`] of the task.
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(task: &Task<'_>) {
    // SAFETY: `steps` keeps `at + BYTES <= len`; the rest is the caller's promise.
    unsafe {
        // Kept from step to step: clearing them costs as much as a group.
        let mut values = [L::zero(); GROUP];
        let mut sums = [[L::zero(); GROUP]; PARITY_GROUPS];
        let sums = &mut sums[..task.rows.div_ceil(GROUP)];
        // Where there is one group of parity, its own data is nothing to another.
        let first = (task.rows / GROUP).max(usize::from(sums.len() == 1));
        for at in task.steps(L::BYTES) {
            for group in first..(task.rows + task.columns).div_ceil(GROUP) {
                coefficients::<L>(task, at, group, &mut values);
                for place in 0..4 {
                    let quad = column(&values, place);
                    let quad = inverse_quad::<L>(quad, [SKEWS[group][12], SKEWS[group][13], SKEWS[group][14]]);
                    // Usual, and faster when it is known.
                    if let [sums] = &mut *sums {
                        add::<L>(quad, SCALES[group], group == first, sums, place);
                        continue;
                    }
                    for (parity, sums) in sums.iter_mut().enumerate().filter(|(parity, _)| *parity != group) {
                        let is_first = group == first + usize::from(parity == first);
                        add::<L>(quad, SCALES[group ^ parity], is_first, sums, place);
                    }
                }
            }
            for (group, sums) in sums.iter_mut().enumerate() {
                finish::<L>(task, at, group, sums);
            }
        }
    }
}

/// The first two levels of a group of data.
///
/// # Safety
/// As for [`run`]; `at + BYTES <= len`.
#[inline(always)]
unsafe fn coefficients<L: Lanes>(task: &Task<'_>, at: usize, group: usize, values: &mut [L; GROUP]) {
    let skews = &SKEWS[group];
    // SAFETY: as the caller promised; `input` checks that the point is one of data.
    unsafe {
        for (quarter, values) in values.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let point = group * GROUP + quarter * 4;
            if point + 4 <= task.rows || point >= task.rows + task.columns {
                *values = [L::zero(); 4];
                continue;
            }
            let read = [
                input::<L>(task, at, point),
                input::<L>(task, at, point + 1),
                input::<L>(task, at, point + 2),
                input::<L>(task, at, point + 3),
            ];
            *values = inverse_quad::<L>(read, [skews[2 * quarter], skews[2 * quarter + 1], skews[8 + quarter]]);
        }
    }
}

/// Adds a quarter of a polynomial, scaled; the first one is not added but put.
///
/// # Safety
/// The CPU has the instructions.
#[inline(always)]
unsafe fn add<L: Lanes>(quad: [L; 4], scale: u8, is_first: bool, sums: &mut [L; GROUP], place: usize) {
    // SAFETY: as the caller promised.
    unsafe {
        let factor = L::factor(scale);
        if is_first {
            for (step, value) in quad.into_iter().enumerate() {
                sums[place + 4 * step] = L::zero().plus_product(factor, value);
            }
        } else {
            for (step, value) in quad.into_iter().enumerate() {
                sums[place + 4 * step] = sums[place + 4 * step].plus_product(factor, value);
            }
        }
    }
}

/// Every fourth value.
#[inline(always)]
fn column<L: Copy>(values: &[L; GROUP], place: usize) -> [L; 4] {
    [values[place], values[place + 4], values[place + 8], values[place + 12]]
}

/// From the polynomial of a group of parity to its shards.
///
/// # Safety
/// As for [`run`]; `at + BYTES <= len`.
#[inline(always)]
unsafe fn finish<L: Lanes>(task: &Task<'_>, at: usize, group: usize, sums: &mut [L; GROUP]) {
    let skews = &SKEWS[group];
    let first = group * GROUP;
    // SAFETY: as the caller promised; only rows of the matrix are written, and
    // `input` checks that the point is one of data.
    unsafe {
        for place in 0..4 {
            let quad = forward_quad::<L>(column(sums, place), [skews[12], skews[13], skews[14]]);
            for (step, value) in quad.into_iter().enumerate() {
                sums[place + 4 * step] = value;
            }
        }
        for (quarter, quad) in sums.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let point = first + quarter * 4;
            if point >= task.rows {
                break;
            }
            let skews = [skews[2 * quarter], skews[2 * quarter + 1], skews[8 + quarter]];
            let mut values = forward_quad::<L>(*quad, skews);
            for shared in task.rows..(first + GROUP).min(task.rows + task.columns) {
                let data = input::<L>(task, at, shared);
                for (place, value) in values.iter_mut().enumerate() {
                    let factor = L::factor(INVERSES[(point + place) ^ shared]);
                    *value = value.plus_product(factor, data);
                }
            }
            for (row, value) in (point..task.rows).zip(values) {
                value.store(task.output.add(row * task.stride + at));
            }
        }
    }
}

/// What stands at a point: a data shard, or nothing.
///
/// # Safety
/// As for [`run`]; `at + BYTES <= len`.
#[inline(always)]
unsafe fn input<L: Lanes>(task: &Task<'_>, at: usize, point: usize) -> L {
    // SAFETY: `Task` grants `len` readable bytes of each of its columns.
    unsafe {
        match point.checked_sub(task.rows) {
            Some(column) if column < task.columns => L::load(task.input.add(column * task.stride + at)),
            _ => L::zero(),
        }
    }
}

/// Two levels of the transform from values to coefficients: neighbours by the
/// first two skews, then pairs of them by the third.
///
/// # Safety
/// The CPU has the instructions.
#[inline(always)]
unsafe fn inverse_quad<L: Lanes>([mut a, mut b, mut c, mut d]: [L; 4], skews: [u8; 3]) -> [L; 4] {
    // SAFETY: as the caller promised.
    unsafe {
        b = b.plus(a);
        a = a.plus_product(L::factor(skews[0]), b);
        d = d.plus(c);
        c = c.plus_product(L::factor(skews[1]), d);
        let factor = L::factor(skews[2]);
        c = c.plus(a);
        a = a.plus_product(factor, c);
        d = d.plus(b);
        b = b.plus_product(factor, d);
    }
    [a, b, c, d]
}

/// Takes [`inverse_quad`] back. Half of the skews of the first group are 0.
///
/// # Safety
/// The CPU has the instructions.
#[inline(always)]
unsafe fn forward_quad<L: Lanes>([mut a, mut b, mut c, mut d]: [L; 4], skews: [u8; 3]) -> [L; 4] {
    // SAFETY: as the caller promised.
    unsafe {
        if skews[2] != 0 {
            let factor = L::factor(skews[2]);
            a = a.plus_product(factor, c);
            b = b.plus_product(factor, d);
        }
        c = c.plus(a);
        d = d.plus(b);
        if skews[0] != 0 {
            a = a.plus_product(L::factor(skews[0]), b);
        }
        b = b.plus(a);
        c = c.plus_product(L::factor(skews[1]), d);
        d = d.plus(c);
    }
    [a, b, c, d]
}

/// Points of a group: as many as registers can hold two levels of.
const GROUP: usize = 16;

/// Steps of the transform of a group.
const STEPS: usize = 32;

/// Groups of parity at most; more parity than 64 shards is sent by nobody.
const PARITY_GROUPS: usize = 4;

/// For each group the factors of its steps: eight for neighbours, four for pairs,
/// two for groups of four, one for groups of eight. That of a step is
/// [`vanishing`] of its level at its first point, divided by that at the level's
/// own power of two.
static SKEWS: [[u8; 15]; 16] = skews();

/// What a polynomial of another group is multiplied by, by the distance of the two:
/// the derivative of [`vanishing`], divided by its value.
static SCALES: [u8; 16] = scales();

static INVERSES: [u8; 256] = inverses();

/// The product of `point + a` over all `a` below `2^level`: linear in `point`, and 0
/// for those below `2^level`.
const fn vanishing(level: u32, point: u8) -> u8 {
    let mut value = point;
    let mut lower = 0;
    while lower < level {
        value = multiply(value, value ^ vanishing(lower, 1 << lower));
        lower += 1;
    }
    value
}

const fn skews() -> [[u8; 15]; 16] {
    let mut skews = [[0; 15]; 16];
    let mut group = 0;
    while group < 16 {
        let (mut level, mut index) = (0, 0);
        while level < 4 {
            let scale = inverse(vanishing(level, 1 << level));
            let mut point = 0;
            while point < 16 {
                skews[group][index] = multiply(scale, vanishing(level, group as u8 * 16 + point));
                index += 1;
                point += 2 << level;
            }
            level += 1;
        }
        group += 1;
    }
    skews
}

const fn scales() -> [u8; 16] {
    let mut derivative = 1;
    let mut point = 1;
    while point < 16 {
        derivative = multiply(derivative, point);
        point += 1;
    }
    let mut scales = [0; 16];
    let mut distance = 1;
    while distance < 16 {
        scales[distance] = multiply(derivative, inverse(vanishing(4, distance as u8 * 16)));
        distance += 1;
    }
    scales
}

const fn inverses() -> [u8; 256] {
    let mut inverses = [0; 256];
    let mut element = 1;
    while element < 256 {
        inverses[element] = inverse(element as u8);
        element += 1;
    }
    inverses
}

/// The 254th power; 0 for 0.
const fn inverse(element: u8) -> u8 {
    let (mut power, mut square) = (1, element);
    let mut bit = 1;
    while bit < 8 {
        square = multiply(square, square);
        power = multiply(power, square);
        bit += 1;
    }
    power
}
