//! The networks of [`super::trace`] in real time: a host and its worker as processes, a client
//! of the load generator, and between them two network namespaces and the link of
//! [`super::link`].
//!
//! The worker's encoder is the one that encodes nothing (`EARTHSHINE_NULL_ENCODER`): frames
//! are as large as the bit rate gives them, whatever the picture is, and the processor is left
//! to what is measured. So references cannot be invalidated: a client that misses a frame gets
//! an IDR frame, which is no larger than others.

mod carrier;
mod namespace;
mod stand;
pub mod way;

pub use self::carrier::Carried;
pub use self::namespace::Namespace;

use self::stand::{Played, Stand};
use self::way::Way;
use super::trace::Trace;
use crate::bench::progress;
use crate::bench::report::{Better, Case, Machine, Report, quantile, short};

/// Streams over all of them with settings that stay and with those that follow the network.
pub(super) fn run(traces: &[Trace], rounds: u32, seed: u32) -> anyhow::Result<Report> {
    let (machine, way) = (Machine::look(), Way::open(traces[0], seed.into())?);
    let stands = [Stand::start(&way, false)?, Stand::start(&way, true)?];
    let combinations: Vec<_> = traces.iter().flat_map(|trace| stands.iter().map(move |stand| (trace, stand))).collect();
    let mut cases: Vec<_> = combinations.iter().map(|(trace, stand)| Case::new(name(trace, stand.adapts))).collect();
    let total = combinations.len() * rounds as usize;
    let mut done = 0;
    for round in 0..rounds {
        for ((trace, stand), case) in combinations.iter().zip(&mut cases) {
            progress::show(done, total, &case.name);
            done += 1;
            match stand.play(&way, trace, u64::from(seed + round)) {
                Ok(played) => add(case, played),
                Err(error) => case.problem = format!("{error:#}; {}", stand.log()),
            }
        }
    }
    progress::show(total, total, "");
    Ok(Report { remarks: remarks(&way), ..Report::new("network", machine, cases) })
}

fn name(trace: &Trace, adapts: bool) -> String {
    format!("real time, {}", super::name(trace, adapts))
}

#[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
fn add(case: &mut Case, played: Played) {
    use Better::{Less, Neither};
    let Played { asked_kbps, outcome, carried, broke } = played;
    super::figures(case, &outcome);
    case.add("packets lost on the way", "%", Neither, carried.lost as f64 * 100.0 / carried.packets.max(1) as f64);
    case.add("streams that broke", "", Less, f64::from(u8::from(broke)));
    let late = quantile(&carried.late, 0.99);
    case.add("the link's own lateness, 99 of 100", "ms", Neither, late);
    case.add("the link's own lateness, most", "ms", Neither, quantile(&carried.late, 1.0));
    if late > MOST_LATE {
        case.problem = format!("the link was late by {} ms: this machine is too busy to be believed", short(late));
    } else if carried.refused > 0 {
        case.problem = format!("{} packets got lost in the namespaces", carried.refused);
    }
    if case.plots.is_empty() {
        super::plots(case, asked_kbps, outcome);
    }
}

fn remarks(way: &Way) -> Vec<String> {
    let frames = "frames are as large as the bit rate gives them, and nothing is encoded";
    let hurried = "the link's thread has no real-time priority (`earthshine doctor` says what allows it)";
    let mut remarks = vec![frames.to_owned()];
    remarks.extend((!way.is_urgent()).then(|| hurried.to_owned()));
    remarks
}

/// Milliseconds that one packet in a hundred may be later than the link says: an eighth of a
/// frame at 60 Hz.
const MOST_LATE: f64 = 2.0;
