//! A session's task, where the API drives it ([`operated`](super::operated)).

use std::net::{IpAddr, SocketAddr};

use tracing::{info, warn};

use crate::desktop::spec::AppSpec;
use crate::host::sessions::connection::Connection;
use crate::host::sessions::operated::{Destination, DirectStream, Preparation, SessionKeys, address_towards};
use crate::host::sessions::phase::SessionPhase;
use crate::host::sessions::session::Session;
use crate::host::sessions::ticket::ControlTerms;
use crate::host::sessions::{LaunchOrder, Launched, Refusal};
use crate::ipc::message::MediaKind;
use crate::protocol::control::feedback::Termination;
use crate::protocol::gamestream::launch_request::LaunchRequest;
use crate::protocol::secret::SessionKey;

impl Session {
    /// Starts the desktop; with a client's address and keys, RTSP may follow at
    /// once. A connection that stands is left alone.
    pub(super) async fn prepare(&mut self, wanted: Preparation) -> Result<(), Refusal> {
        if let Some(settings) = wanted.settings {
            self.record.set_settings(settings);
        }
        if self.connection.is_some() {
            return Ok(());
        }
        if let Some(mode) = wanted.mode {
            self.mode = mode;
        }
        self.channels = wanted.channels;
        self.keys = wanted.keys;
        let order = match (wanted.peer, &self.keys) {
            (Some(peer), Some(keys)) => Some(self.order(peer, keys)?),
            _ => None,
        };
        self.start_own_desktop().await?;
        self.record.update(|view| {
            view.set_mode(self.mode, self.channels);
            if let Some(peer) = wanted.peer {
                view.client_ip = peer.to_string();
            }
        });
        match order {
            Some(order) => drop(self.connect(&order, None).await?),
            None => self.publish(SessionPhase::Paused),
        }
        info!(session = %self.id, app = self.app.title, "begun by the API");
        Ok(())
    }

    pub(super) async fn pause(&mut self) {
        self.disconnect(Some(Termination::Graceful)).await;
    }

    /// As `/resume`, from the address that the client had.
    pub(super) async fn rekey(&mut self, keys: SessionKeys) -> Result<Launched, Refusal> {
        let peer = self.record.view().client_ip.parse().map_err(|_| Refusal {
            status: 503,
            text: format!("Session {} has no client yet that could come back.", self.id),
        })?;
        let order = self.order(peer, &keys)?;
        self.keys = Some(keys);
        self.connect(&order, None).await
    }

    /// Streams without a handshake.
    pub(super) async fn stream_directly(&mut self, wanted: DirectStream) -> Result<(), Refusal> {
        let keys = match wanted.keys.or_else(|| self.keys.clone()) {
            Some(keys) => keys,
            None => random_keys()?,
        };
        self.channels = wanted.parameters.audio.layout.channels;
        // First, because what is refused must not have ended anything.
        let order = self.order(wanted.peer, &keys)?;
        let visit = self.visit_of_the_paused();
        self.disconnect(Some(Termination::Graceful)).await;
        if !self.desktop.is_running() {
            self.mode = (wanted.parameters.video.size, wanted.parameters.video.frame_rate);
        }
        match visit {
            Some(visit) => self.begin_in_lobby(visit),
            None => self.start_own_desktop().await?,
        }
        let payload = match &wanted.destination {
            Destination::Ping { payload, .. } => *payload,
            Destination::Ports { .. } => None,
        };
        let ticket = self.issue(&order, payload)?;
        // Control may come too; nobody told the client a secret for it.
        let _ = ticket.terms.set(ControlTerms { v2: false, sends_secrets: payload.is_some() });
        let mut connection = Connection::new(ticket, keys.rikeyid);
        connection.fec = wanted.fec;
        connection.needs_no_control(match &wanted.destination {
            Destination::Ping { patience, .. } => Some(*patience),
            Destination::Ports { .. } => None,
        });
        self.connection = Some(connection);
        self.set_idle(None);
        self.record.update(|view| view.client_ip = wanted.peer.to_string());
        if !self.start_stream(&wanted.parameters).await {
            self.disconnect(None).await;
            return Err(Refusal {
                status: 503,
                text: "The stream's worker did not start. See the host's logs.".into(),
            });
        }
        if let (Destination::Ports { video, audio }, Some(connection)) = (&wanted.destination, &mut self.connection) {
            for (kind, port) in [(MediaKind::Video, *video), (MediaKind::Audio, *audio)] {
                connection.ping(kind, SocketAddr::new(wanted.peer, port), self.shared.ports);
            }
        }
        info!(session = %self.id, peer = %wanted.peer, "stream started by the API");
        Ok(())
    }

    /// Another program in the session's own desktop.
    pub(super) async fn run_program(&mut self, program: &AppSpec, ends_session: bool) -> Result<u32, Refusal> {
        if self.app.test_card {
            let text = format!("Session {} shows the test card and has no desktop to run anything in.", self.id);
            return Err(Refusal { status: 400, text });
        }
        self.start_own_desktop().await?;
        let started = self.desktop.run(program, ends_session).await;
        started.map_err(|error| {
            warn!(session = %self.id, %error, "program does not start");
            Refusal { status: 503, text: error.to_string() }
        })
    }

    fn order(&self, peer: IpAddr, keys: &SessionKeys) -> Result<LaunchOrder, Refusal> {
        let local = address_towards(peer).map_err(|error| Refusal {
            status: 503,
            text: format!("There is no way to the client at {peer}: {error}"),
        })?;
        let request = LaunchRequest {
            app: self.app.id(),
            key: keys.key.clone(),
            rikeyid: keys.rikeyid,
            size: None,
            frame_rate_hz: None,
            channels: self.channels,
            encrypted_rtsp: false,
            hdr: false,
        };
        Ok(LaunchOrder { client: self.client, unique_id: self.record.view().client_unique_id, request, local, peer })
    }
}

fn random_keys() -> Result<SessionKeys, Refusal> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|error| Refusal { status: 503, text: error.to_string() })?;
    Ok(SessionKeys { key: SessionKey::new(key), rikeyid: 0 })
}
