//! Which sequence numbers were seen, in any order.
//!
//! Control messages travel on several ENet channels, some unreliable, so a
//! reliable message that was sent again arrives long after higher numbers. A
//! strict counter would end such a session; a window (RFC 4303, 3.4.3) refuses
//! only what was seen, or is too old to tell.

use serde::{Deserialize, Serialize};

/// A sliding window of 32-bit sequence numbers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReplayWindow {
    /// Highest accepted number; `None` before the first.
    highest: Option<u32>,
    /// Bit `n % WIDTH` of both halves tells whether `n` was seen, for numbers in the window.
    seen: [[u64; WORDS]; 2],
}

impl ReplayWindow {
    /// Whether a number is new. Ask before the costly part; note it with
    /// [`accept`](Self::accept) only once the message is authentic.
    #[must_use]
    pub fn is_new(&self, sequence: u32) -> bool {
        match self.highest {
            None => true,
            Some(highest) if sequence > highest => true,
            Some(highest) => highest - sequence < WIDTH && !self.bit(sequence),
        }
    }

    /// Notes a number as seen; `false` if it was not new.
    pub fn accept(&mut self, sequence: u32) -> bool {
        if !self.is_new(sequence) {
            return false;
        }
        let highest = self.highest.unwrap_or(sequence);
        if sequence > highest && sequence - highest >= WIDTH {
            self.seen = Default::default();
        } else {
            for passed in highest.saturating_add(1)..=sequence {
                self.set_bit(passed, false);
            }
        }
        self.highest = Some(highest.max(sequence));
        self.set_bit(sequence, true);
        true
    }

    fn bit(&self, sequence: u32) -> bool {
        let (half, word, mask) = place(sequence);
        self.seen[half][word] & mask != 0
    }

    fn set_bit(&mut self, sequence: u32, on: bool) {
        let (half, word, mask) = place(sequence);
        if on {
            self.seen[half][word] |= mask;
        } else {
            self.seen[half][word] &= !mask;
        }
    }
}

const fn place(sequence: u32) -> (usize, usize, u64) {
    let bit = sequence % WIDTH;
    let word = (bit / 64) as usize;
    (word / WORDS, word % WORDS, 1 << (bit % 64))
}

/// Numbers that may be behind the highest: over three seconds of four gamepads
/// that report motion 300 times a second.
const WIDTH: u32 = 4096;
/// In each of two halves: serde knows no longer arrays.
const WORDS: usize = (WIDTH / 128) as usize;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_accepted_once_in_any_order() {
        let mut window = ReplayWindow::default();
        for sequence in [5, 3, 4, 9, 0] {
            assert!(window.accept(sequence), "{sequence}");
            assert!(!window.accept(sequence), "{sequence}");
        }
    }

    #[test]
    fn what_is_too_old_to_tell_is_refused() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(WIDTH + 10));
        assert!(!window.accept(10));
        assert!(window.accept(11));
        assert!(window.accept(u32::MAX));
        assert!(!window.accept(u32::MAX));
        assert!(!window.accept(WIDTH + 10));
    }

    #[test]
    fn it_agrees_with_a_set_that_forgets_nothing() {
        let mut window = ReplayWindow::default();
        let mut seen = HashSet::new();
        let mut highest = 0;
        let mut random: u32 = 1;
        for step in 0..200_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let sequence = (step + 2 * WIDTH).saturating_sub((random >> 8) % (WIDTH + 500));
            let expected = (sequence > highest || highest - sequence < WIDTH) && !seen.contains(&sequence);
            assert_eq!(window.accept(sequence), expected, "{sequence} below {highest}");
            if expected {
                seen.insert(sequence);
                highest = highest.max(sequence);
            }
        }
    }
}
