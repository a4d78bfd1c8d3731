//! Waiting for something that should come soon.

use std::time::{Duration, Instant};

/// Long enough for anything on a loaded machine, short enough to end a hung test.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Asks `probe` until it answers, at most for `limit`.
///
/// # Panics
/// If the time passes; the message says what did not come.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks until `probe` says nothing is wrong; the last complaint is the message.
///
/// # Panics
/// If it still complains after `limit`.
pub(crate) fn settle(what: &str, limit: Duration, mut probe: impl FnMut() -> Result<(), String>) {
    let begin = Instant::now();
    while let Err(complaint) = probe() {
        assert!(begin.elapsed() < limit, "{what}, after {limit:?}: {complaint}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
