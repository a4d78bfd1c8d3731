//! `/api/v1/system/memory`: who uses how much, in the shape that dashboards for
//! Wolf read.
//!
//! All figures are measured; what belongs to GStreamer is 0. Of GPUs it says what
//! is known, and asks none: that could hang (`host/gpus`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::Answering;
use crate::host::context::Context;
use crate::host::gpus::GpusView;
use crate::host::lobbies::view::LobbyView;
use crate::host::memory::Measurement;
use crate::host::sessions::view::{DesktopView, SessionView};

/// `GET /api/v1/system/memory`.
pub fn get<'a>(context: &'a Context, _: &'a str) -> Answering<'a> {
    Box::pin(async move {
        let (sessions, lobbies) = (context.sessions.list(), context.lobbies.list());
        let own = std::process::id();
        let workers = sessions.iter().map(|session| session.worker_pid);
        let desktops =
            sessions.iter().map(|session| &session.desktop).chain(lobbies.iter().map(|lobby| &lobby.desktop));
        let roots = [own].into_iter().chain(workers).chain(desktops.flatten().flat_map(processes)).collect();
        match context.memory.measure(roots).await {
            Some(measured) => {
                let gpus = context.supervision.gpus.view();
                ApiAnswer::object(&SystemMemory::new(&measured, own, &sessions, &lobbies, gpus))
            }
            None => ApiAnswer::failed("memory could not be measured in time; try again"),
        }
    })
}

fn processes(desktop: &DesktopView) -> [u32; 3] {
    [desktop.compositor_pid, desktop.sound_server_pid, desktop.app_pid]
}

/// Memory of everything.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SystemMemory {
    /// Of the host's own process.
    process_rss_bytes: u64,
    /// 0: there are none.
    gstreamer_buffer_bytes: u64,
    /// Of the host, its workers and its desktops.
    total_memory_bytes: u64,
    /// Seconds since it was measured.
    age_seconds: f64,
    apps: Vec<AppMemory>,
    lobbies: Vec<LobbyMemory>,
    clients: Vec<ClientMemory>,
    gpu_stats: GpuStats,
    gstreamer_pipelines: Pipelines,
}

/// Sessions of one app: their desktops.
#[derive(Debug, Serialize, JsonSchema)]
struct AppMemory {
    app_id: String,
    app_name: String,
    resolution: String,
    client_count: usize,
    memory_bytes: u64,
}

/// A lobby's desktop.
#[derive(Debug, Serialize, JsonSchema)]
struct LobbyMemory {
    lobby_id: String,
    lobby_name: String,
    /// `WIDTHxHEIGHT@RATE`.
    resolution: String,
    client_count: usize,
    memory_bytes: u64,
}

/// A session's worker.
#[derive(Debug, Serialize, JsonSchema)]
struct ClientMemory {
    session_id: String,
    /// The same.
    client_id: String,
    client_ip: String,
    resolution: String,
    lobby_id: Option<String>,
    app_id: Option<String>,
    memory_bytes: u64,
}

/// What is known of the first GPU; all are in `/api/v1/capacity`.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct GpuStats {
    available: bool,
    gpu_name: String,
    /// Of all programs; if that is not known, workers with an open encoder.
    encoder_session_count: usize,
    encoder_average_fps: f64,
    encoder_average_latency_us: u32,
    encoder_utilization_percent: u32,
    gpu_utilization_percent: u32,
    /// 0: not asked for.
    memory_utilization_percent: u32,
    memory_used_mb: u64,
    memory_total_mb: u64,
    /// 0: not asked for.
    temperature_celsius: u32,
    query_duration_ms: u64,
    error: String,
}

/// Captures and encodes, which are one process each here.
#[derive(Debug, Serialize, JsonSchema)]
struct Pipelines {
    /// Desktops.
    producer_pipelines: usize,
    /// Workers.
    consumer_pipelines: usize,
    total_pipelines: usize,
}

