//! Reading the configuration again while everything runs.
//!
//! The new file is checked whole before anything of it counts. What runs keeps
//! what it began with; what is asked for from now on gets the new values.

use tokio::task::spawn_blocking;
use tracing::{error, info};

use crate::config::Config;
use crate::config::live::Changes;
use crate::host::context::Context;
use crate::host::events::Event;

/// Reads the file that the host was started with.
///
/// # Errors
/// What is wrong with it, in words; everything is then as it was.
pub(crate) async fn reload(context: &Context) -> Result<Changes, String> {
    let outcome = load(context).await;
    let event = match &outcome {
        Ok(changes) => {
            info!(changed = ?changes.changed, needs_restart = ?changes.needs_restart, "configuration reloaded");
            Event::ConfigReloaded {
                changed: changes.changed.clone(),
                needs_restart: changes.needs_restart.clone(),
                error: String::new(),
            }
        }
        Err(error) => {
            error!(error, "configuration not reloaded: the old one stays in force");
            Event::ConfigReloaded { changed: Vec::new(), needs_restart: Vec::new(), error: error.clone() }
        }
    };
    context.events.publish(event);
    outcome
}

async fn load(context: &Context) -> Result<Changes, String> {
    let (path, apps, live) = (context.config_file.clone(), context.apps.clone(), context.config.clone());
    let (pairings, events) = (context.pairings.clone(), context.events.clone());
    let loading = spawn_blocking(move || {
        let config = Config::load(path.as_deref()).map_err(|error| error.to_string())?;
        let configured = config.apps.clone();
        let limits = &config.limits;
        pairings.set_limits(limits.pairings, limits.pairings_per_address);
        events.set_limits(limits.event_subscribers, limits.event_subscribers_per_desktop);
        let changes = live.replace(config);
        if changes.changed.iter().any(|key| key == "app") {
            apps.replace_configured(&configured);
        }
        Ok(changes)
    });
    loading.await.map_err(|error| error.to_string())?
}
