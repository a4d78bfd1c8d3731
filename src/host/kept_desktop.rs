//! A desktop, and all that is needed to start it again.
//!
//! Sessions and lobbies have one each: the rules for what happens when a part
//! of it dies are the same for both, and are here.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use crate::desktop::spec::{AppSpec, DesktopSpec};
use crate::desktop::{Desktop, DesktopEvent, Exit, RunProgramError, SetModeError, StartDesktopError};
use crate::host::adoption::session_state::DesktopState;
use crate::host::desktop_sockets::{DesktopSockets, OpenSocket};
use crate::host::doubt::{Blame, Doubt};
use crate::host::scope::Scope;
use crate::host::sessions::shared::Shared;
use crate::host::sessions::view::DesktopView;
use crate::host::supervisor::quarantine::{Captive, Quarantine};
use crate::stream_plan::Source;
use crate::units::{FrameRate, Size};

/// At most one running desktop.
#[derive(Debug)]
pub(crate) struct KeptDesktop {
    quarantine: Quarantine,
    /// Where its programs' calls are answered, and as whose.
    sockets: DesktopSockets,
    scope: Scope,
    socket: Option<OpenSocket>,
    running: Option<Desktop>,
    events: Option<mpsc::Receiver<DesktopEvent>>,
    /// The application ended; why is not certain before the instant given.
    app_exit: Option<(Exit, Instant)>,
    /// Desktops started in place of a dead one.
    restarts: u32,
    /// What workers have said against the running one.
    doubt: Doubt,
}

impl KeptDesktop {
    /// None yet; its programs' calls will be those of `scope`. What does not die
    /// of it goes into quarantine.
    pub(crate) fn new(shared: &Shared, scope: Scope) -> Self {
        Self {
            quarantine: shared.supervision.quarantine.clone(),
            sockets: shared.desktop_sockets.clone(),
            scope,
            socket: None,
            running: None,
            events: None,
            app_exit: None,
            restarts: 0,
            doubt: Doubt::default(),
        }
    }

    /// Whether there is one.
    pub(crate) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Desktops started so far in place of a dead one: part of the next one's
    /// name.
    pub(crate) const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Starts one in place of none.
    ///
    /// # Errors
    /// [`StartDesktopError`]; nothing of it is left then.
    pub(crate) async fn start(&mut self, spec: DesktopSpec) -> Result<(), StartDesktopError> {
        let mut desktop = Desktop::start(spec).await?;
        self.events = Some(desktop.take_events());
        self.socket = self.open_socket(&mut desktop);
        self.running = Some(desktop);
        self.doubt = Doubt::default();
        Ok(())
    }

    /// Has the calls of its programs answered.
    fn open_socket(&self, desktop: &mut Desktop) -> Option<OpenSocket> {
        let uid = desktop.uid().unwrap_or_else(|| rustix::process::geteuid().as_raw());
        match desktop.take_api_listener() {
            Ok(listener) => Some(self.sockets.open(listener, self.scope, uid)),
            Err(error) => {
                warn!(desktop = desktop.name(), %error, "its programs cannot call the host");
                None
            }
        }
    }

    /// Goes on with one that an earlier host started, in place of `restarts`
    /// others.
    pub(crate) fn adopt(&mut self, mut desktop: Desktop, restarts: u32) {
        self.events = Some(desktop.take_events());
        self.socket = self.open_socket(&mut desktop);
        self.running = Some(desktop);
        self.restarts = restarts;
    }

    /// For the record of its owner.
    pub(crate) fn state(&self) -> Option<DesktopState> {
        let desktop = self.running.as_ref()?;
        Some(DesktopState { directory: desktop.directory().to_owned(), restarts: self.restarts })
    }

    /// Ends it and removes what is left of it.
    pub(crate) async fn stop(&mut self) {
        self.events = None;
        self.socket = None;
        self.app_exit = None;
        if let Some(desktop) = self.running.take()
            && let Some(stuck) = desktop.stop().await
        {
            self.quarantine.take(Captive::desktop(stuck));
        }
    }

