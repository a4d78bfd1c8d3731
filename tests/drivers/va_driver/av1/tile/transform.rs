//! Residuals of 4x4, to levels and back as a decoder does it (AV1, 7.12.3 and 7.13.3).

use super::steps;

/// How residuals become coefficients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    /// `IDTX`: they are.
    Identity,
    /// `DCT_DCT`.
    Cosine,
}

/// What a level of the first coefficient is, and one of the others.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    first: i32,
    others: i32,
}

impl Steps {
    pub(super) fn of(quantizer: u8, depth: u32) -> Self {
        let depth = usize::from(depth > 8);
        let step = |table: &[[u16; 256]; 2]| i32::from(table[depth][usize::from(quantizer)]);
        Self { first: step(&steps::DC), others: step(&steps::AC) }
    }

    fn of_coefficient(self, index: usize) -> i32 {
        if index == 0 { self.first } else { self.others }
    }
}

impl Transform {
    /// The levels whose residual is next to this one.
    pub(super) fn levels(self, residual: &[i32; 16], steps: Steps) -> [i32; 16] {
        match self {
            Self::Identity => std::array::from_fn(|at| {
                let step = steps.of_coefficient(at);
                let level = residual[at] * UNIT / step;
                let off = |level: &i32| (identity(identity(level * step)) - (residual[at] << 4)).abs();
                [level - 1, level, level + 1].into_iter().min_by_key(off).unwrap_or(level)
            }),
            Self::Cosine => {
                let rows: [[f64; 4]; 4] =
                    std::array::from_fn(|row| forward(std::array::from_fn(|x| f64::from(residual[row * 4 + x]))));
                let columns: [[f64; 4]; 4] =
                    std::array::from_fn(|column| forward(std::array::from_fn(|y| rows[y][column])));
                std::array::from_fn(|at| {
                    let wanted = columns[at % 4][at / 4] * f64::from(UNIT);
                    #[allow(clippy::cast_possible_truncation, reason = "residuals have a few bits")]
                    let level = (wanted / f64::from(steps.of_coefficient(at))).round() as i32;
                    level
                })
            }
        }
    }

    /// The residual that a decoder gets of levels.
    pub(super) fn residual(self, levels: &[i32; 16], steps: Steps) -> [i32; 16] {
        let once = |values: [i32; 4]| match self {
            Self::Identity => values.map(identity),
            Self::Cosine => cosine(values),
        };
        let coefficients: [i32; 16] = std::array::from_fn(|at| levels[at] * steps.of_coefficient(at));
        let rows: [[i32; 4]; 4] = std::array::from_fn(|row| once(std::array::from_fn(|x| coefficients[row * 4 + x])));
        let columns: [[i32; 4]; 4] = std::array::from_fn(|column| once(std::array::from_fn(|y| rows[y][column])));
        std::array::from_fn(|at| (columns[at % 4][at / 4] + 8) >> 4)
    }
}

/// 7.13.2.15: times the root of two.
const fn identity(value: i32) -> i32 {
    (value * 5793 + 2048) >> 12
}

/// 7.13.2.3.
const fn cosine([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    const fn rotated(sum: i32) -> i32 {
        (sum + 2048) >> 12
    }
    let (even, odd) = (rotated((a + c) * 2896), rotated((a - c) * 2896));
    let (inner, outer) = (rotated(b * 1567 - d * 3784), rotated(b * 3784 + d * 1567));
    [even + outer, odd + inner, odd - inner, even - outer]
}

/// The transform that [`cosine`] turns around, of length one.
fn forward(values: [f64; 4]) -> [f64; 4] {
    let [a, b, c, d] = values;
    let (inner, outer) = (b - c, a - d);
    let angle = std::f64::consts::PI / 8.0;
    [
        (a + b + c + d) / 2.0,
        (outer * angle.cos() + inner * angle.sin()) / std::f64::consts::SQRT_2,
        (a - b - c + d) / 2.0,
        (outer * angle.sin() - inner * angle.cos()) / std::f64::consts::SQRT_2,
    ]
}

/// What a residual of one is as a coefficient.
const UNIT: i32 = 8;
