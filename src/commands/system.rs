//! `earthshine health` and `earthshine capacity`: how a host is, and what still
//! fits.

use std::fmt::Write;

use clap::Args;
use serde_json::Value;

use crate::commands::table::{Table, shown};
use crate::commands::{CommandError, HostArgs};

/// `earthshine health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    #[command(flatten)]
    host: HostArgs,
}

/// `earthshine capacity`.
#[derive(Debug, Args)]
pub struct CapacityArgs {
    #[command(flatten)]
    host: HostArgs,
}

impl HealthArgs {
    /// Says it. Returns whether new streams would work.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<bool, CommandError> {
        let health = self.host.api().health()?;
        let word = |key: &str| health[key].as_str().unwrap_or_default();
        self.host.show(&health, |_| format!("{} {}", word("overall_status"), word("reason")).trim_end().to_owned())?;
        Ok(word("overall_status") != "critical")
    }
}

impl CapacityArgs {
    /// Says it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let answer = self.host.api().get("/api/v1/capacity")?;
        self.host.show(&answer, report)
    }
}

/// What fits, then who uses what.
fn report(answer: &Value) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &Value| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:22}{}", shown(value));
    };
    line("sessions", &answer["running_sessions"]);
    line("lobbies", &answer["running_lobbies"]);
    line("sessions that fit", &answer["sessions_that_fit"]);
    line("limited by", &answer["limited_by"]);
    line("cores", &answer["cores"]);
    line("cores used", &answer["used_cores"]);
    line("memory used", &answer["used_bytes"]);
    line("memory available", &answer["memory_available_bytes"]);
    line("figures are of (s ago)", &answer["age_seconds"]);
    for (name, list) in [("SESSION", "sessions"), ("LOBBY", "lobbies")] {
        if answer[list].as_array().is_some_and(|all| !all.is_empty()) {
            let columns =
                [(name, "id"), ("CORES", "cores"), ("BYTES", "memory_bytes"), ("SECONDS", "measured_seconds")];
            let _ = writeln!(text, "\n{}", Table::of(&answer[list], &columns));
        }
    }
    let gpus = &answer["gpus"];
    if gpus["list"].as_array().is_some_and(|all| !all.is_empty()) {
        let _ = writeln!(text, "\n{}", Table::of(&gpus["list"], GPU_COLUMNS));
    }
    if answer["placement"].as_array().is_some_and(|all| !all.is_empty()) {
        let _ = writeln!(text, "\n{}", Table::of(&answer["placement"], PLACEMENT_COLUMNS));
    }
    if gpus["error"] != "" {
        let _ =
            writeln!(text, "\nGPUs: {} (figures are of {} s ago)", shown(&gpus["error"]), shown(&gpus["age_seconds"]));
    }
    text.trim_end().to_owned()
}

const PLACEMENT_COLUMNS: &[(&str, &str)] = &[
    ("PLACED ON", "gpu"),
    ("NODE", "render_node"),
    ("STREAMS", "streams"),
    ("SESSIONS", "sessions"),
    ("LOBBIES", "lobbies"),
    ("STREAMS THAT FIT", "streams_that_fit"),
    ("DOUBTED", "doubted"),
    ("FULL", "full"),
];

const GPU_COLUMNS: &[(&str, &str)] = &[
    ("GPU", "bus_id"),
    ("NAME", "name"),
    ("BYTES USED", "memory_used_bytes"),
    ("BYTES", "memory_total_bytes"),
    ("BUSY %", "busy_percent"),
    ("ENCODER %", "encoder_percent"),
    ("SESSIONS", "encoder_sessions"),
    ("ERROR", "error"),
];
