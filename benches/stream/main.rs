//! What the whole path costs: `cargo bench --bench stream`.
//!
//! The built host, a real compositor and sound server, and the real Moonlight
//! client core, all on this machine. Measured are the stages of a frame's way,
//! what processes use, how long a launch takes, and how long a client waits
//! for a picture after its worker was killed. Prints Markdown, and writes the
//! same as JSON; `docs/performance.md` says how to read it.
//!
//! The client receives and counts; it decodes nothing, so that its cost on the
//! shared cores is small and the same for all contents.

#[path = "../../tests/support/pattern_window.rs"]
mod pattern_window;
#[allow(unused_imports, reason = "the helpers have tests of their own, which a bench does not run")]
#[path = "../../tests/support/mod.rs"]
mod support;

mod machine;
mod moments;
mod report;
mod steady;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use report::Report;
use steady::{CONTENTS, MODES};
use support::apps;
use support::client::Device;
use support::host::Host;
use support::needs;
use support::scratch::Scratch;

#[derive(Debug, Parser)]
struct Options {
    /// Seconds each stream is measured for.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Launches to time; as many workers are killed.
    #[arg(long, default_value_t = 10)]
    launches: u32,
    /// Where the JSON goes.
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/stream.json"))]
    json: PathBuf,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    if runs_as(PATTERN_WINDOW) {
        return pattern_window::main();
    }
    let options = Options::parse();
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return Ok(()) };
    let scratch = Scratch::new();
    let tables = tables(&scratch)?;
    let host = Host::with_apps(scratch, &tables);
    let device = Device::paired(&host, "device");
    let mut report = Report::new(machine::Machine::look());
    for mode in MODES {
        for content in CONTENTS {
            eprintln!("measuring {} of {}", mode.name(), content.name);
            report.streams.push(steady::measure(&host, &device, mode, content, Duration::from_secs(options.seconds)));
        }
    }
    eprintln!("measuring launches and recoveries");
    report.moments = moments::measure(&host, &device, options.launches);
    host.stop();
    report.finish();
    println!("{}", report.markdown());
    std::fs::write(&options.json, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", options.json.display()))
}

/// The applications that are streamed.
fn tables(scratch: &Scratch) -> Result<String> {
    let program = scratch.exchange(PATTERN_WINDOW);
    // This program is its own pattern window, as busybox is many: cargo builds
    // examples for benches with other flags, and so all of it a second time.
    std::fs::copy(std::env::current_exe()?, &program).context("copying this program")?;
    let tables = CONTENTS.iter().filter_map(|content| {
        let command = content.command?.replace("{pattern_window}", &program.display().to_string());
        Some(apps::table(content.app, &command))
    });
    Ok(tables.collect())
}

fn runs_as(name: &str) -> bool {
    std::env::args_os().next().is_some_and(|program| PathBuf::from(program).file_name().is_some_and(|own| own == name))
}

const PATTERN_WINDOW: &str = "pattern_window";
