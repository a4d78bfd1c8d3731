//! Which keys or buttons are down.
//!
//! Moonlight sends a release twice or a press never when packets cross a
//! reconnect; a compositor must see each key go down and up in turn.

/// A set of what is held, in the order it was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldKeys<T> {
    held: Vec<T>,
}

impl<T: Copy + PartialEq> HeldKeys<T> {
    /// Notes a press or release. Returns whether it changes anything.
    pub(crate) fn set(&mut self, key: T, pressed: bool) -> bool {
        match (self.held.iter().position(|held| *held == key), pressed) {
            (None, true) => self.held.push(key),
            (Some(index), false) => {
                self.held.remove(index);
            }
            _ => return false,
        }
        true
    }

    /// What is held.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> {
        self.held.iter().copied()
    }

    /// Takes all of it, the last pressed first.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.held).into_iter().rev()
    }
}

impl<T> Default for HeldKeys<T> {
    fn default() -> Self {
        Self { held: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_count() {
        let mut held = HeldKeys::default();
        assert!(!held.set(1, false));
        assert!(held.set(1, true));
        assert!(!held.set(1, true));
        assert!(held.set(1, false));
        assert!(!held.set(1, false));
    }

    #[test]
    fn the_last_pressed_is_released_first() {
        let mut held = HeldKeys::default();
        held.set(1, true);
        held.set(2, true);
        assert_eq!(held.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(held.take_all().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(held.take_all().count(), 0);
    }
}
