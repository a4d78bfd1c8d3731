//! `earthshine serve`: everything bound, then announced, then served.
//!
//! What can fail fails before the ready line: a host that says it is ready is.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::net::{TcpListener, UdpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::cli::ServeArgs;
use crate::config::directories::{Directories, DirectoryError};
use crate::config::live::LiveConfig;
use crate::config::{Config, ConfigError};
use crate::host::adoption::inventory;
use crate::host::adoption::keeper::{Inherited, Keeper};
use crate::host::api::socket::{ApiSocket, BindApiError};
use crate::host::api::tcp::{StartTcpApiError, TcpApi};
use crate::host::apps::Apps;
use crate::host::bind::{BindError, any_address, bind_udp, listen_tcp};
use crate::host::context::Context;
use crate::host::control_server::ControlServer;
use crate::host::desktop_sockets::DesktopSockets;
use crate::host::discovery::Discovery;
use crate::host::encoders::Encoders;
use crate::host::events::Events;
use crate::host::facts::HostFacts;
use crate::host::http::admission::ConnectionLimits;
use crate::host::http_servers::{HttpServers, StartHttpError};
use crate::host::identity::{Identity, IdentityError};
use crate::host::life::{LOOK, Life, Phase};
use crate::host::lobbies::Lobbies;
use crate::host::memory::MemoryGauge;
use crate::host::monitor::{Monitor, Watched};
use crate::host::pairing::pending::PairingLimits;
use crate::host::pairing::{Pairings, StartPairingError};
use crate::host::ports::Ports;
use crate::host::profiles::Profiles;
use crate::host::rate_limit::RateLimit;
use crate::host::service_manager::ServiceManager;
use crate::host::sessions::Sessions;
use crate::host::sessions::directory::Directory;
use crate::host::sessions::shared::{ClientSlots, Shared};
use crate::host::store::client_preferences::ClientPreferences;
use crate::host::store::paired_clients::PairedClients;
use crate::host::store::state_dir::{OpenStateDirError, StateDir};
use crate::host::store::versioned_file::LoadStateError;
use crate::host::supervision::Supervision;
use crate::host::supervisor::quarantine::Captive;
use crate::host::take_over::{self, TakeOverError};
use crate::host::{media_ports, metrics, reload, rtsp_server};
use crate::ipc::message::MediaKind;

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// State or runtime directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The state directory has another host.
    #[error(transparent)]
    StateDir(#[from] OpenStateDirError),
    /// The running host goes on.
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
    /// The host's certificate and id.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The list of paired clients, or another state file.
    #[error(transparent)]
    State(#[from] LoadStateError),
    /// A base port without room for the others.
    #[error("--port {0} does not work: choose a base from 6 to 65514, so that all ports derived from it exist")]
    Ports(u16),
    /// A port in use, or not ours.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The API socket.
    #[error(transparent)]
    Api(#[from] BindApiError),
    /// The API over TCP.
    #[error(transparent)]
    TcpApi(#[from] StartTcpApiError),
    /// The host's key is not usable for pairing.
    #[error(transparent)]
    Pairing(#[from] StartPairingError),
    /// TLS.
    #[error(transparent)]
    Http(#[from] StartHttpError),
    /// The kernel refuses something every host needs.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
}

/// Runs a host until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`] before the host is ready; nothing is left behind then.
pub async fn serve(args: ServeArgs) -> Result<(), ServeError> {
    let host = Host::bind(args)?;
    host.run().await
}

/// A host with everything bound.
struct Host {
    context: Arc<Context>,
    sockets: Sockets,
    http: HttpServers,
    directory: Arc<Directory>,
    keeper: Keeper,
    // Dropped last: they end a thread and let go of a lock.
    _control: ControlServer,
    _state_lock: StateDir,
    bound_to: IpAddr,
    api_socket: PathBuf,
    api_listen: Option<SocketAddr>,
    directories: Directories,
}

/// Sockets that have a task each.
struct Sockets {
    rtsp: TcpListener,
    metrics: TcpListener,
    video: UdpSocket,
    audio: UdpSocket,
}

impl Sockets {
    /// Has them held for another host, under the names that they are bound by.
    fn keep(&self, keeper: &Keeper) {
        keeper.keep("RTSP", &self.rtsp);
        keeper.keep("metrics", &self.metrics);
        keeper.keep("video", &self.video);
        keeper.keep("audio", &self.audio);
    }
}

impl Host {
    fn bind(args: ServeArgs) -> Result<Self, ServeError> {
        let config = Config::load(args.config.as_deref())?;
        let directories = Directories::choose(args.state_dir, args.runtime_dir);
        directories.create()?;
        let api_socket = args.api_socket.clone().unwrap_or_else(|| directories.runtime.join("api.sock"));
        let state = if args.take_over {
            take_over::take_over(&api_socket, &directories)?
        } else {
            StateDir::open(&directories.state)?
        };
        let identity = Arc::new(Identity::load_or_create(&state.file("identity.json"))?);
        let clients = PairedClients::open(&state.file("paired_clients.json"))?;
        let people = Profiles::open(&state.file("profiles.json"))?;
        let preferences = ClientPreferences::open(&state.file("client_preferences.json"))?;
        let apps = Apps::open(&state.file("apps.json"), &config.apps)?;
        let ports = Ports::from_base(args.port).ok_or(ServeError::Ports(args.port))?;

        // What an earlier host's keeper holds: its ports, first of all.
        let mut inherited = Inherited::ask(&directories.runtime);
        let bound_to = args.bind.unwrap_or_else(any_address);
        let at = |port| SocketAddr::new(bound_to, port);
        let mut tcp = |purpose, address| -> Result<TcpListener, ServeError> {
            let listener = inherited.tcp(purpose, address).map_or_else(|| listen_tcp(purpose, address), Ok)?;
            Ok(TcpListener::from_std(listener)?)
        };
        let http = tcp("HTTP", at(ports.http))?;
        let https = tcp("HTTPS", at(ports.https))?;
        let metrics_at = args.metrics.unwrap_or((Ipv4Addr::LOCALHOST, args.port + METRICS_OFFSET).into());
        let [rtsp, metrics] = [("RTSP", at(ports.rtsp)), ("metrics", metrics_at)].map(|(name, at)| tcp(name, at));
        let mut udp = |purpose, port, shared| {
            inherited.udp(purpose, at(port)).map_or_else(|| bind_udp(purpose, at(port), shared), Ok)
        };
        let [video, audio] = [("video", ports.video), ("audio", ports.audio)].map(|(name, port)| udp(name, port, true));
        let control_socket = udp("control", ports.control, false)?;
        let (video, audio) = (UdpSocket::from_std(video?)?, UdpSocket::from_std(audio?)?);
        let sockets = Sockets { rtsp: rtsp?, metrics: metrics?, video, audio };
        let control_copy = control_socket.try_clone()?;
        let api = match ApiSocket::adopt(&api_socket, &mut inherited) {
            Some(api) => api,
            None => ApiSocket::bind(&api_socket)?,
        };
        let (live, life) = (LiveConfig::new(config.clone()), Life::default());
        let instance = instance_name();
        let events = Events::new(&instance);
        events.set_limits(config.limits.event_subscribers, config.limits.event_subscribers_per_desktop);
        let supervision = Supervision::new(&live, &events);

        let directory: Arc<Directory> = Arc::default();
        let control = ControlServer::start(control_socket, Arc::clone(&directory), supervision.health.clone())?;
        let encoders = Encoders::new(&config.video.encoders);
        let (desktop_sockets, desktop_queue) = DesktopSockets::new();
        let (keeper, keeper_start) = Keeper::new();
        let shared = Arc::new(Shared {
            config: live.clone(),
            life: life.clone(),
            launches: RateLimit::default(),
            apps: apps.clone(),
            preferences: preferences.clone(),
            ports,
            directory: Arc::clone(&directory),
            control: control.handle(),
            events: events.clone(),
            supervision: supervision.clone(),
            desktop_sockets,
            keeper: keeper.clone(),
            encoders: encoders.clone(),
            directories: directories.clone(),
            instance,
            slots: ClientSlots(Box::new({
                let clients = clients.clone();
                move |client| clients.get(client).map(|client| client.slot)
            })),
        });
        let pairings = Pairings::new(&identity, clients.clone(), PairingLimits::of(&config.limits), events.clone())?;
        let limits = &config.limits;
        let per_listener = ConnectionLimits { total: limits.connections, per_address: limits.connections_per_address };
        let tcp_api = TcpApi::open(&config.api, &identity, |address| inherited.tcp("API", address))?;
        let api_listen = tcp_api.as_ref().map(TcpApi::address).transpose()?;
        let http = HttpServers::new(http, https, api, desktop_queue, &identity)?
            .with_tcp_api(tcp_api)
            .with_limits(per_listener)
            .with_handshakes(limits.handshakes)?;
        // From here on nothing fails; and only now is it certain that no other
        // host runs here.
        keeper_start.start(&directories.runtime, config.desktop.adopt_grace);
        http.keep(&keeper);
        sockets.keep(&keeper);
        keeper.keep("control", &control_copy);
        inherited.pass_on(&keeper);
        let left = inventory::take(&directories, &mut inherited, &keeper);
        if !left.stuck.is_empty() {
            supervision.quarantine.take(Captive::left_over(left.stuck));
        }
        let lobbies = Lobbies::new(Arc::clone(&shared));
        let sessions = Sessions::new(shared, lobbies.clone());
        for (state, desktop) in left.lobbies {
            lobbies.adopt(state, desktop);
        }
        for session in left.sessions {
            sessions.adopt(session);
        }
        inherited.finish(&keeper);
        let context = Arc::new(Context {
            pairings,
            identity,
            clients,
            sessions,
            lobbies,
            events,
            supervision,
            facts: HostFacts::read(&config.host.name),
            apps,
            people,
            memory: MemoryGauge::default(),
            preferences,
            config: live,
            config_file: args.config,
            life,
            requests: RateLimit::default(),
            directories: directories.clone(),
            ports,
            encoders,
        });
        Ok(Self {
            context,
            sockets,
            http,
            directory,
            keeper,
            _control: control,
            _state_lock: state,
            bound_to,
            api_socket,
            api_listen,
            directories,
        })
    }

    async fn run(self) -> Result<(), ServeError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let Sockets { rtsp, metrics, video, audio } = self.sockets;
        let metrics_at = metrics.local_addr()?;
        let sessions = self.context.sessions.clone();
        let (shut_down, shutting_down) = watch::channel(false);
        let servers = tokio::spawn(self.http.run(Arc::clone(&self.context), shutting_down));
        let mut tasks = JoinSet::new();
        tasks.spawn(rtsp_server::listen(
            rtsp,
            Arc::clone(&self.directory),
            self.context.config.clone(),
            self.context.life.clone(),
        ));
        tasks.spawn(metrics::listen(metrics, Arc::clone(&self.context)));
        tasks.spawn(media_ports::listen(MediaKind::Video, video, Arc::clone(&self.directory)));
        tasks.spawn(media_ports::listen(MediaKind::Audio, audio, Arc::clone(&self.directory)));

        let Context { config, ports, facts, life, supervision, .. } = &*self.context;
        let canary = supervision.canary(config, &self.context.encoders, &self.directories.evidence());
        let config = config.now();
        tasks.spawn(supervision.health.clone().probe_host_loop());
        let canary = tokio::spawn(canary.run());
        tasks.spawn(self.context.encoders.clone().learn(supervision.quarantine.clone()));
        let gpu_watch = tasks.spawn(supervision.gpu_watch(&self.directories.evidence()).run());
        let service_manager = ServiceManager::from_environment();
        let _monitor = Monitor::start(Watched {
            sessions: sessions.clone(),
            lobbies: self.context.lobbies.clone(),
            supervision: supervision.clone(),
            service_manager: service_manager.clone(),
        })?;
        let discovery =
            config.host.discovery.then(|| Discovery::announce(&facts.name, self.bound_to, ports.http)).flatten();
        print_ready(*ports, &self.api_socket, self.api_listen, metrics_at)?;
        greet(*ports, &self.api_socket, &self.directories.logs());
        service_manager.ready();

        loop {
            tokio::select! {
                _ = terminate.recv() => break info!("SIGTERM: shutting down"),
                _ = interrupt.recv() => break info!("SIGINT: shutting down"),
                _ = hangup.recv() => {
                    // What it says is logged.
                    let _ = reload::reload(&self.context).await;
                }
                () = drained(&self.context) => break info!("drained: shutting down"),
                () = left(life) => {
                    canary.abort();
                    gpu_watch.abort();
                    shut_down.send_replace(true);
                    if timeout(SHUTDOWN_DEADLINE, servers).await.is_err() {
                        warn!("some connections did not end in time");
                    }
                    self.keeper.settle().await;
                    info!("another process goes on from here");
                    // Nothing is torn down: all that runs is the next host's.
                    std::process::exit(0);
                }
            }
        }
        service_manager.stopping();
        canary.abort();
        gpu_watch.abort();
        if let Some(discovery) = discovery {
            discovery.withdraw().await;
        }
        // Sessions first: nobody shall be sent home from a lobby that ends.
        let everything = async {
            sessions.shut_down().await;
            self.context.lobbies.shut_down().await;
        };
        if timeout(SHUTDOWN_DEADLINE, everything).await.is_err() {
            warn!("some sessions did not end in time; the next start cleans up after them");
        }
        shut_down.send_replace(true);
        if timeout(SHUTDOWN_DEADLINE, servers).await.is_err() {
            warn!("some connections did not end in time");
        }
        self.keeper.end().await;
        inventory::close(&self.context.directories);
        Ok(())
    }
}

/// Waits until the host is drained, if it is to end then.
async fn drained(context: &Context) {
    loop {
        let phase = context.life.phase();
        let running = context.sessions.list().len() + context.lobbies.list().len();
        if phase.is_over(running, Instant::now()) {
            return;
        }
        match phase {
            Phase::Draining(_) => drop(timeout(LOOK, context.life.changed(phase)).await),
            _ => drop(context.life.changed(phase).await),
        }
    }
}

/// Waits until another process goes on.
async fn left(life: &Life) {
    let mut phase = life.phase();
    while phase != Phase::Left {
        phase = life.changed(phase).await;
    }
}

/// The one line on standard output that scripts wait for.
fn print_ready(
    ports: Ports,
    api_socket: &std::path::Path,
    api_listen: Option<SocketAddr>,
    metrics: SocketAddr,
) -> io::Result<()> {
    let line = json!({
        "event": "ready",
        "pid": std::process::id(),
        "http": ports.http,
        "https": ports.https,
        "rtsp": ports.rtsp,
        "video": ports.video,
        "control": ports.control,
        "audio": ports.audio,
        "api_socket": api_socket,
        "api_listen": api_listen,
        "metrics": metrics.to_string(),
    });
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// What a person wants to know, on standard error between the logs.
fn greet(ports: Ports, api_socket: &std::path::Path, logs: &std::path::Path) {
    let Ports { http, https, rtsp, video, control, audio } = ports;
    eprintln!(
        "\n  Earthshine listens on TCP {https} {http} {rtsp} and UDP {video} {control} {audio}.\n  \
         Add this machine in Moonlight by its address{}, then enter the PIN it shows:\n    \
         earthshine pair --api-socket {} PIN\n  \
         Logs of desktops and apps: {}\n",
        if http == Ports::DEFAULT_BASE { String::new() } else { format!(" and port (ADDRESS:{http})") },
        api_socket.display(),
        logs.display(),
    );
}

/// Unique among the hosts that ever ran here, so that no desktop is taken for
/// one of an earlier host.
fn instance_name() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", since_epoch.as_millis(), std::process::id())
}

/// Metrics port above the base, where none was given.
const METRICS_OFFSET: u16 = 1;

/// How long sessions, and then connections, may take to end.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);
