//! Who goes to which lobby when they connect next.
//!
//! `sessions/configure` makes an appointment; the client's next launch or
//! resume keeps it, or it is forgotten after a minute.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::ids::LobbyId;

/// All of them, by what the client calls itself.
#[derive(Debug, Default)]
pub(crate) struct Appointments {
    by_client: HashMap<String, (LobbyId, Instant)>,
}

impl Appointments {
    /// Makes one in place of an older one of the same client. `false` if there
    /// are too many already.
    pub(crate) fn make(&mut self, client: &str, lobby: LobbyId, now: Instant) -> bool {
        self.by_client.retain(|_, (_, made)| now.duration_since(*made) < KEPT);
        if self.by_client.len() >= MOST && !self.by_client.contains_key(client) {
            return false;
        }
        self.by_client.insert(client.to_owned(), (lobby, now));
        true
    }

    /// The lobby of a client's appointment, which is kept waiting.
    pub(crate) fn look(&self, names: &[&str]) -> Option<String> {
        let found = names.iter().find_map(|name| self.by_client.get(*name));
        found.filter(|(_, made)| made.elapsed() < KEPT).map(|(lobby, _)| lobby.to_string())
    }

    /// The appointment of a client by any of its names; it is gone then.
    pub(crate) fn keep(&mut self, names: &[&str], now: Instant) -> Option<LobbyId> {
        let found = names.iter().find_map(|name| self.by_client.remove(*name));
        found.filter(|(_, made)| now.duration_since(*made) < KEPT).map(|(lobby, _)| lobby)
    }
}

/// A client connects within seconds of being told to.
const KEPT: Duration = Duration::from_secs(60);

const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Uuid;

    fn lobby() -> LobbyId {
        LobbyId(Uuid::random().unwrap())
    }

    #[test]
    fn an_appointment_is_kept_once_and_not_for_long() {
        let mut appointments = Appointments::default();
        let now = Instant::now();
        let (first, second) = (lobby(), lobby());
        assert!(appointments.make("client", first, now) && appointments.make("client", second, now));
        assert!(appointments.keep(&["stranger"], now).is_none());
        assert_eq!(appointments.keep(&["other name", "client"], now).unwrap(), second);
        assert!(appointments.keep(&["client"], now).is_none());
        appointments.make("late", lobby(), now);
        assert!(appointments.keep(&["late"], now + KEPT).is_none());
    }

    #[test]
    fn there_is_a_limit_that_time_lifts() {
        let mut appointments = Appointments::default();
        let now = Instant::now();
        assert!((0..MOST).all(|number| appointments.make(&number.to_string(), lobby(), now)));
        assert!(!appointments.make("one more", lobby(), now));
        assert!(appointments.make("1", lobby(), now), "that one has a place");
        assert!(appointments.make("one more", lobby(), now + KEPT));
    }
}
