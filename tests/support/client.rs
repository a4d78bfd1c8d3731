//! The real Moonlight client core, driven through `tests/client/driver.py`.
//!
//! A [`Device`] is one client installation with a key of its own; a [`Stream`]
//! is one run of the driver. The driver speaks JSON lines (see its
//! `events.py`); a thread collects them, so that nothing it says is lost while
//! a test looks elsewhere.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::deadline::{SOON, wait_for};
use super::host::{Host, type_pin_later};
use super::process;

/// The Python that has the client core; `tests/client/setup.sh` makes it.
pub(crate) fn python() -> PathBuf {
    std::env::var_os("EARTHSHINE_CLIENT_PYTHON")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/client-venv/bin/python"), PathBuf::from)
}

fn driver() -> Command {
    let mut command = Command::new(python());
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/driver.py"));
    command
}

/// One Moonlight installation.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    identity: PathBuf,
    address: String,
    port: u16,
}

impl Device {
    /// A new one that has not paired yet.
    pub(crate) fn new(host: &Host, name: &str) -> Self {
        Self { identity: host.scratch.join(name), address: "127.0.0.1".into(), port: host.ready.http }
    }

    /// A new one that has paired.
    pub(crate) fn paired(host: &Host, name: &str) -> Self {
        let device = Self::new(host, name);
        let typing = type_pin_later(host, "4711");
        device.pair("4711").expect("pairing");
        typing.join().expect("the PIN was typed");
        device
    }

    /// The same device, reaching its host by another address.
    pub(crate) fn by_address(&self, address: &str) -> Self {
        Self { address: address.into(), ..self.clone() }
    }

    /// Pairs; somebody must type the PIN meanwhile.
    ///
    /// # Errors
    /// The driver's words.
    pub(crate) fn pair(&self, pin: &str) -> Result<Value, String> {
        self.run(&["pair", "--pin", pin, "--wait", "30"])
    }

    /// Runs a command of the driver that ends by itself; its last event.
    ///
    /// # Errors
    /// The text of its `error` event.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = run_to_end(self.command().args(arguments));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let last: Value = text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        if output.status.success() {
            return Ok(last);
        }
        let complaint = last["text"].as_str().map(str::to_owned);
        Err(complaint
            .unwrap_or_else(|| format!("{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr))))
    }

    /// Starts streaming; returns when frames arrive.
    ///
    /// # Panics
    /// If they do not.
    pub(crate) fn stream(&self, wanted: &Wanted) -> Stream {
        let stream = self.start_stream(wanted);
        stream.wait_event("first_frame", SOON);
        stream
    }

    /// Starts streaming without waiting for anything.
    pub(crate) fn start_stream(&self, wanted: &Wanted) -> Stream {
        let serial = {
            static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        };
        let files = Files::new(&self.identity.join(format!("stream-{serial}")), wanted.formats);
        let mut command = self.command();
        command.arg("stream").args(wanted.arguments());
        command.arg("--video").arg(&files.video).arg("--audio").arg(&files.audio).arg("--frames").arg(&files.frames);
        Stream::start(command, files)
    }

    fn command(&self) -> Command {
        let mut command = driver();
        command.arg("--identity").arg(&self.identity).args(["--host", &self.address, "--port", &self.port.to_string()]);
        command
    }
}

/// `VIDEO_FORMAT_*`: what a client decodes.
pub(crate) const H264: u32 = 0x1;
pub(crate) const H264_444: u32 = 0x4;
pub(crate) const HEVC: u32 = 0x100;
pub(crate) const HEVC_10: u32 = 0x200;
pub(crate) const HEVC_444: u32 = 0x400;
pub(crate) const HEVC_444_10: u32 = 0x800;
pub(crate) const AV1: u32 = 0x1000;
pub(crate) const AV1_10: u32 = 0x2000;

/// What a stream is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) app: String,
    pub(crate) verb: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
    pub(crate) bitrate_kbps: u32,
    pub(crate) packet_size: u32,
    pub(crate) encryption: &'static str,
    pub(crate) channels: u32,
    pub(crate) slices: u32,
    /// What the client decodes, as `VIDEO_FORMAT_*` of its `Limelight.h`.
    pub(crate) formats: u32,
    /// 0 BT.601, 1 BT.709, 2 BT.2020.
    pub(crate) color_space: u32,
    /// 0 limited, 1 full.
    pub(crate) color_range: u32,
}

