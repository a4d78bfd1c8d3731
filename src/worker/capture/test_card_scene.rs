//! What the test card shows: colour bars, a box and a bar that travel over
//! them, a strip that scrolls like a game's landscape, and a clock.
//!
//! Everything still is painted once; a frame repaints only what moved, so a
//! card costs little beside the encoder.

use std::time::Duration;

use crate::units::Size;

/// The card's paint, for one size of picture.
pub(crate) struct Scene {
    size: Size,
    background: Vec<u8>,
    landscape: Vec<u8>,
    strip: Area,
}

/// Pixels `left..right` of rows `top..bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Scene {
    /// Paints what stands still.
    pub(crate) fn new(size: Size) -> Self {
        let (width, height) = (size.width as usize, size.height as usize);
        let strip = Area { left: 0, top: height * 11 / 20, right: width, bottom: height * 16 / 20 };
        let mut scene = Self { size, background: vec![0; width * height * PIXEL], landscape: Vec::new(), strip };
        scene.landscape = landscape(width, strip.bottom - strip.top);
        for (index, color) in BARS.into_iter().enumerate() {
            let area = Area { left: width * index / 8, top: 0, right: width * (index + 1) / 8, bottom: strip.top };
            fill(&mut scene.background, width, area, color);
        }
        for step in 0..RAMP {
            let level = u8::try_from(step * 255 / (RAMP - 1)).unwrap_or(u8::MAX);
            let area =
                Area { left: width * step / RAMP, top: strip.bottom, right: width * (step + 1) / RAMP, bottom: height };
            fill(&mut scene.background, width, area, [level; 3]);
        }
        scene
    }

    /// Size of the picture.
    pub(crate) const fn size(&self) -> Size {
        self.size
    }

    /// Bytes from one row to the next.
    pub(crate) const fn stride(&self) -> usize {
        self.size.width as usize * PIXEL
    }

    /// The picture without what moves.
    pub(crate) fn background(&self) -> &[u8] {
        &self.background
    }

    /// Paints the background over an area.
    pub(crate) fn restore(&self, pixels: &mut [u8], area: Area) {
        for y in area.top..area.bottom {
            let row = y * self.stride() + area.left * PIXEL..y * self.stride() + area.right * PIXEL;
            pixels[row.clone()].copy_from_slice(&self.background[row]);
        }
    }

    /// Paints what moves, as it is `elapsed` after the start, and notes the
    /// areas to restore before the next time.
    pub(crate) fn draw(&self, pixels: &mut [u8], elapsed: Duration, dirty: &mut Vec<Area>) {
        self.draw_strip(pixels, elapsed);
        let width = self.size.width as usize;
        let (sweep, runner) = (self.sweep(elapsed), self.runner(elapsed));
        for (area, color) in [(sweep, SWEEP), (runner, RUNNER)] {
            fill(pixels, width, area, color);
            dirty.push(area);
        }
        self.draw_clock(pixels, elapsed, dirty);
    }

    /// Scrolls by a picture's width in eight seconds.
    fn draw_strip(&self, pixels: &mut [u8], elapsed: Duration) {
        let stride = self.stride();
        let shift = travelled(elapsed, SCROLL, self.size.width as usize) * PIXEL;
        for (row, painted) in self.landscape.chunks_exact(stride.max(1)).enumerate() {
            let start = (self.strip.top + row) * stride;
            let (left, right) = painted.split_at(shift);
            pixels[start..start + right.len()].copy_from_slice(right);
            pixels[start + right.len()..start + stride].copy_from_slice(left);
        }
    }

    /// A slim bar from left to right.
    fn sweep(&self, elapsed: Duration) -> Area {
        let (width, thickness) = (self.size.width as usize, (self.size.width as usize / 160).max(1));
        let left = travelled(elapsed, SWEEPING, width.saturating_sub(thickness).max(1));
        Area { left, top: 0, right: (left + thickness).min(width), bottom: self.strip.top }
    }

    /// A box that bounces to and fro over the colour bars.
    fn runner(&self, elapsed: Duration) -> Area {
        let side = self.size.height as usize / 8;
        let across = bounced(elapsed, Duration::from_millis(5300), (self.size.width as usize).saturating_sub(side));
        let down = bounced(elapsed, Duration::from_millis(3100), self.strip.top.saturating_sub(side));
        Area {
            left: across,
            top: down,
            right: (across + side).min(self.size.width as usize),
            bottom: (down + side).min(self.strip.top),
        }
    }

    /// Minutes and seconds as seven-segment digits in the middle of the ramp.
    fn draw_clock(&self, pixels: &mut [u8], elapsed: Duration, dirty: &mut Vec<Area>) {
        let (width, unit) = (self.size.width as usize, self.size.height as usize / 80);
        let seconds = elapsed.as_secs();
        let face = Area {
            left: width / 2 - (11 * unit).min(width / 2),
            top: self.strip.bottom + unit,
            right: (width / 2 + 11 * unit).min(width),
            bottom: (self.strip.bottom + 13 * unit).min(self.size.height as usize),
        };
        fill(pixels, width, face, BLACK);
        dirty.push(face);
        for (place, digit) in
            [seconds / 600 % 6, seconds / 60 % 10, seconds / 10 % 6, seconds % 10].into_iter().enumerate()
        {
            let left = face.left + unit + place * 5 * unit + (place / 2) * unit;
            draw_digit(pixels, width, (left, face.top + unit), unit, usize::try_from(digit).unwrap_or(0));
        }
    }
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scene").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A digit four units wide and ten high.
fn draw_digit(pixels: &mut [u8], width: usize, (x, y): (usize, usize), unit: usize, digit: usize) {
    for (bit, (left, top, columns, rows)) in SEGMENTS.into_iter().enumerate() {
        if DIGITS[digit % 10] >> bit & 1 == 1 {
            let (left, top) = (x + left * unit, y + top * unit);
            fill(pixels, width, Area { left, top, right: left + columns * unit, bottom: top + rows * unit }, WHITE);
        }
    }
}

