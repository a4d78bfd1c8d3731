//! Large pictures that frames are cut from: a page of text, and a landscape.

use super::random::Random;

/// Rows of pixels of four bytes: blue, green, red, nothing.
#[derive(Debug)]
pub(super) struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Texture {
    fn new(width: usize, height: usize, ground: [u8; 3]) -> Self {
        let mut texture = Self { width, height, pixels: vec![0; width * height * PIXEL] };
        for pixel in texture.pixels.chunks_exact_mut(PIXEL) {
            pixel[..3].copy_from_slice(&ground);
        }
        texture
    }

    /// Lines of words of letter-like strokes on a dark ground, some of them short.
    pub(super) fn text(width: usize, height: usize) -> Self {
        let mut texture = Self::new(width, height, GROUND);
        let mut random = Random::new(3);
        for line in 0..height / LINE {
            let end = if random.below(5) == 0 { width / 3 } else { width.saturating_sub(LINE) };
            let mut left = LINE;
            while left < end {
                for _ in 0..random.below(9) + 2 {
                    texture.letter(left, line * LINE + 4, random.next());
                    left += LETTER;
                }
                left += LETTER + if random.below(6) == 0 { LETTER * 20 } else { 0 };
            }
        }
        texture
    }

    /// Hills of several sizes in changing colours, with hard edges here and there.
    pub(super) fn landscape(width: usize, height: usize) -> Self {
        let mut texture = Self::new(width, height, [0; 3]);
        let hills = Hills::new();
        for y in 0..height {
            for x in 0..width {
                let height =
                    hills.at(x, y, 256) * 8 + hills.at(x, y, 64) * 4 + hills.at(x, y, 16) * 3 + hills.at(x, y, 4);
                // Of 16 times 255.
                let level = height / 16;
                let edge = if (level / 24).is_multiple_of(2) { 0 } else { 40 };
                let channel = |percent: usize| low(((level + edge) * percent / 100).min(250));
                texture.set(x, y, [channel(60), channel(100), channel(90)]);
            }
        }
        texture
    }

    /// Copies `length` pixels of row `y` from column `x` on, both modulo the texture.
    pub(super) fn copy(&self, x: usize, y: usize, to: &mut [u8]) {
        let row = &self.pixels[y % self.height * self.width * PIXEL..][..self.width * PIXEL];
        let mut from = x % self.width * PIXEL;
        let mut rest = to;
        while !rest.is_empty() {
            let length = rest.len().min(row.len() - from);
            let (now, later) = rest.split_at_mut(length);
            now.copy_from_slice(&row[from..from + length]);
            (rest, from) = (later, 0);
        }
    }

    fn set(&mut self, x: usize, y: usize, color: [u8; 3]) {
        let at = (y * self.width + x) * PIXEL;
        self.pixels[at..at + 3].copy_from_slice(&color);
    }

    /// Forty strokes of seven columns and six rows, as bits say.
    fn letter(&mut self, left: usize, top: usize, strokes: u64) {
        for (row, column) in (0..12).flat_map(|row| (0..7).map(move |column| (row, column))) {
            let (x, y) = (left + column, top + row);
            if strokes >> (row / 2 * 7 + column) & 1 == 1 && x < self.width && y < self.height {
                self.set(x, y, INK);
            }
        }
    }
}

/// Heights on a grid, and between its points as straight lines have it.
struct Hills(Vec<u8>);

impl Hills {
    fn new() -> Self {
        let mut random = Random::new(7);
        Self((0..GRID * GRID).map(|_| low(random.below(256))).collect())
    }

    /// Height from 0 to 255 where points are `wide` pixels apart.
    fn at(&self, x: usize, y: usize, wide: usize) -> usize {
        let ((column, right), (row, below)) = ((x / wide, x % wide), (y / wide, y % wide));
        let point = |column: usize, row: usize| usize::from(self.0[row % GRID * GRID + column % GRID]);
        let line = |row| (point(column, row) * (wide - right) + point(column + 1, row) * right) / wide;
        (line(row) * (wide - below) + line(row + 1) * below) / wide
    }
}

fn low(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

/// Bytes of a pixel.
pub(super) const PIXEL: usize = 4;
/// Rows of a line of text.
pub(super) const LINE: usize = 20;
/// Columns of a letter.
const LETTER: usize = 9;
const INK: [u8; 3] = [0xc8, 0xd0, 0xd0];
const GROUND: [u8; 3] = [0x18, 0x14, 0x10];
const GRID: usize = 512;
