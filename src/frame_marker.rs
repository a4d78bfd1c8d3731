//! A frame's number and time as black and white cells in a picture's corner.
//!
//! What a client decodes can so be told apart frame by frame, and the whole
//! way measured: the test card and the tests' pattern window draw it, tests and
//! bench read it. The cells are a fixed share of the picture, so the code
//! survives scaling, 4:2:0 subsampling and coarse quantisation; a checksum tells
//! it from noise.

use crate::clock::Micros;
use crate::units::Size;

/// What the cells say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// Number of the frame, counted by whoever drew it.
    pub number: u32,
    /// When it was drawn.
    pub time: Micros,
}

impl Marker {
    /// Draws into the upper left corner of a picture of four bytes per pixel
    /// (whichever order of colours) and `stride` bytes per row.
    pub fn draw(self, pixels: &mut [u8], stride: usize, size: Size) {
        for (index, is_white) in self.cells().into_iter().enumerate() {
            let area = Area::of_cell(index, size);
            let value = if is_white { 0xFF } else { 0 };
            for y in area.top..area.bottom {
                let row = y as usize * stride;
                if let Some(cells) = pixels.get_mut(row + area.left as usize * 4..row + area.right as usize * 4) {
                    cells.fill(value);
                }
            }
        }
    }

    /// Reads the marker of a picture whose luma (0 to 255, any range) is
    /// `luma(x, y)`. `None` if there is none, or it is damaged.
    ///
    /// Of a letterboxed picture, pass the inner size and add the offset.
    pub fn read(size: Size, luma: impl Fn(u32, u32) -> u8) -> Option<Self> {
        let means: Vec<u32> = (0..CELLS).map(|index| Area::of_cell(index, size).mean(&luma)).collect();
        let (darkest, brightest) = (*means.iter().min()?, *means.iter().max()?);
        if brightest - darkest < LEAST_CONTRAST {
            return None;
        }
        let middle = u32::midpoint(darkest, brightest);
        Self::from_cells(means.into_iter().map(|mean| mean > middle))
    }

    /// Reads the marker of a picture of four bytes per pixel, the second of
    /// which is green.
    #[must_use]
    pub fn read_bgrx(pixels: &[u8], stride: usize, size: Size) -> Option<Self> {
        Self::read(size, |x, y| pixels.get(y as usize * stride + x as usize * 4 + 1).copied().unwrap_or(0))
    }

    /// Number, time and checksum, the highest bit of each first.
    fn cells(self) -> [bool; CELLS] {
        let payload = self.payload();
        let code = u128::from(self.number) << 96 | u128::from(self.time.0) << 32 | u128::from(checksum(&payload));
        std::array::from_fn(|index| code >> (CELLS - 1 - index) & 1 == 1)
    }

    #[allow(clippy::cast_possible_truncation, reason = "the fields are cut out of the code")]
    fn from_cells(cells: impl Iterator<Item = bool>) -> Option<Self> {
        let code = cells.fold(0_u128, |code, cell| code << 1 | u128::from(cell));
        let marker = Self { number: (code >> 96) as u32, time: Micros((code >> 32) as u64) };
        (checksum(&marker.payload()) == code as u32).then_some(marker)
    }

    fn payload(self) -> [u8; 12] {
        let mut payload = [0; 12];
        payload[..4].copy_from_slice(&self.number.to_be_bytes());
        payload[4..].copy_from_slice(&self.time.0.to_be_bytes());
        payload
    }
}

/// Pixels `left..right` of rows `top..bottom`.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Area {
    #[allow(clippy::cast_possible_truncation, reason = "an index below CELLS")]
    const fn of_cell(index: usize, size: Size) -> Self {
        let column = (index % COLUMNS) as u32 + MARGIN;
        let row = (index / COLUMNS) as u32 + MARGIN;
        Self {
            left: edge(column, size.width, CELLS_PER_WIDTH),
            top: edge(row, size.height, CELLS_PER_HEIGHT),
            right: edge(column + 1, size.width, CELLS_PER_WIDTH),
            bottom: edge(row + 1, size.height, CELLS_PER_HEIGHT),
        }
    }

    /// Mean luma of the middle: the rim is blurred by scaling and coding.
    fn mean(self, luma: impl Fn(u32, u32) -> u8) -> u32 {
        let (rim_x, rim_y) = ((self.right - self.left) / 4, (self.bottom - self.top) / 4);
        let (mut sum, mut count) = (0, 0);
        for y in self.top + rim_y..self.bottom - rim_y {
            for x in self.left + rim_x..self.right - rim_x {
                sum += u32::from(luma(x, y));
                count += 1;
            }
        }
        sum.checked_div(count).unwrap_or(0)
    }
}

