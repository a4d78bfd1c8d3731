//! `earthshine bench encode`: what encoding costs and what is left of the picture, for every
//! combination of encoder, codec, size, rate, preset and content that is asked for.
//!
//! Each case is encoded by a process of its own, some rounds after one another with the other
//! cases in between, so that what slows the machine down for a while slows all of them.

mod decoded;
mod matrix;
mod round;

use anyhow::{Context, ensure};

use self::matrix::Combination;
use self::round::Round;
use crate::bench::progress;
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, quantile};
use crate::cli::EncodeArgs;

/// Measures all cases.
///
/// # Errors
/// If nothing can be measured at all; what a case meets is in its report.
pub fn run(args: &EncodeArgs) -> anyhow::Result<Report> {
    let combinations = matrix::of(args);
    ensure!(!combinations.is_empty(), "nothing to do: no combination of what was asked for");
    let machine = Machine::look();
    let directory = tempfile::Builder::new().prefix("earthshine-bench-").tempdir().context("no temporary directory")?;
    let mut cases: Vec<_> = combinations.iter().map(|combination| Case::new(combination.name())).collect();
    let mut last: Vec<Option<Round>> = combinations.iter().map(|_| None).collect();
    let total = combinations.len() * args.rounds as usize;
    for number in 0..total {
        let at = number % combinations.len();
        let (combination, case) = (&combinations[at], &mut cases[at]);
        if !case.problem.is_empty() {
            continue;
        }
        progress::show(number, total, &case.name);
        // The picture is the same in every round, and decoding it takes longer than coding.
        let decodes = args.quality && number < combinations.len();
        match round::measure(combination, args, directory.path(), decodes) {
            Ok(round) => {
                figures(case, combination, &round);
                last[at] = Some(match last[at].take() {
                    Some(first) => round.with_quality_of(first),
                    None => round,
                });
            }
            Err(error) => case.problem = format!("{error:#}"),
        }
    }
    progress::show(total, total, "");
    for ((case, combination), round) in cases.iter_mut().zip(&combinations).zip(last) {
        if let Some(round) = round {
            plots(case, combination, &round);
        }
    }
    Ok(Report::new("encode", machine, cases))
}

fn figures(case: &mut Case, combination: &Combination, round: &Round) {
    use Better::{Less, More, Neither};
    let (load, encode) = (round.millis(|frame| frame.load_micros), round.millis(|frame| frame.encode_micros));
    case.add("converted, median", "ms", Less, quantile(&load, 0.5));
    case.add("converted, 99 of 100", "ms", Less, quantile(&load, 0.99));
    case.add("encoded, median", "ms", Less, quantile(&encode, 0.5));
    case.add("encoded, 99 of 100", "ms", Less, quantile(&encode, 0.99));
    case.add("frames a second at most", "1/s", More, round.frames_a_second());
    case.add("processor time of a frame", "ms", Less, round.processor_millis());
    case.add("opened", "ms", Less, round.open_millis());
    case.add("memory at most", "MiB", Less, round.peak_mib());
    case.add("bit rate", "kbit/s", Neither, round.kbps(combination.fps));
    let sizes = round.budgets(combination);
    case.add("largest predicted frame", "of its share", Less, quantile(&sizes, 1.0));
    case.add("first frame", "of its share", Neither, round.first_budget(combination));
    if !round.quality.psnr.is_empty() {
        case.add("PSNR of luma, mean", "dB", More, mean(&round.quality.psnr));
        case.add("PSNR of luma, least", "dB", More, quantile(&round.quality.psnr, 0.0));
        case.add("SSIM of luma, mean", "", More, mean(&round.quality.ssim));
    }
}

fn plots(case: &mut Case, combination: &Combination, round: &Round) {
    let interval = 1000.0 / f64::from(combination.fps);
    let series = |name: &str, values: Vec<f64>| Series { name: name.to_owned(), values };
    let times = vec![
        series("converted", round.millis(|frame| frame.load_micros)),
        series("encoded", round.millis(|frame| frame.encode_micros)),
    ];
    let mut add = |title: &str, kind, unit: &str, target, series| {
        case.plots.push(Plot { title: title.to_owned(), kind, unit: unit.to_owned(), target, series });
    };
    add("Time of a frame", PlotKind::Distribution, "ms", None, times.clone());
    add("Time of each frame; the aim is a frame interval", PlotKind::Timeline, "ms", Some(interval), times);
    let sizes = vec![series("size", round.kilobytes())];
    let share = f64::from(combination.kbps) / 8.0 / f64::from(combination.fps);
    add("Size of each frame; the aim is its share of the bit rate", PlotKind::Timeline, "kB", Some(share), sizes);
    let rate = vec![series("bit rate", round.kbps_over_a_second(combination.fps))];
    add("Bit rate over a second", PlotKind::Timeline, "kbit/s", Some(f64::from(combination.kbps)), rate);
    if !round.quality.psnr.is_empty() {
        let quality = vec![series("PSNR of luma", round.quality.psnr.clone())];
        add("Quality of each frame", PlotKind::Timeline, "dB", None, quality);
    }
}

#[allow(clippy::cast_precision_loss, reason = "a number of frames")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
