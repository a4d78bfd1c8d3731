//! `earthshine clients`: who is paired.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::commands::table::Table;
use crate::commands::{CommandError, HostArgs, Wanted};

/// `earthshine clients`.
#[derive(Debug, Args)]
pub struct ClientsCommandArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(subcommand)]
    command: Option<ClientsCommand>,
}

/// What can be done with clients.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// All of them.
    List,
    /// All that is known of one.
    Show {
        /// Number of the client.
        client: String,
    },
    /// Forgets a client and ends its session.
    Unpair {
        /// Number of the client.
        client: String,
    },
    /// Changes what is decided for a client; for its next connection.
    Settings(SettingsArgs),
}

/// `earthshine clients settings`.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// Number of the client.
    client: String,
    /// Folder of its files.
    #[arg(long, value_name = "FOLDER")]
    state_folder: Option<String>,
    /// Factor for relative mouse motion.
    #[arg(long, value_name = "FACTOR")]
    mouse_acceleration: Option<f64>,
    /// Factor for scrolling up and down.
    #[arg(long, value_name = "FACTOR")]
    v_scroll_acceleration: Option<f64>,
    /// Factor for scrolling left and right.
    #[arg(long, value_name = "FACTOR")]
    h_scroll_acceleration: Option<f64>,
}

impl ClientsCommandArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let host = &self.host;
        match self.command.as_ref().unwrap_or(&ClientsCommand::List) {
            ClientsCommand::List => {
                let answer = host.api().get(PATH)?;
                host.show(&answer, |answer| Table::of(&answer["clients"], COLUMNS))
            }
            ClientsCommand::Show { client } => {
                let found = host.find(PATH, "clients", client, &CLIENT)?;
                host.show(&found, Table::of_members)
            }
            ClientsCommand::Unpair { client } => {
                host.find(PATH, "clients", client, &CLIENT)?;
                host.order(
                    "/api/v1/unpair/client",
                    &json!({"client_id": client}),
                    format_args!("client {client} is forgotten"),
                )
            }
            ClientsCommand::Settings(wanted) => self.settings(wanted),
        }
    }

    fn settings(&self, wanted: &SettingsArgs) -> Result<(), CommandError> {
        let client = &wanted.client;
        self.host.find(PATH, "clients", client, &CLIENT)?;
        let mut order = json!({"client_id": client, "settings": {}});
        if let Some(folder) = &wanted.state_folder {
            order["app_state_folder"] = json!(folder);
        }
        for (name, factor) in [
            ("mouse_acceleration", wanted.mouse_acceleration),
            ("v_scroll_acceleration", wanted.v_scroll_acceleration),
            ("h_scroll_acceleration", wanted.h_scroll_acceleration),
        ] {
            if let Some(factor) = factor {
                order["settings"][name] = json!(factor);
            }
        }
        self.host.order(
            "/api/v1/clients/settings",
            &order,
            format_args!("decided; it holds from the next connection of client {client} on"),
        )
    }
}

const PATH: &str = "/api/v1/clients";
const CLIENT: Wanted<'static> = Wanted { key: "client_id", what: "client", lists: "clients" };
const COLUMNS: &[(&str, &str)] =
    &[("CLIENT", "client_id"), ("NAME", "name"), ("FOLDER", "app_state_folder"), ("PAIRED", "paired_at")];