impl Wanted {
    /// 1280x720 at 30 frames a second, plain.
    pub(crate) fn app(title: &str) -> Self {
        Self {
            app: title.into(),
            verb: "auto",
            width: 1280,
            height: 720,
            fps: 30,
            bitrate_kbps: 8000,
            packet_size: 1392,
            encryption: "none",
            channels: 2,
            slices: 0,
            formats: H264,
            color_space: 1,
            color_range: 0,
        }
    }

    /// 640x360 of the test card: for tests that look at something else than the
    /// picture, and must not starve beside others.
    pub(crate) fn small_test_card() -> Self {
        Self { width: 640, height: 360, bitrate_kbps: 2000, ..Self::app("Test card") }
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--app".into(), self.app.clone(), "--verb".into(), self.verb.into()];
        arguments.extend(["--encryption".into(), self.encryption.into()]);
        for (name, value) in [
            ("--width", self.width),
            ("--height", self.height),
            ("--fps", self.fps),
            ("--bitrate", self.bitrate_kbps),
            ("--packet-size", self.packet_size),
            ("--channels", self.channels),
            ("--slices", self.slices),
            ("--formats", self.formats),
            ("--color-space", self.color_space),
            ("--color-range", self.color_range),
        ] {
            arguments.extend([name.into(), value.to_string()]);
        }
        arguments
    }
}

/// Files a stream leaves.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) video: PathBuf,
    pub(crate) audio: PathBuf,
    pub(crate) frames: PathBuf,
    pub(crate) wav: PathBuf,
    errors: PathBuf,
}

impl Files {
    fn new(directory: &Path, formats: u32) -> Self {
        std::fs::create_dir_all(directory).expect("a directory for the stream");
        let file = |name: &str| directory.join(name);
        Self {
            video: file(match formats {
                H264 | H264_444 => "video.h264",
                HEVC | HEVC_10 | HEVC_444 | HEVC_444_10 => "video.hevc",
                AV1 | AV1_10 => "video.obu",
                several => panic!("nobody knows which of {several:#x} will come"),
            }),
            audio: file("audio.opus"),
            frames: file("frames.jsonl"),
            wav: file("audio.wav"),
            errors: file("driver.err"),
        }
    }

    /// Records of all frames.
    pub(crate) fn frame_records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.frames).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a frame record")).collect()
    }

    /// Decodes the recorded sound to [`Files::wav`]; what there was of it.
    pub(crate) fn decode_audio(&self) -> Value {
        let output =
            run_to_end(driver().arg("decode-audio").arg("--audio").arg(&self.audio).arg("--wav").arg(&self.wav));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "decode-audio: {text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(text.trim()).expect("an event")
    }
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<Value>,
    over: bool,
}

/// A streaming client.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) files: Files,
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Arc<(Mutex<Heard>, Condvar)>,
    next_id: u64,
}

