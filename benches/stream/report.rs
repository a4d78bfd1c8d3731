//! The figures as Markdown.

use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;
use crate::moments::{Launch, Moments};
use crate::steady::{STAGES, Steady};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) streams: Vec<Steady>,
    pub(crate) moments: Moments,
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, streams: Vec::new(), moments: Moments::default() }
    }

    /// Nothing more is measured.
    pub(crate) fn finish(&mut self) {
        self.machine.look_again();
    }

    /// Tables for people.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Machine { before, graphics, commit, load_after } = &self.machine;
        let gpu = if *graphics { "with /dev/dri" } else { "no GPU" };
        writeln!(text, "{before} and {load_after:.1} at the end, {gpu}; commit {commit}\n")?;
        self.write_stages(text)?;
        self.write_rates(text)?;
        self.write_usage(text)?;
        self.write_moments(text)
    }

    fn write_stages(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "Milliseconds, p50 / p99:\n")?;
        writeln!(text, "| stream | frames | {} |", STAGES.join(" | "))?;
        writeln!(text, "| --- | --: |{}", " --: |".repeat(STAGES.len()))?;
        for stream in &self.streams {
            write!(text, "| {} | {:.0} |", stream.name(), stream.stages["encoded"].count)?;
            for stage in STAGES {
                let figures = &stream.stages[stage];
                write!(text, " {:.2} / {:.2} |", figures.p50, figures.p99)?;
            }
            writeln!(text)?;
        }
        writeln!(text)
    }

    fn write_rates(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "Per second:\n")?;
        writeln!(text, "| stream | captured | replaced | encoded | dropped | received | skipped in all | Mbit/s |")?;
        writeln!(text, "| --- |{}", " --: |".repeat(7))?;
        for stream in &self.streams {
            write!(text, "| {} |", stream.name())?;
            for counter in ["frames_captured", "frames_replaced", "frames_encoded", "frames_dropped"] {
                write!(text, " {:.1} |", stream.worker_frames[counter])?;
            }
            writeln!(text, " {:.1} | {:.0} | {:.1} |", stream.received, stream.skipped, stream.megabits)?;
        }
        writeln!(text)
    }

    fn write_usage(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "Per cent of one core; MiB resident / proportional / private dirty:\n")?;
        let names = ["worker", "host", "compositor", "sound server", "application", "client"];
        writeln!(text, "| stream | {} | worker MiB | host MiB |", names.join(" | "))?;
        writeln!(text, "| --- |{}", " --: |".repeat(names.len() + 2))?;
        for stream in &self.streams {
            write!(text, "| {} |", stream.name())?;
            for name in names {
                write!(text, " {:.1} |", stream.processor[name])?;
            }
            for memory in [stream.worker_memory, stream.host_memory] {
                write!(text, " {:.1} / {:.1} / {:.1} |", memory.resident, memory.proportional, memory.private)?;
            }
            writeln!(text)?;
        }
        writeln!(text)
    }

    fn write_moments(&self, text: &mut String) -> std::fmt::Result {
        let Moments { mode, launches, recoveries } = &self.moments;
        writeln!(text, "Desktop at {mode}, milliseconds:\n")?;
        writeln!(text, "| moment | times | least | p50 | most |\n| --- | --: | --: | --: | --: |")?;
        let mut row = |name: &str, samples: Vec<f64>| {
            let [least, middle, most] = spread(samples.clone());
            writeln!(text, "| {name} | {} | {least:.0} | {middle:.0} | {most:.0} |", samples.len())
        };
        let launch = |part: fn(&Launch) -> f64| launches.iter().map(part).collect();
        row("launch request to its answer", launch(|launch| launch.answered))?;
        row("... to the end of RTSP", launch(|launch| launch.announced))?;
        row("... to connected", launch(|launch| launch.connected))?;
        row("... to the first frame", launch(|launch| launch.first_frame))?;
        row("SIGKILL of the worker to the next IDR frame", recoveries.clone())
    }
}

impl Steady {
    fn name(&self) -> String {
        format!("{}, {}", self.mode, self.content)
    }
}

/// Least, median and most; zeros of nothing.
fn spread(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    let middle = samples.get(samples.len() / 2);
    [samples.first(), middle, samples.last()].map(|sample| sample.copied().unwrap_or(0.0))
}
