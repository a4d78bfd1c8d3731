//! Pictures to measure with: what people look at, drawn on the spot, and the same in
//! every run.
//!
//! Encoders differ by what they are shown more than by anything else, so a figure
//! without its content says little.

pub(crate) mod random;
mod texture;

use self::random::Random;
use self::texture::{LINE, PIXEL, Texture};
use crate::units::Size;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A page of text on which nothing happens.
    Still,
    /// The page scrolls a little with every frame.
    Text,
    /// A panning landscape with things that move against it, and grain in its upper third.
    Game,
    /// Every pixel of every frame is another: nobody's picture, but the worst there is.
    Noise,
    /// Another scene every third of a second, none like the one before.
    Cuts,
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Still, Self::Text, Self::Game, Self::Noise, Self::Cuts];

    /// As it is named on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Text => "text",
            Self::Game => "game",
            Self::Noise => "noise",
            Self::Cuts => "cuts",
        }
    }
}

/// Draws frames of one content and size.
#[derive(Debug)]
pub struct Painter {
    content: Content,
    size: Size,
    text: Option<Texture>,
    landscape: Option<Texture>,
}

impl Painter {
    /// Draws what frames are cut from, which takes a moment.
    #[must_use]
    pub fn new(content: Content, size: Size) -> Self {
        let (width, height) = (size.width as usize, size.height as usize);
        let (has_text, has_landscape) = match content {
            Content::Still | Content::Text => (true, false),
            Content::Game => (false, true),
            Content::Noise => (false, false),
            Content::Cuts => (true, true),
        };
        Self {
            content,
            size,
            text: has_text.then(|| Texture::text(width.max(1), (height * 2).next_multiple_of(LINE).max(LINE))),
            landscape: has_landscape.then(|| Texture::landscape((width * 2).max(1), (height * 2).max(1))),
        }
    }

    /// Bytes of a frame: four a pixel (blue, green, red, nothing), no gaps between rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.stride() * self.size.height as usize
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.size.width as usize * PIXEL
    }

    /// Draws frame `number` over whatever is in `pixels`.
    ///
    /// # Panics
    /// If these are not [`Painter::bytes`].
    pub fn draw(&self, number: u32, pixels: &mut [u8]) {
        assert_eq!(pixels.len(), self.bytes(), "a whole frame");
        let number = number as usize;
        match self.content {
            Content::Still => self.page(0, pixels),
            Content::Text => self.page(number * SCROLL, pixels),
            Content::Game => self.game(number, pixels),
            Content::Noise => noise(number, pixels),
            // Far from what was shown before, also of the same texture.
            Content::Cuts => match number / CUT % 4 {
                0 => self.page(number * SCROLL, pixels),
                1 => self.game(number, pixels),
                2 => self.page(number * SCROLL + self.size.height as usize + LINE / 2, pixels),
                _ => self.game(number * 37, pixels),
            },
        }
    }

    /// The page from row `first` on, a margin at its left.
    fn page(&self, first: usize, pixels: &mut [u8]) {
        let Some(text) = &self.text else { return };
        for (row, to) in pixels.chunks_exact_mut(self.stride().max(1)).enumerate() {
            text.copy(0, first + row, to);
        }
    }

    fn game(&self, number: usize, pixels: &mut [u8]) {
        let Some(landscape) = &self.landscape else { return };
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (left, top) = (bounced(number * 11, width), bounced(number * 5, height));
        for (row, to) in pixels.chunks_exact_mut(self.stride().max(1)).enumerate() {
            landscape.copy(left, top + row, to);
        }
        let side = (height / 11).min(width);
        for thing in 0..THINGS {
            let speed = thing % 7 + 3;
            let x = bounced(thing * 331 + number * speed, width - side);
            let y = bounced(thing * 173 + number * (speed / 2), height - side);
            for row in 0..side {
                let at = (y + row) * self.stride() + x * PIXEL;
                landscape.copy(thing * 111, thing * 83 + row, &mut pixels[at..at + side * PIXEL]);
            }
        }
        let third = pixels.len() / 3;
        grain(number, &mut pixels[..third]);
    }
}

