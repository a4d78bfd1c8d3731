//! `earthshine sessions`: what streams.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::commands::table::Table;
use crate::commands::{CommandError, HostArgs, Wanted};

/// `earthshine sessions`.
#[derive(Debug, Args)]
pub struct SessionsArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(subcommand)]
    command: Option<SessionsCommand>,
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// All of them.
    List,
    /// All that is known of one.
    Show {
        /// Number of the session.
        session: String,
    },
    /// How long frames take, stage by stage, in microseconds.
    Latency {
        /// Number of the session; all if not given.
        session: Option<String>,
    },
    /// Ends a session and its app.
    Stop {
        /// Number of the session.
        session: String,
    },
    /// Ends a session's connection; its desktop stays for its client to come
    /// back to.
    Pause {
        /// Number of the session.
        session: String,
    },
    /// Plays input as if the client had sent it.
    Input {
        /// Number of the session.
        session: String,
        /// One input packet of Moonlight's control stream, in hex.
        hex: String,
    },
    /// Sends a client's next connection straight to a lobby.
    Configure {
        /// Number of the client, or its `uniqueid`.
        client: String,
        /// Id of the lobby.
        lobby: String,
    },
}

impl SessionsArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let host = &self.host;
        match self.command.as_ref().unwrap_or(&SessionsCommand::List) {
            SessionsCommand::List => {
                let answer = host.api().get(PATH)?;
                host.show(&answer, |answer| Table::of(&answer["sessions"], COLUMNS))
            }
            SessionsCommand::Show { session } => {
                let found = host.find(PATH, "sessions", session, &SESSION)?;
                host.show(&found, Table::of_members)
            }
            SessionsCommand::Latency { session } => {
                let query = session.as_ref().map(|session| format!("?session_id={}", escaped(session)));
                let answer = host.api().get(&format!("{PATH}/latency{}", query.unwrap_or_default()))?;
                host.show(&answer, latency_table)
            }
            SessionsCommand::Stop { session } => {
                host.find(PATH, "sessions", session, &SESSION)?;
                host.order(
                    "/api/v1/sessions/stop",
                    &json!({"session_id": session}),
                    format_args!("session {session} has ended"),
                )
            }
            SessionsCommand::Pause { session } => {
                host.find(PATH, "sessions", session, &SESSION)?;
                host.order(
                    "/api/v1/sessions/pause",
                    &json!({"session_id": session}),
                    format_args!("session {session} is paused"),
                )
            }
            SessionsCommand::Input { session, hex } => {
                host.find(PATH, "sessions", session, &SESSION)?;
                host.order(
                    "/api/v1/sessions/input",
                    &json!({"session_id": session, "input_packet_hex": hex}),
                    format_args!("played in session {session}"),
                )
            }
            SessionsCommand::Configure { client, lobby } => {
                let order = json!({"client_unique_id": client, "immediate_lobby_id": lobby});
                let answer = host.api().post("/api/v1/sessions/configure", &order)?;
                host.show(&answer, |answer| answer["message"].as_str().unwrap_or("done").to_owned())
            }
        }
    }
}

/// A row for each stage of each session.
fn latency_table(answer: &serde_json::Value) -> Table {
    let mut rows = Vec::new();
    for session in answer["sessions"].as_array().into_iter().flatten() {
        for stage in session["stages"].as_array().into_iter().flatten() {
            let mut row = stage.clone();
            row["session"] = session["session_id"].clone();
            rows.push(row);
        }
    }
    Table::of(&rows.into(), LATENCY_COLUMNS)
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const PATH: &str = "/api/v1/sessions";
pub(super) const SESSION: Wanted<'static> = Wanted { key: "session_id", what: "session", lists: "sessions" };
const COLUMNS: &[(&str, &str)] = &[
    ("SESSION", "session_id"),
    ("CLIENT", "client_id"),
    ("APP", "app"),
    ("STATE", "state"),
    ("WIDTH", "video_width"),
    ("HEIGHT", "video_height"),
    ("HZ", "video_refresh_rate"),
    ("ENCODER", "encoder"),
    ("GPU", "encoder_gpu"),
    ("LOBBY", "lobby_id"),
    ("ADDRESS", "client_ip"),
    ("RESTARTS", "worker_restarts"),
];
const LATENCY_COLUMNS: &[(&str, &str)] = &[
    ("SESSION", "session"),
    ("STAGE", "stage"),
    ("FRAMES", "count"),
    ("MEAN", "mean_us"),
    ("P50", "p50_us"),
    ("P90", "p90_us"),
    ("P99", "p99_us"),
];
