//! The pictures that a decoder keeps: those that each picture names (ITU-T H.265, 8.3.2).

use super::sets::Sets;
use super::slice::Header;
use crate::driver::{Result, require};
use crate::pixels::Picture;

/// All of them.
pub(super) struct Decoder<Place> {
    kept: Vec<Kept<Place>>,
}

/// A picture that is kept.
pub(super) struct Kept<Place> {
    /// Where the program knows it to be.
    pub(super) place: Place,
    pub(super) order: i32,
    pub(super) pixels: Picture,
}

impl<Place> Default for Decoder<Place> {
    fn default() -> Self {
        Self { kept: Vec::new() }
    }
}

impl<Place: PartialEq> Decoder<Place> {
    pub(super) fn has(&self, place: &Place) -> bool {
        self.kept.iter().any(|kept| kept.place == *place)
    }

    pub(super) fn at(&self, order: i32) -> Option<&Kept<Place>> {
        self.kept.iter().find(|kept| kept.order == order)
    }

    /// An IDR picture comes.
    pub(super) fn begin(&mut self) {
        self.kept.clear();
    }

    /// What a decoder does that read this header: it forgets what is not named, and has
    /// to have what is.
    pub(super) fn forget(&mut self, order: i32, header: &Header, sets: &Sets) -> Result {
        let span = 1 << sets.order_bits;
        // 8.3.1: by the lower bits the decoder finds the same order.
        let newest = self.kept.iter().map(|kept| kept.order).max().unwrap_or(0);
        let ahead = order - newest;
        require(ahead > 0 && ahead < span / 2, || format!("picture {order} after {newest}"))?;
        let named: Vec<i32> = header.kept.iter().map(|(distance, _)| order - distance.cast_signed()).collect();
        for wanted in &named {
            require(self.at(*wanted).is_some(), || {
                format!("a decoder has no picture {wanted} when picture {order} comes")
            })?;
        }
        self.kept.retain(|kept| named.contains(&kept.order));
        let count = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        require(count <= sets.references, || format!("{count} pictures of {}", sets.references))
    }

    /// 8.3.4: what list 0, and then list 1 too, begins with.
    pub(super) fn referred(&self, order: i32, header: &Header) -> Option<&Kept<Place>> {
        let (distance, _) = header.kept.iter().find(|(_, used)| *used)?;
        self.at(order - distance.cast_signed())
    }

    /// A picture was reconstructed.
    pub(super) fn keep(&mut self, kept: Kept<Place>) {
        self.kept.push(kept);
    }
}