/// Hills under a sky, with the fine grain that makes games hard to encode.
fn landscape(width: usize, height: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height * PIXEL);
    for y in 0..height {
        for x in 0..width {
            pixels.extend_from_slice(&landscape_pixel(x, y, width, height));
        }
    }
    pixels
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "paint: positions in a picture to levels of colour, which saturate"
)]
fn landscape_pixel(x: usize, y: usize, width: usize, height: usize) -> [u8; PIXEL] {
    let turn = x as f32 / width as f32 * std::f32::consts::TAU;
    let depth = y as f32 / height as f32;
    let hills = 0.45 + 0.15 * (3.0 * turn).sin() + 0.08 * (7.0 * turn + 1.0).sin() + 0.04 * (19.0 * turn).sin();
    let grain =
        ((x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35) >> 27;
    let grain = grain as f32;
    let [red, green, blue] = if depth < hills {
        [60.0 + 120.0 * depth, 110.0 + 100.0 * depth, 220.0]
    } else {
        let shade = 1.0 - 0.6 * (depth - hills) + 0.1 * (31.0 * turn).sin();
        [70.0 * shade + 2.0 * grain, 130.0 * shade + 3.0 * grain, 40.0 * shade + grain]
    };
    [blue as u8, green as u8, red as u8, 0xFF]
}

/// How far something has come that crosses `length` once in `period`, again and again.
fn travelled(elapsed: Duration, period: Duration, length: usize) -> usize {
    let into = elapsed.as_micros() % period.as_micros();
    usize::try_from(into * length as u128 / period.as_micros()).unwrap_or(0)
}

/// Where something is that runs to and fro over `length`, there and back in `period`.
fn bounced(elapsed: Duration, period: Duration, length: usize) -> usize {
    let way = travelled(elapsed, period, 2 * length);
    if way > length { 2 * length - way } else { way }
}

fn fill(pixels: &mut [u8], width: usize, area: Area, [red, green, blue]: [u8; 3]) {
    for y in area.top..area.bottom {
        let row = (y * width + area.left) * PIXEL..(y * width + area.right) * PIXEL;
        for pixel in pixels[row].chunks_exact_mut(PIXEL) {
            pixel.copy_from_slice(&[blue, green, red, 0xFF]);
        }
    }
}

/// Red, green, blue of the eight bars from left to right: 75 % colour bars.
const BARS: [[u8; 3]; 8] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191], [16, 16, 16]];

const PIXEL: usize = 4;
const RAMP: usize = 16;
const BLACK: [u8; 3] = [0; 3];
const WHITE: [u8; 3] = [0xFF; 3];
const SWEEP: [u8; 3] = [0xFF; 3];
const RUNNER: [u8; 3] = [255, 128, 0];
const SCROLL: Duration = Duration::from_secs(8);
const SWEEPING: Duration = Duration::from_secs(4);

/// Left, top, width, height of the segments a to g, in units.
const SEGMENTS: [(usize, usize, usize, usize); 7] =
    [(0, 0, 4, 1), (3, 0, 1, 5), (3, 5, 1, 5), (0, 9, 4, 1), (0, 5, 1, 5), (0, 0, 1, 5), (0, 4, 4, 1)];

/// Which segments each digit lights; bit 0 is a.
const DIGITS: [u8; 10] = [0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_size_and_no_moment_paints_outside_the_picture() {
        for (width, height) in [(1920, 1080), (640, 360), (1366, 768), (16, 16), (64, 16), (17, 401), (2, 2)] {
            let scene = Scene::new(Size::new(width, height));
            let mut pixels = scene.background().to_vec();
            for millis in (0..20_000).step_by(37) {
                scene.draw(&mut pixels, Duration::from_millis(millis), &mut Vec::new());
            }
            assert_eq!(pixels.len(), width as usize * height as usize * 4);
        }
    }

    #[test]
    fn something_moves_from_frame_to_frame() {
        let scene = Scene::new(Size::new(640, 360));
        let at = |millis| {
            let mut pixels = scene.background().to_vec();
            scene.draw(&mut pixels, Duration::from_millis(millis), &mut Vec::new());
            pixels
        };
        assert!(at(0) != at(16));
        assert!(at(1000) != at(2000));
    }

    #[test]
    fn a_bouncing_thing_turns_at_both_ends() {
        let period = Duration::from_secs(2);
        let at = |millis| bounced(Duration::from_millis(millis), period, 100);
        assert_eq!((at(0), at(500), at(1000), at(1500), at(2000)), (0, 50, 100, 50, 0));
    }
}
