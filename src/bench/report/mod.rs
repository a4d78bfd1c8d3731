//! What a measurement has shown: a table for eyes, JSON for programs and for comparing,
//! and a page with plots (`html.rs`).
//!
//! Everything is measured in rounds, because one figure says nothing about how much it
//! would differ the next time (`against.rs`).

pub mod against;
pub mod html;
mod machine;
mod plot;

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use serde::{Deserialize, Serialize};

use self::against::Comparison;
pub use self::machine::Machine;
use crate::cli::ReportArgs;

/// A whole measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which of the benches, as the command line names it.
    pub bench: String,
    /// Version of the program.
    pub version: String,
    /// Where.
    pub machine: Machine,
    /// The command line behind the name of the bench.
    pub arguments: Vec<String>,
    /// What was measured, one after the other.
    pub cases: Vec<Case>,
    /// What was not, and why.
    #[serde(default)]
    pub remarks: Vec<String>,
}

/// One of the things that were measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Tells it from the others, and is the same in the next run.
    pub name: String,
    /// What came out.
    pub figures: Vec<Figure>,
    /// The same, to look at.
    pub plots: Vec<Plot>,
    /// Why there is less than there should be; empty if all is well.
    pub problem: String,
}

/// A value, with what it was in every round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// Of the rounds.
    pub unit: String,
    /// Which way is good.
    pub better: Better,
    /// One value a round.
    pub rounds: Vec<f64>,
}

/// Which values are the good ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Small ones, as of times.
    Less,
    /// Large ones, as of quality.
    More,
    /// It is as it is.
    Neither,
}

/// Lines over one another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// How.
    pub kind: PlotKind,
    /// Of the values.
    pub unit: String,
    /// A value that is aimed at.
    pub target: Option<f64>,
    /// The lines.
    pub series: Vec<Series>,
}

/// How values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlotKind {
    /// Which share of the values is no larger.
    Distribution,
    /// One value after the other.
    Timeline,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What it is of.
    pub name: String,
    /// In the order of time.
    pub values: Vec<f64>,
}

impl Case {
    /// With nothing in it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds what a round gave to the figure of this name.
    pub fn add(&mut self, name: &str, unit: &str, better: Better, value: f64) {
        if let Some(figure) = self.figures.iter_mut().find(|figure| figure.name == name) {
            figure.rounds.push(value);
            return;
        }
        let (name, unit) = (name.to_owned(), unit.to_owned());
        self.figures.push(Figure { name, unit, better, rounds: vec![value] });
    }
}

impl Figure {
    /// The middle one of the rounds.
    #[must_use]
    pub fn median(&self) -> f64 {
        quantile(&self.rounds, 0.5)
    }

    /// The least and the largest of the rounds.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (quantile(&self.rounds, 0.0), quantile(&self.rounds, 1.0))
    }
}

impl Report {
    /// Of one of the benches, run as this process was.
    #[must_use]
    pub fn new(bench: &str, machine: Machine, cases: Vec<Case>) -> Self {
        Self {
            bench: bench.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine,
            // Behind the program, `bench` and the bench's name.
            arguments: std::env::args().skip(3).collect(),
            cases,
            remarks: Vec::new(),
        }
    }

