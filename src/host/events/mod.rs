//! What happens on the host, in one numbered sequence, for whoever listens.
//!
//! Publishing is a push into a ring under a lock that nobody keeps for longer
//! than that: it never waits, whatever subscribers do, and may be done from
//! any thread. Subscribers keep a place in the sequence and read from the
//! ring; one that falls behind by more than the ring holds loses the oldest
//! and is told which ([`Heard::Gap`]). There is no queue for each of them that
//! could grow, and none can slow another.
//!
//! Numbers begin at 1 with each start of the host; [`Events::instance`] tells
//! one start from another.

pub mod event;
mod owner;
mod ring;
pub(crate) mod seldom;
pub mod subscription;
pub mod wolf;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tracing::{trace, warn};

pub use self::event::Event;
pub use self::owner::Owner;
use self::ring::Ring;
use self::seldom::Seldom;
pub use self::subscription::{Heard, Subscription};
use crate::host::scope::Scope;
use crate::ids::SessionId;

/// Handle to the sequence; cheap to clone, from any thread.
#[derive(Debug, Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    instance: String,
    ring: Mutex<Ring>,
    /// Number of the newest event; closed when the host ends.
    newest: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    subscribers: Mutex<HashMap<Scope, usize>>,
    /// Callers of the operator's doors that may listen.
    most: AtomicUsize,
    /// The same of one desktop's door.
    most_of_a_desktop: AtomicUsize,
    lost: AtomicU64,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    refusals: Mutex<Seldom>,
}

/// An event in its place.
#[derive(Debug)]
pub struct Published {
    /// From 1, one more for each.
    pub sequence: u64,
    /// When it was published.
    pub at: SystemTime,
    /// What happened.
    pub event: Event,
    /// The event as JSON.
    pub data: String,
}

impl Published {
    /// The event as JSON for `scope`: what callers other than the operator may
    /// not know is left out.
    #[must_use]
    pub fn json(&self, scope: Scope) -> Cow<'_, str> {
        match (scope, &self.event) {
            (Scope::Session(_) | Scope::Lobby(_), Event::CreateLobby(created)) => {
                serde_json::to_string(&created.for_others()).map_or_else(|_| "{}".into(), Cow::Owned)
            }
            _ => Cow::Borrowed(&self.data),
        }
    }
}

/// There are as many subscribers as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} subscribers listen to events already, the limit ({key}); close one first")]
pub struct TooManySubscribers {
    /// What there may be.
    limit: usize,
    /// The key that says so.
    key: &'static str,
}

impl Events {
    /// Nothing has happened yet. `instance` is of this start of the host alone.
    #[must_use]
    pub fn new(instance: &str) -> Self {
        let inner = Inner {
            instance: instance.to_owned(),
            ring: Mutex::new(Ring::new(MOST_EVENTS, MOST_BYTES)),
            newest: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            subscribers: Mutex::default(),
            most: AtomicUsize::new(MOST_SUBSCRIBERS),
            most_of_a_desktop: AtomicUsize::new(MOST_IN_A_DESKTOP),
            lost: AtomicU64::new(0),
            counts: Mutex::default(),
            refusals: Mutex::new(Seldom::new(REFUSALS_AT_ONCE, REFUSAL_INTERVAL)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Tells everybody. Never waits. Refusals are told once a second at most,
    /// after the first fifty: whoever is refused can ask again at once.
    pub fn publish(&self, event: Event) {
        if matches!(event, Event::SessionRefused { .. }) && !self.may_refuse() {
            return;
        }
        let data = match serde_json::to_string(&event) {
            Ok(data) => data,
            // Only maps with odd keys can fail, and there are none.
            Err(error) => return warn!(name = event.name(), %error, "event not published"),
        };
        trace!(name = event.name(), data, "event");
        *self.counts_by_name().entry(event.name()).or_default() += 1;
        let mut ring = self.ring();
        let sequence = ring.newest() + 1;
        ring.push(Arc::new(Published { sequence, at: SystemTime::now(), event, data }));
        // Inside the lock, so that the number never goes back.
        self.inner.newest.send_replace(sequence);
    }

    /// Listens to what `scope` may hear: from now on, or to what came after
    /// the event with number `after`, as far as it is still there.
    ///
    /// # Errors
    /// [`TooManySubscribers`].
    pub fn subscribe(&self, scope: Scope, after: Option<u64>) -> Result<Subscription, TooManySubscribers> {
        {
            let mut subscribers = self.subscriptions();
            let count = subscribers.entry(scope).or_default();
            let (most, key) = match scope {
                Scope::Host => (&self.inner.most, "limits.event_subscribers"),
                Scope::Session(_) | Scope::Lobby(_) => {
                    (&self.inner.most_of_a_desktop, "limits.event_subscribers_per_desktop")
                }
            };
            let limit = most.load(Ordering::Relaxed);
            if *count >= limit {
                return Err(TooManySubscribers { limit, key });
            }
            *count += 1;
        }
        let newest = self.newest();
        // A number of the future is of another start of the host.
        let next = after.map_or(newest, |after| if after > newest { 0 } else { after }) + 1;
        Ok(Subscription::new(self.clone(), scope, next))
    }

    /// Changes how many may listen: callers of the operator's doors, and of
    /// each desktop's. Who listens already stays.
    pub(crate) fn set_limits(&self, most: usize, most_of_a_desktop: usize) {
        self.inner.most.store(most, Ordering::Relaxed);
        self.inner.most_of_a_desktop.store(most_of_a_desktop, Ordering::Relaxed);
    }

    /// Tells this start of the host from others.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Number of the newest event; 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        *self.inner.newest.borrow()
    }

    /// The newest events about a session, at most `most`, oldest first.
    #[must_use]
    pub fn recent(&self, session: SessionId, most: usize) -> Vec<Arc<Published>> {
        let ring = self.ring();
        let about = |published: &&Arc<Published>| published.event.session() == Some(session);
        let mut found: Vec<_> = ring.iter().rev().filter(about).take(most).cloned().collect();
        found.reverse();
        found
    }

    /// Subscribers now.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.subscriptions().values().sum()
    }

    /// How often each event was published.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts_by_name().clone()
    }

