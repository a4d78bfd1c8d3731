//! A host of a bench's own: this program as `earthshine serve`, on free ports, with
//! directories that vanish with it.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api_client::ApiClient;
use crate::bench::usage::Family;
use crate::bench::viewer::Mode;

/// A running host. Dropped, it ends with all that it has started.
#[derive(Debug)]
pub(super) struct LocalHost {
    directory: TempDir,
    child: Child,
    pub(super) ready: Ready,
}

/// The line a host prints when it accepts connections.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ready {
    pub(super) http: u16,
    pub(super) api_socket: PathBuf,
    pub(super) metrics: String,
}

/// What others can capture.
#[derive(Debug, Clone)]
pub(super) struct Screen {
    pub(super) wayland_socket: PathBuf,
    /// Its process.
    pub(super) compositor: u32,
}

/// A directory in which a host can be, before there is one.
#[derive(Debug)]
pub(super) struct Place(TempDir);

impl Place {
    /// Makes one. A host that runs as root gives its desktops users of their own, who must
    /// be able to pass through.
    pub(super) fn new() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("earthshine-bench-").tempdir();
        let directory = directory.context("no temporary directory")?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        Ok(Self(directory))
    }

    /// This program, where applications of the host can run it.
    pub(super) fn program(&self) -> anyhow::Result<PathBuf> {
        let own = std::env::current_exe().context("this program has no path")?;
        if !geteuid().is_root() {
            return Ok(own);
        }
        let copy = self.0.path().join("earthshine");
        if !copy.exists() {
            fs::copy("/proc/self/exe", &copy).context("cannot copy this program for the desktop's user")?;
            fs::set_permissions(&copy, Permissions::from_mode(0o755))?;
        }
        Ok(copy)
    }

    /// An `[[app]]` of a configuration: the window with built-in content.
    pub(super) fn window(&self, title: &str, flags: &str) -> anyhow::Result<String> {
        let command = format!("exec '{}' bench-window {flags}", self.program()?.display());
        // JSON's escapes are a subset of TOML's.
        Ok(format!("[[app]]\ntitle = \"{title}\"\ncommand = {}\n\n", serde_json::to_string(&command)?))
    }
}