    /// What a worker needs to show it.
    pub(crate) fn source(&self) -> Option<Source> {
        self.running.as_ref().map(|desktop| Source::Desktop {
            wayland: desktop.wayland_socket().to_owned(),
            sound: desktop.sound_socket(),
            seat: None,
        })
    }

    /// Waits for what ends in it by itself; for ever if there is none.
    /// Cancel-safe.
    ///
    /// An application ends with its compositor, and is often heard of first:
    /// its end counts as its own only if the compositor outlives it.
    pub(crate) async fn next_event(&mut self) -> DesktopEvent {
        let Some(events) = &mut self.events else { return std::future::pending().await };
        loop {
            let heard = match self.app_exit {
                None => events.recv().await,
                Some((status, certain)) => match timeout_at(certain, events.recv()).await {
                    Ok(heard) => heard,
                    Err(_) => {
                        self.app_exit = None;
                        return DesktopEvent::AppExited(status);
                    }
                },
            };
            match heard {
                Some(DesktopEvent::AppExited(status)) => {
                    self.app_exit = Some((status, Instant::now() + COMPOSITOR_IS_HEARD));
                }
                Some(event) => return event,
                None => std::future::pending().await,
            }
        }
    }

    /// Gives the output another mode.
    ///
    /// # Errors
    /// [`SetModeError`]: streams go on, scaled.
    pub(crate) async fn set_mode(&mut self, size: Size, frame_rate: FrameRate) -> Result<(), SetModeError> {
        match &mut self.running {
            Some(desktop) => desktop.set_mode(size, frame_rate).await,
            None => Ok(()),
        }
    }

    /// Runs another program in it; with `is_app` its end is that of the
    /// application. Returns its process id.
    ///
    /// # Errors
    /// [`RunProgramError`].
    pub(crate) async fn run(&mut self, program: &AppSpec, is_app: bool) -> Result<u32, RunProgramError> {
        match &mut self.running {
            Some(desktop) => desktop.run(program, is_app).await,
            None => Err(RunProgramError::NoDesktop),
        }
    }

    /// Another sound server in place of one that died or hangs. Workers find it
    /// by its socket, which has the same path.
    pub(crate) async fn replace_sound_server(&mut self) {
        if let Some(desktop) = &mut self.running
            && let Err(error) = desktop.restart_sound().await
        {
            warn!(desktop = desktop.name(), %error, "sound server does not start again");
        }
    }

    /// Another desktop in place of a dead one, which took its applications
    /// along. Returns whether there is one again: not the second time.
    ///
    /// `spec` is the new one's, which must not have the dead one's name.
    pub(crate) async fn replace(&mut self, spec: DesktopSpec) -> bool {
        self.stop().await;
        self.restarts += 1;
        if self.restarts > MOST_RESTARTS {
            return false;
        }
        match self.start(spec).await {
            Ok(()) => true,
            Err(error) => {
                error!(%error, "desktop does not start again");
                false
            }
        }
    }

    /// How many seats there are beside the first.
    pub(crate) fn seats(&self) -> usize {
        self.running.as_ref().map_or(0, Desktop::seats)
    }

    /// A worker blames it for its own death. Returns whether it is time to
    /// replace it. Workers that blame it do not count as deaths of their own.
    pub(crate) fn is_blamed(&mut self, blame: Blame) -> bool {
        self.doubt.grows(blame, std::time::Instant::now())
    }

    /// For the API.
    pub(crate) fn view(&self) -> Option<DesktopView> {
        self.running.as_ref().map(|desktop| DesktopView {
            compositor_pid: desktop.compositor_pid(),
            sound_server_pid: desktop.sound_server_pid().unwrap_or(0),
            app_pid: desktop.app_pid().unwrap_or(0),
            wayland_socket: desktop.wayland_socket().display().to_string(),
            sound_socket: desktop.sound_socket().map(|path| path.display().to_string()).unwrap_or_default(),
        })
    }
}

/// How much later than its applications' ends a compositor's may be heard.
const COMPOSITOR_IS_HEARD: Duration = Duration::from_millis(250);

/// A compositor that dies twice is broken.
const MOST_RESTARTS: u32 = 1;
