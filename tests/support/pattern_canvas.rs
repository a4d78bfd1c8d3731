//! What the pattern window shows: quadrants, marker, a game's landscape.

use earthshine::frame_marker::{self, Marker};
use earthshine::units::Size;

/// The picture: quadrants, marker, and the game's landscape.
pub(crate) struct Canvas {
    pub(crate) size: Size,
    /// XRGB8888, little endian, without padding.
    pub(crate) pixels: Vec<u8>,
    corner: Option<[u8; 3]>,
    grain: Vec<u8>,
    /// What was painted last.
    painted: Painted,
}

#[derive(Clone, Copy)]
enum Painted {
    All,
    Marker,
    MarkerAndLandscape,
}

impl Canvas {
    pub(crate) fn new(size: Size) -> Self {
        let len = size.width as usize * size.height as usize * 4;
        Self { size, pixels: vec![0; len], corner: None, grain: Vec::new(), painted: Painted::All }
    }

    /// First row and number of rows of what differs from the picture before.
    pub(crate) fn painted(&self) -> Vec<(i32, i32)> {
        let rows = |rows: u32| i32::try_from(rows).unwrap_or(i32::MAX);
        let Size { height, .. } = self.size;
        let marker = (0, rows(frame_marker::covered(self.size).height));
        match self.painted {
            Painted::All => vec![(0, rows(height))],
            Painted::Marker => vec![marker],
            Painted::MarkerAndLandscape => vec![marker, (rows(height / 2), rows(height - height / 2))],
        }
    }

    pub(crate) fn paint(&mut self, marker: Marker, corner: [u8; 3], game: bool) {
        self.painted = if game { Painted::MarkerAndLandscape } else { Painted::Marker };
        if self.corner != Some(corner) {
            self.paint_quadrants(corner);
            self.corner = Some(corner);
            self.painted = Painted::All;
        }
        if game {
            self.paint_landscape(marker.number as usize * SCROLLED_PER_FRAME);
        }
        let under = frame_marker::covered(self.size);
        fill(&mut self.pixels, self.size, (0, under.width), (0, under.height), RED);
        marker.draw(&mut self.pixels, self.size.width as usize * 4, self.size);
    }

    fn paint_quadrants(&mut self, corner: [u8; 3]) {
        let Size { width, height } = self.size;
        let (left, right) = ((0, width / 2), (width / 2, width));
        let (top, bottom) = ((0, height / 2), (height / 2, height));
        for (columns, rows, color) in
            [(left, top, RED), (right, top, GREEN), (left, bottom, BLUE), (right, bottom, corner)]
        {
            fill(&mut self.pixels, self.size, columns, rows, color);
        }
    }

    /// Rows run at different speeds, as near and far things do in a game.
    fn paint_landscape(&mut self, travelled: usize) {
        let (stride, height) = (self.size.width as usize * 4, self.size.height as usize);
        if self.grain.is_empty() {
            self.grain = grain(self.size.width, self.size.height - self.size.height / 2);
        }
        let lower = &mut self.pixels[height / 2 * stride..];
        for (row, (painted, source)) in lower.chunks_exact_mut(stride).zip(self.grain.chunks_exact(stride)).enumerate()
        {
            let shift = travelled * (1 + row * 4 / height) % self.size.width as usize * 4;
            let (head, tail) = source.split_at(shift);
            painted[..tail.len()].copy_from_slice(tail);
            painted[tail.len()..].copy_from_slice(head);
        }
    }
}

fn fill(pixels: &mut [u8], size: Size, columns: (u32, u32), rows: (u32, u32), [red, green, blue]: [u8; 3]) {
    for y in rows.0..rows.1 {
        let row = y as usize * size.width as usize;
        let row = (row + columns.0 as usize) * 4..(row + columns.1 as usize) * 4;
        for pixel in pixels[row].chunks_exact_mut(4) {
            pixel.copy_from_slice(&[blue, green, red, 0xFF]);
        }
    }
}

/// Blocks of many sizes with noise on them.
fn grain(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        for x in 0..width {
            let block = hash(x / 24, y / 12) ^ hash(x / 96, y / 40);
            let noise = hash(x, y).to_le_bytes()[0] / 8;
            let [red, green, blue, _] = block.to_le_bytes();
            pixels.extend_from_slice(&[blue / 2 + noise, green / 2 + noise, red / 2 + noise, 0xFF]);
        }
    }
    pixels
}

fn hash(x: u32, y: u32) -> u32 {
    let mixed = (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
    mixed ^ mixed >> 15
}

const SCROLLED_PER_FRAME: usize = 6;

const RED: [u8; 3] = [200, 40, 40];
const GREEN: [u8; 3] = [40, 200, 40];
const BLUE: [u8; 3] = [40, 40, 200];
