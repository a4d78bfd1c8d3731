//! A headless sway of a test's own, gone when the test ends.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::skip::skip;

/// The compositor, its directory and its applications.
pub(crate) struct Sway {
    dir: tempfile::TempDir,
    compositor: Child,
    apps: Vec<Child>,
    socket: PathBuf,
}

impl Sway {
    /// Starts sway with one output; `None`, loudly, where it is not installed.
    pub(crate) fn start(width: u32, height: u32) -> Option<Self> {
        if Command::new("sway").arg("--version").output().is_err() {
            skip("sway (Debian: apt-get install sway)");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("earthshine-test-").tempdir().unwrap();
        let config = dir.path().join("config");
        fs::write(&config, config_for(width, height)).unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        if let Some(user) = unprivileged() {
            chown(dir.path(), Some(user), Some(user)).unwrap();
            chown(&config, Some(user), Some(user)).unwrap();
        }
        let log = File::create(dir.path().join("sway.log")).unwrap();
        let mut command = desktop_command("sway", dir.path());
        command.arg("-c").arg(&config).stdout(log.try_clone().unwrap()).stderr(log);
        let compositor = command.spawn().unwrap();
        let mut sway = Self { dir, compositor, apps: Vec::new(), socket: PathBuf::new() };
        // The file is there a moment before anybody listens.
        let listening = || find(sway.dir.path(), "wayland-", "").filter(|socket| UnixStream::connect(socket).is_ok());
        sway.socket = wait_for(Duration::from_secs(20), listening);
        Some(sway)
    }

    /// Its Wayland socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its directory, writable for applications.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts an application.
    pub(crate) fn spawn(&mut self, program: impl AsRef<Path>, args: &[&str]) -> &mut Child {
        let mut command = desktop_command(program.as_ref().to_str().unwrap(), self.dir.path());
        command.args(args).env("WAYLAND_DISPLAY", &self.socket).stdout(Stdio::piped()).stderr(Stdio::null());
        self.apps.push(command.spawn().unwrap());
        self.apps.last_mut().unwrap()
    }

    /// Starts the pattern window, and returns its log after `ready` has come.
    pub(crate) fn show_pattern(&mut self, args: &[&str]) -> Log {
        // Copied, so that an unprivileged user can run it wherever the build is;
        // by another process, because a child of another test's that is forked
        // meanwhile would hold the file open for writing, and nobody could run it.
        let program = self.dir.path().join("pattern_window");
        assert!(Command::new("cp").arg(example("pattern_window")).arg(&program).status().unwrap().success());
        let mut log = Log::of(self.spawn(program, args));
        log.wait("ready", |event| event["event"] == "ready");
        log
    }

    /// Runs a sway command.
    pub(crate) fn message(&self, words: &[&str]) {
        let socket = find(self.dir.path(), "sway-ipc.", ".sock").unwrap();
        let done = Command::new("swaymsg").arg("-s").arg(socket).arg("--").args(words).output().unwrap();
        assert!(done.status.success(), "swaymsg {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Kills the compositor as a crash would.
    pub(crate) fn kill(&mut self) {
        self.compositor.kill().unwrap();
        self.compositor.wait().unwrap();
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.compositor.id()
    }
}

impl Drop for Sway {
    fn drop(&mut self) {
        for child in self.apps.iter_mut().chain([&mut self.compositor]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An application's lines of JSON.
pub(crate) struct Log {
    lines: Receiver<Value>,
}

impl Log {
    fn of(app: &mut Child) -> Self {
        let (sender, lines) = mpsc::channel();
        let output = BufReader::new(app.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { lines }
    }

    /// The first event that fits, of those not yet looked at.
    pub(crate) fn wait(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        while let Ok(event) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if fits(&event) {
                return event;
            }
            seen.push(event.to_string());
        }
        panic!("no {what} came; instead: {}", seen.join(" "))
    }
}

/// Polls until something is there.
pub(crate) fn wait_for<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

fn desktop_command(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir)
        .env("WLR_BACKENDS", "headless")
        .env("WLR_RENDERER", "pixman")
        .env("WLR_LIBINPUT_NO_DEVICES", "1")
        .current_dir(dir)
        .stdin(Stdio::null());
    if let Some(user) = unprivileged() {
        command.uid(user).gid(user);
    }
    command
}

/// sway before 1.10 refuses to run as root; any other number will do.
fn unprivileged() -> Option<u32> {
    rustix::process::getuid().is_root().then_some(UNPRIVILEGED)
}

fn find(dir: &Path, prefix: &str, suffix: &str) -> Option<PathBuf> {
    fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(suffix) && !name.ends_with(".lock")
    })
}

/// Where cargo puts examples, seen from a test's own program.
fn example(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().and_then(Path::parent).unwrap().join("examples").join(name)
}

fn config_for(width: u32, height: u32) -> String {
    format!(
        "xwayland disable\n\
         output * mode --custom {width}x{height}@60Hz\n\
         output * bg #204060 solid_color\n\
         seat * hide_cursor 0\n\
         default_border none\n"
    )
}

const UNPRIVILEGED: u32 = 61_234;
