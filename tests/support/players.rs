//! Real-protocol clients inside the test: the load generator's, step by step.
//! They do not decode; what they count is exact.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Parser;
use earthshine::bench::clients::player::{Player, Stream};
use earthshine::cli::{BenchCommand, Cli, ClientsArgs, Command};
use earthshine::protocol::gamestream::answer::Verb;
use tokio::runtime::Runtime;

use super::deadline::SOON;
use super::host::Host;

/// Small enough for many beside a debug build's encoder.
pub(crate) const SMALL: &[&str] = &["--size", "320x180", "--fps", "30", "--bitrate", "1000"];

/// Title of the app that needs no desktop.
pub(crate) const TEST_CARD: &str = "Test card";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs clients.
pub(crate) fn block_on<T>(clients: impl Future<Output = T>) -> T {
    RUNTIME.block_on(clients)
}

/// So many clients that have paired with the host, small ones unless `flags`
/// (of `earthshine bench clients`) say otherwise.
///
/// # Panics
/// If they cannot.
pub(crate) fn paired(host: &Host, count: usize, flags: &[&str]) -> Vec<Player> {
    let identities = identities(&host.scratch.join("clients"), count);
    let args = args(host, count, flags);
    // The load generator's patience is a real client's: on a machine that does
    // something else for that long, users try again too.
    let mut attempts = (0..4).map(|_| block_on(Player::all(&args, &identities)));
    let players = attempts.find_map(|players| players.map_err(|error| eprintln!("{error:#}")).ok());
    let players = players.expect("clients that pair");
    keep_identities(&identities);
    players
}

/// Flags of a small client, but for what `flags` say otherwise.
pub(crate) fn small_unless<'a>(flags: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let said = |pair: &&[&str]| !flags.contains(&pair[0]);
    SMALL.chunks(2).filter(said).flatten().chain(flags).copied()
}

/// Arguments of the load generator against a host.
fn args(host: &Host, count: usize, flags: &[&str]) -> ClientsArgs {
    let (port, count) = (host.ready.http.to_string(), count.to_string());
    let socket = host.api().to_str().expect("UTF-8");
    let mut line = vec!["earthshine", "bench", "clients", "--port", &port, "--api-socket", socket, "-n", &count];
    line.extend(small_unless(flags));
    let Command::Bench(bench) = Cli::parse_from(line).command else { unreachable!("bench") };
    let BenchCommand::Clients(args) = bench.command else { panic!("not the clients") };
    args
}

/// Launches an app and returns when frames arrive.
///
/// # Panics
/// If they do not.
pub(crate) async fn stream(player: &Player, app: &str) -> Stream {
    stream_by(player, Verb::Launch, app).await
}

/// Launches or resumes an app and returns when frames arrive.
///
/// # Panics
/// If they do not.
pub(crate) async fn stream_by(player: &Player, verb: Verb, app: &str) -> Stream {
    let app = player.app(app).await.expect("the app");
    let connection = player.begin(verb, app).await.unwrap_or_else(|error| panic!("{verb:?}: {error:#}"));
    let mut stream = connection.stream().await.unwrap_or_else(|error| panic!("{verb:?}: {error:#}"));
    stream.first_frame(SOON).await.expect("a frame");
    stream
}

/// All of them, at the same time.
///
/// # Panics
/// If one of them gets no frames.
pub(crate) async fn stream_all(players: &[Player], app: &'static str) -> Vec<Stream> {
    let starting: Vec<_> = players
        .iter()
        .map(|player| {
            let player = player.clone();
            tokio::spawn(async move { stream(&player, app).await })
        })
        .collect();
    let mut streams = Vec::new();
    for stream in starting {
        streams.push(stream.await.expect("a client that streams"));
    }
    streams
}

/// Waits for so many more whole frames.
///
/// # Panics
/// If they do not come.
pub(crate) async fn more_frames(stream: &mut Stream, count: u64) {
    let wanted = stream.seen().counts.frames_complete + count;
    stream.wait(SOON, |counts| counts.frames_complete >= wanted).await.expect("more frames");
}

/// Waits for an IDR frame.
///
/// # Panics
/// If it does not come.
pub(crate) async fn next_idr(stream: &mut Stream, before: u64) {
    stream.wait(SOON, |counts| counts.idr_frames > before).await.expect("an IDR frame");
}

/// IDR frames until now.
pub(crate) fn idr_frames(stream: &Stream) -> u64 {
    stream.seen().counts.idr_frames
}

/// Certificates are made once and used for every host: RSA keys take long.
fn identities(directory: &Path, count: usize) -> PathBuf {
    std::fs::create_dir_all(directory).expect("a directory");
    for number in 0..count {
        let name = file_name(number);
        if !directory.join(&name).exists() && cache().join(&name).exists() {
            std::fs::copy(cache().join(&name), directory.join(&name)).expect("copy a certificate");
        }
    }
    directory.to_owned()
}

/// What was made anew, for the next time.
fn keep_identities(directory: &Path) {
    std::fs::create_dir_all(cache()).expect("a directory");
    let made = std::fs::read_dir(directory).expect("certificates").flatten();
    for entry in made.filter(|entry| !cache().join(entry.file_name()).exists()) {
        // Two test binaries may do so at the same moment.
        let new = cache().join(format!("{}.{}", entry.file_name().display(), std::process::id()));
        std::fs::copy(entry.path(), &new).expect("copy a certificate");
        std::fs::rename(&new, cache().join(entry.file_name())).expect("keep a certificate");
    }
}

/// Name of a client's file among the identities.
pub(crate) fn file_name(number: usize) -> String {
    format!("client-{number:03}.json")
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients")
}
