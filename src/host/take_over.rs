//! Taking the place of a running host.
//!
//! All that can fail without touching it was tried before: the configuration,
//! the directories. Then it is asked to leave; it does so only when nothing is
//! half done, and ends without ending what it runs. From there on this is the
//! start after a crash: the keeper has the ports, the records say what runs.

use std::path::Path;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::api_client::{ApiClient, ApiError};
use crate::config::directories::Directories;
use crate::host::apps::Apps;
use crate::host::identity::{Identity, IdentityError};
use crate::host::store::paired_clients::PairedClients;
use crate::host::store::state_dir::{OpenStateDirError, StateDir};
use crate::host::store::versioned_file::LoadStateError;
use crate::host::tls;

/// Why a running host goes on.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// It will not leave, or cannot be asked.
    #[error("the running host goes on: {0}")]
    Refused(ApiError),
    /// It said that it leaves, and did not.
    #[error(transparent)]
    Stays(#[from] OpenStateDirError),
    /// Its state cannot be read by this version.
    #[error("the running host goes on: {0}")]
    Identity(#[from] IdentityError),
    /// Its state cannot be read by this version.
    #[error("the running host goes on: {0}")]
    State(#[from] LoadStateError),
    /// Its certificate is not usable.
    #[error("the running host goes on: its certificate cannot be used for TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Takes the place of the host that answers at `api_socket`, or of none. The
/// state directory is ours then. Blocking.
///
/// # Errors
/// [`TakeOverError`].
pub(crate) fn take_over(api_socket: &Path, directories: &Directories) -> Result<StateDir, TakeOverError> {
    match StateDir::open(&directories.state) {
        Err(OpenStateDirError::InUse { .. }) => {}
        opened => {
            info!("nobody to take over from: starting as usual");
            return Ok(opened?);
        }
    }
    rehearse(directories)?;
    let asked = ApiClient::new(api_socket.to_owned()).hand_over(&directories.state, &directories.runtime);
    asked.map_err(TakeOverError::Refused)?;
    let end = Instant::now() + LEAVE_DEADLINE;
    loop {
        match StateDir::open(&directories.state) {
            Err(OpenStateDirError::InUse { .. }) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => {
                warn!("the running host said that it leaves, and is still there");
                return Err(error.into());
            }
            Ok(state) => {
                info!("the host before this one is gone; going on in its place");
                return Ok(state);
            }
        }
    }
}

/// Whether the state that this process will need is there and makes sense to it.
fn rehearse(directories: &Directories) -> Result<(), TakeOverError> {
    let file = |name: &str| directories.state.join(name);
    let identity = Identity::load_or_create(&file("identity.json"))?;
    tls::server_config(&identity)?;
    PairedClients::open(&file("paired_clients.json"))?;
    Apps::open(&file("apps.json"), &[])?;
    Ok(())
}

/// From the running host's answer to its end: its connections have two seconds.
const LEAVE_DEADLINE: Duration = Duration::from_secs(15);
