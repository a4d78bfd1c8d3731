//! Notices a worker's thread that stands still, and tells one that hangs from
//! one that gets no processor.
//!
//! On a machine with far more to do than it can, a healthy thread may get no
//! turn for seconds. Its worker is as good as any successor would be, so it gets
//! more time, though not for ever.

use std::fmt;
use std::time::{Duration, Instant};

use super::scheduling::{Observation, Task};
use crate::ipc::counters_page::{CountersPage, WorkerThread};

/// Watches the heartbeats of one worker.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pid: u32,
    started: Instant,
    ready: bool,
    /// Since when it opens an encoder whose driver may hang.
    opens: Option<Instant>,
    seen: [(u64, Instant); WorkerThread::ALL.len()],
    /// The worker's threads, since one of them was late.
    late: Option<Late>,
}

/// What is known of a worker that is late.
#[derive(Debug)]
struct Late {
    threads: Observation,
    /// It was told that it starves.
    told: bool,
}

/// What a watchdog found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The worker has to be ended.
    Hangs(Hang),
    /// It gets no processor, and more time because of that. Found once for each
    /// time that it is late.
    Starves(WorkerThread),
}

/// Why a worker has to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hang {
    /// The worker did not get ready.
    Start,
    /// An encoder does not open.
    Opening,
    /// A thread's counter stands still.
    Thread(WorkerThread),
    /// A thread has had no processor for as long as we wait.
    Starved(WorkerThread),
}

impl fmt::Display for Hang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("worker did not get ready in time"),
            Self::Opening => write!(f, "encoder did not open within {} seconds", OPENING_DEADLINE.as_secs()),
            Self::Thread(thread) => write!(f, "worker thread {} stands still", thread.name()),
            Self::Starved(thread) => {
                let patience = STARVED_DEADLINE.as_secs();
                write!(f, "worker thread {} got no processor for {patience} seconds", thread.name())
            }
        }
    }
}

impl Watchdog {
    /// Watches the worker with this process, which was just started.
    pub(crate) fn new(pid: u32, now: Instant) -> Self {
        Self { pid, started: now, ready: false, opens: None, seen: [(0, now); WorkerThread::ALL.len()], late: None }
    }

    /// The worker said that it is ready.
    pub(crate) const fn ready(&mut self) {
        (self.ready, self.opens) = (true, None);
    }

    /// The worker began to open an encoder; `None` if that calls no driver.
    pub(crate) const fn opens(&mut self, since: Option<Instant>) {
        self.opens = since;
    }

    /// Looks at the counters and, only if a thread is late, with `look` at the
    /// worker's threads. Call it several times per [`HEARTBEAT_DEADLINE`].
    pub(crate) fn check(
        &mut self,
        counters: &CountersPage,
        now: Instant,
        look: impl FnOnce(u32) -> Vec<Task>,
    ) -> Option<Finding> {
        let silent = self.silent(counters, now);
        let starting = if self.ready { Duration::ZERO } else { now.duration_since(self.started) };
        let opening = self.opens.map_or(Duration::ZERO, |since| now.duration_since(since));
        if starting <= START_DEADLINE / 2 && opening <= OPENING_DEADLINE / 2 && silent.is_empty() {
            self.late = None;
            return None;
        }
        let pid = self.pid;
        let late = match &mut self.late {
            Some(late) => {
                late.threads.add(look(pid), now);
                late
            }
            none => none.insert(Late { threads: Observation::begin(look(pid), now), told: false }),
        };
        let mut starves = None;
        for (thread, age) in silent.into_iter().filter(|(_, age)| *age > HEARTBEAT_DEADLINE) {
            match late.judge(age, Hang::Thread(thread), thread, |task| belongs(task, thread, pid)) {
                Some(Finding::Starves(thread)) => starves = Some(thread),
                Some(hangs) => return Some(hangs),
                None => {}
            }
        }
        if opening > OPENING_DEADLINE {
            let encode = WorkerThread::Encode;
            match late.judge(opening, Hang::Opening, encode, |task| belongs(task, encode, pid)) {
                Some(Finding::Starves(thread)) => starves = Some(thread),
                Some(hangs) => return Some(hangs),
                None => {}
            }
        }
        if starting > START_DEADLINE {
            // Whichever thread it waits for.
            match late.judge(starting, Hang::Start, WorkerThread::Main, |_| true) {
                Some(Finding::Starves(thread)) => starves = Some(thread),
                Some(hangs) => return Some(hangs),
                None => {}
            }
        }
        let thread = starves?;
        (!std::mem::replace(&mut late.told, true)).then_some(Finding::Starves(thread))
    }

