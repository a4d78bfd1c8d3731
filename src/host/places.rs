//! Places for so many at a time, where how many may change meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Counts who has a place.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Arc<watch::Sender<usize>>,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<watch::Sender<usize>>);

impl Places {
    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        *self.taken.borrow()
    }

    /// A place, as soon as fewer than `most()` are taken. Cancel-safe.
    pub(crate) async fn take(&self, most: impl Fn() -> usize) -> Place {
        let mut changes = self.taken.subscribe();
        loop {
            let is_free = |taken: &mut usize| {
                let free = *taken < most();
                *taken += usize::from(free);
                free
            };
            if self.taken.send_if_modified(is_free) {
                return Place(Arc::clone(&self.taken));
            }
            // Nobody tells when there may be more.
            let _ = timeout(LOOK_AGAIN, changes.changed()).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|taken| *taken -= 1);
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_place_is_waited_for_until_one_is_given_back() {
        let places = Places::default();
        let (first, _second) = (places.take(|| 2).await, places.take(|| 2).await);
        let mut third = Box::pin(places.take(|| 2));
        assert!(timeout(Duration::from_millis(20), &mut third).await.is_err());
        drop(first);
        let _third = third.await;
        assert_eq!(places.taken(), 2);
    }

    #[tokio::test]
    async fn a_higher_limit_counts_for_who_waits_and_a_lower_one_for_who_comes() {
        let (places, most) = (Places::default(), AtomicUsize::new(1));
        let limit = || most.load(Ordering::Relaxed);
        let first = places.take(limit).await;
        let mut second = Box::pin(places.take(limit));
        assert!(timeout(Duration::from_millis(20), &mut second).await.is_err());
        most.store(2, Ordering::Relaxed);
        let second = second.await;
        most.store(1, Ordering::Relaxed);
        drop(second);
        assert!(timeout(Duration::from_millis(20), places.take(limit)).await.is_err());
        drop(first);
        let _ = places.take(limit).await;
        assert_eq!(places.taken(), 0);
    }
}
