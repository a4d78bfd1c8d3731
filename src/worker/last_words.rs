//! A worker's log lines go into its counters page too, for evidence.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::ipc::counters_page::CountersPage;

/// From now on this process's log lines are kept in `page`. The first call
/// counts.
pub(crate) fn keep_in(page: &Arc<CountersPage>) {
    let _ = PAGE.set(Arc::clone(page));
}

/// Keeps a line that is not logged.
pub(crate) fn say(line: &str) {
    if let Some(page) = PAGE.get() {
        page.log().add(line.as_bytes());
    }
}

/// A writer for log lines, each written at once. In a process that is no worker
/// it does nothing.
#[must_use]
pub fn writer() -> impl io::Write {
    Writer
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(page) = PAGE.get() {
            page.log().add(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Log lines come from everywhere in a process, which has one log.
static PAGE: OnceLock<Arc<CountersPage>> = OnceLock::new();
