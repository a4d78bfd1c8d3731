//! How much the pictures of late changed.

use super::content::Content;

/// The most the last few frames held, half forgotten after three.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usual {
    change: f64,
    shift: f64,
}

impl Usual {
    /// Whether a picture changes more than the last few did.
    pub(super) fn surprised_by(&self, content: Content) -> bool {
        content.change > self.change * 1.3 + 0.1 || content.shift > self.shift * 1.3 + 0.5
    }

    /// A picture was coded.
    pub(super) fn learn(&mut self, content: Content) {
        self.change = content.change.max(self.change * 0.8);
        self.shift = content.shift.max(self.shift * 0.8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_surprises_and_going_on_does_not() {
        let moving = Content { spatial: 4.0, change: 2.0, shift: 1.0 };
        let mut usual = Usual::default();
        assert!(usual.surprised_by(moving));
        usual.learn(moving);
        assert!(!usual.surprised_by(moving));
        assert!(usual.surprised_by(Content { shift: 9.0, ..moving }));
        for _ in 0..6 {
            usual.learn(Content::default());
        }
        assert!(usual.surprised_by(moving), "what was long ago is not usual");
    }
}