    /// Threads that should have beaten long ago, and for how long they have not.
    fn silent(&mut self, counters: &CountersPage, now: Instant) -> Vec<(WorkerThread, Duration)> {
        let mut silent = Vec::new();
        for thread in WorkerThread::ALL {
            let (beats, since) = &mut self.seen[thread as usize];
            let current = counters.beats(thread);
            if current != *beats {
                (*beats, *since) = (current, now);
            } else if current > 0 && now.duration_since(*since) > HEARTBEAT_DEADLINE / 2 {
                silent.push((thread, now.duration_since(*since)));
            }
        }
        silent
    }
}

impl Late {
    /// What to do with a worker that has been late for `age`.
    fn judge(&self, age: Duration, hang: Hang, thread: WorkerThread, which: impl Fn(&Task) -> bool) -> Option<Finding> {
        // Unless it was watched for a while, nothing is known: it may be we who
        // had no processor.
        let starves = self.threads.starves(which).or_else(|| (age > STARVED_DEADLINE).then_some(false))?;
        if !starves {
            return Some(Finding::Hangs(hang));
        }
        if age > STARVED_DEADLINE {
            return Some(Finding::Hangs(Hang::Starved(thread)));
        }
        Some(Finding::Starves(thread))
    }
}

/// Whether a task is this thread of the worker, or one that it made: those have
/// its name.
fn belongs(task: &Task, thread: WorkerThread, pid: u32) -> bool {
    match thread {
        WorkerThread::Main => task.tid == pid,
        _ => task.name == thread.name(),
    }
}

/// How long a thread may stand still. Threads beat at least every 250 ms.
pub(crate) const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(2);

/// How long a driver may take to open an encoder. Two that hang and an encoder that
/// opens have to fit into the ten seconds for which a client waits for its first frame.
pub(crate) const OPENING_DEADLINE: Duration = Duration::from_secs(3);

/// How long a worker may take to open its encoder and connect to its desktop.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(10);

