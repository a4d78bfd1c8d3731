//! What is written down about a process before it is killed.
//!
//! There is one chance: after the kill nobody can say where it hung. What
//! cannot block, because it is in shared memory, is written first; then what
//! `/proc` shows without waiting for the process's own locks; then the ends of
//! the desktop's logs. The whole is bounded.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clock::Micros;
use crate::ids::{Generation, SessionId};
use crate::ipc::counters_page::{CountersPage, Stage, WorkerThread};
use crate::ipc::flight_recorder::Event;
use crate::stream_plan::StreamPlan;

/// A dead or hung worker, and what is to be said of it.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) session: SessionId,
    pub(crate) generation: Generation,
    pub(crate) pid: u32,
    /// Why it is being collected, with the exit status if there is one.
    pub(crate) reason: String,
    /// Workers of this stream before it.
    pub(crate) restarts: u32,
    /// What it streams; keys do not print.
    pub(crate) plan: StreamPlan,
    /// Logs of the desktop that it shows.
    pub(crate) desktop_logs: Vec<PathBuf>,
}

/// Writes the evidence file of a worker and returns its path. Blocking.
///
/// # Errors
/// What the file system reports; some of the file may be there.
pub(crate) fn collect(directory: &Path, subject: &Subject, counters: &CountersPage) -> io::Result<PathBuf> {
    let name = format!("session-{}-worker-{}", subject.session, subject.generation.0);
    let mut report = Report::begin(directory, &name)?;
    report.add(&remembered(subject, counters))?;
    report.add_process(subject.pid)?;
    for log in &subject.desktop_logs {
        report.add_end_of(log)?;
    }
    Ok(report.path)
}

/// Writes the evidence file of a process that is no worker, and returns its
/// path. Blocking.
///
/// # Errors
/// As [`collect`].
pub(crate) fn collect_process(directory: &Path, name: &str, pid: u32, reason: &str) -> io::Result<PathBuf> {
    let mut report = Report::begin(directory, name)?;
    report.add(&format!("{name} pid {pid}\nreason {reason}\n"))?;
    report.add_process(pid)?;
    Ok(report.path)
}

/// All that is in shared memory or in ours.
fn remembered(subject: &Subject, counters: &CountersPage) -> String {
    let mut text = String::new();
    let Subject { session, generation, pid, reason, restarts, plan, .. } = subject;
    let events = counters.recorder().events();
    let now = Micros::now();
    let _ = writeln!(text, "session {session}\nworker {} pid {pid}\nreason {reason}", generation.0);
    let _ = writeln!(text, "restarts before it {restarts}\n\n== threads: heartbeats, last event");
    for thread in WorkerThread::ALL {
        let _ = write!(text, "{} {}", thread.name(), counters.beats(thread));
        match events.iter().rev().find(|event| event.thread == thread) {
            Some(event) => describe(&mut text, event, now),
            None => text.push_str(" nothing noted\n"),
        }
    }
    text.push_str("\n== stages\n");
    for stage in Stage::ALL {
        let histogram = counters.histogram(stage);
        let (p50, p99) = (histogram.quantile(0.5), histogram.quantile(0.99));
        let _ = writeln!(text, "{} frames {} p50 {p50} us p99 {p99} us", stage.name(), histogram.count());
    }
    let _ = writeln!(text, "\n== plan\n{plan:#?}\n\n== log of the worker");
    counters.log().lines().iter().for_each(|line| text.extend([line.as_str(), "\n"]));
    text.push_str("\n== events: number, thread, time before this was written, event, what it is about, value\n");
    for event in &events {
        let _ = write!(text, "{} {}", event.number, event.thread.name());
        describe(&mut text, event, now);
    }
    text
}

fn describe(text: &mut String, event: &Event, now: Micros) {
    let age = now.since(event.time);
    let (seconds, micros) = (age / 1_000_000, age % 1_000_000);
    let _ = writeln!(text, " -{seconds}.{micros:06}s {} {} {}", event.what.name(), event.about, event.value);
}

/// A file that grows up to a limit.
struct Report {
    path: PathBuf,
    file: File,
    room: usize,
}

