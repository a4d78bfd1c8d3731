//! A place for one value where the newest replaces an unread one.
//!
//! Raw frames go through it: a slow encoder never sees an old frame, and a
//! capture thread never waits for the encoder.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The slot. Share it by `Arc`.
#[derive(Debug)]
pub struct Slot<T> {
    value: Mutex<Option<T>>,
    filled: Condvar,
}

impl<T> Slot<T> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self { value: Mutex::new(None), filled: Condvar::new() }
    }

    /// Puts a value in and wakes the reader. Returns the unread value it
    /// replaced, so that the caller can count it and drop it without the lock.
    pub fn put(&self, value: T) -> Option<T> {
        let replaced = self.lock().replace(value);
        self.filled.notify_one();
        replaced
    }

    /// Takes the value, waiting at most `patience` for one.
    pub fn take(&self, patience: Duration) -> Option<T> {
        let (mut value, _) = self
            .filled
            .wait_timeout_while(self.lock(), patience, |value| value.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        value.take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_newest_value_replaces_an_unread_one() {
        let slot = Slot::new();
        assert_eq!(slot.put(1), None);
        assert_eq!(slot.put(2), Some(1));
        assert_eq!(slot.take(Duration::ZERO), Some(2));
        assert_eq!(slot.take(Duration::ZERO), None);
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let slot = Arc::new(Slot::new());
        let reader = std::thread::spawn({
            let slot = Arc::clone(&slot);
            move || slot.take(Duration::from_secs(60))
        });
        slot.put(7);
        assert_eq!(reader.join().unwrap(), Some(7));
    }
}
