//! The controller against settings that stay as they are, on all networks and many seeds.
//! Time is virtual, so the figures are the same everywhere.

use super::outcome::Outcome;
use super::simulation;
use super::trace;

/// Means over the seeds.
#[derive(Debug, Default, Clone, Copy)]
struct Mean {
    frozen: f64,
    missed: f64,
    delay_p95: f64,
    shown_kbps: f64,
}

const SEEDS: u32 = 5;

fn mean(name: &str, adapts: bool) -> Mean {
    let trace = trace::ALL.iter().find(|trace| trace.name == name).expect("a trace");
    let each = f64::from(SEEDS);
    (0..SEEDS).map(|seed| simulation::run(trace, adapts, seed.into()).unwrap()).fold(Mean::default(), |mean, one| {
        Mean {
            frozen: mean.frozen + one.frozen / each,
            missed: mean.missed + missed(&one) / each,
            delay_p95: mean.delay_p95 + one.delay_p95() / each,
            shown_kbps: mean.shown_kbps + one.shown_kbps / each,
        }
    })
}

#[allow(clippy::cast_precision_loss, reason = "counts of a minute")]
fn missed(outcome: &Outcome) -> f64 {
    (outcome.lost + outcome.undecodable) as f64
}

fn both(name: &str) -> (Mean, Mean) {
    let (fixed, adaptive) = (mean(name, false), mean(name, true));
    // Shown if a test fails.
    println!("{name}: fixed {fixed:?}, adaptive {adaptive:?}");
    (fixed, adaptive)
}

#[test]
fn a_good_network_is_used_as_without_a_controller() {
    let (fixed, adaptive) = both("clean");
    assert!(adaptive.frozen <= fixed.frozen && adaptive.missed <= fixed.missed);
    assert!(adaptive.delay_p95 <= fixed.delay_p95 * 1.001);
    assert!(adaptive.shown_kbps >= fixed.shown_kbps * 0.999);
}

#[test]
fn single_losses_are_repaired() {
    let (fixed, adaptive) = both("loss");
    assert!(fixed.missed > 1.0 && adaptive.missed * 3.0 <= fixed.missed);
    assert!(adaptive.frozen <= fixed.frozen && adaptive.delay_p95 <= fixed.delay_p95);
    assert!(adaptive.shown_kbps >= fixed.shown_kbps * 0.85, "what parity costs");
}

#[test]
fn bursts_of_losses_are_repaired_in_their_greater_part() {
    let (fixed, adaptive) = both("wifi");
    assert!(adaptive.missed * 4.0 <= fixed.missed && adaptive.frozen * 2.0 <= fixed.frozen);
    assert!(adaptive.delay_p95 <= fixed.delay_p95);
    assert!(adaptive.shown_kbps >= fixed.shown_kbps * 0.75, "what parity costs");
}

#[test]
fn a_link_that_gets_narrow_freezes_the_picture_for_a_moment_and_not_until_it_is_wide_again() {
    let (fixed, adaptive) = both("step");
    assert!(fixed.frozen > 15.0 && adaptive.frozen * 10.0 <= fixed.frozen);
    assert!(adaptive.missed * 8.0 <= fixed.missed && adaptive.delay_p95 * 10.0 <= fixed.delay_p95);
    assert!(adaptive.shown_kbps >= fixed.shown_kbps * 0.9);
}

#[test]
fn a_deep_queue_stays_nearly_empty() {
    let (fixed, adaptive) = both("bufferbloat");
    assert!(adaptive.missed * 10.0 <= fixed.missed && adaptive.delay_p95 * 10.0 <= fixed.delay_p95);
    assert!(adaptive.frozen * 10.0 <= fixed.frozen && adaptive.shown_kbps > fixed.shown_kbps);
}

#[test]
fn a_seed_gives_the_same_figures_again() {
    let figures = || {
        let outcome = simulation::run(&trace::ALL[2], true, 9).unwrap();
        (outcome.delays, outcome.bitrates, outcome.percents, outcome.lost)
    };
    assert_eq!(figures(), figures());
}

#[test]
fn a_network_that_is_not_there_is_named_and_so_are_those_that_are() {
    let error = super::traces(&["dialup".to_owned()]).unwrap_err().to_string();
    assert!(error.contains("\"dialup\"") && error.contains("clean, loss, wifi, step, bufferbloat"), "{error}");
    assert_eq!(super::traces(&[]).unwrap().len(), trace::ALL.len());
}