/// Adds up to three steps of brightness to each pixel.
fn grain(number: usize, pixels: &mut [u8]) {
    let mut random = Random::new(number as u64 + 1);
    for group in pixels.chunks_mut(PIXEL * 32) {
        let bits = random.next();
        for (index, pixel) in group.chunks_exact_mut(PIXEL).enumerate() {
            let step = (bits >> (index * 2)).to_le_bytes()[0] & 3;
            for channel in &mut pixel[..3] {
                *channel = channel.saturating_add(step);
            }
        }
    }
}

fn noise(number: usize, pixels: &mut [u8]) {
    let mut random = Random::new(number as u64 + 1);
    for group in pixels.chunks_mut(8) {
        group.copy_from_slice(&random.next().to_le_bytes()[..group.len()]);
    }
}

/// To and fro between nothing and `length`.
const fn bounced(way: usize, length: usize) -> usize {
    if length == 0 {
        return 0;
    }
    let at = way % (2 * length);
    if at < length { at } else { 2 * length - at }
}

/// Rows that text scrolls with a frame: as much as a hand on a wheel moves it.
const SCROLL: usize = 4;
/// Frames of a scene.
const CUT: usize = 20;
const THINGS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(160, 96);

    fn frame(content: Content, number: u32) -> Vec<u8> {
        let painter = Painter::new(content, SIZE);
        let mut pixels = vec![0xEE; painter.bytes()];
        painter.draw(number, &mut pixels);
        pixels
    }

    fn differing(one: &[u8], other: &[u8]) -> usize {
        one.chunks_exact(PIXEL).zip(other.chunks_exact(PIXEL)).filter(|(one, other)| one != other).count()
    }

    #[test]
    fn every_frame_is_the_same_again() {
        for content in Content::ALL {
            for number in [0, 1, 59, 100_000] {
                assert_eq!(frame(content, number), frame(content, number), "{content:?} {number}");
            }
        }
    }

    #[test]
    fn contents_move_as_much_as_they_say() {
        let pixels = (SIZE.width * SIZE.height) as usize;
        let moved = |content| differing(&frame(content, 10), &frame(content, 11));
        assert_eq!(moved(Content::Still), 0);
        assert!((pixels / 50..pixels * 2 / 3).contains(&moved(Content::Text)), "{}", moved(Content::Text));
        assert!(moved(Content::Game) > pixels / 2);
        assert!(moved(Content::Noise) > pixels * 99 / 100);
    }

    #[test]
    fn scrolled_text_is_the_page_further_down() {
        let (before, after) = (frame(Content::Text, 10), frame(Content::Text, 11));
        let scrolled = SCROLL * SIZE.width as usize * PIXEL;
        assert_eq!(before[scrolled..], after[..after.len() - scrolled]);
    }

    #[test]
    fn a_cut_changes_nearly_everything_and_what_lies_between_does_not() {
        let frames: Vec<_> = (0..80).map(|number| frame(Content::Cuts, number)).collect();
        let ink = |frame: &[u8]| frame.chunks_exact(PIXEL).filter(|pixel| pixel[1] > 0x80).count();
        for cut in [20, 40, 60] {
            let changed = differing(&frames[cut - 1], &frames[cut]);
            assert!(changed > (SIZE.width * SIZE.height) as usize * 9 / 10, "{cut}: {changed}");
        }
        assert!(ink(&frames[0]) > 0 && frames[0] != frames[40], "another part of the page");
    }

    #[test]
    fn odd_and_tiny_sizes_are_drawn_too() {
        for content in Content::ALL {
            for size in [Size::new(1, 1), Size::new(37, 3), Size::new(3, 41)] {
                let painter = Painter::new(content, size);
                painter.draw(25, &mut vec![0; painter.bytes()]);
            }
        }
    }
}
