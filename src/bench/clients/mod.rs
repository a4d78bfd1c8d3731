//! `earthshine bench clients`: plays real-protocol Moonlight clients against a
//! running host, without decoding, and reports what each of them got.
//!
//! Every client pairs once, and then does what the real one does: serverinfo,
//! applist, launch, RTSP, control over ENet, media pings, receiving with FEC
//! repair, input, quit. Protocol knowledge is in [`crate::protocol`]; here are
//! sockets and clocks.

mod audio_receiver;
mod client;
mod connection;
mod control;
mod figures;
mod host;
mod https;
mod identity;
mod media_socket;
mod pairing;
pub mod player;
mod receiving;
pub mod report;
mod rtsp;
mod settings;
mod steps;
mod stream;
mod tap;
mod tls;
mod tls_probe;
mod typist;
mod video_receiver;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::info;

use crate::bench::clients::client::Client;
use crate::bench::clients::host::Host;
use crate::bench::clients::identity::Identity;
use crate::bench::clients::pairing::PinTyper;
use crate::bench::clients::player::Player;
use crate::bench::clients::report::{ClientReport, Report, Totals};
use crate::bench::clients::settings::Settings;
use crate::bench::clients::steps::{Failure, Steps};
use crate::bench::clients::tls_probe::Stalled;
use crate::bench::report::Machine;
use crate::cli::ClientsArgs;
use crate::config::directories::Directories;

/// Plays the clients and returns what they got.
///
/// # Errors
/// If there is no host, or clients cannot pair: then nobody has streamed.
pub async fn run(args: &ClientsArgs) -> anyhow::Result<Report> {
    let (settings, machine) = (Arc::new(Settings::new(args)?), Machine::look());
    let handshakes = args.tls_handshakes.unwrap_or(if args.stalled_handshakes > 0 { DEFAULT_HANDSHAKES } else { 0 });
    ensure!(args.clients > 0 || handshakes > 0, "nothing to do: no clients (-n) and no handshakes (--tls-handshakes)");
    let host = Host::meet(&args.host, args.port).await?;
    let directories = Directories::choose(None, None);
    let directory = args.identities.clone().unwrap_or_else(|| directories.state.join("bench-clients"));
    // Handshakes alone need a certificate too.
    let mut identities = identity::all(&directory, args.clients.max(1)).await?;
    if args.clients > 0 {
        let typer = PinTyper::choose(args.api_socket.as_deref(), &directories.runtime.join("api.sock"))?;
        for (number, identity) in identities.iter_mut().enumerate() {
            host.make_friends(identity, number, &typer)
                .await
                .with_context(|| format!("client {number} cannot pair"))?;
        }
    }
    let (stop, stopped) = watch::channel(false);
    let stalled = match args.stalled_handshakes {
        0 => None,
        count => Some(Stalled::open(SocketAddr::new(host.address.ip, host.address.https), count).await?),
    };
    let probe = host.requests(&identities[0])?;
    let timing = tls_probe::time(probe, handshakes, stalled.as_ref(), stopped.clone());
    let playing = async {
        identities.truncate(args.clients);
        let outcome = play(&host, &settings, identities, &stop, &stopped).await;
        if args.clients > 0 {
            // Who times handshakes beside clients is done when they are.
            stop.send_replace(true);
        }
        outcome
    };
    let (tls, played) = tokio::join!(timing, playing);
    let Played { clients, together } = played?;
    let tls = (handshakes > 0).then_some(tls);
    let report = figures::of(machine, args, &clients, together, tls.as_ref());
    let ok = clients.iter().all(|client| client.ok) && tls.as_ref().is_none_or(|tls| tls.failed == 0);
    Ok(Report {
        ok,
        host: host.report(),
        settings: told(args),
        seconds: together.as_secs_f64(),
        totals: Totals::of(&clients),
        tls,
        clients,
        report,
    })
}

/// What a run was asked for, for whoever reads its report.
fn told(args: &ClientsArgs) -> serde_json::Value {
    json!({
        "clients": args.clients,
        "app": args.app,
        "width": args.size.width,
        "height": args.size.height,
        "fps": args.fps,
        "bitrate_kbps": args.bitrate,
        "codec": args.codec.name(),
        "encrypt": args.encrypt,
        "plain_rtsp": args.plain_rtsp,
        "input": args.input,
        "seconds": args.seconds,
        "stagger_ms": args.stagger,
        "stalled_handshakes": args.stalled_handshakes,
    })
}

struct Played {
    clients: Vec<ClientReport>,
    /// How long all of them streamed.
    together: Duration,
}

/// Starts all clients, waits until each has its first frame or has failed, lets
/// them stream, and ends them.
async fn play(
    host: &Host,
    settings: &Arc<Settings>,
    identities: Vec<Identity>,
    stop: &watch::Sender<bool>,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<Played> {
    let turn = Arc::new(Mutex::new(()));
    let (started, mut starting) = mpsc::channel::<()>(1);
    let mut playing = Vec::new();
    let count = identities.len();
    for (number, identity) in identities.into_iter().enumerate() {
        let client = Client {
            number,
            settings: Arc::clone(settings),
            player: Player::of(host, &identity, Arc::clone(settings))?,
            turn: Arc::clone(&turn),
            stop: stopped.clone(),
            steps: Steps::default(),
            errors: Vec::new(),
        };
        let (started, mut stop) = (started.clone(), stopped.clone());
        let wait = settings.stagger * u32::try_from(number).unwrap_or(u32::MAX);
        playing.push(tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Interrupted: it fails at once, and is reported.
                _ = stop.wait_for(|stop| *stop) => {}
            }
            client.play(started).await
        }));
    }
    drop(started);
    let mut together = Duration::ZERO;
    tokio::select! {
        // Closed when everybody has dropped theirs.
        _ = starting.recv() => {
            info!(clients = count, "all clients have started");
            let begin = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(settings.duration) => {}
                () = all_ended(&playing) => {}
                interrupted = tokio::signal::ctrl_c() => interrupted.context("signals")?,
            }
            together = begin.elapsed();
        }
        interrupted = tokio::signal::ctrl_c() => interrupted.context("signals")?,
    }
    if count > 0 {
        stop.send_replace(true);
    }
    let mut clients = Vec::with_capacity(count);
    for (number, playing) in playing.into_iter().enumerate() {
        clients.push(playing.await.unwrap_or_else(|error| {
            let mut report = ClientReport::new(number);
            report.errors.push(Failure { step: "client", error: error.to_string() });
            report
        }));
    }
    Ok(Played { clients, together })
}

/// Nothing more will come.
async fn all_ended(playing: &[JoinHandle<ClientReport>]) {
    while !playing.iter().all(JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Handshakes that are timed beside stalled ones if nobody says how many: enough
/// for a 99th percentile.
const DEFAULT_HANDSHAKES: usize = 200;
