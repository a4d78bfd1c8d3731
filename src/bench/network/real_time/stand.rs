//! A host on one side of a way, and its client on the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use super::carrier::Carried;
use super::way::{HOST, Way};
use crate::api_client::ApiClient;
use crate::bench::clients::player::{Arrived, Player, Stream, VideoCounts};
use crate::bench::local_host::{LocalHost, Place};
use crate::bench::network::outcome::{Outcome, Watched};
use crate::bench::network::sender::{FRAME_RATE, USUAL_FEC};
use crate::bench::network::trace::Trace;
use crate::bench::viewer;
use crate::clock::Micros;
use crate::protocol::gamestream::answer::Verb;
use crate::units::{Bitrate, Size};

/// A host whose streams follow the network or do not, and a client that has paired.
pub(super) struct Stand {
    pub(super) adapts: bool,
    host: LocalHost,
    player: Player,
    api: ApiClient,
}

/// What a trace has done to a stream.
pub(super) struct Played {
    /// What the picture may have, as far as the client is asked.
    pub(super) asked_kbps: f64,
    pub(super) outcome: Outcome,
    pub(super) carried: Carried,
    /// The stream did not live to the end of the trace.
    pub(super) broke: bool,
}

/// What the client got.
struct Received {
    began: Micros,
    frames: Vec<Arrived>,
    before: VideoCounts,
    after: VideoCounts,
    carried: Carried,
    broke: bool,
}

/// What the host says of a stream at a moment.
struct Setting {
    at: Micros,
    asked: f64,
    kbps: f64,
    percent: f64,
}

impl Stand {
    /// Starts the host and pairs the client.
    pub(super) fn start(way: &Way, adapts: bool) -> anyhow::Result<Self> {
        let (place, config) = (Place::new()?, config(adapts));
        let host = way.host_side().within(|| LocalHost::start_at(HOST, place, &config, ENVIRONMENT))??;
        let pairing = way.client_side().within(|| runtime()?.block_on(viewer::paired(&host, HOST)))?;
        let player = pairing.with_context(|| host.log())?;
        let api = ApiClient::new(host.ready.api_socket.clone());
        Ok(Self { adapts, host, player, api })
    }

    /// The end of the host's log.
    pub(super) fn log(&self) -> String {
        self.host.log()
    }

    /// Streams while the trace is played.
    pub(super) fn play(&self, way: &Way, trace: &Trace, seed: u64) -> anyhow::Result<Played> {
        way.lay(*trace, seed);
        let over = AtomicBool::new(false);
        let (received, settings) = std::thread::scope(|scope| {
            let looking = scope.spawn(|| self.look(&over));
            let received = way.client_side().within(|| runtime()?.block_on(self.stream(way, trace)));
            over.store(true, Ordering::Relaxed);
            (received, looking.join().unwrap_or_default())
        });
        Ok(judge(received??, &settings, trace))
    }

    async fn stream(&self, way: &Way, trace: &Trace) -> anyhow::Result<Received> {
        let player = self.player.with_mode(SIZE, SHOWN_HZ).with_bitrate(whole(trace));
        let app = player.app(APP).await?;
        let (tap, arrivals) = mpsc::channel();
        let mut stream = player.begin(Verb::Launch, app).await?.tapped(tap).stream().await?;
        stream.first_frame(PATIENCE).await.context("no frame came")?;
        sleep(WARM_UP).await;
        let before = stream.seen().counts;
        let began = way.play();
        sleep(Duration::from_secs(trace.seconds)).await;
        let (after, broke) = (stream.seen().counts, stream.is_over());
        let carried = way.calm();
        let frames = arrivals.try_iter().collect();
        self.quit(&player, stream).await?;
        Ok(Received { began, frames, before, after, carried, broke })
    }

