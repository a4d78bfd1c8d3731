//! What is written down about a worker before it is killed.
//!
//! There is one chance: after the kill nobody can say where it hung. Only files
//! of `/proc` that cannot block on the process's own locks are read, and the
//! whole is bounded.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ids::{Generation, SessionId};
use crate::ipc::counters_page::{CountersPage, Stage, WorkerThread};

/// Writes the evidence file of one dead or hung worker and returns its path.
///
/// # Errors
/// What the file system reports.
pub(crate) fn collect(directory: &Path, subject: &Subject, counters: &CountersPage) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    forget_oldest(directory)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let name = format!("session-{}-worker-{}-{seconds}.txt", subject.session, subject.generation.0);
    let path = directory.join(name);
    fs::write(&path, describe(subject, counters))?;
    Ok(path)
}

/// Whom the evidence is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) session: SessionId,
    pub(crate) generation: Generation,
    pub(crate) pid: u32,
    /// Why it is being collected.
    pub(crate) reason: String,
}

fn describe(subject: &Subject, counters: &CountersPage) -> String {
    let mut text = String::new();
    let Subject { session, generation, pid, reason } = subject;
    let _ = writeln!(text, "session {session}\nworker {} pid {pid}\nreason {reason}\n", generation.0);
    for thread in WorkerThread::ALL {
        let _ = writeln!(text, "heartbeats {} {}", thread.name(), counters.beats(thread));
    }
    for stage in Stage::ALL {
        let histogram = counters.histogram(stage);
        let (p50, p99) = (histogram.quantile(0.5), histogram.quantile(0.99));
        let _ = writeln!(text, "stage {} frames {} p50 {p50} us p99 {p99} us", stage.name(), histogram.count());
    }
    let process = PathBuf::from(format!("/proc/{pid}"));
    append(&mut text, &process.join("status"));
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    for thread in threads.take(MOST_THREADS) {
        for file in ["comm", "wchan", "syscall", "stack", "schedstat"] {
            append(&mut text, &thread.path().join(file));
        }
    }
    text
}

fn append(text: &mut String, file: &Path) {
    let content = fs::read(file).unwrap_or_else(|error| error.to_string().into_bytes());
    let head = String::from_utf8_lossy(&content[..content.len().min(MOST_BYTES_PER_FILE)]);
    let _ = writeln!(text, "\n== {}\n{}", file.display(), head.trim_end());
}

fn forget_oldest(directory: &Path) -> io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(MOST_FILES);
    for (_, path) in files.into_iter().take(surplus) {
        fs::remove_file(path)?;
    }
    Ok(())
}

const MOST_THREADS: usize = 64;
const MOST_BYTES_PER_FILE: usize = 16 * 1024;
const MOST_FILES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_names_the_session_and_every_thread() {
        let directory = tempfile::tempdir().unwrap();
        let subject = Subject {
            session: SessionId(7),
            generation: Generation(1),
            pid: std::process::id(),
            reason: "encode stands still".into(),
        };
        let path = collect(directory.path(), &subject, &CountersPage::create().unwrap()).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("session 7") && text.contains("encode stands still"));
        let threads = fs::read_dir("/proc/self/task").unwrap().count();
        assert!(text.matches("/comm").count() + 1 >= threads, "{text}");
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