impl Stream {
    fn start(mut command: Command, files: Files) -> Self {
        let errors = File::create(&files.errors).expect("a file for the driver's errors");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("start the client driver");
        let heard = Arc::new((Mutex::new(Heard::default()), Condvar::new()));
        let stdout = child.stdout.take().expect("piped stdout");
        let listener = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| json!({"event": "garbage", "text": line}));
                lock(&listener.0).events.push(event);
                listener.1.notify_all();
            }
            lock(&listener.0).over = true;
            listener.1.notify_all();
        });
        let stdin = child.stdin.take();
        Self { files, child, stdin, heard, next_id: 0 }
    }

    /// Process id of the driver.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        lock(&self.heard.0).events.clone()
    }

    /// The first event for which `wanted` holds, past or future.
    ///
    /// # Panics
    /// If it does not come within `limit` or the driver ends without it.
    pub(crate) fn wait_for(&self, what: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        let mut heard = lock(&self.heard.0);
        loop {
            if let Some(found) = heard.events.iter().find(|event| wanted(event)) {
                return found.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!heard.over && !left.is_zero(), "the client did not say {what}; it said:\n{}", self.said(&heard));
            heard = self.heard.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The first event of that name.
    ///
    /// # Panics
    /// As [`Stream::wait_for`].
    pub(crate) fn wait_event(&self, name: &str, limit: Duration) -> Value {
        self.wait_for(name, limit, |event| event["event"] == name)
    }

    /// Has the client do something (see the driver's `commands.py`) and waits
    /// until it is done.
    ///
    /// # Panics
    /// If the client refuses; the message has its reason.
    pub(crate) fn order(&mut self, mut command: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        command["id"] = json!(id);
        let stdin = self.stdin.as_mut().expect("a stream that was not stopped");
        // A driver that has ended is noticed below, with what it said.
        let _ = writeln!(stdin, "{command}").and_then(|()| stdin.flush());
        let limit = command["timeout"].as_f64().map_or(SOON, |seconds| Duration::from_secs_f64(seconds) + SOON);
        let answer = self.wait_for(&format!("an answer to {command}"), limit, |event| {
            event["id"] == id && (event["event"] == "done" || event["event"] == "refused")
        });
        assert_eq!(answer["event"], "done", "{command} was refused: {answer}\n{}", self.said(&lock(&self.heard.0)));
        answer
    }

    /// Waits for that many more frames.
    pub(crate) fn wait_frames(&mut self, count: u32) -> Value {
        self.order(json!({"do": "wait_frames", "count": count, "timeout": 30}))
    }

    /// Waits for a new IDR frame.
    pub(crate) fn wait_idr(&mut self) -> Value {
        self.order(json!({"do": "wait_idr", "timeout": 30}))
    }

    /// Counters until now.
    pub(crate) fn stats(&mut self) -> Value {
        self.order(json!({"do": "stats"}))
    }

    /// Disconnects; the app stays. The last counters.
    pub(crate) fn stop(self) -> Value {
        self.end("stop")
    }

    /// Disconnects and cancels the app. The last counters.
    pub(crate) fn quit(self) -> Value {
        self.end("quit")
    }

    /// Waits until the host has ended the stream; the code the client shows.
    pub(crate) fn ended_by_host(mut self) -> i64 {
        let event = self.wait_event("terminated", SOON * 2);
        self.wait_exit();
        event["code"].as_i64().expect("a code")
    }

    /// The client is gone without a word, as in a power cut.
    pub(crate) fn vanish(mut self) {
        process::signal(self.pid(), rustix::process::Signal::KILL);
        self.child.wait().expect("wait for the driver");
    }

    fn end(mut self, how: &str) -> Value {
        self.order(json!({"do": how}));
        drop(self.stdin.take());
        let status = self.wait_exit();
        assert!(status.success(), "the client ended with {status}:\n{}", self.said(&lock(&self.heard.0)));
        self.wait_event("summary", SOON)
    }

    fn wait_exit(&mut self) -> std::process::ExitStatus {
        let status = wait_for("the end of the client", SOON, || self.child.try_wait().expect("wait"));
        wait_for("the end of what the client says", SOON, || lock(&self.heard.0).over.then_some(()));
        status
    }

    fn said(&self, heard: &Heard) -> String {
        let lines: Vec<String> = heard.events.iter().rev().take(60).rev().map(ToString::to_string).collect();
        let errors = std::fs::read_to_string(&self.files.errors).unwrap_or_default();
        format!("{}\n{errors}", lines.join("\n"))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a command that must end by itself within two minutes.
fn run_to_end(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start the client driver");
    let pid = child.id();
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = from.read_to_end(&mut bytes);
            bytes
        })
    };
    let (stdout, stderr) = (read(Box::new(stdout)), read(Box::new(stderr)));
    let end = Instant::now() + Duration::from_secs(120);
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait") {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("the client driver {pid} did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() }
}