    async fn quit(&self, player: &Player, stream: Stream) -> anyhow::Result<()> {
        // That it ends is what is wanted, whatever control has to say.
        drop(stream.leave().await);
        player.cancel().await?;
        let end = Instant::now() + PATIENCE;
        while self.api.get(SESSIONS)?["sessions"].as_array().is_some_and(|sessions| !sessions.is_empty()) {
            ensure!(Instant::now() < end, "the session does not end");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Asks the host what the stream is set to, until it is over.
    fn look(&self, over: &AtomicBool) -> Vec<Setting> {
        let mut settings = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let answer = self.api.get(SESSIONS).unwrap_or_default();
            let network = &answer["sessions"][0]["network"];
            let figures = ["asked_kbps", "bitrate_kbps", "fec_percent"].map(|name| network[name].as_f64());
            if let [Some(asked), Some(kbps), Some(percent)] = figures {
                settings.push(Setting { at: Micros::now(), asked, kbps, percent });
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        settings
    }
}

fn config(adapts: bool) -> String {
    format!(
        "[video]\nencoders = [\"software\"]\nfec_percent = {}\nmax_bitrate_kbps = 1000000\n\n[network]\nadapt = {adapts}\n",
        USUAL_FEC.0
    )
}

fn runtime() -> anyhow::Result<Runtime> {
    // Its threads are in the namespace of the one that makes it.
    Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().context("no threads for the client")
}

/// The bit rate to ask for: with parity, sound and headers as much on the link as picture and
/// parity alone are in virtual time. So the picture has a little less of it.
const fn whole(trace: &Trace) -> Bitrate {
    Bitrate::from_kbps(trace.asked_kbps + trace.asked_kbps * USUAL_FEC.0 as u32 / 100)
}

#[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
fn judge(received: Received, settings: &[Setting], trace: &Trace) -> Played {
    let Received { began, frames, before, after, carried, broke } = received;
    let (interval, seconds) = (FRAME_RATE.interval().as_secs_f64(), trace.seconds as f64);
    let within = |at: Micros| (at >= began).then(|| at.since(began) as f64 / 1e6).filter(|at| *at < seconds);
    let known: BTreeMap<u32, f64> =
        frames.iter().filter_map(|frame| Some((frame.index.0, within(captured(frame)?)?))).collect();
    let (first, captured) = captures(&known, seconds, interval);
    let shown = frames.iter().filter(|frame| known.contains_key(&frame.index.0)).filter_map(|frame| {
        let place = usize::try_from(frame.index.0 - first).ok()?;
        Some((within(frame.whole)?, place, frame.picture.len() as u64))
    });
    let watched = Watched { seconds, shown: shown.collect(), captured };
    let settings: Vec<_> = settings.iter().filter(|setting| within(setting.at).is_some()).collect();
    let outcome = Outcome {
        lost: after.frames_lost - before.frames_lost,
        undecodable: after.frames_undecodable - before.frames_undecodable,
        repaired: after.frames_repaired - before.frames_repaired,
        wire_kbps: carried.bytes as f64 * 8e-3 / seconds,
        bitrates: settings.iter().map(|setting| setting.kbps).collect(),
        percents: settings.iter().map(|setting| setting.percent).collect(),
        ..Outcome::of(&watched, interval)
    };
    let asked_kbps = settings.first().map_or_else(|| trace.asked_kbps.into(), |setting| setting.asked);
    Played { asked_kbps, outcome, carried, broke }
}

/// What the encoder that encodes nothing writes into a frame.
fn captured(frame: &Arrived) -> Option<Micros> {
    frame.picture.first_chunk().map(|time| Micros(u64::from_le_bytes(*time)))
}

/// When every frame of a trace was captured, in seconds, where it is known of some; and the
/// number of the first. Others lie evenly between them, and an interval apart where there is
/// none before or behind them.
fn captures(known: &BTreeMap<u32, f64>, seconds: f64, interval: f64) -> (u32, Vec<f64>) {
    let mut captured = Vec::new();
    let mut first = 0;
    let mut last: Option<(u32, f64)> = None;
    for (&number, &at) in known {
        match last {
            None => {
                let mut earlier = at;
                while earlier - interval >= 0.0 && (captured.len() as u64) < u64::from(number) {
                    earlier -= interval;
                    captured.push(earlier);
                }
                captured.reverse();
                first = number.saturating_sub(u32::try_from(captured.len()).unwrap_or(u32::MAX));
            }
            Some((before, from)) => {
                let step = (at - from) / f64::from(number - before);
                captured.extend((1..number - before).map(|index| from + step * f64::from(index)));
            }
        }
        captured.push(at);
        last = Some((number, at));
    }
    let mut next = last.map_or(0.0, |(_, at)| at + interval);
    while next < seconds {
        captured.push(next);
        next += interval;
    }
    (first, captured)
}

/// The worker's own name for it; a bench knows nothing of workers.
const ENVIRONMENT: &[(&str, &str)] = &[("EARTHSHINE_NULL_ENCODER", "1")];
/// It needs no desktop.
const APP: &str = "Test card";
/// Small: nothing of it is sent.
const SIZE: Size = Size::new(640, 360);
const SHOWN_HZ: u32 = 60;
const SESSIONS: &str = "/api/v1/sessions";

/// One receives, one does the rest.
const THREADS: usize = 2;
/// The round trip is known, and rates are what was asked for.
const WARM_UP: Duration = Duration::from_secs(2);
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// For whatever takes a moment on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_is_asked_for_too() {
        assert_eq!(whole(&Trace::named("step").unwrap()).kbps(), 18_000);
    }

    #[test]
    fn frames_that_never_came_were_captured_too() {
        let known = BTreeMap::from([(12, 0.25), (14, 0.45), (15, 0.5)]);
        let (first, captured) = captures(&known, 0.75, 0.1);
        let rounded: Vec<_> = captured.iter().map(|at| (at * 100.0).round()).collect();
        assert_eq!((first, rounded), (10, vec![5.0, 15.0, 25.0, 35.0, 45.0, 50.0, 60.0, 70.0]));
        let (_, all) = captures(&BTreeMap::new(), 1.0, 0.25);
        assert_eq!(all, [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn what_a_client_got_is_told_in_the_traces_time() {
        let began = Micros(1_000_000);
        let frame = |number, captured: u64, whole| Arrived {
            index: crate::units::FrameIndex(number),
            first: Micros(whole),
            whole: Micros(whole),
            latency_100us: 1,
            idr: false,
            picture: [&captured.to_le_bytes()[..], &[0xFF; 992]].concat(),
        };
        let frames = vec![frame(5, 990_000, 1_001_000), frame(6, 1_006_000, 1_026_000), frame(8, 1_040_000, 1_090_000)];
        let (before, after) = (VideoCounts::default(), VideoCounts { frames_lost: 1, ..VideoCounts::default() });
        let carried = Carried { bytes: 5_000, ..Carried::default() };
        let received = Received { began, frames, before, after, carried, broke: false };
        let settings = [Setting { at: Micros(1), asked: 1.0, kbps: 1.0, percent: 1.0 }];
        let trace = Trace::named("clean").unwrap().lasting(1);
        let outcome = judge(received, &settings, &trace).outcome;
        assert_eq!(outcome.delays.iter().take(3).map(|delay| delay.round()).collect::<Vec<_>>(), [20.0, 67.0, 50.0]);
        assert_eq!((outcome.lost, outcome.freezes, outcome.bitrates.len()), (1, 1, 0));
        assert!((outcome.wire_kbps - 40.0).abs() < 1e-9 && (outcome.shown_kbps - 16.0).abs() < 1e-9);
    }
}
