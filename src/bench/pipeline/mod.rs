//! `earthshine bench pipeline`: the whole way of a frame, from the application that draws it
//! to the client that has decoded it, on this machine.
//!
//! The host is a process of its own, and so are its worker, a real compositor and the
//! application; between host and client are real sockets. Which frame was seen, and when it
//! was drawn, is read back from decoded pixels.

mod round;

use anyhow::{Context, ensure};

use self::round::Round;
use crate::bench::busy::Busy;
use crate::bench::local_host::{LocalHost, Place};
use crate::bench::progress;
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, quantile, short};
use crate::bench::scrape::STAGES;
use crate::bench::viewer::{Mode, Viewer, interval_ms};
use crate::cli::PipelineArgs;
use crate::content::Content;

/// One case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Combination {
    mode: Mode,
    content: Content,
}

impl Combination {
    /// The same in every run that is asked for the same.
    fn name(&self, encoder: &str) -> String {
        let Self { mode: Mode { size, fps, kbps }, content } = self;
        let rate = short(f64::from(*kbps) / 1000.0);
        format!("{encoder}, {size} at {fps} Hz, {rate} Mbit/s, {}", content.name())
    }

    /// Title of the application that draws it.
    fn app(&self) -> String {
        format!("{} {}", self.content.name(), self.mode.fps)
    }
}

/// Measures all cases.
///
/// # Errors
/// If nothing can be measured at all; what a case meets is in its report.
pub async fn run(args: &PipelineArgs) -> anyhow::Result<Report> {
    let combinations = combinations(args);
    ensure!(!combinations.is_empty(), "nothing to do: no combination of what was asked for");
    let machine = Machine::look();
    let mut cases = Vec::new();
    let total = args.encoders.len() * combinations.len() * args.rounds as usize;
    let mut done = 0;
    for family in &args.encoders {
        let encoder = family.name();
        let place = Place::new()?;
        let config = config(encoder, &place, &combinations, args.real_time)?;
        let host = tokio::task::block_in_place(|| LocalHost::start(place, &config))?;
        let viewer = Viewer::paired(&host).await.with_context(|| host.log())?;
        let mut of_encoder: Vec<_> =
            combinations.iter().map(|combination| Case::new(combination.name(encoder))).collect();
        let mut last: Vec<Option<Round>> = combinations.iter().map(|_| None).collect();
        for number in 0..combinations.len() * args.rounds as usize {
            let at = number % combinations.len();
            let (combination, case) = (&combinations[at], &mut of_encoder[at]);
            progress::show(done, total, &case.name);
            done += 1;
            if !case.problem.is_empty() {
                continue;
            }
            let _busy = Busy::begin(args.busy).context("no threads to keep the processor busy")?;
            match round::measure(&host, &viewer, combination, args).await {
                Ok(round) => {
                    figures(case, &round);
                    last[at] = Some(round);
                }
                Err(error) => case.problem = format!("{error:#}; {}", host.log()),
            }
        }
        for ((case, combination), round) in of_encoder.iter_mut().zip(&combinations).zip(&last) {
            if let Some(round) = round {
                plots(case, combination, round);
            }
        }
        cases.append(&mut of_encoder);
        tokio::task::block_in_place(|| drop(host));
    }
    progress::show(total, total, "");
    Ok(Report::new("pipeline", machine, cases))
}

fn combinations(args: &PipelineArgs) -> Vec<Combination> {
    let mut all = Vec::new();
    for size in &args.sizes {
        for fps in &args.fps {
            for kbps in &args.bitrates {
                let mode = Mode { size: *size, fps: *fps, kbps: *kbps };
                all.extend(args.contents.iter().map(|content| Combination { mode, content: *content }));
            }
        }
    }
    all
}

/// One encoder, and an application for every content and rate.
fn config(encoder: &str, place: &Place, combinations: &[Combination], real_time: bool) -> anyhow::Result<String> {
    let mut text =
        format!("real_time = {real_time}\n\n[video]\nencoders = [\"{encoder}\"]\nmax_bitrate_kbps = 1000000\n\n");
    let mut titles = Vec::new();
    for combination in combinations {
        let (title, content, fps) = (combination.app(), combination.content.name(), combination.mode.fps);
        if titles.contains(&title) {
            continue;
        }
        text += &place.window(&title, &format!("--content {content} --fps {fps}"))?;
        titles.push(title);
    }
    Ok(text)
}

