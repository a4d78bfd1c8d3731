//! Which unsequenced messages were seen: they have no order, only a number each
//! (`protocol.c`, `enet_protocol_handle_send_unsequenced`).

use serde::{Deserialize, Serialize};

/// A window of 1024 numbers that begins at a multiple of 1024.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UnsequencedWindow {
    base: u16,
    seen: [u32; 32],
}

impl UnsequencedWindow {
    /// Notes a number; `false` if it was seen, or is too old to tell.
    pub(super) fn accept(&mut self, group: u16) -> bool {
        let ahead = u32::from(group) + if group < self.base { 0x1_0000 } else { 0 };
        if ahead >= u32::from(self.base) + FREE {
            return false;
        }
        let index = group % SIZE;
        if group - index != self.base {
            *self = Self { base: group - index, seen: [0; 32] };
        }
        let (word, bit) = (usize::from(index / 32), 1 << (index % 32));
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }
}

const SIZE: u16 = 1024;
/// Numbers ahead of the window that are new; others are old.
const FREE: u32 = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_once() {
        let mut window = UnsequencedWindow::default();
        for group in [1, 5, 3, 1023, 1024, 4000, 33_000, 65_535, 0, 2] {
            assert!(window.accept(group), "{group}");
            assert!(!window.accept(group), "{group}");
        }
    }

    #[test]
    fn what_is_older_than_the_window_is_dropped() {
        let mut window = UnsequencedWindow::default();
        assert!(window.accept(5000));
        assert!(!window.accept(4000));
        assert!(!window.accept(60_000));
        assert!(window.accept(5001));
    }
}
