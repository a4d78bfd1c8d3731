//! `earthshine lobbies`: desktops that outlive their visitors.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::parse_size;
use crate::commands::table::Table;
use crate::commands::{CommandError, HostArgs, Wanted, read_request};
use crate::protocol::secret::debug_without_secrets;
use crate::units::Size;

/// `earthshine lobbies`.
#[derive(Debug, Args)]
pub struct LobbiesArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(subcommand)]
    command: Option<LobbiesCommand>,
}

/// What can be done with lobbies.
#[derive(Debug, Subcommand)]
pub enum LobbiesCommand {
    /// All of them.
    List,
    /// All that is known of one.
    Show {
        /// Id of the lobby.
        lobby: String,
    },
    /// Starts a lobby, waits until its desktop is up, and prints its id.
    Create(Box<CreateArgs>),
    /// Moves a session's picture, sound and input to a lobby.
    Join {
        /// Id of the lobby.
        lobby: String,
        /// Number of the session.
        session: String,
        /// Its PIN, if it has one.
        #[arg(long, value_name = "DIGITS", value_parser = parse_pin)]
        pin: Option<Digits>,
    },
    /// Moves a session back to its own desktop.
    Leave {
        /// Id of the lobby.
        lobby: String,
        /// Number of the session.
        session: String,
    },
    /// Puts off the end of a lobby's lease.
    Renew {
        /// Id of the lobby.
        lobby: String,
    },
    /// Ends a lobby.
    Stop {
        /// Id of the lobby.
        lobby: String,
        /// Its PIN, if it has one.
        #[arg(long, value_name = "DIGITS", value_parser = parse_pin)]
        pin: Option<Digits>,
        /// Do without its PIN.
        #[arg(long)]
        force: bool,
    },
}

/// `earthshine lobbies create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Name that people see.
    #[arg(required_unless_present = "file")]
    name: Option<String>,
    /// Command line that runs in it.
    #[arg(long, value_name = "COMMAND", required_unless_present = "file")]
    run: Option<String>,
    /// Variable of its environment; as often as needed.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = parse_size)]
    size: Size,
    /// Frames per second.
    #[arg(long, value_name = "HZ", default_value_t = 60)]
    fps: u32,
    /// Speakers: 2, 6 or 8.
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    channels: u8,
    /// PIN that joining and stopping it need.
    #[arg(long, value_name = "DIGITS", value_parser = parse_pin)]
    pin: Option<Digits>,
    /// One visitor at a time.
    #[arg(long)]
    single_user: bool,
    /// End it when the last visitor has left.
    #[arg(long)]
    stop_when_everyone_leaves: bool,
    /// Home directory, below the state directory, that the next lobby of the
    /// same folder finds again.
    #[arg(long, value_name = "FOLDER", default_value = "")]
    state_folder: String,
    /// Profile that it is started for.
    #[arg(long, value_name = "ID", default_value = "")]
    profile: String,
    /// Asking again with the key of a living lobby gives that one.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// End it unless it is renewed within this time.
    #[arg(long, value_name = "SECONDS")]
    lease: Option<u32>,
    /// Read the whole request, as the API takes it, from a JSON file; - is
    /// standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "run", "env", "pin", "idempotency_key", "lease"])]
    file: Option<PathBuf>,
}

/// Digits of a PIN.
#[derive(Clone)]
pub struct Digits(Vec<u32>);

debug_without_secrets!(Digits);

fn parse_pin(text: &str) -> Result<Digits, String> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(10)).collect();
    digits.filter(|digits| !digits.is_empty()).map(Digits).ok_or_else(|| "expected digits, as in 1234".to_owned())
}

