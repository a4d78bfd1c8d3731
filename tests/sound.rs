//! The audio thread against a client's socket on loopback and a real
//! PulseAudio: the tone that an application plays comes out of the Opus packets
//! at its frequency and without gaps; killing or stopping the server costs
//! silence, never a packet.
//!
//! Needs `pulseaudio` and `pacat`; says so and skips where they are missing.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use earthshine::ipc::counters_page::{Counter, CountersPage, WorkerThread};
use earthshine::protocol::secret::SessionKey;
use earthshine::stream_plan::{Source, StreamPlan};
use earthshine::worker::audio::thread;
use earthshine::worker::heartbeat::Pulse;
use opus::MSDecoder;
use rustix::process::{Pid, Signal, kill_process};

#[path = "support/skip.rs"]
#[allow(dead_code, reason = "shared by test binaries that each use a part")]
mod skip;

#[test]
fn the_test_card_sounds_at_once_and_steadily() {
    let listener = Listener::start(Source::TestCard);
    let heard = listener.hear(Duration::from_secs(2));
    heard.assert_steady();
    heard.assert_tone(1000.0, -12.0);
    assert_eq!(heard.gaps(), 0);
}

#[test]
fn a_stream_without_sound_server_is_silent_and_steady() {
    let listener = Listener::start(desktop(Path::new("/nonexistent/native")));
    let heard = listener.hear(Duration::from_secs(1));
    heard.assert_steady();
    assert!(heard.left.iter().all(|sample| sample.abs() < 0.001));
}

#[test]
fn a_second_worker_goes_on_at_a_whole_block() {
    let page = Arc::new(CountersPage::create().unwrap());
    page.set(Counter::NextAudioSequence, 65_537);
    let listener = Listener::start_on(Source::TestCard, Arc::clone(&page));
    let heard = listener.hear_all(Duration::from_millis(300));
    assert_eq!(heard.sequences[0], 4);
    assert_eq!(heard.timestamps[0], 65_540 * 5);
    let sent = page.get(Counter::NextAudioSequence);
    assert!(sent >= 65_540 + heard.sequences.len() as u64, "stored before it was sent");
}

#[test]
fn what_an_application_plays_is_heard_without_gaps() {
    let Some(server) = SoundServer::start("plays") else { return };
    let listener = Listener::start(desktop(&server.socket()));
    let _player = server.play(440);
    std::thread::sleep(Duration::from_secs(2));
    let heard = listener.hear(Duration::from_secs(5));
    heard.assert_steady();
    heard.assert_tone(440.0, -12.0);
    // Half milliseconds in five seconds: a busy machine may starve the player
    // for a moment.
    assert!(heard.gaps() < 200, "{} half milliseconds are silent", heard.gaps());
    assert_eq!(listener.page.get(Counter::AudioInterruptions), 0);
}

#[test]
fn killing_the_server_costs_silence_and_no_packet() {
    let Some(server) = SoundServer::start("killed") else { return };
    let listener = Listener::start(desktop(&server.socket()));
    let player = server.play(440);
    std::thread::sleep(Duration::from_secs(1));
    for round in 1..=3 {
        server.signal(Signal::KILL);
        let silent = listener.hear(Duration::from_millis(1500));
        silent.assert_steady();
        assert_eq!(listener.page.get(Counter::AudioInterruptions), round);
        server.restart();
        let _player = server.play(440);
        std::thread::sleep(Duration::from_millis(1500));
        listener.hear(Duration::from_secs(1)).assert_tone(440.0, -12.0);
    }
    drop(player);
}

#[test]
fn stopping_the_server_costs_silence_and_no_packet() {
    let Some(server) = SoundServer::start("stopped") else { return };
    let listener = Listener::start(desktop(&server.socket()));
    let _player = server.play(440);
    std::thread::sleep(Duration::from_secs(1));
    server.signal(Signal::STOP);
    let beats = listener.page.beats(WorkerThread::Audio);
    // Longer than after which the connection is made anew.
    let silent = listener.hear(Duration::from_secs(4));
    assert!(listener.page.beats(WorkerThread::Audio) > beats + 400, "the heartbeat went on");
    silent.assert_steady();
    assert_eq!(listener.page.get(Counter::AudioInterruptions), 1);
    let tail = &silent.left[silent.left.len() / 2..];
    assert!(tail.iter().all(|sample| sample.abs() < 0.001));
    server.signal(Signal::CONT);
    std::thread::sleep(Duration::from_secs(2));
    listener.hear(Duration::from_secs(1)).assert_tone(440.0, -12.0);
}

