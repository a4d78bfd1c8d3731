//! The built `earthshine serve`, with ports and directories of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::deadline::{SOON, wait_for};
use super::drivers::Drivers;
use super::leftovers::{Holdings, assert_nothing_left};
use super::scratch::Scratch;
use super::{api, process};

/// A running host. Dropping it kills it and whatever it started.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) scratch: Scratch,
    pub(crate) ready: Ready,
    child: Child,
    base: u16,
    bind: &'static str,
    environment: Vec<(&'static str, String)>,
    /// Whose driver encodes, where the test leaves that open ([`ENCODER`]).
    drivers: Option<Drivers>,
}

/// The line a host prints when it accepts connections.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Ready {
    pub(crate) event: String,
    pub(crate) pid: u32,
    pub(crate) http: u16,
    pub(crate) https: u16,
    pub(crate) rtsp: u16,
    pub(crate) video: u16,
    pub(crate) control: u16,
    pub(crate) audio: u16,
    pub(crate) api_socket: PathBuf,
    pub(crate) api_listen: Option<String>,
    pub(crate) metrics: String,
}

impl Ready {
    /// TCP ports.
    pub(crate) fn tcp(&self) -> [u16; 3] {
        [self.http, self.https, self.rtsp]
    }

    /// UDP ports.
    pub(crate) fn udp(&self) -> [u16; 3] {
        [self.video, self.control, self.audio]
    }
}

/// What all test hosts have in common: not announced to the network, desktops of
/// gone clients kept long enough to come back to, and few canaries, because the
/// machine is loaded as it is.
const COMMON_CONFIG: &str = "[host]\ndiscovery = false\n\n[desktop]\nidle_limit = 60\n\n[health]\ncanary_interval = 60\n\n\
     [admission]\ncpu_percent = 0\n";

impl Host {
    /// Starts a host with the embedded default apps.
    pub(crate) fn start() -> Self {
        Self::with_apps(Scratch::new(), "")
    }

    /// Starts a host with more `[[app]]` tables.
    pub(crate) fn with_apps(scratch: Scratch, apps: &str) -> Self {
        Self::with_config(scratch, &format!("{COMMON_CONFIG}\n{apps}"), "127.0.0.1")
    }

    /// Starts a host with this configuration file.
    pub(crate) fn with_config(scratch: Scratch, config: &str, bind: &'static str) -> Self {
        Self::with_environment(scratch, config, bind, &[])
    }

    /// Starts a host with this configuration file, and these variables in its
    /// environment.
    pub(crate) fn with_environment(
        scratch: Scratch,
        config: &str,
        bind: &'static str,
        environment: &[(&'static str, String)],
    ) -> Self {
        let base = free_base_port();
        let mut environment = environment.to_vec();
        let with_encoder = if environment.is_empty() { with_encoder(config) } else { None };
        let drivers = with_encoder.as_ref().map(|_| Drivers::of_test_encoder(&scratch));
        environment.extend(drivers.iter().flat_map(Drivers::environment));
        std::fs::write(scratch.join("config.toml"), with_encoder.as_deref().unwrap_or(config)).expect("config.toml");
        let (child, ready) = spawn(&scratch, base, bind, &environment);
        Self { scratch, ready, child, base, bind, environment, drivers }
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Path of the API's socket.
    pub(crate) fn api(&self) -> &std::path::Path {
        &self.ready.api_socket
    }

    /// The runtime directory.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.scratch.join("run")
    }

    /// What the host wrote to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.join("host.log")).unwrap_or_default()
    }

    /// Waits for its keeper, which starts after it, and for the end of those of
    /// hosts before it.
    pub(crate) fn wait_kept(&self) {
        let socket = self.runtime_dir().join("keeper.sock");
        wait_for("the host's keeper, and no other", SOON, || {
            let mut keepers = process::that_know(self.scratch.path());
            keepers.retain(|process| process.command.contains(" keeper "));
            let is_ours = keepers.len() == 1 && keepers[0].parent == self.pid();
            (is_ours && socket.exists()).then_some(())
        });
    }

    /// What it holds now, its keeper included.
    pub(crate) fn holdings(&self) -> Holdings {
        self.wait_kept();
        Holdings::of(self.pid(), self.scratch.path(), &self.runtime_dir())
    }

    /// Its workers that live.
    pub(crate) fn workers(&self) -> Vec<process::Process> {
        let children = process::descendants(self.pid());
        children.into_iter().filter(|child| child.state != 'Z' && child.command.ends_with("worker")).collect()
    }

    /// Waits until it holds no more than `before`.
    pub(crate) fn assert_nothing_left(&self, before: &Holdings) {
        assert_nothing_left(before, || self.holdings());
    }

    /// SIGKILL, as an out-of-memory killer does it.
    pub(crate) fn kill(&mut self) {
        process::signal(self.pid(), Signal::KILL);
        self.child.wait().expect("wait for the host");
    }

    /// Starts it again on the same ports and directories.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.ready) = spawn(&self.scratch, self.base, self.bind, &self.environment);
    }

