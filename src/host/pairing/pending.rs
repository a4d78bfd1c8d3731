//! The pairings that have begun and not ended: bounded, expiring, one for each
//! client.
//!
//! A pairing is known by the client's `uniqueid` and address; the id alone
//! will not do, since many clients send the same constant. While one waits for
//! its PIN, another client of the same name is told to wait, and the same
//! client (by its certificate) starts over.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::config::LimitsConfig;
use crate::ids::ClientId;
use crate::protocol::pairing::pin_key::Pin;

/// What tells pairings apart across their requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingKey {
    /// `uniqueid` of the query, cut to [`MAX_UNIQUE_ID`].
    pub unique_id: String,
    /// The client's address.
    pub address: IpAddr,
}

impl PairingKey {
    /// From a request. Clients send 16 characters.
    #[must_use]
    pub fn new(unique_id: &str, address: IpAddr) -> Self {
        Self { unique_id: unique_id.chars().take(MAX_UNIQUE_ID).collect(), address }
    }
}

/// How many pairings there may be, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct PairingLimits {
    /// At one time.
    pub total: usize,
    /// Of one address at one time.
    pub per_address: usize,
    /// From the first request to the PIN.
    pub pin: Duration,
    /// From the PIN, or the request before, to the next request.
    pub step: Duration,
}

impl Default for PairingLimits {
    fn default() -> Self {
        Self { total: 64, per_address: 8, pin: Duration::from_secs(120), step: Duration::from_secs(30) }
    }
}

impl PairingLimits {
    /// What the configuration says.
    #[must_use]
    pub fn of(limits: &LimitsConfig) -> Self {
        Self { total: limits.pairings, per_address: limits.pairings_per_address, ..Self::default() }
    }
}

/// All pending pairings. `T` is what the handshake needs for its next request.
#[derive(Debug)]
pub struct PendingTable<T> {
    limits: PairingLimits,
    entries: Vec<Entry<T>>,
    next_ticket: Ticket,
}

/// Names one pairing: a later one of the same client has another.
pub type Ticket = u64;

#[derive(Debug)]
struct Entry<T> {
    key: PairingKey,
    ticket: Ticket,
    client: ClientId,
    expires: Instant,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
    /// Phase 1 is held open.
    WaitsForPin { secret: String, pin: oneshot::Sender<Pin> },
    /// A request is being worked on, or the PIN is on its way to it.
    Busy,
    /// The next request may come.
    Ready(T),
}

/// A pairing that waits for its PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingForPin {
    /// Names it in the API.
    pub pair_secret: String,
    /// The client's address.
    pub address: IpAddr,
}

impl<T> PendingTable<T> {
    /// Nobody pairs.
    #[must_use]
    pub const fn new(limits: PairingLimits) -> Self {
        Self { limits, entries: Vec::new(), next_ticket: 0 }
    }

    /// So many at the same time from now on; those that have begun go on.
    pub const fn set_limits(&mut self, total: usize, per_address: usize) {
        (self.limits.total, self.limits.per_address) = (total, per_address);
    }

    /// A client begins; the PIN comes through the channel, which closes if the
    /// pairing is superseded or dropped.
    ///
    /// # Errors
    /// [`BeginPairingError`].
    pub fn begin(
        &mut self,
        now: Instant,
        key: PairingKey,
        client: ClientId,
        secret: String,
    ) -> Result<(Ticket, oneshot::Receiver<Pin>), BeginPairingError> {
        self.expire(now);
        match self.entries.iter().position(|entry| entry.key == key) {
            Some(index) if self.entries[index].client == client => drop(self.entries.swap_remove(index)),
            Some(_) => return Err(BeginPairingError::InProgress),
            None => {}
        }
        if self.entries.len() >= self.limits.total {
            return Err(BeginPairingError::Total(self.limits.total));
        }
        if self.entries.iter().filter(|entry| entry.key.address == key.address).count() >= self.limits.per_address {
            return Err(BeginPairingError::Address(self.limits.per_address));
        }
        let (sender, receiver) = oneshot::channel();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let state = State::WaitsForPin { secret, pin: sender };
        self.entries.push(Entry { key, ticket, client, expires: now + self.limits.pin, state });
        Ok((ticket, receiver))
    }

