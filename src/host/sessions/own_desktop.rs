//! A session's own desktop: when it starts, and what happens when a part of it
//! ends.

use std::sync::Arc;

use tracing::{error, info, warn};

use crate::desktop::DesktopEvent;
use crate::desktop::spec::DesktopSpec;
use crate::host::events::{Event, Owner};
use crate::host::lobbies::home::LobbyHome;
use crate::host::scope::Scope;
use crate::host::sessions::command::Ending;
use crate::host::sessions::session::Session;
use crate::host::sessions::{Refusal, told};
use crate::ids::{LobbyId, Uuid};

impl Session {
    /// The session's own desktop, unless it runs or the app needs none.
    pub(super) async fn start_own_desktop(&mut self) -> Result<(), Refusal> {
        if self.desktop.is_running() || self.app.test_card {
            return Ok(());
        }
        self.claim_guest_home().await?;
        let spec = self.desktop_spec(self.desktop.restarts());
        self.desktop.start(spec).await.map_err(|error| {
            error!(session = %self.id, %error, "desktop does not start");
            Refusal { status: 503, text: format!("The desktop of {} did not start: {error}", self.app.title) }
        })?;
        self.tell(told::app_starts(self.id, &self.app));
        self.publish_desktop();
        Ok(())
    }

    fn desktop_spec(&self, attempt: u32) -> DesktopSpec {
        let (which, whose) = ((self.id, attempt), (self.client, self.guest_home.as_ref()));
        self.shared.desktop_spec(which, whose, &self.app, self.mode, self.channels, self.place.gpu())
    }

    /// A home that ends with the session, for a client that is not paired.
    async fn claim_guest_home(&mut self) -> Result<(), Refusal> {
        if self.guest_home.is_some() || self.shared.is_paired(self.client) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let claim = move || {
            let id = LobbyId(Uuid::random().map_err(std::io::Error::other)?);
            LobbyHome::claim(&shared.directories, id, "", None, shared.config.now().desktop.first_uid)
        };
        let claimed =
            tokio::task::spawn_blocking(claim).await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        self.guest_home = Some(claimed.map_err(|error| Refusal {
            status: 503,
            text: format!("A home for {} cannot be made: {error}", self.app.title),
        })?);
        Ok(())
    }

    /// A part of it ended.
    pub(super) async fn desktop_event(&mut self, event: DesktopEvent) -> Option<Ending> {
        match event {
            DesktopEvent::AppExited(status) => {
                info!(session = %self.id, %status, "application closed");
                self.tell(Event::AppExited { owner: Owner::Session(self.id), status: status.to_string() });
                Some(Ending::AppClosed)
            }
            DesktopEvent::ProgramExited(status) => {
                info!(session = %self.id, %status, "program ended");
                None
            }
            DesktopEvent::SoundExited(status) => {
                warn!(session = %self.id, %status, "sound server ended");
                self.replace_sound_server(status.to_string()).await;
                None
            }
            DesktopEvent::CompositorExited(status) => {
                error!(session = %self.id, %status, "compositor ended");
                self.replace_desktop(status.to_string()).await
            }
        }
    }

    pub(super) async fn replace_sound_server(&mut self, reason: String) {
        self.desktop.replace_sound_server().await;
        self.tell(Event::SoundServerRestarted { owner: Owner::Session(self.id), reason });
        self.publish_desktop();
    }

    /// A compositor that died takes its applications along: the desktop is
    /// started again, once.
    pub(super) async fn replace_desktop(&mut self, reason: String) -> Option<Ending> {
        // A GPU that is lost takes the desktop along.
        self.shared.settle_elsewhere(&mut self.place, Scope::Session(self.id), self.app.gpu.as_ref());
        let spec = self.desktop_spec(self.desktop.restarts() + 1);
        if !self.desktop.replace(spec).await {
            return Some(Ending::Broken);
        }
        self.tell(Event::DesktopRestarted { owner: Owner::Session(self.id), reason });
        self.publish_desktop();
        if !self.visiting.is_under_way() {
            self.show_source();
        }
        None
    }
}
