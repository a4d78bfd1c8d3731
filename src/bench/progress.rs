//! How far a measurement is, on standard error.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

/// A line that is written over, for eyes; a line a step, for logs.
pub(super) fn show(done: usize, total: usize, name: &str) {
    let mut line = String::new();
    if io::stderr().is_terminal() {
        // Writing to a String cannot fail.
        let _ = write!(line, "\r\x1b[K{done} of {total} {name}");
        line.push_str(if done == total { "\n" } else { "" });
    } else if done < total {
        let _ = writeln!(line, "{done} of {total} {name}");
    }
    // Whoever does not read it does not miss it.
    let _ = io::stderr().write_all(line.as_bytes());
}
