//! A worker's last log lines, readable after its death.
//!
//! Workers log to the host's standard error, which nobody can read back. A pipe
//! would break with the host, whom workers are to outlive; so each line goes
//! into the counters page too, in the same manner as the
//! [flight recorder](super::flight_recorder)'s events.

use std::sync::atomic::{AtomicU64, Ordering, fence};

/// One side's view of the ring.
#[derive(Debug, Clone, Copy)]
pub struct LogRing<'a> {
    head: &'a AtomicU64,
    places: &'a [AtomicU64],
}

impl<'a> LogRing<'a> {
    /// The ring in these words: one for the head, [`WORDS`] in all.
    pub(super) fn in_words(words: &'a [AtomicU64]) -> Self {
        Self { head: &words[0], places: &words[1..WORDS] }
    }

    /// Adds a line; what is beyond [`LONGEST_LINE`] bytes is cut off.
    pub fn add(&self, line: &[u8]) {
        let line = &line[..line.len().min(LONGEST_LINE)];
        let number = self.head.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let index = usize::try_from(number % LINES as u64).unwrap_or_default();
        let [stamp, length, text @ ..] = &self.places[index * LINE_WORDS..][..LINE_WORDS] else { return };
        stamp.store(0, Ordering::Relaxed);
        // Nobody may see the new content under the old number.
        fence(Ordering::Release);
        length.store(line.len() as u64, Ordering::Relaxed);
        for (word, bytes) in text.iter().zip(line.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
        stamp.store(number, Ordering::Release);
    }

    /// All lines that are whole, oldest first. At most [`LINES`].
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.places.chunks_exact(LINE_WORDS).filter_map(read).collect();
        lines.sort_unstable_by_key(|(number, _)| *number);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

fn read(place: &[AtomicU64]) -> Option<(u64, String)> {
    let [stamp, length, text @ ..] = place else { return None };
    let number = stamp.load(Ordering::Acquire);
    if number == 0 {
        return None;
    }
    let length = usize::try_from(length.load(Ordering::Relaxed)).ok()?.min(LONGEST_LINE);
    let words = text.iter().take(length.div_ceil(8));
    let bytes: Vec<u8> = words.flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
    fence(Ordering::Acquire);
    if stamp.load(Ordering::Relaxed) != number {
        return None;
    }
    Some((number, String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned()))
}

/// Lines that are kept.
pub const LINES: usize = 64;
/// Bytes of a line that are kept: more than a line as JSON usually has.
pub const LONGEST_LINE: usize = (LINE_WORDS - 2) * 8;
const LINE_WORDS: usize = 128;
/// Words of a page that the ring takes.
pub(super) const WORDS: usize = 1 + LINES * LINE_WORDS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_long_ones_cut() {
        let words: Vec<_> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        let ring = LogRing::in_words(&words);
        for line in 0..100 {
            ring.add(format!("line {line}\n").as_bytes());
        }
        ring.add(&[b'x'; 5000]);
        let lines = ring.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[0], "line 37");
        assert_eq!(lines[62], "line 99");
        assert_eq!(lines[63].len(), LONGEST_LINE);
    }

    #[test]
    fn nonsense_in_the_page_is_read_as_text() {
        let words: Vec<_> = (0..WORDS).map(|_| AtomicU64::new(u64::MAX)).collect();
        assert!(LogRing::in_words(&words).lines().iter().all(|line| line.chars().count() <= LONGEST_LINE));
    }
}
