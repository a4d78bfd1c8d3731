//! What the kernel does with a process's threads: whether they run, wait for a
//! processor, or sleep.
//!
//! `/proc/PID/task/TID/schedstat` (Documentation/scheduler/sched-stats.rst) has
//! the nanoseconds a thread has run and those it has waited on a run queue. The
//! second is added up when a wait ends, so that a thread whose only wait has not
//! ended shows none of it; its state in `stat` (proc_pid_stat(5)) does: `R`
//! without having run. A thread that is stopped or asleep waits for no
//! processor, and neither number moves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// One thread at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) tid: u32,
    /// As in `comm`: a thread has its creator's until it gets one of its own.
    pub(crate) name: String,
    /// The letter of `stat`: `R` runs or would, `S` sleeps, `D` sleeps and
    /// cannot be woken, `T` and `t` are stopped.
    pub(crate) state: char,
    /// Time on a processor since it began.
    pub(crate) ran: Duration,
    /// Time on a run queue since it began, waits that last not counted.
    pub(crate) waited: Duration,
}

impl Task {
    /// From the contents of `stat` and `schedstat`; `None` if they are not that.
    pub(crate) fn parse(stat: &str, schedstat: &str) -> Option<Self> {
        // The name may itself hold blanks and parentheses.
        let (head, tail) = stat.rsplit_once(')')?;
        let (tid, name) = head.split_once('(')?;
        let mut times = schedstat.split_whitespace().map(|field| field.parse().map(Duration::from_nanos));
        Some(Self {
            tid: tid.trim().parse().ok()?,
            name: name.to_owned(),
            state: tail.trim_start().chars().next()?,
            ran: times.next()?.ok()?,
            waited: times.next()?.ok()?,
        })
    }

    /// Whether it could run if it got a processor, or was woken.
    const fn could_run(&self) -> bool {
        matches!(self.state, 'R' | 'S')
    }
}

/// The threads of a process, none if it is gone. Takes no lock that the process
/// could keep, so that it may be called where nothing may wait.
pub(crate) fn tasks(pid: u32) -> Vec<Task> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.take(MOST_TASKS).filter_map(|entry| read(&entry.path())).collect()
}

fn read(task: &Path) -> Option<Task> {
    let file = |name| fs::read_to_string(task.join(name)).ok();
    Task::parse(&file("stat")?, &file("schedstat")?)
}

/// How long each thread of a process has waited for a processor while it was
/// observed.
#[derive(Debug)]
pub(crate) struct Observation {
    since: Instant,
    last: Instant,
    tasks: BTreeMap<u32, (Task, Duration)>,
}

impl Observation {
    /// Begins with the first look.
    pub(crate) fn begin(tasks: Vec<Task>, now: Instant) -> Self {
        let tasks = tasks.into_iter().map(|task| (task.tid, (task, Duration::ZERO))).collect();
        Self { since: now, last: now, tasks }
    }

    /// One more look.
    pub(crate) fn add(&mut self, tasks: Vec<Task>, now: Instant) {
        let passed = now.duration_since(self.last);
        self.last = now;
        let mut before = std::mem::take(&mut self.tasks);
        for task in tasks {
            let waited = before.remove(&task.tid).map_or(Duration::ZERO, |(earlier, waited)| {
                let ran = task.ran.saturating_sub(earlier.ran);
                let ended = task.waited.saturating_sub(earlier.waited);
                // A wait that has not ended yet.
                let lasting = earlier.state == 'R' && task.state == 'R';
                let all = if lasting { ended.max(passed.saturating_sub(ran)) } else { ended };
                waited + all.min(passed)
            });
            self.tasks.insert(task.tid, (task, waited));
        }
    }

    /// Whether one of the threads that `which` picks has waited for a processor
    /// most of the time, and none of them is stopped or stuck in the kernel;
    /// `None` if they were not observed for long enough to say.
    pub(crate) fn starves(&self, which: impl Fn(&Task) -> bool) -> Option<bool> {
        let observed = self.last.duration_since(self.since);
        if observed < LONG_ENOUGH {
            return None;
        }
        let mut of_it = self.tasks.values().filter(|(task, _)| which(task)).peekable();
        of_it.peek()?;
        let picked: Vec<_> = of_it.collect();
        Some(picked.iter().all(|(task, _)| task.could_run()) && picked.iter().any(|(_, waited)| *waited * 2 > observed))
    }
}

/// More threads than any worker has.
const MOST_TASKS: usize = 64;

