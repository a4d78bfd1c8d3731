//! Whether a measurement differs from an earlier one by more than chance.
//!
//! A figure counts as changed only where no round of one run lies within the rounds of the
//! other, and the medians differ by more than [`LEAST`]: a test without an assumption about
//! how times are distributed, which they are badly. With three rounds each, two runs of the
//! same program part like that by chance in one of ten figures; with five, in one of 126.

use std::fmt;

use super::{Better, Figure, Report, short};

/// A figure that both runs have.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Case and figure.
    pub name: String,
    /// Medians and unit, the earlier one first.
    pub medians: (f64, f64),
    /// Of both.
    pub unit: String,
    /// What that means.
    pub verdict: Verdict,
}

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// More than chance, to the good.
    Better,
    /// More than chance, to the bad.
    Worse,
    /// More than chance, and neither good nor bad.
    Other,
    /// No more than chance.
    Same,
    /// Too few rounds to tell.
    Unknown,
}

/// What two runs say together.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// In the order of the newer run.
    pub changes: Vec<Change>,
    /// Cases and figures that only one of them has.
    pub unmatched: Vec<String>,
    /// What differs about machine or program, so that the figures may, too.
    pub remarks: Vec<String>,
}

impl Comparison {
    /// Compares with an earlier run.
    #[must_use]
    pub fn of(earlier: &Report, now: &Report) -> Self {
        let mut comparison = Self { remarks: remarks(earlier, now), ..Self::default() };
        for (name, figure) in figures(now) {
            match figures(earlier).find(|(other, _)| *other == name) {
                Some((_, before)) => comparison.changes.push(Change {
                    verdict: verdict(before, figure),
                    medians: (before.median(), figure.median()),
                    unit: figure.unit.clone(),
                    name,
                }),
                None => comparison.unmatched.push(format!("{name}: not in the earlier run")),
            }
        }
        for (name, _) in figures(earlier) {
            if !figures(now).any(|(other, _)| other == name) {
                comparison.unmatched.push(format!("{name}: only in the earlier run"));
            }
        }
        comparison
    }

    /// Whether nothing got worse.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.changes.iter().all(|change| change.verdict != Verdict::Worse)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(out, "note: {remark}")?;
        }
        for change in &self.changes {
            let (before, now) = change.medians;
            let ratio =
                if before == 0.0 { String::new() } else { format!(" ({:+.1} %)", (now / before - 1.0) * 100.0) };
            let Change { name, unit, verdict, .. } = change;
            writeln!(out, "{:<9} {name}: {} to {} {unit}{ratio}", verdict.name(), short(before), short(now))?;
        }
        self.unmatched.iter().try_for_each(|name| writeln!(out, "          {name}"))?;
        let count = |verdict| self.changes.iter().filter(|change| change.verdict == verdict).count();
        writeln!(
            out,
            "{} better, {} worse, {} the same within noise, {} of too few rounds to tell",
            count(Verdict::Better),
            count(Verdict::Worse),
            count(Verdict::Same) + count(Verdict::Other),
            count(Verdict::Unknown)
        )
    }
}

impl Verdict {
    /// A word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Other => "other",
            Self::Same => "same",
            Self::Unknown => "unknown",
        }
    }
}

fn verdict(before: &Figure, now: &Figure) -> Verdict {
    if before.rounds.len().min(now.rounds.len()) < LEAST_ROUNDS {
        return Verdict::Unknown;
    }
    let ((least_before, most_before), (least, most)) = (before.range(), now.range());
    let (is_less, is_more) = (most < least_before, least > most_before);
    let far = (now.median() - before.median()).abs() > before.median().abs() * LEAST;
    match (now.better, is_less, is_more) {
        _ if !far || !(is_less || is_more) => Verdict::Same,
        (Better::Neither, ..) => Verdict::Other,
        (Better::Less, true, _) | (Better::More, _, true) => Verdict::Better,
        _ => Verdict::Worse,
    }
}

fn figures(report: &Report) -> impl Iterator<Item = (String, &Figure)> {
    report
        .cases
        .iter()
        .flat_map(|case| case.figures.iter().map(move |figure| (format!("{}: {}", case.name, figure.name), figure)))
}

fn remarks(earlier: &Report, now: &Report) -> Vec<String> {
    let told = [
        ("bench", &earlier.bench, &now.bench),
        ("version", &earlier.version, &now.version),
        ("processor", &earlier.machine.processor, &now.machine.processor),
        ("kernel", &earlier.machine.kernel, &now.machine.kernel),
        ("command line", &earlier.arguments.join(" "), &now.arguments.join(" ")),
    ];
    let differs = |(what, before, now): &(&str, &String, &String)| {
        (before != now).then(|| format!("the {what} was \"{before}\" and is \"{now}\""))
    };
    told.iter().filter_map(differs).collect()
}

/// Medians that differ by less are the same for everybody's purposes.
const LEAST: f64 = 0.02;
const LEAST_ROUNDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    fn told(before: &[f64], now: &[f64]) -> Verdict {
        Comparison::of(&report(before), &report(now)).changes[0].verdict
    }

    #[test]
    fn only_rounds_that_do_not_mix_are_a_difference() {
        assert_eq!(told(&[1.0, 1.1, 1.2], &[1.3, 1.4, 1.5]), Verdict::Worse);
        assert_eq!(told(&[1.3, 1.4, 1.5], &[1.0, 1.1, 1.2]), Verdict::Better);
        assert_eq!(told(&[1.0, 1.1, 1.4], &[1.3, 1.4, 1.5]), Verdict::Same);
        assert_eq!(told(&[1.0, 1.1], &[1.3, 1.4]), Verdict::Unknown);
        assert_eq!(told(&[100.0, 100.1, 100.2], &[100.3, 100.4, 100.5]), Verdict::Same, "too little to mind");
    }

    #[test]
    fn what_only_one_run_has_is_told_and_so_is_another_machine() {
        let (before, mut now) = (report(&[1.0]), report(&[1.0]));
        now.cases[0].name = "other".to_owned();
        now.machine.processor = "faster".to_owned();
        let comparison = Comparison::of(&before, &now);
        assert_eq!((comparison.changes.len(), comparison.unmatched.len()), (0, 2));
        assert!(comparison.to_string().contains("the processor was"), "{comparison}");
        assert!(comparison.is_good());
    }
}