/// How long a worker may take for either if it gets no processor.
pub(crate) const STARVED_DEADLINE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    const PID: u32 = 100;
    const TICK: Duration = Duration::from_millis(250);

    /// A watchdog of a worker whose encode thread was seen once.
    struct Scene {
        page: CountersPage,
        watchdog: Watchdog,
        now: Instant,
    }

    impl Scene {
        fn ready() -> Self {
            let mut scene = Self::starting();
            scene.watchdog.ready();
            scene.page.beat(WorkerThread::Encode);
            assert_eq!(scene.watchdog.check(&scene.page, scene.now, |_| unreachable!("nobody is late")), None);
            scene
        }

        fn starting() -> Self {
            let now = Instant::now();
            Self { page: CountersPage::create().unwrap(), watchdog: Watchdog::new(PID, now), now }
        }

        /// Ticks until something is found, and for how long.
        fn until_found(&mut self, state: char, waits: bool, most: Duration) -> (Duration, Option<Finding>) {
            let start = self.now;
            while self.now.duration_since(start) < most {
                self.now += TICK;
                let waited = if waits { self.now.duration_since(start) } else { Duration::ZERO };
                let task = Task { tid: 101, name: "encode".into(), state, ran: Duration::ZERO, waited };
                let found = self.watchdog.check(&self.page, self.now, |pid| {
                    assert_eq!(pid, PID);
                    vec![task]
                });
                if found.is_some() {
                    return (self.now.duration_since(start), found);
                }
            }
            (most, None)
        }
    }

    #[test]
    fn a_thread_that_beats_is_never_called_hung_nor_looked_at() {
        let mut scene = Scene::ready();
        for second in 0..100 {
            scene.page.beat(WorkerThread::Encode);
            let now = scene.now + Duration::from_secs(second);
            assert_eq!(scene.watchdog.check(&scene.page, now, |_| unreachable!("nobody is late")), None);
        }
    }

    #[test]
    fn a_thread_that_stops_is_named_and_one_never_started_is_not() {
        let hung = Some(Finding::Hangs(Hang::Thread(WorkerThread::Encode)));
        for state in ['S', 'T', 't', 'D'] {
            let mut scene = Scene::ready();
            let found = scene.until_found(state, false, START_DEADLINE);
            assert_eq!(found, (HEARTBEAT_DEADLINE + TICK, hung), "{state}");
        }
    }

    #[test]
    fn a_thread_that_waits_for_a_processor_gets_more_time_but_not_for_ever() {
        let mut scene = Scene::ready();
        let starves = Some(Finding::Starves(WorkerThread::Encode));
        assert_eq!(scene.until_found('R', true, START_DEADLINE), (HEARTBEAT_DEADLINE + TICK, starves));
        let rest = STARVED_DEADLINE.checked_sub(HEARTBEAT_DEADLINE).unwrap();
        let starved = Some(Finding::Hangs(Hang::Starved(WorkerThread::Encode)));
        assert_eq!(scene.until_found('R', true, STARVED_DEADLINE), (rest, starved));
    }

    #[test]
    fn a_starved_thread_that_beats_again_is_told_of_again() {
        let mut scene = Scene::ready();
        let starves = Some(Finding::Starves(WorkerThread::Encode));
        assert_eq!(scene.until_found('R', true, START_DEADLINE).1, starves);
        scene.page.beat(WorkerThread::Encode);
        assert_eq!(scene.until_found('R', true, START_DEADLINE).1, starves);
    }

    #[test]
    fn a_starved_thread_that_is_stopped_hangs() {
        let mut scene = Scene::ready();
        let starves = Some(Finding::Starves(WorkerThread::Encode));
        assert_eq!(scene.until_found('R', true, START_DEADLINE).1, starves);
        let hung = Some(Finding::Hangs(Hang::Thread(WorkerThread::Encode)));
        assert_eq!(scene.until_found('T', false, START_DEADLINE), (TICK, hung));
    }

    #[test]
    fn a_host_that_had_no_processor_itself_looks_twice() {
        let mut scene = Scene::ready();
        scene.now += Duration::from_secs(5);
        assert_eq!(scene.watchdog.check(&scene.page, scene.now, |_| Vec::new()), None);
        scene.page.beat(WorkerThread::Encode);
        assert_eq!(scene.until_found('S', false, HEARTBEAT_DEADLINE), (HEARTBEAT_DEADLINE, None));
    }

    #[test]
    fn a_worker_whose_threads_cannot_be_seen_is_not_kept_for_ever() {
        let mut scene = Scene::ready();
        scene.now += STARVED_DEADLINE + TICK;
        let hung = Some(Finding::Hangs(Hang::Thread(WorkerThread::Encode)));
        assert_eq!(scene.watchdog.check(&scene.page, scene.now, |_| Vec::new()), hung);
    }

    #[test]
    fn a_worker_that_never_gets_ready_is_noticed() {
        let mut scene = Scene::starting();
        let start = Some(Finding::Hangs(Hang::Start));
        assert_eq!(scene.until_found('S', false, STARVED_DEADLINE), (START_DEADLINE + TICK, start));
    }

    #[test]
    fn an_encoder_that_does_not_open_is_noticed_sooner() {
        let mut scene = Scene::starting();
        scene.watchdog.opens(Some(scene.now));
        let opening = Some(Finding::Hangs(Hang::Opening));
        assert_eq!(scene.until_found('S', false, STARVED_DEADLINE), (OPENING_DEADLINE + TICK, opening));
        let mut scene = Scene::starting();
        scene.watchdog.opens(Some(scene.now));
        let starves = Some(Finding::Starves(WorkerThread::Encode));
        assert_eq!(scene.until_found('R', true, OPENING_DEADLINE * 2), (OPENING_DEADLINE + TICK, starves));
    }

    #[test]
    fn each_encoder_has_its_own_time_and_one_without_a_driver_the_workers() {
        let mut scene = Scene::starting();
        for _ in 0..2 {
            scene.watchdog.opens(Some(scene.now));
            assert_eq!(scene.until_found('S', false, OPENING_DEADLINE).1, None);
        }
        scene.watchdog.opens(None);
        let start = Some(Finding::Hangs(Hang::Start));
        assert_eq!(scene.until_found('S', false, STARVED_DEADLINE).1, start);
        let mut scene = Scene::starting();
        scene.watchdog.opens(Some(scene.now));
        scene.watchdog.ready();
        assert_eq!(scene.until_found('S', false, STARVED_DEADLINE).1, None, "nothing has beaten yet");
    }

    #[test]
    fn a_worker_that_gets_no_processor_to_start_with_has_longer() {
        let mut scene = Scene::starting();
        let starves = Some(Finding::Starves(WorkerThread::Main));
        assert_eq!(scene.until_found('R', true, STARVED_DEADLINE), (START_DEADLINE + TICK, starves));
        let starved = Some(Finding::Hangs(Hang::Starved(WorkerThread::Main)));
        assert_eq!(scene.until_found('R', true, STARVED_DEADLINE).1, starved);
    }
}
