//! What each quantizer took of late, as long as the content stays alike.
//!
//! Grain and noise cost nothing until a quantizer shows them, and then all at
//! once: no curve foretells that. What was tried a moment ago does.

/// Bits of frames by quantizer.
#[derive(Debug)]
pub(super) struct Tried {
    frames: u32,
    by_quantizer: [Option<Trial>; 52],
}

/// What one quantizer took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    /// Bits on average.
    pub(super) mean: f64,
    /// The most, slowly forgotten.
    pub(super) most: f64,
    /// How often it was tried.
    pub(super) count: u32,
    /// A frame since was two steps coarser or more, so that what the quantizer
    /// showed is gone from the picture.
    pub(super) blurred: bool,
    too_much: bool,
    frame: u32,
}

impl Tried {
    /// Nothing was tried.
    pub(super) const fn new() -> Self {
        Self { frames: 0, by_quantizer: [None; 52] }
    }

    /// The content is another.
    pub(super) fn forget(&mut self) {
        self.by_quantizer = [None; 52];
    }

    /// What took too much need not be too much any more.
    pub(super) fn relent(&mut self) {
        self.by_quantizer.iter_mut().flatten().for_each(|trial| trial.too_much = false);
    }

    /// A frame took `bits`, which is `too_much` to be tried again soon.
    pub(super) fn learn(&mut self, quantizer: u8, bits: f64, too_much: bool) {
        self.frames = self.frames.wrapping_add(1);
        let (before, frame) = (self.lately(quantizer).copied(), self.frames);
        let trial = match before {
            Some(Trial { mean, most, count, .. }) => Trial {
                mean: mean + (bits - mean) * 0.4,
                most: bits.max(most + (bits - most) * 0.15),
                count: count.saturating_add(1),
                blurred: false,
                too_much,
                frame,
            },
            None => Trial { mean: bits, most: bits, count: 1, blurred: false, too_much, frame },
        };
        if let Some(place) = self.by_quantizer.get_mut(usize::from(quantizer)) {
            *place = Some(trial);
        }
        let finer = self.by_quantizer.iter_mut().take(usize::from(quantizer.saturating_sub(1)));
        finer.flatten().for_each(|trial| trial.blurred = true);
    }

    /// What a quantizer took, if it was tried within the last frames.
    pub(super) fn lately(&self, quantizer: u8) -> Option<&Trial> {
        let trial = self.by_quantizer.get(usize::from(quantizer))?.as_ref()?;
        let memory = if trial.too_much { LONG_MEMORY } else { MEMORY };
        (self.frames.wrapping_sub(trial.frame) < memory).then_some(trial)
    }
}

/// Frames, a fifth of a second at 60 a second.
const MEMORY: u32 = 12;
/// Frames until a quantizer that took too much may be tried again, while the
/// picture stays alike.
const LONG_MEMORY: u32 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_known_for_a_while() {
        let mut tried = Tried::new();
        tried.learn(30, 1000.0, false);
        assert_eq!(tried.lately(30).map(|trial| trial.most), Some(1000.0));
        assert!(tried.lately(29).is_none() && tried.lately(200).is_none());
        tried.learn(30, 2000.0, false);
        assert_eq!(tried.lately(30).map(|trial| (trial.mean, trial.most)), Some((1400.0, 2000.0)));
        for _ in 0..MEMORY {
            assert!(tried.lately(30).is_some());
            tried.learn(31, 500.0, false);
        }
        assert!(tried.lately(30).is_none());
        tried.forget();
        assert!(tried.lately(31).is_none());
    }

    #[test]
    fn what_took_too_much_is_known_for_long() {
        let mut tried = Tried::new();
        tried.learn(30, 9000.0, true);
        for _ in 0..LONG_MEMORY {
            assert!(tried.lately(30).is_some());
            tried.learn(31, 500.0, false);
        }
        assert!(tried.lately(30).is_none());
    }

    #[test]
    fn a_coarser_frame_takes_away_what_finer_quantizers_showed() {
        let mut tried = Tried::new();
        let blurred = |tried: &Tried| tried.lately(30).map(|trial| trial.blurred);
        tried.learn(30, 1000.0, false);
        tried.learn(31, 500.0, false);
        assert_eq!(blurred(&tried), Some(false));
        tried.learn(32, 200.0, false);
        assert_eq!(blurred(&tried), Some(true));
        tried.learn(30, 1000.0, false);
        assert_eq!(blurred(&tried), Some(false));
    }
}