    /// Who waits for a PIN.
    pub fn waiting(&mut self, now: Instant) -> Vec<WaitingForPin> {
        self.expire(now);
        let waiting = |entry: &Entry<T>| match &entry.state {
            State::WaitsForPin { secret, .. } => {
                Some(WaitingForPin { pair_secret: secret.clone(), address: entry.key.address })
            }
            State::Busy | State::Ready(_) => None,
        };
        self.entries.iter().filter_map(waiting).collect()
    }

    /// Gives a waiting pairing its PIN; false if none has this secret.
    pub fn enter_pin(&mut self, now: Instant, secret: &str, pin: Pin) -> bool {
        self.expire(now);
        let matches =
            |entry: &&mut Entry<T>| matches!(&entry.state, State::WaitsForPin { secret: own, .. } if own == secret);
        let Some(entry) = self.entries.iter_mut().find(matches) else { return false };
        entry.expires = now + self.limits.step;
        match std::mem::replace(&mut entry.state, State::Busy) {
            State::WaitsForPin { pin: sender, .. } => sender.send(pin).is_ok(),
            State::Busy | State::Ready(_) => false,
        }
    }

    /// Takes what the next request of a client needs; nothing if no request is
    /// expected of it, and then its pairing is over.
    pub fn take(&mut self, now: Instant, key: &PairingKey) -> Option<(Ticket, T)> {
        self.expire(now);
        let index = self.entries.iter().position(|entry| entry.key == *key)?;
        let entry = &mut self.entries[index];
        match std::mem::replace(&mut entry.state, State::Busy) {
            State::Ready(step) => Some((entry.ticket, step)),
            State::WaitsForPin { .. } | State::Busy => {
                self.entries.swap_remove(index);
                None
            }
        }
    }

    /// Keeps what the next request will need; false if the pairing is over.
    pub fn put(&mut self, now: Instant, ticket: Ticket, step: T) -> bool {
        self.expire(now);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.ticket == ticket) else { return false };
        entry.state = State::Ready(step);
        entry.expires = now + self.limits.step;
        true
    }

    /// Forgets a pairing.
    pub fn remove(&mut self, ticket: Ticket) {
        self.entries.retain(|entry| entry.ticket != ticket);
    }

    /// Forgets a client's pairing, unless it waits for its PIN: that client
    /// has a connection open and says so by closing it, and whoever asks is
    /// another one of the same name.
    pub fn abandon(&mut self, key: &PairingKey) {
        self.entries.retain(|entry| entry.key != *key || matches!(entry.state, State::WaitsForPin { .. }));
    }

    /// Whether this pairing is still going on.
    #[must_use]
    pub fn contains(&self, ticket: Ticket) -> bool {
        self.entries.iter().any(|entry| entry.ticket == ticket)
    }

    fn expire(&mut self, now: Instant) {
        self.entries.retain(|entry| entry.expires > now);
    }
}

/// Why a pairing cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeginPairingError {
    /// Another client of the same id and address is pairing.
    #[error("another client at this address is pairing; try again when it is done")]
    InProgress,
    /// Too many at all.
    #[error("{0} clients are pairing, the limit of this host (limits.pairings); try again in two minutes")]
    Total(usize),
    /// Too many of one address.
    #[error(
        "{0} clients at this address are pairing, the limit (limits.pairings_per_address); try again in two minutes"
    )]
    Address(usize),
}