#[test]
fn sound_moves_to_another_server_without_a_gap_in_packets() {
    let (Some(one), Some(other)) = (SoundServer::start("one"), SoundServer::start("other")) else { return };
    let listener = Listener::start(desktop(&one.socket()));
    let _players = (one.play(440), other.play(880));
    std::thread::sleep(Duration::from_secs(1));
    listener.switch.send(desktop(&other.socket())).unwrap();
    let heard = listener.hear(Duration::from_secs(2));
    heard.assert_steady();
    heard.second_half().assert_tone(880.0, -12.0);
}

/// An audio thread and the client it sends to.
struct Listener {
    client: UdpSocket,
    switch: Sender<Source>,
    page: Arc<CountersPage>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(source: Source) -> Self {
        Self::start_on(source, Arc::new(CountersPage::create().unwrap()))
    }

    fn start_on(source: Source, page: Arc<CountersPage>) -> Self {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(client.local_addr().unwrap()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let pulse = Pulse::new(WorkerThread::Audio, Arc::clone(&page), Arc::clone(&stop));
        let (give_socket, sockets) = channel();
        let (switch, switches) = channel();
        give_socket.send(socket).unwrap();
        let plan = plan(source);
        let thread = Some(std::thread::spawn(move || thread::run(&plan, sockets, switches, &pulse)));
        Self { client, switch, page, stop, thread }
    }

    /// Throws away what has arrived so far.
    fn forget(&self) {
        self.client.set_nonblocking(true).unwrap();
        while self.client.recv(&mut [0; 2048]).is_ok() {}
        self.client.set_nonblocking(false).unwrap();
    }

    /// Receives and decodes for a time, from now on.
    fn hear(&self, time: Duration) -> Heard {
        self.forget();
        self.hear_all(time)
    }

    /// Receives and decodes for a time, with what has arrived already.
    fn hear_all(&self, time: Duration) -> Heard {
        let mut heard = Heard::default();
        let mut decoder = MSDecoder::new(48_000, 1, 1, &[0, 1]).unwrap();
        let (mut datagram, mut pcm) = ([0; 2048], [0.0; 480]);
        self.client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let started = Instant::now();
        while started.elapsed() < time {
            let len = self.client.recv(&mut datagram).expect("packets go on");
            if datagram[1] != 97 {
                continue;
            }
            heard.sequences.push(u16::from_be_bytes([datagram[2], datagram[3]]));
            heard.timestamps.push(u32::from_be_bytes(datagram[4..8].try_into().unwrap()));
            decoder.decode_float(&datagram[12..len], &mut pcm, false).unwrap();
            heard.left.extend(pcm.iter().step_by(2));
        }
        heard.time = started.elapsed();
        heard
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a client got.
#[derive(Default)]
struct Heard {
    sequences: Vec<u16>,
    timestamps: Vec<u32>,
    left: Vec<f32>,
    time: Duration,
}

impl Heard {
    /// No number is missing, and there are as many packets as time has passed.
    fn assert_steady(&self) {
        assert!(self.sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "a sequence is missing");
        assert!(self.timestamps.windows(2).all(|pair| pair[1] == pair[0] + 5), "timestamps are exact");
        let (packets, due) = (self.sequences.len() as f64, self.time.as_secs_f64() * 200.0);
        assert!((packets - due).abs() < 30.0, "{packets} packets where {due} were due");
    }

    fn assert_tone(&self, frequency: f64, level: f64) {
        let (heard, loudness) = strongest_tone(&self.left[2000..]);
        assert!((heard - frequency).abs() < 3.0, "{heard} Hz instead of {frequency}");
        assert!((loudness - level).abs() < 1.5, "{loudness} dBFS instead of {level}");
    }

    /// Stretches of half a millisecond and more without sound, the decoder's start left out.
    fn gaps(&self) -> usize {
        let quiet: Vec<_> = self.left[2000..].chunks(24).map(|part| part.iter().all(|s| s.abs() < 0.002)).collect();
        quiet.iter().filter(|quiet| **quiet).count()
    }

    fn second_half(&self) -> Self {
        Self { left: self.left[self.left.len() / 2..].to_vec(), ..Self::default() }
    }
}

/// Frequency and level in dBFS of the strongest tone between 100 and 2000 Hz.
fn strongest_tone(samples: &[f32]) -> (f64, f64) {
    let samples = &samples[..samples.len().min(24_000)];
    let amplitude = |frequency: f64| {
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (index, sample) in samples.iter().enumerate() {
            let (s, c) = (std::f64::consts::TAU * frequency * index as f64 / 48_000.0).sin_cos();
            let window = 1.0 - (std::f64::consts::TAU * index as f64 / samples.len() as f64).cos();
            sine += f64::from(*sample) * s * window;
            cosine += f64::from(*sample) * c * window;
        }
        2.0 * f64::hypot(sine, cosine) / samples.len() as f64
    };
    let best = |from: f64, step: f64, steps: i32| {
        (0..steps)
            .map(|i| from + step * f64::from(i))
            .max_by(|a, b| amplitude(*a).total_cmp(&amplitude(*b)))
            .unwrap_or_default()
    };
    let coarse = best(100.0, 2.0, 950);
    let frequency = best(coarse - 2.0, 0.25, 16);
    (frequency, 20.0 * amplitude(frequency).log10())
}

/// A private PulseAudio with one null sink, gone when dropped.
struct SoundServer {
    directory: tempfile::TempDir,
    child: std::cell::RefCell<Child>,
}

impl SoundServer {
    fn start(name: &str) -> Option<Self> {
        if [("pulseaudio", "--version"), ("pacat", "--version")].iter().any(|(tool, arg)| {
            Command::new(tool).arg(arg).stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
        }) {
            skip::skip("pulseaudio and pacat (packages pulseaudio, pulseaudio-utils)");
            return None;
        }
        let directory = tempfile::Builder::new().prefix(&format!("earthshine-sound-{name}-")).tempdir().unwrap();
        let child = spawn_server(directory.path()).into();
        Some(Self { directory, child })
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("native")
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child.borrow());
        kill_process(pid, signal).unwrap();
    }

    fn restart(&self) {
        let mut child = self.child.borrow_mut();
        child.wait().unwrap();
        *child = spawn_server(self.directory.path());
    }

    /// An application that plays a sine of whole hertz.
    #[allow(clippy::cast_possible_truncation, reason = "a sample")]
    fn play(&self, frequency: u32) -> Player {
        let samples = (0..48_000).map(|index| {
            let angle = std::f64::consts::TAU * f64::from(frequency) * f64::from(index) / 48_000.0;
            (angle.sin() * 0.251_188_6) as f32
        });
        // A whole number of waves, so that it can be repeated without a seam.
        let second: Vec<u8> = samples.flat_map(|sample| [sample, sample]).flat_map(f32::to_ne_bytes).collect();
        let mut child = Command::new("pacat")
            .args(["--playback", "--format=float32le", "--rate=48000", "--channels=2", "--latency-msec=40"])
            .arg(format!("--server=unix:{}", self.socket().display()))
            .env("HOME", self.directory.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::spawn(move || while std::io::Write::write_all(&mut stdin, &second).is_ok() {});
        Player(child)
    }
}

impl Drop for SoundServer {
    fn drop(&mut self) {
        let mut child = self.child.borrow_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn spawn_server(directory: &Path) -> Child {
    let socket = directory.join("native");
    let _ = std::fs::remove_file(&socket);
    let child = Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"])
        .arg("--load=module-null-sink sink_name=earthshine rate=48000 format=s16le channels=2 norewinds=1")
        .arg(format!("--load=module-native-protocol-unix socket={} auth-anonymous=1", socket.display()))
        .envs(["HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"].map(|name| (name, directory)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "pulseaudio made no socket");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

struct Player(Child);

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn desktop(sound: &Path) -> Source {
    Source::Desktop { wayland: PathBuf::new(), sound: Some(sound.to_owned()), seat: None }
}

fn plan(source: Source) -> StreamPlan {
    let mut plan = StreamPlan { source, key: SessionKey::new([7; 16]), ..StreamPlan::small_test_card(Vec::new()) };
    plan.audio.dscp = true;
    plan
}