    /// Another process takes over from it; the old one must end in order.
    pub(crate) fn take_over(&mut self) {
        let (child, ready) =
            spawn_with(&self.scratch, self.base, self.bind, &self.environment, &["--take-over"]).expect("another host");
        let mut old = std::mem::replace(&mut self.child, child);
        self.ready = ready;
        let status = wait_for("the old host's end", SOON, || old.try_wait().expect("wait"));
        assert!(status.success(), "the old host ended with {status}:\n{}", self.log());
    }

    /// Has another process try to take over.
    ///
    /// # Errors
    /// What it said and the end of the log, if it did not start.
    pub(crate) fn try_take_over(&self) -> Result<(), String> {
        spawn_with(&self.scratch, self.base, self.bind, &self.environment, &["--take-over"]).map(|_| ())
    }

    /// How it ended, if it has.
    pub(crate) fn has_ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().expect("wait")
    }

    /// SIGTERM; it must end in order and leave nothing.
    pub(crate) fn stop(mut self) {
        process::signal(self.pid(), Signal::TERM);
        let status = wait_for("the host's end after SIGTERM", SOON, || self.child.try_wait().expect("wait"));
        assert!(status.success(), "the host ended with {status}:\n{}", self.log());
        let left = process::that_know(self.scratch.path());
        assert!(left.is_empty(), "processes outlive the host: {left:?}");
        let sockets = process::unix_sockets(self.scratch.path());
        assert!(sockets.is_empty(), "sockets outlive the host: {sockets:?}");
        let files = process::files(&self.runtime_dir());
        assert!(
            files.iter().all(|path| path.extension().is_some_and(|end| end == "log")),
            "files outlive the host: {files:?}"
        );
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The test's own questions, fifty a second, would hide the rest.
            let log = self.log();
            let said: Vec<_> = log.lines().filter(|line| !line.contains("\"api request\"")).collect();
            eprintln!("--- log of the host\n{}\n---", tail(&said.join("\n"), 200));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(drivers) = &self.drivers
            && !std::thread::panicking()
        {
            assert_eq!(drivers.reports("violation"), [""; 0]);
        }
        for straggler in process::that_know(self.scratch.path()) {
            if let Some(pid) = i32::try_from(straggler.pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// The configuration with the family of encoders that [`ENCODER`] names, if it names
/// one and the test has not chosen.
fn with_encoder(config: &str) -> Option<String> {
    let family = std::env::var(ENCODER).ok().filter(|family| !family.is_empty())?;
    let mut config: toml::Table = config.parse().ok()?;
    let video = config.entry("video").or_insert_with(|| toml::Table::new().into()).as_table_mut()?;
    if video.contains_key("encoders") {
        return None;
    }
    video.insert("encoders".to_owned(), vec![family].into());
    Some(config.to_string())
}

/// Variable with the family of encoders (`nvenc`, `vaapi`, `vulkan`) whose driver's stand-in
/// hosts encode with, and nothing else, where the test leaves that open.
pub(crate) const ENCODER: &str = "EARTHSHINE_TEST_ENCODER";

/// Home directory of the host's user.
pub(crate) fn home(scratch: &Scratch) -> PathBuf {
    scratch.join("operator")
}

fn spawn(scratch: &Scratch, base: u16, bind: &str, environment: &[(&'static str, String)]) -> (Child, Ready) {
    spawn_with(scratch, base, bind, environment, &[]).unwrap_or_else(|complaint| panic!("{complaint}"))
}

fn spawn_with(
    scratch: &Scratch,
    base: u16,
    bind: &str,
    environment: &[(&'static str, String)],
    more: &[&str],
) -> Result<(Child, Ready), String> {
    let log = File::options().create(true).append(true).open(scratch.join("host.log")).expect("log file");
    // Whatever a program leaves in its user's home is for tests to see.
    std::fs::create_dir_all(home(scratch)).expect("a home directory");
    let mut child = Command::new(env!("CARGO_BIN_EXE_earthshine"))
        .arg("serve")
        .arg("--config")
        .arg(scratch.join("config.toml"))
        .arg("--state-dir")
        .arg(scratch.join("state"))
        .arg("--runtime-dir")
        .arg(scratch.join("run"))
        .args(["--bind", bind, "--port", &base.to_string(), "--metrics", "127.0.0.1:0"])
        .arg("--api-socket")
        .arg(scratch.join("api.sock"))
        .args(more)
        .env("EARTHSHINE_LOG", std::env::var("EARTHSHINE_TEST_LOG").unwrap_or_else(|_| "info,earthshine=debug".into()))
        .env("HOME", home(scratch))
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("start the host");
    match read_ready(&mut child) {
        Ok(ready) => Ok((child, ready)),
        Err(complaint) => {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(scratch.join("host.log")).unwrap_or_default();
            Err(format!("{complaint}\n{}", tail(&log, 100)))
        }
    }
}

fn read_ready(child: &mut Child) -> Result<Ready, String> {
    let stdout = child.stdout.take().expect("piped stdout");
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let line = lines.recv_timeout(SOON).map_err(|error| format!("no ready line: {error}"))?;
    let ready: Ready = serde_json::from_str(&line).map_err(|error| format!("ready line {line:?}: {error}"))?;
    assert_eq!(ready.event, "ready");
    assert_eq!(ready.pid, child.id());
    Ok(ready)
}

/// A base port whose whole family is free: HTTP at 0, HTTPS at -5, RTSP at +21,
/// video, control and audio at +9, +10 and +11. No two tests of this process get
/// the same: between here and the host's bind it is free for all.
fn free_base_port() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let seed = u64::from(std::process::id());
    let first = 20_000 + u16::try_from(seed * 37 % 12_000).expect("small");
    (0..300)
        .map(|_| first + TRIED.fetch_add(1, Ordering::Relaxed) % 300 * 31)
        .find(|base| {
            let tcp = [0_i16, -5, 21].iter().map(|offset| base.wrapping_add_signed(*offset));
            let udp = [9_i16, 10, 11].iter().map(|offset| base.wrapping_add_signed(*offset));
            tcp.into_iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
                && udp.into_iter().all(|port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        })
        .expect("a free family of ports")
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Types a PIN for whichever client asks next, from another thread.
pub(crate) fn type_pin_later(host: &Host, pin: &'static str) -> std::thread::JoinHandle<()> {
    let socket = host.api().to_owned();
    std::thread::spawn(move || api::type_pin(&socket, pin))
}

/// A counter of `/metrics`: the sum over all labels.
///
/// # Panics
/// If the endpoint does not answer.
pub(crate) fn metric(host: &Host, name: &str) -> f64 {
    let text = metrics(host);
    text.lines()
        .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// The whole of `/metrics`.
///
/// # Panics
/// If the endpoint does not answer.
pub(crate) fn metrics(host: &Host) -> String {
    let mut stream = std::net::TcpStream::connect(&host.ready.metrics).expect("connect to the metrics port");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("ask for metrics");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stream, &mut text).expect("metrics");
    text
}

/// Fields of the only session's desktop.
pub(crate) fn desktop(host: &Host) -> Value {
    wait_for("a session with a desktop", SOON, || {
        let session = api::the_session(host.api());
        session["desktop"].is_object().then(|| session["desktop"].clone())
    })
}
