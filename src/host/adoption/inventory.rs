//! What an earlier host left, sorted into what goes on and what goes.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use crate::config::directories::Directories;
use crate::desktop::Desktop;
use crate::desktop::adopt::{LeftDesktop, left_desktops};
use crate::desktop::clean_up::{self, sweep_but};
use crate::desktop::process::ProcessId;
use crate::host::adoption::keeper::{Inherited, Keeper};
use crate::host::adoption::kept_stream::LeftStream;
use crate::host::adoption::lobby_state::{self, LobbyState};
use crate::host::adoption::record_file;
use crate::host::adoption::session_state::{self, DesktopState, SessionState};
use crate::host::lobbies;
use crate::ids::ClientId;

/// What goes on. Dropping it ends it.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) sessions: Vec<LeftSession>,
    pub(crate) lobbies: Vec<(LobbyState, Desktop)>,
    /// Processes that do not die.
    pub(crate) stuck: Vec<ProcessId>,
}

/// A session that goes on.
#[derive(Debug)]
pub(crate) struct LeftSession {
    pub(crate) state: SessionState,
    pub(crate) desktop: Option<Desktop>,
    /// Its client's stream.
    pub(crate) stream: Option<LeftStream>,
}

/// Adopts what still lives below the runtime directory, and cleans up the rest.
/// Blocking: to be called once, at the start, when it is certain that no other
/// host runs here. Needs a tokio runtime.
pub(crate) fn take(directories: &Directories, inherited: &mut Inherited, keeper: &Keeper) -> Inventory {
    let runtime = &directories.runtime;
    // The keeper of the dead host may be about to clean up.
    let lock = clean_up::lock(runtime);
    if let Err(error) = &lock {
        warn!(%error, "somebody else cleans up here: nothing is adopted");
    }
    let mut inventory = if lock.is_ok() { adopt(runtime, inherited, keeper) } else { Inventory::default() };
    let desktops = inventory.sessions.iter().filter_map(|session| session.desktop.as_ref());
    let desktops = desktops.chain(inventory.lobbies.iter().map(|(_, desktop)| desktop));
    let kept: Vec<PathBuf> = desktops.map(|desktop| desktop.directory().to_owned()).collect();
    let swept = sweep_but(runtime, &kept);
    if !swept.stuck.is_empty() {
        warn!(processes = swept.stuck.len(), "an earlier host left processes that cannot be killed");
        inventory.stuck = swept.stuck;
    }
    let guests = inventory.sessions.iter().filter_map(|session| session.state.guest_home.as_ref());
    let homes = inventory.lobbies.iter().map(|(state, _)| &state.home).chain(guests);
    let homes: Vec<_> = homes.map(|home| home.path.as_path()).collect();
    lobbies::home::sweep(directories, &homes);
    forget_others(
        &session_state::directory(runtime),
        inventory.sessions.iter().map(|session| session.state.session.to_string()),
    );
    forget_others(&lobby_state::directory(runtime), inventory.lobbies.iter().map(|(state, _)| state.lobby.to_string()));
    drop(lock);
    for directory in [session_state::directory(runtime), lobby_state::directory(runtime)] {
        // If that fails, the first record that is not written says so.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    }
    inventory
}

/// Removes the places of records, which are empty now: the host ends in order.
pub(crate) fn close(directories: &Directories) {
    lobbies::home::close(directories);
    let runtime = &directories.runtime;
    for directory in [session_state::directory(runtime), lobby_state::directory(runtime)] {
        // One that is not empty is for the next host.
        let _ = fs::remove_dir(directory);
    }
}

fn adopt(runtime: &Path, inherited: &mut Inherited, keeper: &Keeper) -> Inventory {
    let mut left: HashMap<PathBuf, LeftDesktop> =
        left_desktops(runtime).into_iter().map(|desktop| (desktop.directory().to_owned(), desktop)).collect();
    let mut sessions: Vec<SessionState> =
        record_file::read_all(&session_state::directory(runtime), session_state::FORMAT);
    let mut inventory = Inventory::default();
    // A client has one session: an older one was about to end.
    sessions.sort_by_key(|state| std::cmp::Reverse(state.session));
    let mut clients: HashSet<ClientId> = HashSet::new();
    for mut state in sessions {
        let session = state.session;
        let too_often = state.connection.is_some() && state.adoptions.are_too_many();
        if too_often {
            warn!(%session, "its stream has outlived too many hosts, and may be what ends them: it does not go on");
        }
        let stream = state.connection.as_ref().filter(|_| !too_often);
        let stream = stream.and_then(|_| LeftStream::take(inherited, keeper, session));
        let visits = stream.is_some() && state.connection.as_ref().is_some_and(|connection| connection.lobby.is_some());
        let desktop = match &state.desktop {
            _ if !clients.insert(state.client) => Err("superseded".to_owned()),
            Some(desktop) => adopt_desktop(&mut left, desktop).map(Some),
            None if state.app.test_card || visits => Ok(None),
            None => Err("it has no desktop".to_owned()),
        };
        match desktop {
            Ok(desktop) => {
                info!(%session, app = state.app.title, streams = stream.is_some(), "session adopted");
                state.adoptions.count();
                // Before anything is done with it that might end this host, too.
                session_state::record(runtime, session).save(&state);
                inventory.sessions.push(LeftSession { state, desktop, stream });
            }
            Err(reason) => {
                info!(%session, app = state.app.title, reason, "session of an earlier host not adopted");
                if let Some(stream) = stream {
                    stream.end();
                }
            }
        }
    }
    let lobbies: Vec<LobbyState> = record_file::read_all(&lobby_state::directory(runtime), lobby_state::FORMAT);
    for state in lobbies {
        let (lobby, name) = (state.lobby, &state.spec.name);
        match adopt_desktop(&mut left, &state.desktop) {
            Ok(desktop) => {
                info!(%lobby, name, "lobby adopted");
                inventory.lobbies.push((state, desktop));
            }
            Err(reason) => info!(%lobby, name, reason, "lobby of an earlier host not adopted"),
        }
    }
    inventory
}

fn adopt_desktop(left: &mut HashMap<PathBuf, LeftDesktop>, state: &DesktopState) -> Result<Desktop, String> {
    let desktop = left.remove(&state.directory).ok_or("its desktop is gone, or was not complete")?;
    Desktop::adopt(desktop).map_err(|error| error.to_string())
}

/// Removes all records but those of `kept`.
fn forget_others(directory: &Path, kept: impl Iterator<Item = String>) {
    let kept: HashSet<String> = kept.map(|name| format!("{name}.json")).collect();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(|name| kept.contains(name)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
