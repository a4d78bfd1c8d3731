//! What each session and lobby uses, from `/proc`.
//!
//! One pass over all processes: whoever descends from a worker or from one of a
//! desktop's three children counts. Programs that leave their parents are not
//! followed; finding them takes reads that can block (`desktop/members.rs`).

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use crate::desktop::family::Family;
use crate::desktop::process::{ProcessId, ProcessStat};
use crate::host::capacity::machine::Machine;
use crate::host::capacity::{Share, Usage};
use crate::host::lobbies::Lobbies;
use crate::host::sessions::Sessions;
use crate::host::sessions::view::DesktopView;
use crate::ids::SessionId;

/// Remembers what the last pass saw.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    last: Option<(Instant, HashMap<ProcessId, u64>)>,
    sessions: BTreeMap<SessionId, Averaged>,
    lobbies: BTreeMap<String, Averaged>,
}

#[derive(Debug, Clone, Copy)]
struct Averaged {
    since: Instant,
    cores: f64,
}

impl Sampler {
    /// Looks once. Blocking: reads a file for each process of the machine.
    pub(crate) fn sample(&mut self, sessions: &Sessions, lobbies: &Lobbies) -> Usage {
        let views = sessions.records().into_iter().map(|(session, record)| (session, record.view()));
        // A session without a stream costs its desktop; what it will need when
        // its client comes back is not known.
        let of_sessions: Vec<_> = views
            .filter(|(_, view)| view.worker_pid != 0)
            .map(|(session, view)| (session, roots(view.worker_pid, view.desktop.as_ref())))
            .collect();
        let of_lobbies: Vec<_> = lobbies
            .list()
            .into_iter()
            .filter(|view| view.desktop.is_some())
            .map(|view| (view.id, roots(0, view.desktop.as_ref())))
            .collect();
        self.measure(&of_sessions, &of_lobbies, &ProcessStat::all(), Instant::now())
    }

    fn measure(
        &mut self,
        sessions: &[(SessionId, Vec<u32>)],
        lobbies: &[(String, Vec<u32>)],
        processes: &[ProcessStat],
        now: Instant,
    ) -> Usage {
        let error = if processes.is_empty() { "cannot read /proc" } else { "" };
        let family = Family::of(processes);
        let interval = self.last.as_ref().map(|(then, _)| now.duration_since(*then));
        let before = self.last.take().map(|(_, ticks)| ticks).unwrap_or_default();
        let spent = Spent { family: &family, before: &before, interval };
        let sessions = spent.shares(&mut self.sessions, sessions, now);
        let lobbies = spent.shares(&mut self.lobbies, lobbies, now);
        self.last = Some((now, processes.iter().map(|stat| (stat.id, stat.cpu_ticks)).collect()));
        let machine = Machine::read();
        Usage { at: Instant::now(), took: now.elapsed(), machine, sessions, lobbies, error: error.to_owned() }
    }
}

fn roots(worker: u32, desktop: Option<&DesktopView>) -> Vec<u32> {
    let desktop = desktop.map(|view| [view.compositor_pid, view.sound_server_pid, view.app_pid]);
    [worker].into_iter().chain(desktop.into_iter().flatten()).filter(|pid| *pid != 0).collect()
}

/// What processes have spent since the last pass.
struct Spent<'a> {
    family: &'a Family,
    before: &'a HashMap<ProcessId, u64>,
    interval: Option<Duration>,
}

impl Spent<'_> {
    fn shares<K: Ord + Clone>(
        &self,
        averages: &mut BTreeMap<K, Averaged>,
        owners: &[(K, Vec<u32>)],
        now: Instant,
    ) -> Vec<(K, Share)> {
        averages.retain(|owner, _| owners.iter().any(|(living, _)| living == owner));
        let share = |(owner, roots): &(K, Vec<u32>)| {
            let (cores, bytes) = self.of(roots);
            let average = averages.entry(owner.clone()).or_insert(Averaged { since: now, cores });
            average.cores += (cores - average.cores) * NEWEST_COUNTS;
            (owner.clone(), Share { cores: average.cores, bytes, age: now.duration_since(average.since) })
        };
        owners.iter().map(share).collect()
    }

    /// Cores and bytes of all who descend from these.
    #[allow(clippy::cast_precision_loss, reason = "ticks of some seconds")]
    fn of(&self, roots: &[u32]) -> (f64, u64) {
        let members = self.family.descendants(roots);
        let ticks: u64 =
            members.iter().filter_map(|stat| Some(stat.cpu_ticks.saturating_sub(*self.before.get(&stat.id)?))).sum();
        let seconds = self.interval.map_or(0.0, |interval| interval.as_secs_f64());
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        let cores = if seconds > 0.0 { ticks as f64 / per_second / seconds } else { 0.0 };
        let pages: u64 = members.iter().map(|stat| stat.resident_pages).sum();
        (cores, pages.saturating_mul(rustix::param::page_size() as u64))
    }
}

/// A pass is every two seconds: this averages over about ten.
const NEWEST_COUNTS: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, parent: u32, cpu_ticks: u64, resident_pages: u64) -> ProcessStat {
        let id = ProcessId { pid, start_time: 1 };
        ProcessStat { id, state: 'S', parent, group: pid, threads: 1, cpu_ticks, resident_pages }
    }

    #[test]
    fn all_descendants_count_once_for_their_session() {
        let mut sampler = Sampler::default();
        let sessions = [(SessionId(1), vec![10, 20]), (SessionId(2), vec![30])];
        let lobbies = [("lobby".to_owned(), vec![40])];
        let second = rustix::param::clock_ticks_per_second();
        let page = rustix::param::page_size() as u64;
        let start = Instant::now();
        // 21 is below 20, and 20 is itself below 10.
        let at = |ticks: u64| {
            [
                stat(10, 1, ticks, 5),
                stat(20, 10, ticks, 5),
                stat(21, 20, ticks, 5),
                stat(30, 1, 0, 7),
                stat(40, 1, ticks, 9),
                stat(50, 1, ticks * 9, 1000),
            ]
        };
        sampler.measure(&sessions, &lobbies, &at(100), start);
        let usage = sampler.measure(&sessions, &lobbies, &at(100 + second), start + Duration::from_secs(1));
        let (one, two, lobby) = (usage.sessions[0].1, usage.sessions[1].1, usage.lobbies[0].1);
        // Each of the three had a core; the average has heard of it once.
        assert!((one.cores - 3.0 * NEWEST_COUNTS).abs() < 1e-9, "{one:?}");
        assert_eq!((one.bytes, two.bytes, lobby.bytes), (15 * page, 7 * page, 9 * page));
        assert_eq!((two.cores, one.age), (0.0, Duration::from_secs(1)));
        assert!((lobby.cores - NEWEST_COUNTS).abs() < 1e-9);

        let usage = sampler.measure(&[], &[], &at(0), start + Duration::from_secs(2));
        assert!(usage.sessions.is_empty() && sampler.sessions.is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn a_proc_that_shows_nothing_is_an_error() {
        assert!(!Sampler::default().measure(&[], &[], &[], Instant::now()).error.is_empty());
    }
}
