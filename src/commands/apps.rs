//! `earthshine apps`: what clients can launch.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::commands::table::Table;
use crate::commands::{CommandError, HostArgs, Wanted, read_request};

/// `earthshine apps`.
#[derive(Debug, Args)]
pub struct AppsArgs {
    #[command(flatten)]
    host: HostArgs,
    #[command(subcommand)]
    command: Option<AppsCommand>,
}

/// What can be done with apps.
#[derive(Debug, Subcommand)]
pub enum AppsCommand {
    /// All of them.
    List,
    /// All that is known of one.
    Show {
        /// Id of the app.
        app: String,
    },
    /// Adds an app, or replaces the one with its id.
    Add(AddArgs),
    /// Takes an app off the list.
    Delete {
        /// Id of the app.
        app: String,
    },
    /// Starts an app without waiting for a client.
    Start {
        /// Id of the app.
        app: String,
        /// Session whose desktop it shall run in, beside its own app; else it
        /// gets a session of its own.
        #[arg(long, value_name = "NUMBER")]
        session: Option<String>,
        /// Paired client whose session it shall be.
        #[arg(long, value_name = "NUMBER", conflicts_with = "session")]
        client: Option<String>,
    },
}

/// `earthshine apps add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Title that clients show.
    #[arg(required_unless_present = "file")]
    title: Option<String>,
    /// Command line that runs in it.
    #[arg(long, value_name = "COMMAND", required_unless_present = "file")]
    run: Option<String>,
    /// Variable of its environment; as often as needed.
    #[arg(long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Its id; the title if not given.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// PNG file that clients show, an absolute path on the host.
    #[arg(long, value_name = "FILE")]
    icon: Option<PathBuf>,
    /// Read the whole app, as the API takes it, from a JSON file; - is standard
    /// input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["title", "run", "env", "id", "icon"])]
    file: Option<PathBuf>,
}

impl AppsArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let host = &self.host;
        match self.command.as_ref().unwrap_or(&AppsCommand::List) {
            AppsCommand::List => {
                let answer = host.api().get(PATH)?;
                host.show(&answer, list_table)
            }
            AppsCommand::Show { app } => {
                let found = host.find(PATH, "apps", app, &APP)?;
                host.show(&found, Table::of_members)
            }
            AppsCommand::Add(wanted) => {
                let app = wanted.app()?;
                let id = app["id"].as_str().unwrap_or_default().to_owned();
                host.order("/api/v1/apps/add", &app, format_args!("app {id:?} is on the list"))
            }
            AppsCommand::Delete { app } => {
                // The API says yes also if there is none, as Wolf does.
                host.find(PATH, "apps", app, &APP)?;
                host.order("/api/v1/apps/delete", &json!({"id": app}), format_args!("app {app:?} is off the list"))
            }
            AppsCommand::Start { app, session, client } => {
                let mut order = json!({"app_id": app});
                for (name, value) in [("session_id", session), ("client_id", client)] {
                    if let Some(value) = value {
                        order[name] = json!(value);
                    }
                }
                host.order("/api/v1/apps/start", &order, format_args!("app {app:?} runs"))
            }
        }
    }
}

impl AddArgs {
    fn app(&self) -> Result<Value, CommandError> {
        if let Some(file) = &self.file {
            return read_request(file);
        }
        let mut app = json!({
            "title": self.title,
            "id": self.id.as_ref().or(self.title.as_ref()),
            "runner": {"type": "process", "run_cmd": self.run, "env": self.env},
        });
        if let Some(icon) = &self.icon {
            app["icon_png_path"] = json!(icon);
        }
        Ok(app)
    }
}

fn list_table(answer: &Value) -> Table {
    let mut apps = answer["apps"].clone();
    for app in apps.as_array_mut().into_iter().flatten() {
        app["runs"] = match app["runner"]["run_cmd"].as_str() {
            _ if app["start_virtual_compositor"] == false => json!("(test card)"),
            Some(command) => json!(command),
            None => app["runner"]["type"].clone(),
        };
    }
    Table::of(&apps, COLUMNS)
}

const PATH: &str = "/api/v1/apps";
const APP: Wanted<'static> = Wanted { key: "id", what: "app", lists: "apps" };
const COLUMNS: &[(&str, &str)] = &[("APP", "id"), ("TITLE", "title"), ("RUNS", "runs")];
