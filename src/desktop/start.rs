//! Starting a desktop: all of it, or nothing.
//!
//! Launch to first frame counts, so compositor and sound server start at the
//! same time, and readiness is polled for every two milliseconds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::cgroup::Cgroup;
use super::child::{Child, ChildCommand, SpawnError};
use super::environment::Environment;
use super::exit::Exit;
use super::members::Members;
use super::process::ProcessId;
use super::runtime_dir::{MakeDirectoryError, RuntimeDir};
use super::spec::AppSpec;
use super::spec::DesktopSpec;
use super::{Desktop, DesktopEvent, api_socket, compositor, log_keeper, runtime_dir, sound_server, x_display};

/// Why there is no desktop. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum StartDesktopError {
    /// Its directories could not be made.
    #[error(transparent)]
    Directory(#[from] MakeDirectoryError),
    /// Its compositor's configuration could not be written.
    #[error("cannot write the compositor's configuration: {0}")]
    Config(std::io::Error),
    /// The compositor or the application could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The compositor ended before it was ready.
    #[error("the compositor ended at once ({status}); its log {log} ends with:\n{tail}")]
    CompositorExited {
        /// How it ended.
        status: Exit,
        /// Its log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It was not ready in time.
    #[error("the desktop was not ready within {deadline:?}; the compositor's log {log} ends with:\n{tail}")]
    NotReady {
        /// How long it had.
        deadline: Duration,
        /// The compositor's log file.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
}

impl Desktop {
    /// Starts compositor, sound server and application. Answers when all run
    /// and both sockets listen. A machine without a sound server has silent
    /// desktops; everything else that is missing is an error.
    ///
    /// # Errors
    /// [`StartDesktopError`]; then nothing is left: no process, no directory,
    /// no socket. Neither is if the future is dropped.
    pub async fn start(spec: DesktopSpec) -> Result<Self, StartDesktopError> {
        let begin = Instant::now();
        let deadline = spec.ready_deadline;
        let mut desktop = Self::prepare(spec)?;
        let failure = match timeout(deadline, desktop.bring_up()).await {
            Ok(Ok(())) => {
                let milliseconds = begin.elapsed().as_millis();
                tracing::info!(desktop = desktop.spec.name, milliseconds, "desktop ready");
                desktop.log_keeper = Some(log_keeper::keep(desktop.logs().to_vec()));
                desktop.is_ready();
                return Ok(desktop);
            }
            Ok(Err(error)) => error,
            Err(_) => {
                let log = desktop.log("compositor");
                StartDesktopError::NotReady { deadline, tail: log_keeper::tail(&log), log }
            }
        };
        // What does not die of it is logged, and left to the next sweep.
        let _ = desktop.halt(Duration::ZERO).await;
        Err(failure)
    }

    /// Directories and plans, no process yet.
    fn prepare(spec: DesktopSpec) -> Result<Self, StartDesktopError> {
        let identity = spec.place.identity.as_ref();
        let directories = RuntimeDir::create(&spec.place.runtime_root, &spec.name, identity)?;
        let others = runtime_dir::prepare_home(&spec.place.home, identity)
            .and_then(|()| runtime_dir::make_path(&spec.place.log_directory, 0o700));
        others.inspect_err(|_| directories.remove())?;
        x_display::prepare(identity.is_some());
        let host = ProcessId::of(std::process::id()).unwrap_or(ProcessId { pid: std::process::id(), start_time: 0 });
        let members = Members::new(directories.path(), Cgroup::create(directories.path()), host.start_time);
        let environment = Environment::new(&spec, &directories);
        let (events, listener) = mpsc::channel(EVENTS);
        let desktop = Self {
            spec,
            directories,
            environment,
            members,
            host,
            wayland_socket: PathBuf::new(),
            compositor: None,
            sound_server: None,
            app: None,
            programs: Vec::new(),
            events,
            listener: Some(listener),
            api_listener: None,
            log_keeper: None,
            ready: false,
            stopped: false,
        };
        desktop.save_record();
        Ok(desktop)
    }

    async fn bring_up(&mut self) -> Result<(), StartDesktopError> {
        let owner = self.spec.place.identity.as_ref();
        match api_socket::listen(&api_socket::path(&self.directories), owner) {
            Ok(listener) => self.api_listener = Some(listener),
            Err(error) => tracing::warn!(desktop = self.spec.name, %error, "programs cannot call the host"),
        }
        let sound_socket = sound_server::socket(&self.directories);
        let command = compositor::command(&self.spec, &self.directories, &self.environment, &sound_socket)
            .map_err(StartDesktopError::Config)?;
        self.compositor = Some(self.launch("compositor", &command, DesktopEvent::CompositorExited)?);
        if let Err(error) = self.spawn_sound_server() {
            tracing::warn!(desktop = self.spec.name, %error, "no sound");
        }
        self.wayland_socket = self.wait_for_compositor().await?;
        self.wait_for_commands().await;
        self.take_first_mode().await;
        if let Err(error) = compositor::make_seats(&self.spec, &self.directories).await {
            tracing::warn!(desktop = self.spec.name, %error, "no seats beside the first: it is shared");
        }
        let (display, ()) = tokio::join!(self.x11_display(), self.wait_for_sound());
        self.spawn_app(display.as_deref())?;
        Ok(())
    }

    pub(super) fn spawn_sound_server(&mut self) -> Result<(), SpawnError> {
        let socket = sound_server::socket(&self.directories);
        let command = sound_server::command(&self.spec, &self.environment, &socket);
        self.sound_server = Some(self.launch("sound", &command, DesktopEvent::SoundExited)?);
        Ok(())
    }

    fn spawn_app(&mut self, display: Option<&str>) -> Result<(), SpawnError> {
        if self.spec.app.command.trim().is_empty() {
            return Ok(());
        }
        let command = self.program(&self.spec.app, display);
        self.app = Some(self.launch("app", &command, DesktopEvent::AppExited)?);
        Ok(())
    }

    /// How to start a program in it.
    pub(super) fn program(&self, app: &AppSpec, display: Option<&str>) -> ChildCommand {
        let place = &self.spec.place;
        let sound_socket = sound_server::socket(&self.directories);
        let environment = self.environment.for_app(&self.wayland_socket, &sound_socket, display, &app.environment);
        ChildCommand {
            arguments: ["sh", "-c", &app.command].map(Into::into).to_vec(),
            environment,
            directory: app.working_directory.clone().unwrap_or_else(|| place.home.clone()),
            identity: place.identity.clone(),
        }
    }

    /// The compositor's socket, as soon as it listens; the end of the
    /// compositor, if that comes first.
    async fn wait_for_compositor(&self) -> Result<PathBuf, StartDesktopError> {
        let run = self.directories.run();
        loop {
            if let Some(status) = self.compositor.as_ref().and_then(Child::exited) {
                let log = self.log("compositor");
                return Err(StartDesktopError::CompositorExited { status, tail: log_keeper::tail(&log), log });
            }
            if let Some(socket) = compositor::wayland_socket(&run)
                && listens(&socket).await
            {
                return Ok(socket);
            }
            sleep(POLL).await;
        }
    }

    /// Waits until sway listens for commands too, which it does a moment after it listens
    /// for Wayland clients: an application that connects in between finds half of its
    /// globals. Not for long: what an operator starts in sway's place may never listen.
    async fn wait_for_commands(&self) {
        let Some(socket) = compositor::command_socket(&self.spec, &self.directories) else { return };
        let exited = || self.compositor.as_ref().and_then(Child::exited).is_some();
        let ready = async {
            while !exited() && !listens(&socket).await {
                sleep(POLL).await;
            }
        };
        // Who then gives it a command is told why it takes none.
        let _ = timeout(COMMANDS_DEADLINE, ready).await;
    }

    /// sway got its mode by configuration already, this makes sure of it; the
    /// others get it now. A compositor that cannot is still a desktop: the
    /// picture is scaled.
    async fn take_first_mode(&mut self) {
        let (size, frame_rate) = (self.spec.size, self.spec.frame_rate);
        if let Err(error) = self.set_mode(size, frame_rate).await {
            tracing::warn!(desktop = self.spec.name, %size, %frame_rate, %error, "mode not taken, picture is scaled");
        }
    }

    /// Waits until the sound server listens, but not for long: silence is
    /// better than nothing.
    pub(super) async fn wait_for_sound(&self) {
        let Some(server) = &self.sound_server else { return };
        let socket = sound_server::socket(&self.directories);
        let ready = async {
            while server.exited().is_none() && !listens(&socket).await {
                sleep(POLL).await;
            }
        };
        if timeout(SOUND_DEADLINE, ready).await.is_err() || server.exited().is_some() {
            let tail = log_keeper::tail(&self.log("sound"));
            tracing::warn!(desktop = self.spec.name, tail, "sound server is not ready");
        }
    }

    /// Name of the X11 display, if the compositor offers one.
    pub(super) async fn x11_display(&self) -> Option<String> {
        if !compositor::has_xwayland(&self.spec.compositor) {
            return None;
        }
        let file = compositor::display_file(&self.directories);
        let written = async {
            loop {
                if let Some(display) = read_display(&file) {
                    return display;
                }
                sleep(POLL).await;
            }
        };
        let display = timeout(DISPLAY_DEADLINE, written).await.ok().filter(|display| !display.is_empty());
        if display.is_none() {
            tracing::warn!(desktop = self.spec.name, "no X11 display");
        }
        display
    }
}

/// The file is the desktop user's, who could have put anything there.
fn read_display(file: &Path) -> Option<String> {
    let metadata = std::fs::symlink_metadata(file).ok()?;
    if !metadata.is_file() || metadata.len() > 32 {
        return Some(String::new());
    }
    let text = std::fs::read_to_string(file).ok()?;
    let plain = text.starts_with(':') && text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || byte == b'.');
    Some(if plain { text } else { String::new() })
}

/// Whether somebody accepts connections there. Connecting to a socket does not
/// block: a full queue is an error at once.
async fn listens(socket: &Path) -> bool {
    timeout(Duration::from_millis(100), UnixStream::connect(socket)).await.is_ok_and(|connected| connected.is_ok())
}

const POLL: Duration = Duration::from_millis(2);
/// It takes a millisecond, or what a busy machine makes of it.
const COMMANDS_DEADLINE: Duration = Duration::from_secs(2);
/// It takes 26 ms on an idle machine.
const SOUND_DEADLINE: Duration = Duration::from_secs(2);
/// The compositor writes it as soon as it runs.
const DISPLAY_DEADLINE: Duration = Duration::from_millis(500);
/// Three children can end, and the sound server be restarted a few times,
/// before somebody looks.
pub(super) const EVENTS: usize = 16;
