//! The picture that benches stream: built-in content with a frame marker, and on demand a
//! patch whose colour says how often the application has answered.
//!
//! Who draws it and who compares with it use the same code, so that a frame's number is all
//! that has to be known of it.

use crate::content::{Content, Painter};
use crate::frame_marker::{self, Marker};
use crate::units::Size;

/// Draws frames of one content and size.
#[derive(Debug)]
pub(super) struct Canvas {
    content: Content,
    painter: Painter,
    size: Size,
    pixels: Vec<u8>,
    painted: bool,
}

impl Canvas {
    /// Draws what frames are cut from, which takes a moment.
    pub(super) fn new(content: Content, size: Size) -> Self {
        let painter = Painter::new(content, size);
        let pixels = vec![0; painter.bytes()];
        Self { content, painter, size, pixels, painted: false }
    }

    pub(super) const fn size(&self) -> Size {
        self.size
    }

    /// Rows of four bytes a pixel: blue, green, red, nothing.
    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Rows from the top that a marker covers.
    pub(super) fn marked_rows(&self) -> usize {
        (frame_marker::covered(self.size).height as usize).min(self.size.height as usize)
    }

    /// Paints frame `number` without its marker; whether more than the marker's place is
    /// another than before.
    pub(super) fn paint(&mut self, number: u32) -> bool {
        if self.painted && self.content == Content::Still {
            return false;
        }
        self.painter.draw(number, &mut self.pixels);
        self.painted = true;
        true
    }

    /// Draws the marker over what was painted.
    pub(super) fn mark(&mut self, marker: Marker) {
        marker.draw(&mut self.pixels, self.painter.stride(), self.size);
    }

    /// Fills the lower right quarter with the colour of so many answers.
    pub(super) fn patch(&mut self, answers: u32) {
        let (stride, left) = (self.painter.stride(), self.size.width as usize / 2 * 4);
        let color = patch_color(answers);
        for row in self.pixels.chunks_exact_mut(stride.max(1)).skip(self.size.height as usize / 2) {
            row[left..].chunks_exact_mut(4).for_each(|pixel| pixel[..3].copy_from_slice(&color));
        }
    }

    /// Luma of it.
    pub(super) fn luma(&self) -> Vec<u8> {
        self.pixels.chunks_exact(4).map(|pixel| luma_of([pixel[0], pixel[1], pixel[2]])).collect()
    }
}

/// Luma of a colour (blue, green, red) as streams have it: ITU-R BT.709 in limited range.
pub(super) fn luma_of([blue, green, red]: [u8; 3]) -> u8 {
    // 219/255 times the weights of BT.709, in 65536ths.
    let sum = 11_966 * u32::from(red) + 40_254 * u32::from(green) + 4064 * u32::from(blue);
    (16 + ((sum + 0x8000) >> 16)).to_le_bytes()[0]
}

/// The colour (blue, green, red) that says "so many answers": the next one is never alike.
pub(super) const fn patch_color(answers: u32) -> [u8; 3] {
    PATCHES[answers as usize % PATCHES.len()]
}

/// A marker's number holds the frame's and, above it, how often the application has answered.
pub(super) const fn marked_number(frame: u32, answers: u32) -> u32 {
    (answers & 0xFF) << FRAME_BITS | frame & FRAME_MASK
}

/// Frame and answers of such a number.
pub(super) const fn frame_and_answers(number: u32) -> (u32, u32) {
    (number & FRAME_MASK, number >> FRAME_BITS)
}

/// More than a day of frames.
const FRAME_BITS: u32 = 24;
const FRAME_MASK: u32 = (1 << FRAME_BITS) - 1;

/// Far from one another in luma: 40 steps and more.
const PATCHES: [[u8; 3]; 4] = [[24, 24, 24], [200, 200, 200], [150, 60, 60], [60, 180, 150]];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Micros;

    #[test]
    fn a_frame_is_the_same_whatever_was_drawn_before() {
        let size = Size::new(320, 180);
        for content in Content::ALL {
            let marker = Marker { number: 9, time: Micros(77) };
            let (mut fresh, mut used) = (Canvas::new(content, size), Canvas::new(content, size));
            for number in 0..9 {
                used.paint(number);
                used.mark(Marker { number, time: Micros(u64::from(number)) });
            }
            for canvas in [&mut fresh, &mut used] {
                canvas.paint(9);
                canvas.mark(marker);
            }
            assert!(fresh.pixels() == used.pixels(), "{content:?}");
            assert_eq!(Marker::read_bgrx(fresh.pixels(), 320 * 4, size), Some(marker), "{content:?}");
        }
    }

    #[test]
    fn luma_is_within_its_range_and_patches_are_told_apart() {
        assert_eq!([[0, 0, 0], [255, 255, 255], [128, 128, 128]].map(luma_of), [16, 235, 126]);
        // ITU-R BT.709: 219 times 0.2126, 0.7152 and 0.0722, and 16.
        assert_eq!([[0, 0, 255], [0, 255, 0], [255, 0, 0]].map(luma_of), [63, 173, 32]);
        for answers in 0..8 {
            let (one, next) = (luma_of(patch_color(answers)), luma_of(patch_color(answers + 1)));
            assert!(one.abs_diff(next) >= 40, "{answers}: {one} {next}");
        }
    }

    #[test]
    fn a_patch_covers_a_quarter() {
        let size = Size::new(64, 40);
        let mut canvas = Canvas::new(Content::Noise, size);
        canvas.paint(3);
        canvas.patch(1);
        let white = canvas.pixels().chunks_exact(4).filter(|pixel| pixel[..3] == patch_color(1)).count();
        assert!((32 * 20..32 * 20 + 3).contains(&white), "{white}");
        assert_eq!(frame_and_answers(marked_number(70_000, 258)), (70_000, 2));
    }
}
