//! One subscriber's place in the sequence.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::{Events, Published};
use crate::host::scope::Scope;

/// A subscriber; dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscription {
    events: Events,
    scope: Scope,
    /// Number of the next event to take from the ring.
    next: u64,
    /// Taken, and not heard yet.
    taken: VecDeque<Heard>,
    newest: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
}

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum Heard {
    /// The next event that it may hear.
    Event(Arc<Published>),
    /// Events that it was too slow for, if there was any among them that it may
    /// hear.
    Gap {
        /// Number of the first.
        first: u64,
        /// Number of the last.
        last: u64,
    },
}

impl Subscription {
    pub(super) fn new(events: Events, scope: Scope, next: u64) -> Self {
        let (newest, closed) = (events.inner.newest.subscribe(), events.inner.closed.subscribe());
        Self { events, scope, next, taken: VecDeque::new(), newest, closed }
    }

    /// Number of the last event before the next one.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.next - 1
    }

    /// Waits for the next event; `None` when all are heard and the host ends.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.taken.pop_front() {
                return Some(heard);
            }
            if self.take() {
                continue;
            }
            let next = self.next;
            tokio::select! {
                biased;
                // The sender lives as long as we do: no error.
                _ = self.newest.wait_for(|newest| *newest >= next) => {}
                _ = self.closed.wait_for(|closed| *closed) => return None,
            }
        }
    }

    /// Takes a few from the ring; `false` if there are none.
    fn take(&mut self) -> bool {
        let ring = self.events.ring();
        let oldest = ring.oldest();
        if self.next < oldest {
            let (first, last) = (self.next, oldest - 1);
            self.events.inner.lost.fetch_add(oldest - self.next, Ordering::Relaxed);
            self.taken.push_back(Heard::Gap { first, last });
            self.next = oldest;
        }
        let before = self.next;
        for published in ring.from(before, AT_ONCE) {
            self.next = published.sequence + 1;
            if self.scope.hears(&published.event) {
                self.taken.push_back(Heard::Event(Arc::clone(published)));
            }
        }
        self.next > before || !self.taken.is_empty()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.events.forget_subscriber(self.scope);
    }
}

/// Events taken under one lock.
const AT_ONCE: usize = 64;
