//! The newest events, bounded in number and in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Published;

/// Events with consecutive numbers, the oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<Arc<Published>>,
    newest: u64,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl Ring {
    pub(super) fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { events: VecDeque::new(), newest: 0, bytes: 0, most_events, most_bytes }
    }

    /// Number of the newest event, 0 before the first.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Number of the oldest event that is still there, or of the next one.
    pub(super) fn oldest(&self) -> u64 {
        self.events.front().map_or(self.newest + 1, |published| published.sequence)
    }

    /// Adds the next one; the oldest make room, except the newest itself.
    pub(super) fn push(&mut self, published: Arc<Published>) {
        self.newest = published.sequence;
        self.bytes += published.data.len();
        self.events.push_back(published);
        while self.events.len() > self.most_events || (self.bytes > self.most_bytes && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { return };
            self.bytes -= oldest.data.len();
        }
    }

    /// At most `most` events from number `first` on, which is still there.
    pub(super) fn from(&self, first: u64, most: usize) -> impl Iterator<Item = &Arc<Published>> {
        let skipped = usize::try_from(first.saturating_sub(self.oldest())).unwrap_or(usize::MAX);
        self.events.iter().skip(skipped).take(most)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Published>> {
        self.events.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::host::events::Event;
    use crate::ids::SessionId;

    fn push(ring: &mut Ring, bytes: usize) {
        let event = Event::StopStream { session_id: SessionId(1) };
        let sequence = ring.newest() + 1;
        ring.push(Arc::new(Published { sequence, at: SystemTime::now(), event, data: "x".repeat(bytes) }));
    }

    #[test]
    fn both_bounds_hold_and_the_newest_always_fits() {
        let mut ring = Ring::new(3, 10);
        assert_eq!((ring.oldest(), ring.newest()), (1, 0));
        (0..5).for_each(|_| push(&mut ring, 1));
        assert_eq!((ring.oldest(), ring.newest(), ring.bytes), (3, 5, 3));
        push(&mut ring, 9);
        assert_eq!((ring.oldest(), ring.newest()), (5, 6));
        push(&mut ring, 100);
        assert_eq!((ring.oldest(), ring.newest(), ring.bytes), (7, 7, 100));
        push(&mut ring, 1);
        assert_eq!((ring.oldest(), ring.bytes), (8, 1));
        let numbers: Vec<_> = ring.from(8, 10).map(|published| published.sequence).collect();
        assert_eq!(numbers, [8]);
        assert_eq!(ring.from(9, 10).count(), 0);
    }
}