fn figures(case: &mut Case, round: &Round) {
    use Better::{Less, More, Neither};
    let times = [
        ("drawn to first packet", round.millis(|times| times.first_packet)),
        ("drawn to decoded", round.millis(|times| times.decoded)),
        ("host, captured to sent", round.host_millis()),
        ("first packet to decoded", round.millis(|times| times.decoded - times.first_packet)),
    ];
    for (name, values) in times {
        case.add(&format!("{name}, median"), "ms", Less, quantile(&values, 0.5));
        case.add(&format!("{name}, 99 of 100"), "ms", Less, quantile(&values, 0.99));
    }
    case.add("from frame to frame, 99 of 100", "ms", Less, quantile(&round.gaps(), 0.99));
    for (name, stage) in STAGES.iter().zip(&round.stages) {
        case.add(&format!("stage {name}, median"), "ms", Less, stage.p50);
        case.add(&format!("stage {name}, 99 of 100"), "ms", Less, stage.p99);
    }
    case.add("frames drawn", "1/s", Neither, round.each_second(round.tally.drawn));
    case.add("frames seen", "1/s", More, round.each_second(round.tally.seen));
    case.add("frames drawn and not seen", "1/s", Less, round.each_second(round.tally.missing));
    case.add("pictures repeated", "1/s", Neither, round.each_second(round.tally.repeated));
    for (name, count) in [("pictures wrong", round.tally.wrong), ("frames lost", round.frames_lost)] {
        #[allow(clippy::cast_precision_loss, reason = "few")]
        case.add(name, "", Less, count as f64);
    }
    case.add("bit rate of pictures", "kbit/s", Neither, round.kbps());
    case.add("bit rate with parity and headers", "kbit/s", Neither, round.wire_kbps);
    if !round.psnr.is_empty() {
        case.add("PSNR of luma, mean", "dB", More, mean(&round.psnr));
        case.add("PSNR of luma, least", "dB", More, quantile(&round.psnr, 0.0));
        case.add("SSIM of luma, mean", "", More, mean(&round.ssim));
    }
    for (name, percent) in &round.processors {
        case.add(&format!("processor time, {name}"), "% of a core", Less, *percent);
    }
    case.add("memory of the worker, resident", "MiB", Less, round.worker_memory);
    if round.tally.wrong > 0 {
        case.problem = format!("{} pictures were not what they should be", round.tally.wrong);
    } else if round.tally.seen == 0 {
        case.problem = "no frame was seen".to_owned();
    }
}

fn plots(case: &mut Case, combination: &Combination, round: &Round) {
    let Combination { mode: Mode { fps, kbps, .. }, .. } = *combination;
    let series = |name: &str, values: Vec<f64>| Series { name: name.to_owned(), values };
    let mut add = |title: &str, kind, unit: &str, target, series| {
        case.plots.push(Plot { title: title.to_owned(), kind, unit: unit.to_owned(), target, series });
    };
    let ways = vec![
        series("drawn to first packet", round.millis(|times| times.first_packet)),
        series("drawn to whole frame", round.millis(|times| times.whole)),
        series("drawn to decoded", round.millis(|times| times.decoded)),
        series("of it in the host", round.host_millis()),
    ];
    add("Latency", PlotKind::Distribution, "ms", None, ways.clone());
    add("Latency of each frame", PlotKind::Timeline, "ms", None, ways);
    let stages = STAGES.iter().zip(&round.curves).map(|(name, curve)| series(name, curve.clone())).collect();
    add("Stages in the worker, from capture on", PlotKind::Distribution, "ms", None, stages);
    let gaps = vec![series("from frame to frame", round.gaps())];
    let interval = Some(interval_ms(fps));
    add("Between decoded frames; the aim is the frame interval", PlotKind::Timeline, "ms", interval, gaps);
    let rate = vec![series("bit rate of pictures", round.kbps_over_a_second())];
    add("Bit rate over a second; the aim is the stream's", PlotKind::Timeline, "kbit/s", Some(f64::from(kbps)), rate);
    if !round.psnr.is_empty() {
        let quality = vec![series("PSNR of luma", round.psnr.clone())];
        add("Quality of frames that were compared", PlotKind::Timeline, "dB", None, quality);
    }
}

#[allow(clippy::cast_precision_loss, reason = "a number of frames")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_hosts_configuration_is_one() {
        let mode = Mode { size: crate::units::Size::new(640, 360), fps: 30, kbps: 2000 };
        let combinations = Content::ALL.map(|content| Combination { mode, content });
        let place = Place::new().unwrap();
        let twice = [combinations, combinations].concat();
        let text = config("software", &place, &twice, true).unwrap();
        let config = Config::parse(&format!("[host]\n{text}"), std::path::Path::new("x")).unwrap();
        assert!(config.apps.iter().any(|app| app.title == "noise 30"), "{text}");
        assert_eq!(combinations[0].name("software"), "software, 640x360 at 30 Hz, 2.00 Mbit/s, still");
    }
}