/// Two looks of the watchdog.
const LONG_ENOUGH: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a shell in an endless loop, `SCHED_IDLE` beside six others of the usual
    /// kind on its processor, every quarter of a second: Linux 6.18.
    const STAT: &str = "13088 (sh) R 13081 13078 29700 0 -1 4194304 255 0 0 0 0 0 0 0 20 0 1 0 2635135 2654208 373";
    const STARVED: [&str; 7] = [
        "3049197 54709060 2",
        "3049197 54709060 2",
        "3049197 54709060 2",
        "3049197 54709060 2",
        "3049197 54709060 2",
        "7037797 1685064770 3",
        "7037797 1685064770 3",
    ];

    fn task(state: char, ran: u64, waited: u64) -> Task {
        let millis = Duration::from_millis;
        Task { tid: 1, name: "encode".into(), state, ran: millis(ran), waited: millis(waited) }
    }

    /// What is said of a thread that was seen so, a quarter of a second apart.
    fn seen(looks: &[(char, u64, u64)]) -> Option<bool> {
        let start = Instant::now();
        let mut looks = looks.iter().map(|(state, ran, waited)| task(*state, *ran, *waited));
        let mut observation = Observation::begin(looks.by_ref().take(1).collect(), start);
        for (number, look) in (1_u32..).zip(looks) {
            observation.add(vec![look], start + Duration::from_millis(250) * number);
        }
        observation.starves(|task| task.name == "encode")
    }

    #[test]
    fn the_kernels_words_are_understood() {
        let read = Task::parse(STAT, "7037797 1685064770 3\n").unwrap();
        assert_eq!((read.tid, read.name.as_str(), read.state), (13_088, "sh", 'R'));
        assert_eq!((read.ran, read.waited), (Duration::from_nanos(7_037_797), Duration::from_nanos(1_685_064_770)));
        let odd = Task::parse("7 (a ) S (b) S 1 1", "1 2 3").unwrap();
        assert_eq!((odd.name.as_str(), odd.state), ("a ) S (b", 'S'));
        for (stat, schedstat) in [("", "1 2 3"), ("7 (a", "1 2 3"), (STAT, ""), (STAT, "1"), (STAT, "1 x 3")] {
            assert_eq!(Task::parse(stat, schedstat), None, "{stat:?} {schedstat:?}");
        }
    }

    #[test]
    fn we_are_among_our_own_threads_and_have_run() {
        let tasks = tasks(std::process::id());
        assert!(tasks.iter().any(|task| task.state == 'R'), "{tasks:?}");
        assert!(tasks.iter().any(|task| task.ran > Duration::ZERO), "{tasks:?}");
        assert_eq!(super::tasks(u32::MAX), []);
    }

    #[test]
    fn what_was_recorded_is_starvation_at_every_look() {
        let start = Instant::now();
        let mut tasks = STARVED.into_iter().map(|schedstat| Task::parse(STAT, schedstat).unwrap());
        let mut observation = Observation::begin(tasks.by_ref().take(1).collect(), start);
        for (number, task) in (1_u32..).zip(tasks) {
            observation.add(vec![task], start + Duration::from_millis(250) * number);
            let expected = (number > 1).then_some(true);
            assert_eq!(observation.starves(|task| task.name == "sh"), expected, "{number}");
        }
    }

    #[test]
    fn waits_that_ended_and_one_that_lasts_are_starvation() {
        // Gets a turn now and then.
        assert_eq!(seen(&[('R', 351, 12_403), ('R', 354, 12_650), ('S', 355, 12_897), ('R', 355, 13_120)]), Some(true));
        // Gets none at all: the kernel adds the wait up when it ends.
        assert_eq!(seen(&[('R', 351, 12_403), ('R', 351, 12_403), ('R', 351, 12_403)]), Some(true));
    }

    #[test]
    fn who_runs_sleeps_or_is_stopped_does_not_starve() {
        assert_eq!(seen(&[('R', 100, 5), ('R', 349, 6), ('R', 598, 7)]), Some(false), "an endless loop");
        assert_eq!(seen(&[('S', 100, 5), ('S', 100, 5), ('S', 100, 5)]), Some(false), "waits for ever");
        assert_eq!(seen(&[('T', 100, 5), ('T', 100, 5), ('T', 100, 5)]), Some(false), "SIGSTOP");
        assert_eq!(seen(&[('D', 100, 5), ('D', 100, 5), ('D', 100, 5)]), Some(false), "inside a driver");
        // Stopped while it waited.
        assert_eq!(seen(&[('R', 100, 5), ('R', 100, 5), ('T', 100, 505), ('T', 100, 505)]), Some(false));
    }

    #[test]
    fn a_short_look_says_nothing() {
        assert_eq!(seen(&[('R', 351, 12_403), ('R', 351, 12_403)]), None);
        let nobody = Observation::begin(Vec::new(), Instant::now());
        assert_eq!(nobody.starves(|_| true), None);
    }

    #[test]
    fn a_thread_waits_with_those_that_it_made() {
        // An encoder's own threads have its thread's name.
        let start = Instant::now();
        let asleep = || task('S', 100, 5);
        let helper = |waited| Task { tid: 2, ..task('R', 10, waited) };
        let mut observation = Observation::begin(vec![asleep(), helper(0)], start);
        observation.add(vec![asleep(), helper(1000)], start + Duration::from_secs(1));
        assert_eq!(observation.starves(|task| task.name == "encode"), Some(true));
        assert_eq!(observation.starves(|task| task.name == "send"), None);
    }
}
