//! Whether a worker that died gets a successor.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Deaths of one stream's workers.
#[derive(Debug, Default)]
pub(crate) struct RestartPolicy {
    deaths: VecDeque<Instant>,
}

impl RestartPolicy {
    /// Notes a death. Returns whether another worker may be started: not after
    /// [`DEATHS`] deaths inside [`WINDOW`], because whatever kills them is still
    /// there.
    pub(crate) fn allows_another(&mut self, now: Instant) -> bool {
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|death| now.duration_since(*death) > WINDOW) {
            self.deaths.pop_front();
        }
        self.deaths.len() < DEATHS
    }
}

const DEATHS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_death_inside_a_minute_is_the_last() {
        let mut policy = RestartPolicy::default();
        let start = Instant::now();
        assert!(policy.allows_another(start));
        assert!(policy.allows_another(start + Duration::from_secs(30)));
        assert!(!policy.allows_another(start + Duration::from_secs(59)));
    }

    #[test]
    fn rare_deaths_are_forgiven_for_ever() {
        let mut policy = RestartPolicy::default();
        let start = Instant::now();
        assert!((0..100).all(|n| policy.allows_another(start + Duration::from_secs(31 * n))));
    }
}
