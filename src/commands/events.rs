//! `earthshine events`: what happens, as it happens.

use clap::Args;
use serde_json::{Value, json};

use crate::api_client::Heard;
use crate::commands::table::shown;
use crate::commands::{CommandError, HostArgs, print};

/// `earthshine events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Begin with what came after the event of this number, as far as the host
    /// still knows it; 0 for all.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Start of the host that the number is of, from its `earthshine::Hello`;
    /// of another one all is repeated.
    #[arg(long, value_name = "INSTANCE", requires = "after")]
    instance: Option<String>,
    /// End after so many events; else it goes on until the host ends.
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    #[command(flatten)]
    host: HostArgs,
}

impl EventsArgs {
    /// Follows them: a line for each, in JSON with its number and name.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let mut left = self.count.unwrap_or(u64::MAX);
        if left == 0 {
            return Ok(());
        }
        let mut printed = Ok(());
        self.host.api().follow(&self.path(), |event| {
            printed = print(&self.line(event));
            left -= 1;
            printed.is_ok() && left > 0
        })?;
        printed
    }

    fn path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(after) = self.after {
            query.append_pair("after", &after.to_string());
        }
        if let Some(instance) = &self.instance {
            query.append_pair("instance", instance);
        }
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/api/v1/events{mark}{query}")
    }

    fn line(&self, event: &Heard) -> String {
        let data = serde_json::from_str::<Value>(&event.data).unwrap_or_else(|_| Value::from(event.data.as_str()));
        if self.host.json {
            let id = event.id.parse::<u64>().ok();
            return json!({"id": id, "event": event.event, "data": data}).to_string();
        }
        let name = shown(&Value::from(event.event.as_str()));
        format!("{:>6}  {}  {}", event.id, name.trim_start_matches("wolf::core::events::"), shown(&data))
    }
}
