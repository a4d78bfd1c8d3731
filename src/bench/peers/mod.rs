//! `earthshine bench peers`: other programs beside ours, with the same pictures in and the
//! same sockets out.
//!
//! A picture counts as handed over when the last of its bytes is in the program's pipe, and
//! as sent when the packet was read that makes its frame whole. What was sent is decoded, so
//! that a frame that is not what it should be counts for nobody.

mod program;
mod round;
pub mod rtp_h264;

use anyhow::ensure;

use self::program::Program;
use self::round::Round;
use crate::bench::progress;
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, quantile, short};
use crate::bench::viewer::interval_ms;
use crate::cli::PeersArgs;
use crate::content::Content;

/// Measures all that is installed.
///
/// # Errors
/// If nothing can be measured at all; what a case meets is in its report.
pub fn run(args: &PeersArgs) -> anyhow::Result<Report> {
    let (programs, remarks) = program::all(args);
    ensure!(!programs.is_empty(), "nothing to do: no program has such a name (--only)");
    let machine = Machine::look();
    let combinations: Vec<_> =
        args.contents.iter().flat_map(|content| programs.iter().map(move |program| (*content, program))).collect();
    let mut cases: Vec<_> =
        combinations.iter().map(|(content, program)| Case::new(name(args, *content, program))).collect();
    let mut last: Vec<Option<Round>> = combinations.iter().map(|_| None).collect();
    let total = combinations.len() * args.rounds as usize;
    for number in 0..total {
        let at = number % combinations.len();
        let ((content, program), case) = (combinations[at], &mut cases[at]);
        progress::show(number, total, &case.name);
        if !case.problem.is_empty() {
            continue;
        }
        match round::measure(program, content, args) {
            Ok(round) => {
                figures(case, &round);
                last[at] = Some(round);
            }
            Err(error) => case.problem = format!("{error:#}"),
        }
    }
    progress::show(total, total, "");
    for (case, round) in cases.iter_mut().zip(&last) {
        case.plots.extend(round.iter().flat_map(|round| plots(round, args)));
    }
    let together = args.contents.iter().map(|content| together(args, *content, &combinations, &last));
    let cases = together.chain(cases).collect();
    Ok(Report { remarks, ..Report::new("peers", machine, cases) })
}

/// The same in every run that is asked for the same.
fn name(args: &PeersArgs, content: Content, program: &Program) -> String {
    let rate = short(f64::from(args.bitrate) / 1000.0);
    format!("{}, {} at {} Hz, {rate} Mbit/s: {}", content.name(), args.size, args.fps, program.name)
}

/// All programs in one plot.
fn together(
    args: &PeersArgs,
    content: Content,
    combinations: &[(Content, &Program)],
    rounds: &[Option<Round>],
) -> Case {
    let of_content = combinations.iter().zip(rounds).filter(|((of, _), _)| *of == content);
    let series = of_content.filter_map(|((_, program), round)| {
        Some(Series { name: program.name.clone(), values: round.as_ref()?.millis.clone() })
    });
    let title = "Handed over to last packet, by program".to_owned();
    let (kind, unit, series) = (PlotKind::Distribution, "ms".to_owned(), series.collect());
    let mut case = Case::new(format!("{}, {} at {} Hz: all programs", content.name(), args.size, args.fps));
    case.plots.push(Plot { title, kind, unit, target: None, series });
    case
}

fn figures(case: &mut Case, round: &Round) {
    use Better::{Less, More, Neither};
    case.add("handed over to last packet, median", "ms", Less, quantile(&round.millis, 0.5));
    case.add("handed over to last packet, 99 of 100", "ms", Less, quantile(&round.millis, 0.99));
    case.add("processor time of a frame", "ms", Less, round.processor_millis);
    case.add("memory, resident", "MiB", Less, round.memory);
    case.add("bit rate of pictures", "kbit/s", Neither, round.kbps);
    case.add("largest frame", "kB", Less, round.kilobytes.iter().copied().fold(0.0, f64::max));
    case.add("frames that did not come", "1/s", Less, round.missing_a_second);
    case.add("pictures wrong", "", Less, f64::from(round.wrong));
    case.add("PSNR of luma, mean", "dB", More, mean(&round.psnr));
    case.add("SSIM of luma, mean", "", More, mean(&round.ssim));
    if round.wrong > 0 {
        case.problem = format!("{} pictures were not what they should be", round.wrong);
    }
}

fn plots(round: &Round, args: &PeersArgs) -> [Plot; 2] {
    let plot = |title: &str, unit: &str, target, name: &str, values: &[f64]| Plot {
        title: title.to_owned(),
        kind: PlotKind::Timeline,
        unit: unit.to_owned(),
        target: Some(target),
        series: vec![Series { name: name.to_owned(), values: values.to_vec() }],
    };
    let (interval, share) = (interval_ms(args.fps), f64::from(args.bitrate) / 8.0 / f64::from(args.fps));
    let way = "handed over to last packet";
    [
        plot("Latency of each frame; the aim is a frame interval", "ms", interval, way, &round.millis),
        plot("Size of each frame; the aim is its share of the bit rate", "kB", share, "size", &round.kilobytes),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "a number of frames")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
