//! A long message that arrives in parts, in any order.

use serde::{Deserialize, Serialize};

use crate::protocol::enet::command::Fragment;
use crate::protocol::enet::limits::MESSAGE_OVERHEAD;

/// The parts that have come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Assembly {
    count: u32,
    missing: u32,
    /// A bit for each part.
    got: Vec<u64>,
    message: Vec<u8>,
}

impl Assembly {
    /// Of which message this is a part; `None` if it cannot be one of at most
    /// `limit` bytes.
    pub(super) fn begin(part: &Fragment<'_>, limit: usize) -> Option<Self> {
        let total = usize::try_from(part.total).ok().filter(|total| *total <= limit)?;
        let possible = part.index < part.count && part.count <= part.total && !part.payload.is_empty();
        let message = vec![0; total];
        let words = usize::try_from(part.count.div_ceil(64)).ok()?;
        possible.then(|| Self { count: part.count, missing: part.count, got: vec![0; words], message })
    }

    /// What it counts for in memory.
    pub(super) fn charge(&self) -> usize {
        self.message.len() + self.got.len() * 8 + MESSAGE_OVERHEAD
    }

    /// Adds a part, again or for the first time; `false` if it is not of this
    /// message.
    pub(super) fn add(&mut self, part: &Fragment<'_>) -> bool {
        let (Ok(offset), Ok(index)) = (usize::try_from(part.offset), usize::try_from(part.index)) else { return false };
        let end = offset.saturating_add(part.payload.len());
        let same = part.count == self.count && usize::try_from(part.total) == Ok(self.message.len());
        if !same || part.index >= self.count || part.payload.is_empty() || end > self.message.len() {
            return false;
        }
        let (word, bit) = (index / 64, 1 << (index % 64));
        if self.got[word] & bit == 0 {
            self.got[word] |= bit;
            self.missing -= 1;
            self.message[offset..end].copy_from_slice(part.payload);
        }
        true
    }

    /// Whether all parts have come.
    pub(super) const fn is_complete(&self) -> bool {
        self.missing == 0
    }

    /// How many sequence numbers it takes.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// The message.
    pub(super) fn into_message(self) -> Vec<u8> {
        self.message
    }

    /// Whether it is what [`add`](Self::add) leaves behind.
    pub(super) fn is_sound(&self, limit: usize) -> bool {
        let bits: u32 = self.got.iter().map(|word| word.count_ones()).sum();
        let beyond =
            self.got.last().is_some_and(|last| !self.count.is_multiple_of(64) && last >> (self.count % 64) != 0);
        let words = usize::try_from(self.count.div_ceil(64)).unwrap_or(usize::MAX);
        self.count > 0
            && usize::try_from(self.count).is_ok_and(|count| count <= self.message.len())
            && self.got.len() == words
            && !beyond
            && self.count.checked_sub(bits) == Some(self.missing)
            && self.message.len() <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u32, offset: u32, payload: &[u8]) -> Fragment<'_> {
        Fragment { start: 1, count: 3, index, total: 8, offset, payload }
    }

    #[test]
    fn parts_make_a_message_in_any_order() {
        let parts = [part(0, 0, b"abc"), part(1, 3, b"def"), part(2, 6, b"gh")];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut assembly = Assembly::begin(&parts[order[0]], 100).unwrap();
            for index in order {
                assert!(!assembly.is_complete() && assembly.is_sound(100));
                assert!(assembly.add(&parts[index]));
                assert!(assembly.add(&parts[index]), "a duplicate");
            }
            assert!(assembly.is_complete() && assembly.is_sound(100));
            assert_eq!(assembly.into_message(), b"abcdefgh");
        }
    }

    #[test]
    fn parts_that_cannot_be_are_refused() {
        assert!(Assembly::begin(&part(0, 0, b"abc"), 7).is_none(), "too long");
        assert!(Assembly::begin(&part(3, 0, b"abc"), 100).is_none(), "beyond the count");
        assert!(Assembly::begin(&part(0, 0, b""), 100).is_none(), "empty");
        assert!(Assembly::begin(&Fragment { count: 9, ..part(0, 0, b"a") }, 100).is_none(), "more parts than bytes");
        let mut assembly = Assembly::begin(&part(0, 0, b"abc"), 100).unwrap();
        assert!(!assembly.add(&part(1, 6, b"def")), "beyond the end");
        assert!(!assembly.add(&part(1, u32::MAX, b"def")));
        assert!(!assembly.add(&Fragment { total: 9, ..part(0, 0, b"abc") }));
        assert!(!assembly.add(&Fragment { count: 4, ..part(0, 0, b"abc") }));
        assert!(!assembly.add(&part(7, 0, b"abc")));
    }

    #[test]
    fn an_assembly_that_cannot_be_is_not_sound() {
        let sound = Assembly::begin(&part(0, 0, b"abc"), 100).unwrap();
        assert!(!Assembly { missing: 2, ..sound.clone() }.is_sound(100));
        assert!(!Assembly { got: vec![8], missing: 2, ..sound.clone() }.is_sound(100));
        assert!(!Assembly { got: vec![], ..sound.clone() }.is_sound(100));
        assert!(!Assembly { count: 0, missing: 0, got: vec![], ..sound.clone() }.is_sound(100));
        assert!(!sound.is_sound(7));
    }
}