    /// Indented, for files that people compare too.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, texts and lists: nothing that could fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether everything was measured.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cases.iter().all(|case| case.problem.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.machine)?;
        self.remarks.iter().try_for_each(|remark| writeln!(out, "note: {remark}"))?;
        for case in &self.cases {
            writeln!(out, "\n{}", case.name)?;
            for figure in &case.figures {
                writeln!(out, "  {:<38} {}", figure.name, figure)?;
            }
            if !case.problem.is_empty() {
                writeln!(out, "  {}", case.problem)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{:>10} {}", short(self.median()), self.unit);
        if self.rounds.len() > 1 {
            let (least, most) = self.range();
            // Writing to a String cannot fail.
            let _ = write!(text, "  ({} to {})", short(least), short(most));
        }
        out.write_str(&text)
    }
}

/// Prints and writes a report as its flags say, and compares it. Failure where it is not
/// whole, or something is worse.
///
/// # Errors
/// If a file cannot be read or written.
pub fn hand_over(report: &Report, args: &ReportArgs) -> anyhow::Result<ExitCode> {
    hand_over_as(report, args, &report.to_json(), &report.to_string())
}

/// The same for a bench that has a table and JSON of its own, in which the report is the
/// member `report`.
///
/// # Errors
/// If a file cannot be read or written.
pub fn hand_over_as(report: &Report, args: &ReportArgs, json: &str, table: &str) -> anyhow::Result<ExitCode> {
    // Read first: it may be the file that is written.
    let earlier: Option<Report> = args.against.as_deref().map(read).transpose()?;
    let comparison = earlier.map(|earlier| Comparison::of(&earlier, report));
    match args.json.as_deref() {
        Some(path) if path == Path::new("-") => println!("{json}"),
        path => {
            println!("{}", table.trim_end());
            path.map_or(Ok(()), |path| write(path, json))?;
        }
    }
    if let Some(path) = &args.html {
        write(path, &html::page(report, comparison.as_ref()))?;
    }
    if let Some(comparison) = &comparison {
        eprintln!("{comparison}");
    }
    let is_good = report.is_whole() && comparison.is_none_or(|comparison| comparison.is_good());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is no report of earthshine bench", path.display()))
}

/// A report, or what has one as its member.
fn parse(text: &str) -> serde_json::Result<Report> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    let inner = value.get_mut("report").map(serde_json::Value::take);
    serde_json::from_value(inner.unwrap_or(value))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The value that `part` of the values do not exceed, by linear interpolation; 0 of none.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// Three digits that count.
#[must_use]
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn report(values: &[f64]) -> Report {
        let mut case = Case::new("software, still");
        values.iter().for_each(|value| case.add("encoded, p50", "ms", Better::Less, *value));
        let lines = vec![Series { name: "encoded".to_owned(), values: values.to_vec() }];
        let plot = |kind| Plot {
            title: "time".to_owned(),
            kind,
            unit: "ms".to_owned(),
            target: Some(16.7),
            series: lines.clone(),
        };
        case.plots = vec![plot(PlotKind::Distribution), plot(PlotKind::Timeline)];
        let (machine, arguments) = (Machine::default(), vec!["--rounds".to_owned(), "3".to_owned()]);
        Report {
            bench: "encode".to_owned(),
            version: "1".to_owned(),
            machine,
            arguments,
            cases: vec![case],
            remarks: vec!["a < b".to_owned()],
        }
    }

    #[test]
    fn rounds_of_one_figure_come_together() {
        let report = report(&[3.0, 1.0, 2.0]);
        let figure = &report.cases[0].figures[0];
        assert_eq!((figure.median(), figure.range()), (2.0, (1.0, 3.0)));
        assert!(report.to_string().contains("2.00 ms  (1.00 to 3.00)"), "{report}");
    }

    #[test]
    fn what_is_written_is_read() {
        let report = report(&[0.1, 0.25]);
        assert_eq!(parse(&report.to_json()).unwrap(), report);
        let within = format!("{{\"ok\": true, \"report\": {}}}", report.to_json());
        assert_eq!(parse(&within).unwrap(), report);
        assert!(parse("{}").is_err());
    }

    #[test]
    fn quantiles_lie_between_values() {
        assert!((quantile(&[4.0, 1.0, 2.0, 3.0], 0.5) - 2.5).abs() < 1e-9);
        assert!((quantile(&[5.0], 0.99) - 5.0).abs() < 1e-9);
        assert!(quantile(&[], 0.5).abs() < 1e-9);
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        assert_eq!([0.0, 0.0123, 1.234, 12.34, 1234.5].map(short), ["0", "0.012", "1.23", "12.3", "1234"]);
    }
}
