//! What waits in memory because of one peer.

/// Bytes that a peer's messages hold, and how many they may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    held: usize,
    allowed: usize,
}

impl Account {
    /// With this much held already.
    pub(super) const fn new(held: usize, allowed: usize) -> Self {
        Self { held, allowed }
    }

    /// Bytes held.
    pub(super) const fn held(self) -> usize {
        self.held
    }

    /// Whether so much more could be held.
    pub(super) const fn fits(self, bytes: usize) -> bool {
        self.held.saturating_add(bytes) <= self.allowed
    }

    /// Holds more; `false` if it may not.
    pub(super) const fn take(&mut self, bytes: usize) -> bool {
        let fits = self.fits(bytes);
        if fits {
            self.held += bytes;
        }
        fits
    }

    /// Holds less.
    pub(super) const fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_allowed() {
        let mut account = Account::new(10, 100);
        assert!(account.take(90) && !account.take(1) && !account.fits(usize::MAX));
        account.release(50);
        assert!(account.take(50));
        assert_eq!(account.held(), 100);
    }
}
