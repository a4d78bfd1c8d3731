//! What every HTTP endpoint and API resource may use.
//!
//! Made once by `serve` and shared; everything in it is cheap to read, and
//! nothing in it blocks.

use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::VideoProfile;
use crate::config::directories::Directories;
use crate::config::live::LiveConfig;
use crate::gpu::GpuName;
use crate::host::apps::Apps;
use crate::host::encoders::Encoders;
use crate::host::events::Events;
use crate::host::facts::HostFacts;
use crate::host::gamestream::caller::Who;
use crate::host::identity::Identity;
use crate::host::life::Life;
use crate::host::lobbies::Lobbies;
use crate::host::memory::MemoryGauge;
use crate::host::pairing::Pairings;
use crate::host::placement::Placement;
use crate::host::ports::Ports;
use crate::host::profiles::Profiles;
use crate::host::rate_limit::RateLimit;
use crate::host::sessions::Sessions;
use crate::host::store::client_preferences::ClientPreferences;
use crate::host::store::paired_clients::PairedClients;
use crate::host::supervision::Supervision;

/// State and services of the host process, for those who answer requests.
#[derive(Debug)]
pub struct Context {
    /// Certificate and id of the host.
    pub identity: Arc<Identity>,
    /// Who may stream.
    pub clients: PairedClients,
    /// What was decided for single clients.
    pub preferences: ClientPreferences,
    /// Who is about to pair.
    pub pairings: Pairings,
    /// Streams.
    pub sessions: Sessions,
    /// Desktops that outlive their visitors.
    pub lobbies: Lobbies,
    /// What happens, for whoever listens.
    pub events: Events,
    /// What is known of the host's own state.
    pub(crate) supervision: Supervision,
    /// What clients can launch.
    pub apps: Apps,
    /// People that Wolf UI lets choose from.
    pub people: Profiles,
    /// What the operator decided.
    pub config: LiveConfig,
    /// The file that it is read from, if any.
    pub config_file: Option<PathBuf>,
    /// Whether anything new may begin.
    pub life: Life,
    /// Requests of each client.
    pub(crate) requests: RateLimit<Who>,
    /// Where the host keeps things.
    pub directories: Directories,
    /// Who uses how much memory.
    pub memory: MemoryGauge,
    /// Ports that really listen.
    pub ports: Ports,
    /// Name and hardware addresses of the machine.
    pub facts: HostFacts,
    /// What the encoders of this machine make.
    pub encoders: Encoders,
}

impl Context {
    /// What decides which GPU is used.
    pub(crate) fn placement(&self) -> Placement<'_> {
        Placement::now(self.config.now(), &self.supervision.gpus, &self.encoders)
    }

    /// What clients may ask for, of an app with this GPU.
    pub(crate) fn profiles(&self, gpu: Option<&GpuName>) -> Vec<VideoProfile> {
        Placement::profiles(self.config.now(), &self.supervision.gpus, &self.encoders, gpu)
    }
}
