//! The samples of one picture in three planes of 8 bits, as encoders take them.

use crate::codec::Chroma;
use crate::units::Size;

/// Luma and two chroma planes, in 4:2:0 of half the width and height.
///
/// Their size is the visible size rounded up to even numbers, because 4:2:0
/// has no odd sizes; an odd edge repeats its last column or row.
#[derive(Debug, Clone)]
pub struct Planes {
    size: Size,
    chroma: Chroma,
    /// Luma rows.
    pub y: Vec<u8>,
    /// Blue-difference rows.
    pub u: Vec<u8>,
    /// Red-difference rows.
    pub v: Vec<u8>,
    /// Bytes from one luma row to the next.
    pub y_stride: usize,
    /// Bytes from one chroma row to the next.
    pub uv_stride: usize,
}

impl Planes {
    /// Planes for a picture of `visible` pixels, filled with one colour.
    #[must_use]
    pub fn new(visible: Size, chroma: Chroma, [y, u, v]: [u8; 3]) -> Self {
        let size = even(visible);
        let (width, height) = (size.width as usize, size.height as usize);
        // Rows start on cache lines; the spare row lets a part of the picture
        // be handed on as a slice of whole rows.
        let y_stride = width.next_multiple_of(ALIGNMENT * 2);
        let step = step(chroma);
        let uv_stride = y_stride / step;
        Self {
            size,
            chroma,
            y: vec![y; y_stride * (height + 1)],
            u: vec![u; uv_stride * (height / step + 1)],
            v: vec![v; uv_stride * (height / step + 1)],
            y_stride,
            uv_stride,
        }
    }

    /// How much smaller chroma is.
    #[must_use]
    pub const fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// Luma samples that share a chroma sample, in each direction.
    #[must_use]
    pub const fn chroma_step(&self) -> usize {
        step(self.chroma)
    }

    /// Size of the planes, even both ways.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// A luma row without its padding.
    #[must_use]
    pub fn luma_row(&self, row: usize) -> &[u8] {
        &self.y[row * self.y_stride..][..self.size.width as usize]
    }

    /// Turns rows `top..top + height` upside down; both numbers even.
    pub(super) fn flip_rows(&mut self, top: usize, height: usize) {
        flip(&mut self.y, self.y_stride, top, height);
        let step = self.chroma_step();
        flip(&mut self.u, self.uv_stride, top / step, height / step);
        flip(&mut self.v, self.uv_stride, top / step, height / step);
    }

    /// Fills the last column and row of a picture whose visible size is odd.
    pub(super) fn repeat_odd_edges(&mut self, visible: Size) {
        let visible = (visible.width as usize, visible.height as usize);
        repeat_edges(&mut self.y, self.y_stride, visible);
        if self.chroma == Chroma::Yuv444 {
            repeat_edges(&mut self.u, self.uv_stride, visible);
            repeat_edges(&mut self.v, self.uv_stride, visible);
        }
    }
}

/// A size rounded up to even numbers.
#[must_use]
pub const fn even(size: Size) -> Size {
    Size::new(size.width.next_multiple_of(2), size.height.next_multiple_of(2))
}

const fn step(chroma: Chroma) -> usize {
    match chroma {
        Chroma::Yuv420 => 2,
        Chroma::Yuv444 => 1,
    }
}

fn repeat_edges(plane: &mut [u8], stride: usize, (width, height): (usize, usize)) {
    if !width.is_multiple_of(2) {
        for row in plane.chunks_exact_mut(stride).take(height) {
            row[width] = row[width - 1];
        }
    }
    if !height.is_multiple_of(2) {
        let last = (height - 1) * stride;
        plane.copy_within(last..last + stride, last + stride);
    }
}

fn flip(plane: &mut [u8], stride: usize, top: usize, height: usize) {
    let rows = &mut plane[top * stride..(top + height) * stride];
    let (upper, lower) = rows.split_at_mut(height.div_ceil(2) * stride);
    for (above, below) in upper.chunks_exact_mut(stride).zip(lower.chunks_exact_mut(stride).rev()) {
        above.swap_with_slice(below);
    }
}

/// Bytes of a cache line.
const ALIGNMENT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_are_rounded_up_and_their_edges_repeated() {
        let mut planes = Planes::new(Size::new(5, 3), Chroma::Yuv444, [0, 128, 128]);
        assert_eq!(planes.size(), Size::new(6, 4));
        for row in 0..3 {
            for column in 0..5 {
                let stride = planes.y_stride;
                planes.y[row * stride + column] = u8::try_from(row * 10 + column).unwrap();
                planes.v[row * planes.uv_stride + column] = u8::try_from(row + column * 10).unwrap();
            }
        }
        planes.repeat_odd_edges(Size::new(5, 3));
        assert_eq!(planes.luma_row(0), [0, 1, 2, 3, 4, 4]);
        assert_eq!(planes.luma_row(3), [20, 21, 22, 23, 24, 24]);
        assert_eq!(planes.v[3 * planes.uv_stride..][..6], [2, 12, 22, 32, 42, 42]);
    }

    #[test]
    fn flipping_reverses_only_the_rows_named() {
        let mut planes = Planes::new(Size::new(2, 8), Chroma::Yuv420, [0, 0, 0]);
        for row in 0..8 {
            planes.y[row * planes.y_stride] = u8::try_from(row).unwrap();
        }
        planes.flip_rows(2, 4);
        let first: Vec<u8> = (0..8).map(|row| planes.luma_row(row)[0]).collect();
        assert_eq!(first, [0, 1, 5, 4, 3, 2, 6, 7]);
    }
}
