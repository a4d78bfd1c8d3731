//! A session as others see it: the API's view and the counters for metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::apps::AppConfig;
use crate::host::sessions::network::{Network, NetworkView};
use crate::host::sessions::phase::SessionPhase;
use crate::host::store::client_preferences::{ClientSettings, PartialClientSettings};
use crate::host::supervisor::worker_link::WorkerLink;
use crate::ids::{ClientId, SessionId};
use crate::ipc::counters_page::CountersPage;
use crate::units::{FrameRate, Size};

/// A session as the API shows it. Ids are decimal strings, as Wolf's are.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SessionView {
    /// Number of the session.
    pub session_id: String,
    /// The same, under the name that Wolf has for it.
    pub client_id: String,
    /// Number of the paired client in `/api/v1/clients` ([`ClientId::short`]).
    pub paired_client_id: String,
    /// What the client calls itself; many share one.
    pub client_unique_id: String,
    /// Title of the app.
    pub app: String,
    /// Number of the app.
    pub app_id: String,
    /// Address of the client.
    pub client_ip: String,
    /// `starting`, `handshake`, `streaming` or `paused`.
    pub state: SessionPhase,
    /// Process id of the worker, 0 if there is none.
    pub worker_pid: u32,
    /// Workers started after the first, over all connections of the session.
    pub worker_restarts: u32,
    /// Encoder in use, empty if none.
    pub encoder: String,
    /// GPU that its stream is encoded on: its place on the PCI bus, or its render node
    /// where it is on none; empty if none, or none yet.
    pub encoder_gpu: String,
    /// GPU that it was placed on, where its desktop draws; empty if none is known.
    pub gpu: String,
    /// Picture width in pixels.
    pub video_width: u32,
    /// Picture height in pixels.
    pub video_height: u32,
    /// Frames per second.
    pub video_refresh_rate: u32,
    /// Speakers.
    pub audio_channel_count: u8,
    /// Empty: keys are not shown.
    pub aes_key: String,
    /// Empty: keys are not shown.
    pub aes_iv: String,
    /// Empty: not needed here.
    pub rtsp_fake_ip: String,
    /// What is decided for the client.
    pub client_settings: ClientSettings,
    /// Seconds without a connection; 0 while there is one.
    pub idle_seconds: u64,
    /// The lobby that the client's next connection goes to, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immediate_lobby_id: Option<String>,
    /// The lobby that the session shows, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lobby_id: Option<String>,
    /// The way to the client, while there is a stream.
    pub network: Option<NetworkView>,
    /// The desktop, if the app has one.
    pub desktop: Option<DesktopView>,
}

impl SessionView {
    /// What the client sees and hears.
    pub(crate) fn set_mode(&mut self, (size, frame_rate): (Size, FrameRate), channels: u8) {
        (self.video_width, self.video_height) = (size.width, size.height);
        self.video_refresh_rate = frame_rate.whole_hz();
        self.audio_channel_count = channels;
    }
}

/// A session's desktop as the API shows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DesktopView {
    /// Process id of the compositor.
    pub compositor_pid: u32,
    /// Process id of the sound server, 0 if there is none.
    pub sound_server_pid: u32,
    /// Process id of the app, 0 if there is none.
    pub app_pid: u32,
    /// Path of the Wayland socket.
    pub wayland_socket: String,
    /// Path of the sound server's socket, empty if there is none.
    pub sound_socket: String,
}

/// What a session publishes about itself.
#[derive(Debug)]
pub(crate) struct SessionRecord {
    view: Mutex<SessionView>,
    stream: Mutex<Option<(Arc<CountersPage>, Arc<Network>)>>,
    worker: Mutex<Option<WorkerLink>>,
    idle_since: Mutex<Option<Instant>>,
    /// What the API decided for this session, over what is decided for its
    /// client.
    settings: Mutex<PartialClientSettings>,
}

impl SessionRecord {
    /// The record of a session that begins.
    pub(crate) fn new(session: SessionId, client: ClientId, app: &AppConfig) -> Self {
        let view = SessionView {
            session_id: session.to_string(),
            client_id: session.to_string(),
            paired_client_id: client.short().to_string(),
            app: app.title.clone(),
            app_id: app.id().to_string(),
            ..SessionView::default()
        };
        Self {
            view: Mutex::new(view),
            stream: Mutex::new(None),
            worker: Mutex::new(None),
            idle_since: Mutex::new(Some(Instant::now())),
            settings: Mutex::default(),
        }
    }

    /// The view now.
    pub(crate) fn view(&self) -> SessionView {
        let mut view = lock(&self.view).clone();
        view.idle_seconds = lock(&self.idle_since).map_or(0, |since| since.elapsed().as_secs());
        let network = lock(&self.stream).as_ref().map(|(_, network)| Arc::clone(network));
        view.network = network.map(|network| network.view());
        view
    }

    /// What holds for the session, if `decided` does for its client.
    pub(crate) fn settings(&self, decided: PartialClientSettings) -> PartialClientSettings {
        lock(&self.settings).clone().over(decided)
    }

    /// What the API decided for this session.
    pub(crate) fn own_settings(&self) -> PartialClientSettings {
        lock(&self.settings).clone()
    }

    /// Decides things for this session.
    pub(crate) fn set_settings(&self, settings: PartialClientSettings) {
        *lock(&self.settings) = settings;
    }

    /// Since when there is no connection.
    pub(crate) fn set_idle_since(&self, since: Option<Instant>) {
        *lock(&self.idle_since) = since;
    }

    /// The way to the worker of the current connection.
    pub(crate) fn worker(&self) -> Option<WorkerLink> {
        lock(&self.worker).clone()
    }

    /// Names the way to the worker of the current connection.
    pub(crate) fn set_worker(&self, worker: Option<WorkerLink>) {
        *lock(&self.worker) = worker;
    }

    /// Changes the view.
    pub(crate) fn update(&self, change: impl FnOnce(&mut SessionView)) {
        change(&mut lock(&self.view));
    }

    /// Counters of the current stream.
    pub(crate) fn counters(&self) -> Option<Arc<CountersPage>> {
        lock(&self.stream).as_ref().map(|(counters, _)| Arc::clone(counters))
    }

    /// Names counters and network of the current stream.
    pub(crate) fn set_stream(&self, stream: Option<(Arc<CountersPage>, Arc<Network>)>) {
        *lock(&self.stream) = stream;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
