//! The samples of one picture in I420, as software encoders take them.

use crate::units::Size;

/// Luma and two chroma planes of half the width and height.
///
/// Their size is the visible size rounded up to even numbers, because 4:2:0
/// has no odd sizes; an odd edge repeats its last column or row.
#[derive(Debug, Clone)]
pub struct Planes {
    size: Size,
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
    pub fn new(visible: Size, [y, u, v]: [u8; 3]) -> Self {
        let size = even(visible);
        let (width, height) = (size.width as usize, size.height as usize);
        // Rows start on cache lines; the spare row lets a part of the picture
        // be handed on as a slice of whole rows.
        let y_stride = width.next_multiple_of(ALIGNMENT * 2);
        let uv_stride = y_stride / 2;
        Self {
            size,
            y: vec![y; y_stride * (height + 1)],
            u: vec![u; uv_stride * (height / 2 + 1)],
            v: vec![v; uv_stride * (height / 2 + 1)],
            y_stride,
            uv_stride,
        }
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
        flip(&mut self.u, self.uv_stride, top / 2, height / 2);
        flip(&mut self.v, self.uv_stride, top / 2, height / 2);
    }

    /// Fills the last column and row of a picture whose visible size is odd.
    pub(super) fn repeat_odd_edges(&mut self, visible: Size) {
        let (width, height) = (visible.width as usize, visible.height as usize);
        if !width.is_multiple_of(2) {
            for row in self.y.chunks_exact_mut(self.y_stride).take(height) {
                row[width] = row[width - 1];
            }
        }
        if !height.is_multiple_of(2) {
            let last = (height - 1) * self.y_stride;
            self.y.copy_within(last..last + self.y_stride, last + self.y_stride);
        }
    }
}

/// A size rounded up to even numbers.
#[must_use]
pub const fn even(size: Size) -> Size {
    Size::new(size.width.next_multiple_of(2), size.height.next_multiple_of(2))
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
        let mut planes = Planes::new(Size::new(5, 3), [0, 128, 128]);
        assert_eq!(planes.size(), Size::new(6, 4));
        for row in 0..3 {
            for column in 0..5 {
                let stride = planes.y_stride;
                planes.y[row * stride + column] = u8::try_from(row * 10 + column).unwrap();
            }
        }
        planes.repeat_odd_edges(Size::new(5, 3));
        assert_eq!(planes.luma_row(0), [0, 1, 2, 3, 4, 4]);
        assert_eq!(planes.luma_row(3), [20, 21, 22, 23, 24, 24]);
    }

    #[test]
    fn flipping_reverses_only_the_rows_named() {
        let mut planes = Planes::new(Size::new(2, 8), [0, 0, 0]);
        for row in 0..8 {
            planes.y[row * planes.y_stride] = u8::try_from(row).unwrap();
        }
        planes.flip_rows(2, 4);
        let first: Vec<u8> = (0..8).map(|row| planes.luma_row(row)[0]).collect();
        assert_eq!(first, [0, 1, 5, 4, 3, 2, 6, 7]);
    }
}
