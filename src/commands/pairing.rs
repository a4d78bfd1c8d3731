//! `earthshine pair`: the PIN that a client shows, and who waits for one.

use std::net::IpAddr;

use clap::Args;
use serde_json::json;

use crate::commands::table::Table;
use crate::commands::{CommandError, HostArgs, print};

/// `earthshine pair`.
#[derive(Debug, Args)]
pub struct PairArgs {
    /// The four digits that the client shows; without them, who waits is
    /// listed.
    pub pin: Option<String>,
    /// Address of the client, if several are waiting.
    #[arg(long, value_name = "ADDR", requires = "pin")]
    pub client: Option<IpAddr>,
    #[command(flatten)]
    host: HostArgs,
}

impl PairArgs {
    /// Does it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let Some(pin) = &self.pin else {
            let answer = self.host.api().get("/api/v1/pair/pending")?;
            return self.host.show(&answer, |answer| Table::of(&answer["requests"], COLUMNS));
        };
        let client = self.host.api().pair(pin, self.client)?;
        if self.host.json {
            return print(&json!({"success": true, "client_ip": client}));
        }
        print(&format_args!("PIN sent to {client}; Moonlight says whether it was right."))
    }
}

const COLUMNS: &[(&str, &str)] = &[("ADDRESS", "client_ip"), ("SECRET", "pair_secret")];
