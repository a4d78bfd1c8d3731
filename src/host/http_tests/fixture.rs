//! The host that the tests talk to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::host::api::socket::ApiSocket;
use crate::host::api::tcp::TcpApi;
use crate::host::context::Context;
use crate::host::desktop_sockets::DesktopSockets;
use crate::host::encoders::Encoders;
use crate::host::facts::HostFacts;
use crate::host::http::admission::ConnectionLimits;
use crate::host::http::connection::Deadlines;
use crate::host::http_servers::{HttpServers, bind_tcp};
use crate::host::identity::Identity;
use crate::host::lobbies::Lobbies;
use crate::host::memory::MemoryGauge;
use crate::host::pairing::Pairings;
use crate::host::pairing::pending::PairingLimits;
use crate::host::ports::Ports;
use crate::host::profiles::Profiles;
use crate::host::rate_limit::RateLimit;
use crate::host::sessions::Sessions;
use crate::host::sessions::shared::Shared;
use crate::host::store::paired_clients::PairedClients;
use crate::stream_plan::EncoderFamily;

const CONFIG: &str = r#"
[host]
name = "den"
discovery = false
max_sessions = 4
max_lobbies = 4
real_time = true

[api]
listen = "127.0.0.1:0"
token = "0123456789abcdef"
token_file = ""
tls = true
certificate_file = ""
key_file = ""

[video]
encoders = ["software"]
gpu = "auto"
gpu_fallback = true
conversion = "auto"
nvenc_preset = 1
nvenc_two_pass = true
nvenc_spatial_aq = false
capture = "auto"
capture_device = ""
fec_percent = 20
minimum_frame_rate = 10
max_bitrate_kbps = 100000

[network]
adapt = true
minimum_bitrate_kbps = 1000
maximum_fec_percent = 50

[desktop]
compositor = "sway"
compositor_command = []
ready_deadline = 5
idle_limit = 60
first_uid = 60000
renderer = "auto"
refresh = 1
xwayland = false
adopt_grace = 0

[limits]
connections = 512
connections_per_address = 320
handshakes = 320
pairings = 64
pairings_per_address = 8
requests_per_second = 10000
launches_per_minute = 10000
body_bytes = 1048576
rtsp_connections = 256
api_connections = 64
api_connections_per_desktop = 16
event_subscribers = 32
event_subscribers_per_desktop = 4

[admission]
cpu_percent = 0
memory_reserve_mb = 0
max_quarantined = 3
gpu_memory_reserve_mb = 0
encoder_sessions = 8

[health]
canary_interval = 0
canary_deadline = 2
canary_command = []

[[app]]
title = "Desktop"

[[app]]
title = "Test & card"
id = 7
test_card = true
"#;

/// A running host; stopped by [`Host::stop`].
pub(super) struct Host {
    pub(super) context: Arc<Context>,
    pub(super) http: SocketAddr,
    pub(super) https: SocketAddr,
    pub(super) api: PathBuf,
    /// The API over TCP, whose token is [`TOKEN`].
    pub(super) tcp_api: SocketAddr,
    pub(super) clients_file: PathBuf,
    pub(super) desktop_sockets: DesktopSockets,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Host {
    pub(super) async fn start() -> Self {
        Self::start_with(PairingLimits::default(), Deadlines::default(), ConnectionLimits::default()).await
    }

    pub(super) async fn start_with(pairing: PairingLimits, deadlines: Deadlines, limits: ConnectionLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (http, https) = (bind_tcp(localhost, 0).await.unwrap(), bind_tcp(localhost, 0).await.unwrap());
        let (http_address, https_address) = (http.local_addr().unwrap(), https.local_addr().unwrap());
        let api = dir.path().join("api.sock");
        let socket = ApiSocket::bind(&api).unwrap();
        let config: Config = toml::from_str(CONFIG).unwrap();
        let identity = Identity::load_or_create(&dir.path().join("identity.json")).unwrap();
        let clients_file = dir.path().join("clients.json");
        let clients = PairedClients::open(&clients_file).unwrap();
        let ports = Ports::from_base(Ports::DEFAULT_BASE).unwrap();
        let mut shared = Shared::for_tests(config.clone(), ports, dir.path());
        let (desktop_sockets, desktop_queue) = DesktopSockets::new();
        shared.desktop_sockets = desktop_sockets.clone();
        let shared = Arc::new(shared);
        let lobbies = Lobbies::new(Arc::clone(&shared));
        let (life, shared_config, dirs) = (shared.life.clone(), shared.config.clone(), shared.directories.clone());
        let context = Arc::new(Context {
            pairings: Pairings::new(&identity, clients.clone(), pairing, shared.events.clone()).unwrap(),
            identity: Arc::new(identity),
            clients,
            events: shared.events.clone(),
            supervision: shared.supervision.clone(),
            apps: shared.apps.clone(),
            people: Profiles::open(&dir.path().join("profiles.json")).unwrap(),
            memory: MemoryGauge::default(),
            preferences: shared.preferences.clone(),
            sessions: Sessions::new(shared, lobbies.clone()),
            lobbies,
            facts: HostFacts::read(&config.host.name),
            config: shared_config,
            config_file: None,
            life,
            requests: RateLimit::default(),
            directories: dirs,
            ports: Ports { http: http_address.port(), https: https_address.port(), ..ports },
            encoders: Encoders::new(&[EncoderFamily::Software]),
        });
        let tcp = TcpApi::bind(&context.config.now().api, &context.identity).unwrap();
        let tcp_api = tcp.as_ref().unwrap().address().unwrap();
        let servers = HttpServers::new(http, https, socket, desktop_queue, &context.identity)
            .unwrap()
            .with_deadlines(deadlines)
            .with_limits(limits)
            .with_tcp_api(tcp);
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(servers.run(Arc::clone(&context), stopped));
        Self {
            context,
            http: http_address,
            https: https_address,
            api,
            tcp_api,
            clients_file,
            desktop_sockets,
            stop,
            running,
            _dir: dir,
        }
    }

    /// Stops the host and waits until all its sockets are closed.
    pub(super) async fn stop(self) {
        let ports = [self.http, self.https, self.tcp_api].map(|address| address.port());
        let open = || ports.into_iter().flat_map(sockets_of).collect::<Vec<_>>();
        // A port that is free again may be another host's at once.
        let ours: Vec<_> = open().iter().map(|line| inode(line).to_owned()).collect();
        self.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(20), self.running).await.unwrap().unwrap();
        assert!(!self.api.exists());
        let left: Vec<_> = open().into_iter().filter(|line| ours.iter().any(|ours| ours == inode(line))).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

/// Of the API over TCP.
pub(super) const TOKEN: &str = "0123456789abcdef";

/// Of a line of `/proc/net/tcp`.
fn inode(line: &str) -> &str {
    line.split_whitespace().nth(9).unwrap_or("0")
}

/// The sockets of this port that some process still has open, as
/// `/proc/net/tcp` shows them.
pub(super) fn sockets_of(port: u16) -> Vec<String> {
    let local = format!("0100007F:{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_open = |line: &&str| {
        // The inode is 0 once nobody has the socket.
        line.split_whitespace().nth(1) == Some(&local) && inode(line) != "0"
    };
    table.lines().filter(is_open).map(str::to_owned).collect()
}
