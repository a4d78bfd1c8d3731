//! `earthshine bench network`: what a stream is like over bad networks, with settings
//! that stay as they are, which is what other hosts send, and with the controller of
//! [`crate::protocol::adaptation`].
//!
//! The real packetizer sends over a simulated link to the real assembler, in virtual
//! time; or a host and its worker to a client, through network namespaces and the same link
//! in real time ([`real_time`]). Each round has another seed, which both settings have in
//! common.

mod client;
mod link;
mod outcome;
pub mod real_time;
mod sender;
mod simulation;
#[cfg(test)]
mod tests;
pub mod trace;

use anyhow::{Context, bail};

use self::outcome::Outcome;
use self::trace::Trace;
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, quantile};
use crate::cli::NetworkArgs;

/// Runs all cases.
///
/// # Errors
/// If there is no such trace, or the machine does not let us in real time.
pub fn run(args: &NetworkArgs) -> anyhow::Result<Report> {
    let mut traces = traces(&args.traces)?;
    for trace in &mut traces {
        *trace = trace.lasting(args.seconds.into());
    }
    if args.real_time {
        return real_time::run(&traces, args.rounds.unwrap_or(1), args.seed);
    }
    let mut cases = Vec::new();
    for trace in traces {
        for adapts in [false, true] {
            let mut case = Case::new(name(&trace, adapts));
            let mut first = None;
            for round in 0..args.rounds.unwrap_or(5) {
                let outcome = simulation::run(&trace, adapts, u64::from(args.seed + round)).context("packet size")?;
                figures(&mut case, &outcome);
                first.get_or_insert(outcome);
            }
            if let Some(outcome) = first {
                plots(&mut case, trace.asked_kbps.into(), outcome);
            }
            cases.push(case);
        }
    }
    Ok(Report::new("network", Machine::look(), cases))
}

/// The same in every run that is asked for the same.
fn name(trace: &Trace, adapts: bool) -> String {
    let how = if adapts { "adaptive" } else { "fixed" };
    format!("{}, {how}, {} s: {}", trace.name, trace.seconds, trace.about)
}

fn traces(names: &[String]) -> anyhow::Result<Vec<Trace>> {
    let find = |name: &String| match Trace::named(name) {
        Some(trace) => Ok(trace),
        None => bail!("no network {name:?}; there are {}", trace::ALL.map(|trace| trace.name).join(", ")),
    };
    if names.is_empty() { Ok(trace::ALL.to_vec()) } else { names.iter().map(find).collect() }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
fn figures(case: &mut Case, outcome: &Outcome) {
    use Better::{Less, More, Neither};
    case.add("frozen", "s", Less, outcome.frozen);
    case.add("freezes", "", Less, outcome.freezes as f64);
    case.add("frames lost", "", Less, outcome.lost as f64);
    case.add("frames not decodable", "", Less, outcome.undecodable as f64);
    case.add("frames repaired", "", Neither, outcome.repaired as f64);
    case.add("delay, median", "ms", Less, quantile(&outcome.delays, 0.5));
    case.add("delay, 95 of 100", "ms", Less, outcome.delay_p95());
    case.add("delay, 99 of 100", "ms", Less, quantile(&outcome.delays, 0.99));
    case.add("picture shown", "kbit/s", More, outcome.shown_kbps);
    if let Some(coded) = outcome.coded_kbps {
        case.add("picture coded", "kbit/s", Neither, coded);
    }
    case.add("sent in all", "kbit/s", Neither, outcome.wire_kbps);
}

fn plots(case: &mut Case, asked_kbps: f64, outcome: Outcome) {
    let series = |name: &str, values: Vec<f64>| vec![Series { name: name.to_owned(), values }];
    let mut add = |title: &str, kind, unit: &str, target, series| {
        case.plots.push(Plot { title: title.to_owned(), kind, unit: unit.to_owned(), target, series });
    };
    add("Delay of each frame", PlotKind::Timeline, "ms", None, series("delay", outcome.delays.clone()));
    add("Delay of a frame", PlotKind::Distribution, "ms", None, series("delay", outcome.delays));
    let title = "Bit rate that the encoder is set to; the aim is what was asked for";
    add(title, PlotKind::Timeline, "kbit/s", Some(asked_kbps), series("bit rate", outcome.bitrates));
    add("Parity", PlotKind::Timeline, "%", None, series("parity", outcome.percents));
}