/// The share of the picture that the marker covers begins at its upper left
/// corner and has this size in pixels.
#[must_use]
pub const fn covered(size: Size) -> Size {
    #[allow(clippy::cast_possible_truncation, reason = "small constants")]
    let (columns, rows) = (COLUMNS as u32 + 2 * MARGIN, (CELLS / COLUMNS) as u32 + 2 * MARGIN);
    Size::new(edge(columns, size.width, CELLS_PER_WIDTH), edge(rows, size.height, CELLS_PER_HEIGHT))
}

#[allow(clippy::cast_possible_truncation, reason = "no more than `length`")]
const fn edge(cell: u32, length: u32, cells: u32) -> u32 {
    (cell as u64 * length as u64 / cells as u64) as u32
}

/// CRC-32 (ISO 3309), bit by bit: twelve bytes a frame are no hot path.
fn checksum(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    });
    !crc
}

const CELLS: usize = 128;
const COLUMNS: usize = 16;

/// A cell is 16 by 16 pixels at 1280x720, two macroblock quarters at 640x360.
const CELLS_PER_WIDTH: u32 = 80;
const CELLS_PER_HEIGHT: u32 = 45;

/// Cells between the marker and the picture's edge.
const MARGIN: u32 = 1;

/// Luma steps between black and white cells, far below what any coding leaves.
const LEAST_CONTRAST: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Marker = Marker { number: 0xDEAD_BEEF, time: Micros(1_234_567_890_123) };

    fn drawn(size: Size) -> Vec<u8> {
        let mut pixels = vec![0x60; size.width as usize * size.height as usize * 4];
        MARKER.draw(&mut pixels, size.width as usize * 4, size);
        pixels
    }

    fn luma(pixels: &[u8], size: Size) -> impl Fn(u32, u32) -> i32 {
        move |x, y| {
            let (x, y) = (x.min(size.width - 1), y.min(size.height - 1));
            i32::from(pixels[(y * size.width + x) as usize * 4 + 1])
        }
    }

    fn clamped(value: i32) -> u8 {
        u8::try_from(value.clamp(0, 255)).unwrap()
    }

    #[test]
    fn what_is_drawn_is_read_at_every_size() {
        for (width, height) in [(640, 360), (1280, 720), (1366, 768), (1920, 1080), (3840, 2160), (800, 600), (170, 97)]
        {
            let size = Size::new(width, height);
            let pixels = drawn(size);
            assert_eq!(Marker::read_bgrx(&pixels, width as usize * 4, size), Some(MARKER), "{size}");
        }
    }

    #[test]
    fn it_survives_scaling_down_and_up() {
        let size = Size::new(1920, 1080);
        let pixels = drawn(size);
        let source = luma(&pixels, size);
        for (width, height) in [(1280, 720), (960, 540), (640, 400), (2560, 1440)] {
            let scaled = |x: u32, y: u32| clamped(source(x * 1920 / width, y * 1080 / height));
            assert_eq!(Marker::read(Size::new(width, height), scaled), Some(MARKER), "{width}x{height}");
        }
    }

    #[test]
    fn it_survives_blur_noise_and_limited_range() {
        let size = Size::new(1280, 720);
        let pixels = drawn(size);
        let source = luma(&pixels, size);
        let coarse = |x: u32, y: u32| {
            let blurred =
                (0..25).map(|i| source((x + i % 5).saturating_sub(2), (y + i / 5).saturating_sub(2))).sum::<i32>() / 25;
            let noise = i32::try_from((x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) % 81).unwrap() - 40;
            clamped(16 + blurred * 219 / 255 + noise)
        };
        assert_eq!(Marker::read(size, coarse), Some(MARKER));
    }

    #[test]
    fn a_damaged_or_missing_marker_is_not_read() {
        let size = Size::new(1280, 720);
        let mut pixels = drawn(size);
        let cell = (40 * 1280 + 40) * 4;
        let inverted = !pixels[cell];
        for row in 32..48 {
            pixels[(row * 1280 + 32) * 4..(row * 1280 + 48) * 4].fill(inverted);
        }
        assert_eq!(Marker::read_bgrx(&pixels, 1280 * 4, size), None);
        assert_eq!(Marker::read(size, |_, _| 0x60), None);
        assert_eq!(Marker::read(Size::new(0, 0), |_, _| 0), None);
        assert_eq!(Marker::read_bgrx(&[], 0, size), None);
    }

    #[test]
    fn drawing_into_too_short_a_picture_does_not_panic() {
        let mut pixels = vec![0; 100];
        MARKER.draw(&mut pixels, 1280 * 4, Size::new(1280, 720));
        MARKER.draw(&mut [], 0, Size::new(1, 1));
    }

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }
}
