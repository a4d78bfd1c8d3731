//! What all sessions of a host share: decisions and addresses, no locks.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::VideoProfile;
#[cfg(test)]
use crate::config::Config;
use crate::config::apps::AppConfig;
use crate::config::directories::Directories;
use crate::config::live::LiveConfig;
use crate::desktop::spec::{AppSpec, CompositorSpec, DesktopSpec, Identity, Place as DesktopPlace};
use crate::gpu::{GpuAddress, GpuName};
use crate::host::adoption::keeper::Keeper;
use crate::host::apps::Apps;
use crate::host::control_server::ControlHandle;
use crate::host::desktop_sockets::DesktopSockets;
use crate::host::encoders::Encoders;
use crate::host::events::{Event, Events, Owner};
use crate::host::gpus::known::NoSuchGpu;
use crate::host::gpus::placed::{Place, Work};
use crate::host::life::Life;
use crate::host::lobbies::home::LobbyHome;
use crate::host::lobbies::spec::LobbySpec;
use crate::host::placement::{InsteadOf, Placement};
use crate::host::ports::Ports;
use crate::host::rate_limit::RateLimit;
use crate::host::scope::Scope;
use crate::host::sessions::directory::Directory;
use crate::host::store::client_preferences::ClientPreferences;
use crate::host::supervision::Supervision;
use crate::ids::{ClientId, LobbyId, SessionId};
use crate::units::{FrameRate, Size};

/// Shared by all sessions.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: LiveConfig,
    /// Whether anything new may begin.
    pub(crate) life: Life,
    /// Launches and resumes of each client.
    pub(crate) launches: RateLimit<ClientId>,
    pub(crate) apps: Apps,
    pub(crate) preferences: ClientPreferences,
    pub(crate) ports: Ports,
    pub(crate) directory: Arc<Directory>,
    pub(crate) control: ControlHandle,
    /// Where to tell what happens.
    pub(crate) events: Events,
    /// What is known of the host's own state.
    pub(crate) supervision: Supervision,
    /// Where sockets of desktops are handed in.
    pub(crate) desktop_sockets: DesktopSockets,
    /// Holds what shall outlive this process.
    pub(crate) keeper: Keeper,
    /// What the encoders of this machine make.
    pub(crate) encoders: Encoders,
    /// Desktops' private directories, homes, logs, evidence.
    pub(crate) directories: Directories,
    /// Tells this host's desktops from those of one before it.
    pub(crate) instance: String,
    /// Slot number of a paired client, for the user id of its desktops.
    pub(crate) slots: ClientSlots,
}

/// Looks up a small number that belongs to one paired client for ever.
pub(crate) struct ClientSlots(pub(crate) Box<dyn Fn(ClientId) -> Option<u32> + Send + Sync>);

impl std::fmt::Debug for ClientSlots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSlots")
    }
}

