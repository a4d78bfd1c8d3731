//! `earthshine bench input`: how long a player waits for what a key or button does.
//!
//! The client presses; the application on the desktop answers with another colour and a
//! count in its marker; the answer's first packet and its decoded picture end the wait. On a
//! still screen the application draws at once; on a busy one, with the next frame, as a game
//! does. Each with an output that refreshes once, twice and four times as often as the
//! stream, because that is what a frame waits for on its way.

mod round;

use anyhow::Context;

use self::round::Round;
use crate::bench::local_host::{LocalHost, Place};
use crate::bench::progress;
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, quantile};
use crate::bench::viewer::{Mode, Viewer};
use crate::cli::InputArgs;

/// What the screen does while nobody presses anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    Still,
    Busy,
}

impl Screen {
    const ALL: [Self; 2] = [Self::Still, Self::Busy];

    /// Also the title of its application.
    const fn name(self) -> &'static str {
        match self {
            Self::Still => "still screen",
            Self::Busy => "busy screen",
        }
    }
}

/// A host whose outputs refresh so often.
struct Refreshed {
    times: u32,
    host: LocalHost,
    viewer: Viewer,
}

/// Measures all cases.
///
/// # Errors
/// If nothing can be measured at all; what a case meets is in its report.
pub async fn run(args: &InputArgs) -> anyhow::Result<Report> {
    let machine = Machine::look();
    let mut hosts = Vec::new();
    for times in &args.refresh {
        let place = Place::new()?;
        let config = config(args, *times, &place)?;
        let host = tokio::task::block_in_place(|| LocalHost::start(place, &config))?;
        let viewer = Viewer::paired(&host).await.with_context(|| host.log())?;
        hosts.push(Refreshed { times: *times, host, viewer });
    }
    let combinations: Vec<_> =
        Screen::ALL.iter().flat_map(|screen| hosts.iter().map(move |refreshed| (*screen, refreshed))).collect();
    let mut cases: Vec<_> =
        combinations.iter().map(|(screen, refreshed)| Case::new(name(args, *screen, refreshed.times))).collect();
    let mut last: Vec<Option<Round>> = combinations.iter().map(|_| None).collect();
    let total = combinations.len() * args.rounds as usize;
    for number in 0..total {
        let at = number % combinations.len();
        let ((screen, refreshed), case) = (&combinations[at], &mut cases[at]);
        progress::show(number, total, &case.name);
        if !case.problem.is_empty() {
            continue;
        }
        let mode = Mode { size: args.size, fps: args.fps, kbps: args.bitrate };
        match round::measure(&refreshed.host, &refreshed.viewer, screen.name(), mode, args.presses).await {
            Ok(round) => {
                figures(case, &round);
                last[at] = Some(round);
            }
            Err(error) => case.problem = format!("{error:#}; {}", refreshed.host.log()),
        }
    }
    progress::show(total, total, "");
    for (case, round) in cases.iter_mut().zip(&last) {
        case.plots.extend(round.iter().flat_map(plots));
    }
    drop(combinations);
    tokio::task::block_in_place(|| drop(hosts));
    Ok(Report::new("input", machine, cases))
}

/// The same in every run that is asked for the same.
fn name(args: &InputArgs, screen: Screen, times: u32) -> String {
    let InputArgs { size, fps, .. } = args;
    format!("{}, {}, {size} at {fps} Hz, output {times} times that", args.encoder.name(), screen.name())
}

fn config(args: &InputArgs, times: u32, place: &Place) -> anyhow::Result<String> {
    let encoder = args.encoder.name();
    let mut text =
        format!("[video]\nencoders = [\"{encoder}\"]\nmax_bitrate_kbps = 1000000\n\n[desktop]\nrefresh = {times}\n\n");
    for screen in Screen::ALL {
        let flags = match screen {
            Screen::Still => "--content still --still".to_owned(),
            Screen::Busy => format!("--content {}", args.content.name()),
        };
        text += &place.window(screen.name(), &format!("--answers {flags}"))?;
    }
    Ok(text)
}

fn figures(case: &mut Case, round: &Round) {
    use Better::{Less, Neither};
    let ways = [
        ("pressed to drawn", round.millis(|wait| wait.drawn)),
        ("pressed to first packet", round.millis(|wait| wait.first_packet)),
        ("pressed to decoded", round.millis(|wait| wait.decoded)),
        ("drawn to first packet", round.millis(|wait| wait.first_packet - wait.drawn)),
    ];
    for (name, values) in ways {
        case.add(&format!("{name}, median"), "ms", Less, quantile(&values, 0.5));
        case.add(&format!("{name}, 95 of 100"), "ms", Less, quantile(&values, 0.95));
    }
    case.add("presses without an answer", "", Less, f64::from(round.unanswered));
    case.add("answers in a wrong colour", "", Less, f64::from(round.wrong));
    case.add("frames drawn", "1/s", Neither, round.drawn_a_second);
    for (name, percent) in &round.processors {
        case.add(&format!("processor time, {name}"), "% of a core", Less, *percent);
    }
    if round.unanswered + round.wrong > 0 {
        case.problem = format!("{} presses without an answer, {} wrong ones", round.unanswered, round.wrong);
    }
}

fn plots(round: &Round) -> [Plot; 2] {
    let series = |name: &str, values: Vec<f64>| Series { name: name.to_owned(), values };
    let ways = vec![
        series("pressed to drawn", round.millis(|wait| wait.drawn)),
        series("pressed to first packet", round.millis(|wait| wait.first_packet)),
        series("pressed to decoded", round.millis(|wait| wait.decoded)),
    ];
    let plot =
        |title: &str, kind, series| Plot { title: title.to_owned(), kind, unit: "ms".to_owned(), target: None, series };
    [
        plot("Wait for an answer", PlotKind::Distribution, ways.clone()),
        plot("Wait for each answer, in turn for a key and a button", PlotKind::Timeline, ways),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{BenchCommand, Cli, Command};
    use crate::config::Config;

    #[test]
    fn the_hosts_configuration_is_one() {
        let cli = Cli::parse_from(["earthshine", "bench", "input", "--content", "game"]);
        let Command::Bench(bench) = cli.command else { panic!("no bench") };
        let BenchCommand::Input(args) = bench.command else { panic!("not input") };
        let text = config(&args, 4, &Place::new().unwrap()).unwrap();
        let config = Config::parse(&text, std::path::Path::new("x")).unwrap();
        assert_eq!(config.desktop.refresh, 4);
        assert!(config.apps.iter().any(|app| app.title == "busy screen"), "{text}");
        assert!(text.contains("--content game"), "{text}");
    }
}
