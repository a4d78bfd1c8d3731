//! A program that is asked something, and killed at its deadline.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What it printed before it ended; `None` if it did not start or did not end in time.
/// It is read afterwards: what is asked for fits into a pipe.
pub(super) fn run(command: &mut Command, deadline: Duration) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let end = Instant::now() + deadline;
    while child.try_wait().ok()?.is_none() {
        if Instant::now() >= end {
            let _ = child.kill();
            // One that is stuck inside the kernel is not waited for.
            std::thread::sleep(KILLED_WITHIN);
            let _ = child.try_wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut text = Vec::new();
    child.stdout.take()?.take(PIPE).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

const KILLED_WITHIN: Duration = Duration::from_millis(100);

/// Bytes that a pipe holds (pipe(7)).
const PIPE: u64 = 65_536;
