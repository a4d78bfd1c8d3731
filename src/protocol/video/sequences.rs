//! Which packets of a stream have come, by their RTP sequence numbers.

/// How many sequence numbers lie between the first and the highest, and how
/// many of them came.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sequences {
    highest: Option<u16>,
    spanned: u64,
    came: u64,
}

impl Sequences {
    /// A packet came.
    pub(super) fn note(&mut self, sequence: u16) {
        self.came += 1;
        let ahead = self.highest.map_or(1, |highest| sequence.wrapping_sub(highest));
        // Half of the numbers are ahead, half behind.
        if ahead != 0 && ahead < 0x8000 {
            self.spanned += u64::from(ahead);
            self.highest = Some(sequence);
        }
    }

    /// How many did not.
    pub(super) const fn missing(&self) -> u64 {
        self.spanned.saturating_sub(self.came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_missing_until_they_are_filled() {
        let mut sequences = Sequences::default();
        [65_534, 65_535, 2, 1].into_iter().for_each(|sequence| sequences.note(sequence));
        assert_eq!(sequences.missing(), 1, "0, after the numbers wrap");
        sequences.note(0);
        assert_eq!(sequences.missing(), 0);
    }
}