impl LobbiesArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let host = &self.host;
        match self.command.as_ref().unwrap_or(&LobbiesCommand::List) {
            LobbiesCommand::List => {
                let answer = host.api().get(PATH)?;
                host.show(&answer, |answer| Table::of(&answer["lobbies"], COLUMNS))
            }
            LobbiesCommand::Show { lobby } => {
                let found = host.find(PATH, "lobbies", lobby, &LOBBY)?;
                host.show(&found, Table::of_members)
            }
            LobbiesCommand::Create(wanted) => {
                let request = wanted.request()?;
                let answer = host.api().post("/api/v1/lobbies/create", &request)?;
                host.show(&answer, |answer| answer["lobby_id"].as_str().unwrap_or_default().to_owned())
            }
            LobbiesCommand::Join { lobby, session, pin } => {
                let mut order = json!({"lobby_id": lobby, "moonlight_session_id": session});
                add_pin(&mut order, pin.as_ref());
                host.order("/api/v1/lobbies/join", &order, format_args!("session {session} shows lobby {lobby}"))
            }
            LobbiesCommand::Leave { lobby, session } => self.leave(lobby, session),
            LobbiesCommand::Renew { lobby } => host.order(
                "/api/v1/lobbies/renew",
                &json!({"lobby_id": lobby}),
                format_args!("the lease of lobby {lobby} begins anew"),
            ),
            LobbiesCommand::Stop { lobby, pin, force } => {
                let mut order = json!({"lobby_id": lobby, "force": force});
                add_pin(&mut order, pin.as_ref());
                host.order("/api/v1/lobbies/stop", &order, format_args!("lobby {lobby} has ended"))
            }
        }
    }

    /// The API says yes to leaving whatever it is, as Wolf does.
    fn leave(&self, lobby: &str, session: &str) -> Result<(), CommandError> {
        let found = self.host.find(PATH, "lobbies", lobby, &LOBBY)?;
        let visitors = found["connected_sessions"].as_array();
        if !visitors.is_some_and(|visitors| visitors.iter().any(|visitor| visitor == session)) {
            return Err(CommandError::NotThere { session: session.to_owned(), lobby: lobby.to_owned() });
        }
        self.host.order(
            "/api/v1/lobbies/leave",
            &json!({"lobby_id": lobby, "moonlight_session_id": session}),
            format_args!("session {session} has left lobby {lobby}"),
        )
    }
}

impl CreateArgs {
    /// The request as the API takes it.
    fn request(&self) -> Result<Value, CommandError> {
        if let Some(file) = &self.file {
            return read_request(file);
        }
        let mut request = json!({
            "name": self.name,
            "profile_id": self.profile,
            "multi_user": !self.single_user,
            "stop_when_everyone_leaves": self.stop_when_everyone_leaves,
            "video_settings": {"width": self.size.width, "height": self.size.height, "refresh_rate": self.fps},
            "audio_settings": {"channel_count": self.channels},
            "runner_state_folder": self.state_folder,
            "runner": {"type": "process", "run_cmd": self.run, "env": self.env},
        });
        add_pin(&mut request, self.pin.as_ref());
        let more = [("idempotency_key", self.idempotency_key.clone().map(Value::from))];
        let lease = [("lease_seconds", self.lease.map(Value::from))];
        let given = more.into_iter().chain(lease).filter_map(|(name, value)| Some((name.to_owned(), value?)));
        if let Some(members) = request.as_object_mut() {
            members.extend(given.collect::<Map<_, _>>());
        }
        Ok(request)
    }
}

fn add_pin(request: &mut Value, pin: Option<&Digits>) {
    if let Some(Digits(digits)) = pin {
        request["pin"] = json!(digits);
    }
}

const PATH: &str = "/api/v1/lobbies";
const LOBBY: Wanted<'static> = Wanted { key: "id", what: "lobby", lists: "lobbies" };
const COLUMNS: &[(&str, &str)] = &[
    ("LOBBY", "id"),
    ("NAME", "name"),
    ("STATE", "state"),
    ("WIDTH", "video_width"),
    ("HEIGHT", "video_height"),
    ("HZ", "video_refresh_rate"),
    ("GPU", "gpu"),
    ("PIN", "pin_required"),
    ("MANY", "multi_user"),
    ("SESSIONS", "connected_sessions"),
    ("AGE", "age_seconds"),
    ("IDLE", "idle_seconds"),
    ("LEASE", "lease_seconds_left"),
];
