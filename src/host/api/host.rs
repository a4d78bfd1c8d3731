//! `/api/v1/host`: the host process itself.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::host::api::answer::ApiAnswer;
use crate::host::api::body::{Body, parse};
use crate::host::context::Context;
use crate::host::events::Event;
use crate::host::life::{Drain, Life, Phase};
use crate::host::reload;
use crate::host::sessions::phase::SessionPhase;

/// `GET /api/v1/host`.
pub fn show(context: &Context) -> ApiAnswer {
    ApiAnswer::object(&context.life.view(context.sessions.list().len(), context.lobbies.list().len()))
}

/// `POST /api/v1/host/drain`: nobody new from now on, or everybody again.
pub async fn drain(context: &Context, body: Body) -> ApiAnswer {
    let wanted: DrainOrder = match parse_or_default(body) {
        Ok(wanted) => wanted,
        Err(answer) => return answer,
    };
    if matches!(context.life.phase(), Phase::Leaving | Phase::Left) {
        return ApiAnswer::failed("another process is taking over this host");
    }
    if wanted.cancel {
        info!("drain cancelled");
        context.life.enter(Phase::Serving);
    } else {
        let after = |seconds| Instant::now().checked_add(Duration::from_secs(seconds));
        let deadline = wanted.deadline_seconds.and_then(after);
        if wanted.deadline_seconds.is_some() && deadline.is_none() {
            return ApiAnswer::failed("deadline_seconds is too far away");
        }
        info!(exit_when_empty = wanted.exit_when_empty, deadline = wanted.deadline_seconds, "draining");
        context.life.enter(Phase::Draining(Drain { exit_when_empty: wanted.exit_when_empty, deadline }));
        context.events.publish(Event::Draining { deadline_seconds: wanted.deadline_seconds.unwrap_or_default() });
    }
    show(context)
}

/// `POST /api/v1/host/reload`: reads the configuration file again.
pub async fn reload(context: &Context, _: Body) -> ApiAnswer {
    match reload::reload(context).await {
        Ok(changes) => ApiAnswer::object(&Reloaded { changed: changes.changed, needs_restart: changes.needs_restart }),
        Err(error) => ApiAnswer::failed(error),
    }
}

/// `POST /api/v1/host/hand-over`: another process with the same directories
/// goes on with what runs here; this one is gone after the answer.
pub async fn hand_over(context: &Context, body: Body) -> ApiAnswer {
    let heir: Heir = match parse(body) {
        Ok(heir) => heir,
        Err(answer) => return answer,
    };
    if let Err(error) = heir.check(context) {
        warn!(pid = heir.pid, error, "not handed over");
        return ApiAnswer::failed(error);
    }
    let before = context.life.phase();
    if matches!(before, Phase::Leaving | Phase::Left) {
        return ApiAnswer::failed("another process is taking over this host already");
    }
    context.life.enter(Phase::Leaving);
    // A caller that hangs up takes this task with it, and does not take over.
    let _stay_on = StayOn { life: &context.life, before };
    // What has just begun is let finish: a desktop that is not ready yet cannot
    // be adopted.
    let settled = async {
        while context.sessions.any_is(SessionPhase::Starting) || context.lobbies.is_starting() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(SETTLE_DEADLINE, settled).await.is_err() {
        return ApiAnswer::failed("a desktop does not get ready; try again");
    }
    // A client that does not get on in this time has gone.
    let greeted = async {
        while context.sessions.any_is(SessionPhase::Handshake) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = timeout(HANDSHAKES_DEADLINE, greeted).await;
    info!(pid = heir.pid, "handing over to another process");
    context.life.enter(Phase::Left);
    ApiAnswer::done()
}

/// Goes back to the phase before a hand-over that did not come to its end.
struct StayOn<'a> {
    life: &'a Life,
    before: Phase,
}

impl Drop for StayOn<'_> {
    fn drop(&mut self) {
        if self.life.phase() == Phase::Leaving {
            self.life.enter(self.before);
        }
    }
}

/// A body that may be empty.
fn parse_or_default<T: serde::de::DeserializeOwned + Default>(body: Body) -> Result<T, ApiAnswer> {
    match body {
        Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Ok(T::default()),
        body => parse(body),
    }
}

/// How to drain.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct DrainOrder {
    /// End the host when nothing runs any more.
    exit_when_empty: bool,
    /// End it then, whatever runs.
    deadline_seconds: Option<u64>,
    /// Take everybody again.
    cancel: bool,
}

/// What a reload has changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Reloaded {
    /// Keys that have other values now.
    changed: Vec<String>,
    /// Keys whose new values count after a restart only.
    needs_restart: Vec<String>,
}

/// Who takes over.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Heir {
    /// Its process id.
    pid: u32,
    /// Its state directory.
    state_dir: String,
    /// Its runtime directory.
    runtime_dir: String,
}

impl Heir {
    fn check(&self, context: &Context) -> Result<(), String> {
        let ours = &context.directories;
        for (what, theirs, ours) in
            [("state", &self.state_dir, &ours.state), ("runtime", &self.runtime_dir, &ours.runtime)]
        {
            let same = std::fs::canonicalize(theirs).ok() == std::fs::canonicalize(ours).ok();
            if !same {
                return Err(format!("this host's {what} directory is {}, not {theirs}", ours.display()));
            }
        }
        Ok(())
    }
}

/// How long clients may take that are about to connect: a tenth of a second,
/// usually.
const HANDSHAKES_DEADLINE: Duration = Duration::from_secs(3);

/// How long desktops that are starting may take.
const SETTLE_DEADLINE: Duration = Duration::from_secs(15);