impl Shared {
    /// What decides which GPU is used.
    pub(crate) fn placement(&self) -> Placement<'_> {
        Placement::now(self.config.now(), &self.supervision.gpus, &self.encoders)
    }

    /// What clients may ask for, of an app with this GPU.
    pub(crate) fn profiles(&self, gpu: Option<&GpuName>) -> Vec<VideoProfile> {
        Placement::profiles(self.config.now(), &self.supervision.gpus, &self.encoders, gpu)
    }

    /// The user that a client's desktops run as, where the host can choose.
    pub(crate) fn uid(&self, client: ClientId) -> u32 {
        self.config.now().desktop.first_uid.saturating_add((self.slots.0)(client).unwrap_or(0))
    }

    /// Whether a client is paired: others have no home that is kept.
    pub(crate) fn is_paired(&self, client: ClientId) -> bool {
        (self.slots.0)(client).is_some()
    }

    /// What a session's desktop is made of. `attempt` counts its desktops;
    /// `guest` is the home of a client that has none of its own.
    pub(crate) fn desktop_spec(
        &self,
        (session, attempt): (SessionId, u32),
        (client, guest): (ClientId, Option<&LobbyHome>),
        app: &AppConfig,
        mode: (Size, FrameRate),
        channels: u8,
        gpu: Option<&GpuAddress>,
    ) -> DesktopSpec {
        let name = format!("{}-{session}-{attempt}", self.instance);
        let own_uid = self.uid(client);
        let (home, uid) = match (guest, self.preferences.get(client).app_state_folder) {
            (Some(guest), _) => (guest.path.clone(), guest.uid),
            (None, Some(folder)) => {
                let home = self.directories.named_home(client, &folder, app.id());
                // Whoever made it may have been another client.
                let owner = std::fs::metadata(&home).map(|metadata| metadata.uid());
                (home, owner.ok().filter(|uid| *uid >= self.config.now().desktop.first_uid).unwrap_or(own_uid))
            }
            (None, None) => (self.directories.home(client, app.id()), own_uid),
        };
        let place = self.place(home, uid, gpu);
        let mut spec = DesktopSpec::for_app(&self.config.now().desktop, app, name, mode, channels, place);
        spec.gpu = gpu.cloned();
        spec.app.environment.insert(SESSION_VARIABLE.to_owned(), session.to_string());
        spec
    }

    /// A place on a GPU for a session or a lobby that begins. Where another than the one
    /// with this name has to do, everybody is told.
    ///
    /// # Errors
    /// [`NoSuchGpu`], where no other has to do.
    pub(crate) fn settle(&self, scope: Scope, name: Option<&GpuName>, work: Work) -> Result<Place, NoSuchGpu> {
        let decision = self.placement().decide(name, scope)?;
        self.tell_instead_of(scope, decision.instead_of, decision.gpu.as_ref());
        Ok(Place::take(&self.supervision.gpus, scope, decision.gpu, work))
    }

    /// Another place, if there is something the matter with the present one.
    pub(crate) fn settle_elsewhere(&self, place: &mut Place, scope: Scope, name: Option<&GpuName>) {
        let placement = self.placement();
        let is_troubled = place.gpu().is_none_or(|gpu| placement.is_troubled(gpu, scope));
        if let Some(decision) = is_troubled.then(|| placement.decide(name, scope)).and_then(Result::ok) {
            self.tell_instead_of(scope, decision.instead_of, decision.gpu.as_ref());
            place.moves(decision.gpu);
        }
    }

    /// Something is on another GPU than it should be.
    pub(crate) fn tell_instead_of(&self, scope: Scope, instead_of: Option<InsteadOf>, gpu: Option<&GpuAddress>) {
        let Some(InsteadOf { gpu: wanted, reason }) = instead_of else { return };
        let owner = match scope {
            Scope::Host => return,
            Scope::Session(session) => Owner::Session(session),
            Scope::Lobby(lobby) => Owner::Lobby(lobby),
        };
        let gpu = gpu.map(ToString::to_string).unwrap_or_default();
        tracing::warn!(?scope, wanted, gpu, reason, "another GPU than wanted");
        self.events.publish(Event::GpuPassedOver { owner, wanted, gpu, reason });
    }

    /// Where a desktop with this home is, and as whom.
    fn place(&self, home: PathBuf, uid: u32, gpu: Option<&GpuAddress>) -> DesktopPlace {
        // Root can be anybody, and a desktop must not be root; anybody else can
        // only be themselves.
        let identity = rustix::process::geteuid().is_root().then(|| Identity { uid, gid: uid, groups: groups_of(gpu) });
        DesktopPlace {
            runtime_root: self.directories.runtime.clone(),
            log_directory: self.directories.logs(),
            home,
            identity,
        }
    }

    /// What a lobby's desktop is made of. `attempt` counts its desktops.
    pub(crate) fn lobby_desktop_spec(
        &self,
        lobby: LobbyId,
        attempt: u32,
        spec: &LobbySpec,
        home: &LobbyHome,
        gpu: Option<&GpuAddress>,
    ) -> DesktopSpec {
        let config = self.config.now();
        let config = &config.desktop;
        DesktopSpec {
            // A UUID's first half tells the lobbies of one host apart.
            name: format!("{}-lobby-{:.18}-{attempt}", self.instance, lobby.to_string()),
            size: spec.size,
            frame_rate: spec.frame_rate,
            compositor: CompositorSpec::of(config, config.compositor),
            seats: if spec.multi_user { LOBBY_SEATS } else { 0 },
            channels: spec.channels,
            app: AppSpec {
                command: spec.command.clone(),
                environment: spec.environment.clone(),
                working_directory: None,
            },
            gpu: gpu.cloned(),
            place: self.place(home.path.clone(), home.uid, gpu),
            ready_deadline: config.ready_deadline,
        }
    }
}

/// The group that may open a GPU's render node, where not everybody may.
fn groups_of(gpu: Option<&GpuAddress>) -> Vec<u32> {
    let metadata = gpu.and_then(|gpu| std::fs::metadata(gpu.render_node.as_ref()?).ok());
    let needed =
        metadata.filter(|node| node.mode() & 0o006 != 0o006 && node.mode() & 0o060 == 0o060 && node.gid() != 0);
    needed.into_iter().map(|node| node.gid()).collect()
}

/// Tells programs which session they are in, as wolf-ui expects.
const SESSION_VARIABLE: &str = "WOLF_SESSION_ID";

/// Visitors of a lobby with a seat of their own; more share the first.
const LOBBY_SEATS: usize = 8;

#[cfg(test)]
impl Shared {
    /// Sessions without clients: nothing listens for their packets.
    pub(crate) fn for_tests(config: Config, ports: Ports, directory: &std::path::Path) -> Self {
        use crate::host::apps::Apps;
        use crate::host::bind::bind_udp;
        use crate::host::control_server::ControlServer;

        let tickets: Arc<Directory> = Arc::default();
        let socket = bind_udp("control", ([127, 0, 0, 1], 0).into(), false).unwrap();
        let events = Events::new("test");
        let live = LiveConfig::new(config.clone());
        let supervision = Supervision::new(&live, &events);
        let control = ControlServer::start(socket, Arc::clone(&tickets), supervision.health.clone()).unwrap();
        let apps = Apps::open(&directory.join("apps.json"), &config.apps).unwrap();
        Self {
            config: live,
            life: Life::default(),
            launches: RateLimit::default(),
            apps,
            preferences: ClientPreferences::open(&directory.join("client_preferences.json")).unwrap(),
            ports,
            directory: tickets,
            control: control.handle(),
            events,
            supervision,
            desktop_sockets: DesktopSockets::new().0,
            keeper: Keeper::new().0,
            encoders: Encoders::new(&[crate::stream_plan::EncoderFamily::Software]),
            directories: Directories { state: directory.join("state"), runtime: directory.join("run") },
            instance: "test".to_owned(),
            slots: ClientSlots(Box::new(|_| None)),
        }
    }
}
