//! Whether a worker that died gets a successor, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Deaths of one stream's workers.
#[derive(Debug, Default)]
pub(crate) struct RestartPolicy {
    deaths: VecDeque<Instant>,
}

/// What follows a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A successor, after a pause; zero for the first death in a long time.
    After(Duration),
    /// No successor: whatever kills them is still there.
    Never,
}

impl RestartPolicy {
    /// Notes a death. [`DEATHS`] of them inside [`WINDOW`] are the end; fewer
    /// cost a pause that doubles with each death that is not
    /// [forgiven](FORGIVEN_AFTER) yet.
    pub(crate) fn judge(&mut self, now: Instant) -> Verdict {
        self.deaths.push_back(now);
        let since = |death: &Instant| now.duration_since(*death);
        while self.deaths.len() > MOST_REMEMBERED || self.deaths.front().is_some_and(|at| since(at) > FORGIVEN_AFTER) {
            self.deaths.pop_front();
        }
        if self.deaths.iter().filter(|at| since(at) <= WINDOW).count() >= DEATHS {
            return Verdict::Never;
        }
        let doublings = self.deaths.len().saturating_sub(2);
        Verdict::After(match self.deaths.len() {
            0 | 1 => Duration::ZERO,
            _ => FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).min(LONGEST_PAUSE),
        })
    }

    /// Notes a death. Returns whether it was not yet the last one.
    pub(crate) fn allows_another(&mut self, now: Instant) -> bool {
        self.judge(now) != Verdict::Never
    }
}

const DEATHS: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// A worker that lived so long has nothing to do with its predecessor's death.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// A driver that was just torn down may need a moment; users should not notice.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// A client without a picture gives up after ten seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// More deaths than this inside [`FORGIVEN_AFTER`] are the end anyway.
const MOST_REMEMBERED: usize = 32;

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
    fn the_first_death_costs_no_pause_and_later_ones_ever_more() {
        let mut policy = RestartPolicy::default();
        let start = Instant::now();
        let pauses: Vec<_> = (0..8)
            .map(|n| match policy.judge(start + Duration::from_secs(31 * n)) {
                Verdict::After(pause) => pause.as_millis(),
                Verdict::Never => panic!("rare deaths are no reason to end"),
            })
            .collect();
        assert_eq!(pauses, [0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
        let much_later = start + Duration::from_secs(31 * 8) + FORGIVEN_AFTER;
        assert_eq!(policy.judge(much_later), Verdict::After(Duration::ZERO), "forgiven");
    }

    #[test]
    fn rare_deaths_are_forgiven_for_ever() {
        let mut policy = RestartPolicy::default();
        let start = Instant::now();
        assert!((0..100).all(|n| policy.allows_another(start + Duration::from_secs(31 * n))));
    }
}
