//! The desktop that `tests/vm/job` has started.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use earthshine::stream_plan::Source;
use earthshine::units::Size;

/// Size of its output.
pub(crate) const SIZE: Size = Size::new(640, 360);

/// The pattern window, until it is dropped.
pub(crate) struct Pattern(Child);

impl Pattern {
    /// Shows it, and waits until it is on the screen.
    pub(crate) fn show(args: &[&str]) -> Self {
        // A test before this one may have left another.
        message(&["output", "*", "mode", &SIZE.to_string()]);
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
        let _ = log.try_init();
        let mut child =
            Command::new(program("pattern_window")).args(args).stdout(Stdio::piped()).spawn().expect("a window");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let first = lines.next().expect("a line").expect("text");
        assert!(first.contains("ready"), "{first}");
        // Else it stops at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self(child)
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let directory = std::env::var_os("EARTHSHINE_VM").expect("run by tests/vm/run, in its machine");
    Path::new(&directory).join(name)
}

/// The compositor's socket.
pub(crate) fn socket() -> PathBuf {
    let directory = std::env::var_os("XDG_RUNTIME_DIR").expect("a desktop");
    Path::new(&directory).join(std::env::var_os("WAYLAND_DISPLAY").expect("a desktop"))
}

/// The desktop as something to capture.
pub(crate) fn source() -> Source {
    crate::capturing::desktop(&socket())
}

/// Tells the compositor something. `swaymsg` waits three seconds for an answer, and a
/// mode may take longer here; said twice, it is what it was.
pub(crate) fn message(words: &[&str]) {
    let tell = || Command::new("swaymsg").arg("--").args(words).output().expect("swaymsg");
    let mut done = tell();
    for _ in 0..5 {
        if done.status.success() {
            return;
        }
        done = tell();
    }
    panic!("swaymsg {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}