impl LocalHost {
    /// Starts one on the loopback device with a configuration, which may begin with more keys
    /// of `[host]`; what is in [`COMMON`] and in [`ON_LOOPBACK`] is ours.
    pub(super) fn start(place: Place, config: &str) -> anyhow::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, place, &format!("{config}{ON_LOOPBACK}"), &[])
    }

    /// The same at another address, with its own `[network]` and more in its environment.
    pub(super) fn start_at(
        address: Ipv4Addr,
        place: Place,
        config: &str,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let directory = place.0;
        let at = |name: &str| directory.path().join(name);
        fs::write(at("config.toml"), format!("{COMMON}{config}"))?;
        let log = File::create(at("host.log"))?;
        let mut child = Command::new("/proc/self/exe")
            .arg("serve")
            .args(["--bind", &address.to_string(), "--metrics", "127.0.0.1:0"])
            .args(["--port", &free_base_port(address)?.to_string()])
            .arg("--config")
            .arg(at("config.toml"))
            .arg("--state-dir")
            .arg(at("state"))
            .arg("--runtime-dir")
            .arg(at("run"))
            .arg("--api-socket")
            .arg(at("api.sock"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the host")?;
        match read_ready(&mut child) {
            Ok(ready) => Ok(Self { directory, child, ready }),
            Err(error) => {
                drop((child.kill(), child.wait()));
                Err(error.context(tail(&at("host.log"))))
            }
        }
    }

    /// Where clients' certificates go.
    pub(super) fn identities(&self) -> PathBuf {
        self.directory.path().join("clients")
    }

    /// The end of its log, for whoever cannot go on.
    pub(super) fn log(&self) -> String {
        tail(&self.directory.path().join("host.log"))
    }

    /// Starts an app of its list on a desktop that nobody watches: the screen, for others to
    /// capture. It ends with the host.
    pub(super) fn screen(&self, title: &str, mode: Mode) -> anyhow::Result<Screen> {
        let api = ApiClient::new(self.ready.api_socket.clone());
        let apps = api.get("/api/v1/apps")?;
        let app = apps["apps"].as_array().and_then(|apps| apps.iter().find(|app| app["title"] == title));
        let order = json!({
            "app_id": app.with_context(|| format!("the host has no app {title}"))?["id"],
            "video_width": mode.size.width,
            "video_height": mode.size.height,
            "video_refresh_rate": mode.fps,
            "audio_channel_count": 2,
        });
        api.post("/api/v1/sessions/add", &order)?;
        let answer = api.get("/api/v1/sessions")?;
        let desktop = &answer["sessions"][0]["desktop"];
        let compositor = desktop["compositor_pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let (Some(socket), Some(compositor @ 1..)) = (desktop["wayland_socket"].as_str(), compositor) else {
            bail!("the host does not say where the desktop is: {answer}")
        };
        Ok(Screen { wayland_socket: PathBuf::from(socket), compositor })
    }

    /// The processes of the one session that it has, once there are all.
    pub(super) fn processes(&self) -> anyhow::Result<Vec<(&'static str, u32, Family)>> {
        let answer = ApiClient::new(self.ready.api_socket.clone()).get("/api/v1/sessions")?;
        let session = &answer["sessions"][0];
        let pid = |value: &Value| value.as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
        let wanted = [
            ("worker", &session["worker_pid"], Family::Alone),
            ("compositor", &session["desktop"]["compositor_pid"], Family::Alone),
            ("sound server", &session["desktop"]["sound_server_pid"], Family::Alone),
            ("application", &session["desktop"]["app_pid"], Family::WithDescendants),
        ];
        let mut all = vec![("host", self.child.id(), Family::Alone)];
        for (name, value, family) in wanted {
            let Some(pid) = pid(value) else { bail!("the host does not say which process the {name} is: {answer}") };
            all.push((name, pid, family));
        }
        Ok(all)
    }
}

impl Drop for LocalHost {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Nothing happens to one that has ended in order.
        drop((self.child.kill(), self.child.wait()));
    }
}

fn read_ready(child: &mut Child) -> anyhow::Result<Ready> {
    let stdout = child.stdout.take().context("no pipe")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        // It is read until its end, so that the host can write.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let line = lines.recv_timeout(PATIENCE).context("the host does not start")?;
    serde_json::from_str(&line).with_context(|| format!("the host said {line:?}"))
}

/// A base port whose whole family is free: HTTP at 0, HTTPS at -5, RTSP at +21, video,
/// control and audio at +9, +10 and +11.
fn free_base_port(address: Ipv4Addr) -> anyhow::Result<u16> {
    let first = 20_000 + u16::try_from(u64::from(std::process::id()) * 37 % 12_000)?;
    let is_free = |base: &u16| {
        let tcp = [0, -5, 21].map(|offset| base.wrapping_add_signed(offset));
        let udp = [9, 10, 11].map(|offset| base.wrapping_add_signed(offset));
        tcp.into_iter().all(|port| TcpListener::bind((address, port)).is_ok())
            && udp.into_iter().all(|port| UdpSocket::bind((address, port)).is_ok())
    };
    let found = (0..300).map(|step| first + step * 31).find(is_free);
    ensure!(found.is_some(), "no ports are free for a host");
    Ok(found.unwrap_or_default())
}

/// The last lines of a file.
fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    format!("the host's log ends so:\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

/// Not announced to the network, no canaries beside what is measured, and nobody refused
/// because the machine is busy with being measured.
const COMMON: &str = "[health]\ncanary_interval = 0\n\n[admission]\ncpu_percent = 0\n\n[host]\ndiscovery = false\n";

/// There is no network to adapt to: what would look like one is a client that waits for a
/// processor.
const ON_LOOPBACK: &str = "\n[network]\nadapt = false\n";

const PATIENCE: Duration = Duration::from_secs(20);
const LINES: usize = 20;