impl SystemMemory {
    fn new(measured: &Measurement, own: u32, sessions: &[SessionView], lobbies: &[LobbyView], gpus: GpusView) -> Self {
        let mut apps: BTreeMap<&str, AppMemory> = BTreeMap::new();
        for session in sessions {
            let app = apps.entry(&session.app_id).or_insert_with(|| AppMemory {
                app_id: session.app_id.clone(),
                app_name: session.app.clone(),
                resolution: resolution(session.video_width, session.video_height, session.video_refresh_rate),
                client_count: 0,
                memory_bytes: 0,
            });
            app.client_count += 1;
            app.memory_bytes += session.desktop.as_ref().map_or(0, |desktop| measured.of_trees(&processes(desktop)));
        }
        let apps: Vec<_> = apps.into_values().collect();
        let lobbies: Vec<_> = lobbies.iter().map(|lobby| LobbyMemory::new(measured, lobby)).collect();
        let clients: Vec<_> = sessions.iter().map(|session| ClientMemory::new(measured, session)).collect();
        let host = measured.of_process(own);
        let desktops: u64 =
            apps.iter().map(|app| app.memory_bytes).chain(lobbies.iter().map(|lobby| lobby.memory_bytes)).sum();
        let workers: u64 = clients.iter().map(|client| client.memory_bytes).sum();
        let running = sessions.iter().filter(|session| session.worker_pid != 0).count();
        let shown = sessions.iter().filter(|session| session.desktop.is_some()).count() + lobbies.len();
        Self {
            process_rss_bytes: host,
            gstreamer_buffer_bytes: 0,
            total_memory_bytes: host + desktops + workers,
            age_seconds: measured.age().as_secs_f64(),
            apps,
            lobbies,
            clients,
            gpu_stats: GpuStats::new(gpus, sessions.iter().filter(|session| !session.encoder.is_empty()).count()),
            gstreamer_pipelines: Pipelines {
                producer_pipelines: shown,
                consumer_pipelines: running,
                total_pipelines: shown + running,
            },
        }
    }
}

impl GpuStats {
    fn new(gpus: GpusView, encoding: usize) -> Self {
        let GpusView { available, error, took_microseconds, list, .. } = gpus;
        let Some(gpu) = list.into_iter().next().filter(|_| available) else {
            return Self { encoder_session_count: encoding, error, ..Self::default() };
        };
        let sessions = gpu.encoder_sessions.and_then(|sessions| usize::try_from(sessions).ok());
        Self {
            available,
            gpu_name: gpu.label().to_owned(),
            encoder_session_count: sessions.unwrap_or(encoding),
            encoder_average_fps: f64::from(gpu.encoder_average_fps.unwrap_or_default()),
            encoder_average_latency_us: gpu.encoder_average_latency_microseconds.unwrap_or_default(),
            encoder_utilization_percent: gpu.encoder_percent.unwrap_or_default(),
            gpu_utilization_percent: gpu.busy_percent.unwrap_or_default(),
            memory_utilization_percent: 0,
            memory_used_mb: gpu.memory_used_bytes.unwrap_or_default() >> 20,
            memory_total_mb: gpu.memory_total_bytes.unwrap_or_default() >> 20,
            temperature_celsius: 0,
            query_duration_ms: took_microseconds / 1000,
            error: if error.is_empty() { gpu.error } else { error },
        }
    }
}

impl LobbyMemory {
    fn new(measured: &Measurement, lobby: &LobbyView) -> Self {
        Self {
            lobby_id: lobby.id.clone(),
            lobby_name: lobby.name.clone(),
            resolution: resolution(lobby.video_width, lobby.video_height, lobby.video_refresh_rate),
            client_count: lobby.connected_sessions.len(),
            memory_bytes: lobby.desktop.as_ref().map_or(0, |desktop| measured.of_trees(&processes(desktop))),
        }
    }
}

impl ClientMemory {
    fn new(measured: &Measurement, session: &SessionView) -> Self {
        Self {
            session_id: session.session_id.clone(),
            client_id: session.client_id.clone(),
            client_ip: session.client_ip.clone(),
            resolution: resolution(session.video_width, session.video_height, session.video_refresh_rate),
            lobby_id: session.lobby_id.clone(),
            app_id: Some(session.app_id.clone()),
            memory_bytes: measured.of_trees(&[session.worker_pid]),
        }
    }
}

fn resolution(width: u32, height: u32, rate: u32) -> String {
    format!("{width}x{height}@{rate}")
}