const MAX_UNIQUE_ID: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: ClientId = ClientId([1; 32]);
    const BOB: ClientId = ClientId([2; 32]);

    fn key(last: u8) -> PairingKey {
        PairingKey::new("0123456789ABCDEF", [10, 0, 0, last].into())
    }

    fn pin() -> Pin {
        Pin::parse("1234").unwrap()
    }

    fn table() -> (PendingTable<&'static str>, Instant) {
        (PendingTable::new(PairingLimits { total: 3, per_address: 2, ..PairingLimits::default() }), Instant::now())
    }

    #[test]
    fn steps_are_taken_once_and_in_order() {
        let (mut table, now) = table();
        let (ticket, mut receiver) = table.begin(now, key(1), ALICE, "s".into()).unwrap();
        assert_eq!(table.waiting(now).len(), 1);
        assert!(!table.enter_pin(now, "another", pin()));
        assert!(table.enter_pin(now, "s", pin()));
        assert!(!table.enter_pin(now, "s", pin()), "a PIN is taken once");
        assert!(receiver.try_recv().is_ok());
        assert_eq!(table.waiting(now), []);
        assert!(table.put(now, ticket, "second"));
        assert_eq!(table.take(now, &key(2)), None);
        assert_eq!(table.take(now, &key(1)), Some((ticket, "second")));
        // Again before the answer to it: out of order, so all is dropped.
        assert_eq!(table.take(now, &key(1)), None);
        assert!(!table.put(now, ticket, "third"));
    }

    #[test]
    fn request_before_the_pin_ends_the_pairing() {
        let (mut table, now) = table();
        let (_, mut receiver) = table.begin(now, key(1), ALICE, "s".into()).unwrap();
        assert_eq!(table.take(now, &key(1)), None);
        assert!(!table.enter_pin(now, "s", pin()));
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn pairings_expire_waiting_and_between_steps() {
        let (mut table, now) = table();
        let limits = PairingLimits::default();
        let (ticket, _receiver) = table.begin(now, key(1), ALICE, "s".into()).unwrap();
        assert_eq!(table.waiting(now + limits.pin), []);
        assert!(!table.contains(ticket));
        let (ticket, _receiver) = table.begin(now, key(1), ALICE, "s".into()).unwrap();
        assert!(table.put(now, ticket, "second"));
        assert_eq!(table.take(now + limits.step, &key(1)), None);
    }

    #[test]
    fn same_client_starts_over_and_another_one_waits() {
        let (mut table, now) = table();
        let (_, mut first) = table.begin(now, key(1), ALICE, "a".into()).unwrap();
        assert_eq!(table.begin(now, key(1), BOB, "b".into()).unwrap_err(), BeginPairingError::InProgress);
        let (_, mut second) = table.begin(now, key(1), ALICE, "c".into()).unwrap();
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(second.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }

    #[test]
    fn numbers_are_bounded() {
        let (mut table, now) = table();
        let mut begin = |id: &str, last: u8| {
            let key = PairingKey::new(id, [10, 0, 0, last].into());
            table.begin(now, key, ALICE, String::new()).map(|_| ())
        };
        assert_eq!(begin("a", 1), Ok(()));
        assert_eq!(begin("b", 1), Ok(()));
        assert_eq!(begin("c", 1), Err(BeginPairingError::Address(2)));
        assert_eq!(begin("c", 2), Ok(()));
        assert_eq!(begin("d", 3), Err(BeginPairingError::Total(3)));
    }

    #[test]
    fn waiting_client_is_not_abandoned_by_its_namesake() {
        let (mut table, now) = table();
        let (ticket, _receiver) = table.begin(now, key(1), ALICE, "s".into()).unwrap();
        table.abandon(&key(1));
        assert!(table.contains(ticket));
        assert!(table.put(now, ticket, "second"));
        table.abandon(&key(1));
        assert!(!table.contains(ticket));
    }

    #[test]
    fn ids_are_cut() {
        assert_eq!(PairingKey::new(&"x".repeat(10_000), [1, 2, 3, 4].into()).unique_id.len(), MAX_UNIQUE_ID);
    }
}
