//! What the command line does with a running host, over the socket of its API.
//!
//! One noun a file: its flags, and what they do. Every command prints a table
//! or a line for people, or with `--json` the API's answer as it is.

pub mod apps;
pub mod clients;
pub mod events;
pub mod lobbies;
pub mod pairing;
pub mod screenshot;
pub mod sessions;
pub mod system;
mod table;

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::api_client::{ApiClient, ApiError};
use crate::config::directories::Directories;

/// Flags of every command that talks to a running host.
#[derive(Debug, Clone, Args)]
pub struct HostArgs {
    /// Unix socket of the host's REST API; in the runtime directory if not
    /// given.
    #[arg(long, value_name = "PATH", global = true)]
    pub api_socket: Option<PathBuf>,
    /// Print the API's answer, as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

impl HostArgs {
    /// The host's API.
    #[must_use]
    pub fn api(&self) -> ApiClient {
        let socket = self.api_socket.clone();
        ApiClient::new(socket.unwrap_or_else(|| Directories::choose(None, None).runtime.join("api.sock")))
    }

    /// Prints an answer, or what people read of it.
    fn show<T: Display>(&self, answer: &Value, readable: impl FnOnce(&Value) -> T) -> Result<(), CommandError> {
        if self.json { print(answer) } else { print(&readable(answer)) }
    }

    /// Sends an order, and prints the answer or what was done.
    fn order(&self, path: &str, order: &Value, done: impl Display) -> Result<(), CommandError> {
        let answer = self.api().post(path, order)?;
        self.show(&answer, |_| done)
    }

    /// The one with this id of a list.
    fn find(&self, path: &str, list: &str, id: &str, wanted: &Wanted<'_>) -> Result<Value, CommandError> {
        let mut answer = self.api().get(path)?;
        let Value::Array(all) = answer[list].take() else {
            return Err(CommandError::Unknown { what: wanted.what, id: id.to_owned(), lists: wanted.lists });
        };
        let found = all.into_iter().find(|one| one[wanted.key] == id);
        found.ok_or_else(|| CommandError::Unknown { what: wanted.what, id: id.to_owned(), lists: wanted.lists })
    }
}

/// What is looked for in a list.
struct Wanted<'a> {
    /// Name of the member that is its id.
    key: &'a str,
    /// Its noun.
    what: &'static str,
    /// Command that lists them.
    lists: &'static str,
}

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The host did not.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is none with this id.
    #[error("there is no {what} {id:?}; `earthshine {lists}` lists them")]
    Unknown {
        /// Its noun.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// Command that lists them.
        lists: &'static str,
    },
    /// The session shows something else.
    #[error("session {session} is not in lobby {lobby}")]
    NotThere {
        /// The session.
        session: String,
        /// The lobby.
        lobby: String,
    },
    /// A file with a request makes no sense.
    #[error("{}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody takes what is printed.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// Prints a line, or many.
fn print(text: &impl Display) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Somebody like `head` has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Reads a request from a file, or from standard input for `-`.
fn read_request(file: &Path) -> Result<Value, CommandError> {
    let failed = |why: String| CommandError::File { file: file.to_owned(), why };
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(LONGEST_REQUEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LONGEST_REQUEST).read_to_string(&mut text))
    };
    read.map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(format!("not JSON: {error}")))
}

/// More than the API takes.
const LONGEST_REQUEST: u64 = 2 << 20;