impl Report {
    fn begin(directory: &Path, name: &str) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        forget_oldest(directory)?;
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let path = directory.join(format!("{name}-{millis}.txt"));
        // Logs of applications may hold anything their users typed.
        let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
        Ok(Self { path, file, room: MOST_BYTES })
    }

    fn add(&mut self, text: &str) -> io::Result<()> {
        let fits = &text.as_bytes()[..text.len().min(self.room)];
        self.room -= fits.len();
        self.file.write_all(fits)
    }

    /// The kernel's view of a process and of each of its threads.
    fn add_process(&mut self, pid: u32) -> io::Result<()> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        self.add_file(&process.join("status"))?;
        let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
        for thread in threads.take(MOST_THREADS) {
            for file in ["comm", "wchan", "syscall", "stack", "schedstat"] {
                self.add_file(&thread.path().join(file))?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, file: &Path) -> io::Result<()> {
        let mut content = Vec::new();
        let read = File::open(file).and_then(|file| file.take(MOST_BYTES_PER_FILE).read_to_end(&mut content));
        if let Err(error) = read {
            content = error.to_string().into_bytes();
        }
        let text = String::from_utf8_lossy(&content);
        self.add(&format!("\n== {}\n{}\n", file.display(), text.trim_end()))
    }

    fn add_end_of(&mut self, log: &Path) -> io::Result<()> {
        let end = end_of(log).unwrap_or_else(|error| error.to_string().into_bytes());
        let text = String::from_utf8_lossy(&end);
        self.add(&format!("\n== end of {}\n{}\n", log.display(), text.trim_end()))
    }
}

fn end_of(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_BYTES_PER_LOG)))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES_PER_LOG).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn forget_oldest(directory: &Path) -> io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(MOST_FILES);
    for (_, path) in files.into_iter().take(surplus) {
        // Another session's evidence may just have made the same room.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

const MOST_THREADS: usize = 64;
const MOST_BYTES_PER_FILE: u64 = 16 << 10;
const MOST_BYTES_PER_LOG: u64 = 64 << 10;
/// Of one file; a usual one has a few hundred KiB.
const MOST_BYTES: usize = 4 << 20;
const MOST_FILES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::flight_recorder::What;

    fn subject(desktop_logs: Vec<PathBuf>) -> Subject {
        Subject {
            session: SessionId(7),
            generation: Generation(1),
            pid: std::process::id(),
            reason: "encode stands still".into(),
            restarts: 1,
            plan: StreamPlan::small_test_card(Vec::new()),
            desktop_logs,
        }
    }

    #[test]
    fn evidence_names_the_session_every_thread_and_what_it_did_last() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("a-app.log");
        fs::write(&log, "the app's last words\n").unwrap();
        let page = CountersPage::create().unwrap();
        page.recorder().note(WorkerThread::Encode, What::Encoded, 1, 5000);
        page.recorder().note(WorkerThread::Encode, What::EncodeBegins, 0, 0);
        page.recorder().note(WorkerThread::Send, What::Sent, 41, 12);
        page.log().add(b"the worker's last words");
        let path = collect(&directory.path().join("evidence"), &subject(vec![log]), &page).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("session 7") && text.contains("encode stands still"));
        let last = text.lines().find(|line| line.starts_with("encode ")).unwrap();
        assert!(last.contains("encode begins"), "{last}");
        assert!(text.contains("sent 41 12") && text.contains("encoded 1 5000"), "{text}");
        assert!(text.contains("the worker's last words") && text.contains("the app's last words"));
        let threads = fs::read_dir("/proc/self/task").unwrap().count();
        assert!(text.matches("/comm").count() + 1 >= threads, "{text}");
    }

    #[test]
    fn keys_are_not_written_down() {
        let directory = tempfile::tempdir().unwrap();
        let path = collect(directory.path(), &subject(Vec::new()), &CountersPage::create().unwrap()).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("key: SessionKey(..)"), "{text}");
    }

    #[test]
    fn a_full_ring_and_endless_logs_stay_below_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        fs::write(&log, vec![b'x'; 3 << 20]).unwrap();
        let page = CountersPage::create().unwrap();
        for n in 0..10_000 {
            page.recorder().note(WorkerThread::Capture, What::Captured, n, u64::MAX);
            page.log().add(&[b'y'; 2000]);
        }
        let logs = vec![log; 200];
        let path = collect(&directory.path().join("evidence"), &subject(logs), &page).unwrap();
        assert!(fs::metadata(path).unwrap().len() <= MOST_BYTES as u64);
    }

    #[test]
    fn old_evidence_makes_room() {
        let directory = tempfile::tempdir().unwrap();
        for n in 0..MOST_FILES + 10 {
            fs::write(directory.path().join(format!("{n}")), "x").unwrap();
        }
        forget_oldest(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), MOST_FILES - 1);
    }
}
