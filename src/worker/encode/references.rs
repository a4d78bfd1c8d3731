//! The pictures that a decoder keeps, as we know of them.
//!
//! Each picture comes in as the newest and pushes the oldest out (the sliding window of
//! ITU-T H.264, 8.2.5.3; in HEVC we say the same in each picture). A picture that the
//! client lost stays, because in a decoder an empty place stays for it, too.

use std::collections::VecDeque;

/// A picture that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its number, as the encode thread counts.
    pub(super) picture: u32,
    /// Pictures since the last IDR picture.
    pub(super) order: u32,
    /// Which surface or slot it was reconstructed in.
    pub(super) surface: usize,
    /// The client does not have it, or has it spoilt.
    pub(super) lost: bool,
}

/// All that are kept, oldest first.
#[derive(Debug)]
pub(super) struct References {
    capacity: usize,
    kept: VecDeque<Kept>,
}

impl References {
    /// Room for `capacity` pictures, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), kept: VecDeque::new() }
    }

    /// Surfaces that are needed: one is written while the others are kept.
    pub(super) const fn surfaces(&self) -> usize {
        self.capacity + 1
    }

    /// All, newest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().rev()
    }

    /// What the next picture may refer to.
    pub(super) fn newest_sound(&self) -> Option<Kept> {
        self.kept().find(|kept| !kept.lost).copied()
    }

    /// A surface that holds none of them.
    pub(super) fn free_surface(&self) -> usize {
        let is_free = |surface: &usize| self.kept.iter().all(|kept| kept.surface != *surface);
        (0..self.surfaces()).find(is_free).unwrap_or(0)
    }

    /// Picture `first` and those after it are lost. Whether one is left.
    pub(super) fn lose(&mut self, first: u32) -> bool {
        for kept in &mut self.kept {
            // Numbers wrap around.
            kept.lost |= kept.picture.wrapping_sub(first).cast_signed() >= 0;
        }
        self.newest_sound().is_some()
    }

    /// Keeps the newest picture.
    pub(super) fn keep(&mut self, kept: Kept) {
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(kept);
    }

    /// An IDR picture came.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(capacity: usize, pictures: std::ops::Range<u32>) -> References {
        let mut references = References::new(capacity);
        for (order, picture) in pictures.enumerate() {
            let surface = references.free_surface();
            references.keep(Kept { picture, order: u32::try_from(order).unwrap(), surface, lost: false });
        }
        references
    }

    #[test]
    fn the_newest_that_is_not_lost_is_referred_to() {
        let mut references = filled(4, 10..20);
        assert_eq!(references.newest_sound().map(|kept| (kept.picture, kept.order)), Some((19, 9)));
        assert!(references.lose(18));
        assert_eq!(references.newest_sound().map(|kept| kept.picture), Some(17));
        assert_eq!(references.kept().map(|kept| kept.picture).collect::<Vec<_>>(), [19, 18, 17, 16]);
        assert!(!references.lose(16), "all four are lost");
        assert_eq!(references.newest_sound(), None);
    }

    #[test]
    fn no_surface_is_written_that_is_kept() {
        for capacity in 1..6 {
            let references = filled(capacity, 0..20);
            let free = references.free_surface();
            assert!(free < references.surfaces());
            assert!(references.kept().all(|kept| kept.surface != free));
            assert_eq!(references.kept().count(), capacity);
        }
    }

    #[test]
    fn numbers_wrap_around() {
        let mut references = References::new(3);
        for picture in [u32::MAX - 1, u32::MAX, 0] {
            references.keep(Kept { picture, order: 0, surface: 0, lost: false });
        }
        assert!(references.lose(u32::MAX));
        assert_eq!(references.newest_sound().map(|kept| kept.picture), Some(u32::MAX - 1));
    }
}
