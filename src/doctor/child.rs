//! Programs that are asked something, and killed if they do not answer.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a program said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// It ended well.
    pub(super) success: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

/// Runs a program to its end; `None` if it does not start, or does not end in time.
/// What it says is read afterwards: it has to fit into a pipe.
pub(super) fn ask(command: &mut Command, deadline: Duration) -> Option<Answer> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
    let end = Instant::now() + deadline;
    let status = loop {
        if let Some(status) = child.try_wait().ok()? {
            break status;
        }
        if Instant::now() >= end {
            let _ = child.kill();
            // One that is stuck inside the kernel is not waited for.
            std::thread::sleep(KILLED_WITHIN);
            let _ = child.try_wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let output = child.stdout.take().map(read).unwrap_or_default();
    let errors = child.stderr.take().map(read).unwrap_or_default();
    Some(Answer { success: status.success(), output, errors })
}

fn read(from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read until then is better than nothing.
    let _ = from.take(MAX_OUTPUT).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

const KILLED_WITHIN: Duration = Duration::from_millis(100);

/// Bytes that a pipe holds (pipe(7)).
const MAX_OUTPUT: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_given_up() {
        assert_eq!(ask(Command::new("sleep").arg("60"), Duration::from_millis(50)), None);
        assert_eq!(ask(&mut Command::new("/nonexistent"), Duration::from_secs(1)), None);
        let answer = ask(Command::new("sh").args(["-c", "echo a; echo b >&2; exit 3"]), Duration::from_secs(20));
        let expected = Answer { success: false, output: "a\n".to_owned(), errors: "b\n".to_owned() };
        assert_eq!(answer, Some(expected));
    }
}