    /// Events that subscribers have missed, all together.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.inner.lost.load(Ordering::Relaxed)
    }

    /// Ends all subscriptions, once they have heard everything.
    pub fn close(&self) {
        self.inner.closed.send_replace(true);
    }

    fn counts_by_name(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_refuse(&self) -> bool {
        self.inner.refusals.lock().unwrap_or_else(PoisonError::into_inner).allows(Instant::now())
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashMap<Scope, usize>> {
        self.inner.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_subscriber(&self, scope: Scope) {
        let mut subscribers = self.subscriptions();
        if let Some(count) = subscribers.get_mut(&scope) {
            *count -= 1;
            if *count == 0 {
                subscribers.remove(&scope);
            }
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events kept for those who come back.
const MOST_EVENTS: usize = 4096;

/// Bytes of JSON kept: a lobby's runner may be long.
const MOST_BYTES: usize = 8 << 20;

const REFUSALS_AT_ONCE: u32 = 50;
const REFUSAL_INTERVAL: Duration = Duration::from_secs(1);

/// If nobody says otherwise: more than people who watch one host, and fewer
/// than its API's connections.
const MOST_SUBSCRIBERS: usize = 32;

/// The same of one desktop's programs.
const MOST_IN_A_DESKTOP: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Events {
        Events::new("test")
    }

    fn stop(session: u64) -> Event {
        Event::StopStream { session_id: SessionId(session) }
    }

    async fn next(subscription: &mut Subscription) -> Option<Heard> {
        tokio::time::timeout(std::time::Duration::from_secs(10), subscription.next()).await.unwrap()
    }

    fn number(heard: Option<Heard>) -> u64 {
        match heard {
            Some(Heard::Event(published)) => published.sequence,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn subscribers_hear_what_comes_after_them_in_order() {
        let events = events();
        events.publish(stop(1));
        let mut one = events.subscribe(Scope::Host, None).unwrap();
        events.publish(stop(2));
        events.publish(stop(3));
        let mut two = events.subscribe(Scope::Host, Some(1)).unwrap();
        let mut all = events.subscribe(Scope::Host, Some(0)).unwrap();
        for subscription in [&mut one, &mut two] {
            assert_eq!([number(next(subscription).await), number(next(subscription).await)], [2, 3]);
        }
        assert_eq!(number(next(&mut all).await), 1);
        let waiting = tokio::spawn(async move { number(one.next().await) });
        tokio::task::yield_now().await;
        events.publish(stop(4));
        assert_eq!(waiting.await.unwrap(), 4);
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_what_is_lost_and_goes_on() {
        let events = events();
        let mut slow = events.subscribe(Scope::Host, None).unwrap();
        let most = MOST_EVENTS as u64;
        for session in 0..most + 10 {
            events.publish(stop(session));
        }
        assert!(matches!(next(&mut slow).await, Some(Heard::Gap { first: 1, last: 10 })));
        assert_eq!(events.lost(), 10);
        for sequence in 11..=most + 10 {
            assert_eq!(number(next(&mut slow).await), sequence);
        }
    }

    #[tokio::test]
    async fn a_number_of_an_earlier_start_is_answered_with_all_there_is() {
        let events = events();
        events.publish(stop(1));
        let mut back = events.subscribe(Scope::Host, Some(1000)).unwrap();
        assert_eq!(number(next(&mut back).await), 1);
    }

    #[tokio::test]
    async fn others_events_are_passed_over() {
        let events = events();
        let mut own = events.subscribe(Scope::Session(SessionId(2)), None).unwrap();
        for session in 0..4 {
            events.publish(stop(session));
        }
        events.close();
        assert_eq!(number(next(&mut own).await), 3);
        assert!(next(&mut own).await.is_none());
    }

    #[tokio::test]
    async fn all_is_heard_before_the_end() {
        let events = events();
        let mut subscription = events.subscribe(Scope::Host, None).unwrap();
        events.publish(stop(1));
        events.close();
        assert_eq!(number(next(&mut subscription).await), 1);
        assert!(next(&mut subscription).await.is_none());
    }

    #[test]
    fn subscribers_are_counted_and_limited() {
        let events = events();
        let mut held: Vec<_> = (0..MOST_SUBSCRIBERS).map(|_| events.subscribe(Scope::Host, None).unwrap()).collect();
        let refused = |scope| events.subscribe(scope, None).unwrap_err().to_string();
        assert!(refused(Scope::Host).contains("32 ") && refused(Scope::Host).contains("limits.event_subscribers)"));
        assert!(events.subscribe(Scope::Session(SessionId(1)), None).is_ok(), "others have places of their own");
        held.pop();
        assert!(events.subscribe(Scope::Host, None).is_ok());
        events.set_limits(3, 0);
        held.truncate(3);
        assert!(refused(Scope::Host).starts_with("3 "));
        assert!(refused(Scope::Session(SessionId(1))).contains("limits.event_subscribers_per_desktop"));
        drop(held);
        assert_eq!(events.subscribers(), 0);
    }

    #[test]
    fn what_a_session_has_been_through_can_be_looked_up() {
        let events = events();
        for number in 0..10 {
            events.publish(stop(number % 2));
        }
        let recent = events.recent(SessionId(1), 3);
        assert_eq!(recent.iter().map(|published| published.sequence).collect::<Vec<_>>(), [6, 8, 10]);
    }
}
