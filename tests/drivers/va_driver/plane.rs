//! Samples of one kind of a picture.

/// The samples, row by row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) samples: Vec<u16>,
}

impl Plane {
    pub(crate) const fn height(&self) -> usize {
        self.samples.len() / self.width
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> u16 {
        self.samples[y * self.width + x]
    }

    /// Rows of a part of it, as far as it is there.
    pub(crate) fn rows(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> impl Iterator<Item = &[u16]> {
        let end = (x + width).min(self.width);
        (y..(y + height).min(self.height())).map(move |row| &self.samples[row * self.width..][x..end])
    }
}
