//! What the stand-ins report to the test: lines that begin with the process id. The names
//! of calls that were made are in `DIR/calls`.
//!
//! `DIR/ledger` is written with one append each, so the lines of several processes
//! and threads do not mix. Without a directory, or when it cannot be written to,
//! violations and leaks go to stderr and nothing else is reported.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Environment variable that names the directory.
pub const VARIABLE: &str = "EARTHSHINE_DRIVERS";

/// The directory, if there is one.
#[must_use]
pub fn directory() -> Option<&'static Path> {
    static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();
    DIRECTORY
        .get_or_init(|| std::env::var_os(VARIABLE).filter(|name| name != OsStr::new("")).map(PathBuf::from))
        .as_deref()
}

/// What a correct program never does.
pub fn violation(text: &str) {
    loud("violation", text);
}

/// What is left over when its owner ends.
pub fn leak(text: &str) {
    loud("leak", text);
}

/// What a test may want to know.
pub fn event(text: &str) {
    let _ = append(&line(text));
}

/// A call that a process makes for the first time.
pub fn called(name: &str) {
    let Some(path) = directory().map(|directory| directory.join("calls")) else { return };
    if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) {
        let _ = file.write_all(format!("{name}\n").as_bytes());
    }
}

fn loud(kind: &str, text: &str) {
    let line = line(&format!("{kind} {text}"));
    if !append(&line) {
        eprint!("earthshine-drivers: {line}");
    }
}

/// One line, whatever the text holds.
fn line(text: &str) -> String {
    format!("{} {}\n", std::process::id(), text.replace('\n', " "))
}

fn append(line: &str) -> bool {
    // Kept open: a worker may give up its view of the file system.
    static LEDGER: OnceLock<Option<File>> = OnceLock::new();
    let ledger = LEDGER.get_or_init(|| {
        let path = directory()?.join("ledger");
        OpenOptions::new().append(true).create(true).open(path).ok()
    });
    ledger.as_ref().is_some_and(|mut file| file.write_all(line.as_bytes()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line_that_begins_with_the_process() {
        let written = line("leak two\nlines");
        assert_eq!(written, format!("{} leak two lines\n", std::process::id()));
    }
}
