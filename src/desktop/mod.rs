//! What is shown: a compositor, a sound server and an application.
//!
//! Children of the host process, in process groups of their own (and a cgroup
//! where the system lets us make one), with a private runtime directory, a
//! private Wayland socket and a private sound-server socket. Workers connect
//! to these as ordinary clients; the host itself never speaks Wayland or
//! PulseAudio, and waits for a child only with a deadline. A private desktop
//! belongs to one session; a lobby is one that outlives its visitors.

pub mod adopt;
mod api_socket;
mod cgroup;
mod child;
pub mod clean_up;
mod compositor;
pub mod descriptor_limit;
mod environment;
mod exit;
pub mod family;
mod log_keeper;
mod members;
pub mod process;
pub mod programs;
pub mod record;
mod remains;
mod runtime_dir;
mod sound_server;
pub mod spec;
mod start;
pub mod sway_ipc;
pub mod watched;
mod x_display;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use self::cgroup::parent as cgroup_parent;
pub use self::child::SpawnError;
pub use self::compositor::{SetModeError, has_render_node, seat_name};
pub use self::exit::Exit;
pub use self::members::MARKER;
pub use self::remains::Stuck;
pub use self::runtime_dir::MakeDirectoryError;
pub use self::sound_server::SINK;
pub use self::start::StartDesktopError;
pub use self::sway_ipc::SwayError;

use self::child::{Child, ChildCommand};
use self::environment::Environment;
use self::members::Members;
use self::process::ProcessId;
use self::record::{Record, Running};
use self::remains::{KILL_DEADLINE, Remains};
use self::runtime_dir::RuntimeDir;
use self::spec::{AppSpec, DesktopSpec};
use crate::gpu::GpuAddress;
use crate::units::{FrameRate, Size};

/// Something that ended without having been told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DesktopEvent {
    /// The compositor, and with it the picture.
    CompositorExited(Exit),
    /// The sound server; [`Desktop::restart_sound`] starts another.
    SoundExited(Exit),
    /// The application, or a program that was to end with it.
    AppExited(Exit),
    /// Another program.
    ProgramExited(Exit),
}

/// A running desktop. [`stop`](Self::stop) ends it; dropping it kills it.
#[derive(Debug)]
pub struct Desktop {
    spec: DesktopSpec,
    directories: RuntimeDir,
    environment: Environment,
    members: Members,
    host: ProcessId,
    wayland_socket: PathBuf,
    compositor: Option<Child>,
    sound_server: Option<Child>,
    app: Option<Child>,
    /// Run later than the application.
    programs: Vec<Child>,
    events: mpsc::Sender<DesktopEvent>,
    listener: Option<mpsc::Receiver<DesktopEvent>>,
    /// Where programs call the host, until somebody takes it.
    api_listener: Option<UnixListener>,
    log_keeper: Option<JoinHandle<()>>,
    /// All of it runs: another host could go on with it.
    ready: bool,
    stopped: bool,
}

impl Desktop {
    /// Name that it was started with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Process id of the compositor.
    #[must_use]
    pub fn compositor_pid(&self) -> u32 {
        pid(self.compositor.as_ref()).unwrap_or_default()
    }

    /// Process id of the sound server, if there is one.
    #[must_use]
    pub fn sound_server_pid(&self) -> Option<u32> {
        pid(self.sound_server.as_ref())
    }

    /// Process id of the application's shell, or of the application where the
    /// shell became it; `None` without an application.
    #[must_use]
    pub fn app_pid(&self) -> Option<u32> {
        pid(self.app.as_ref())
    }

    /// Its directory, which no other desktop ever has.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directories.path()
    }

    /// The GPU that it was told to draw on.
    #[must_use]
    pub const fn gpu(&self) -> Option<&GpuAddress> {
        self.spec.gpu.as_ref()
    }

    /// Where the compositor listens.
    #[must_use]
    pub fn wayland_socket(&self) -> &Path {
        &self.wayland_socket
    }

    /// Where the sound server listens, if there is one.
    #[must_use]
    pub fn sound_socket(&self) -> Option<PathBuf> {
        self.sound_server.as_ref().map(|_| sound_server::socket(&self.directories))
    }

    /// The listening socket by which programs in the desktop call the host; its
    /// path is in their environment. The second call listens anew.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_api_listener(&mut self) -> io::Result<UnixListener> {
        match self.api_listener.take() {
            Some(listener) => Ok(listener),
            None => api_socket::listen(&api_socket::path(&self.directories), self.spec.place.identity.as_ref()),
        }
    }

    /// The user that its programs run as; `None` means the host's own.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.spec.place.identity.as_ref().map(|identity| identity.uid)
    }

    /// Log files of compositor, sound server and application.
    #[must_use]
    pub fn logs(&self) -> [PathBuf; 3] {
        PROGRAMS.map(|program| self.log(program))
    }

    /// Where events arrive. There is one receiver: a second call gets one that
    /// is closed.
    pub fn take_events(&mut self) -> mpsc::Receiver<DesktopEvent> {
        self.listener.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Gives the output another mode; windows stay. Answers when the output
    /// has it, within seconds at most.
    ///
    /// # Errors
    /// [`SetModeError`] if the compositor is stuck, cannot change modes (cage
    /// before 0.2) or took another mode. The stream goes on, scaled.
    pub async fn set_mode(&mut self, size: Size, frame_rate: FrameRate) -> Result<(), SetModeError> {
        let sound = sound_server::socket(&self.directories);
        let helper = compositor::helper(&self.spec, &self.environment, &self.wayland_socket, &sound);
        compositor::set_mode(&self.spec, &self.directories, &helper, size, frame_rate).await?;
        (self.spec.size, self.spec.frame_rate) = (size, frame_rate);
        self.save_record();
        Ok(())
    }

    /// Runs another program; with `is_app` its end is that of the application.
    /// Returns its process id.
    ///
    /// # Errors
    /// [`RunProgramError`].
    pub async fn run(&mut self, program: &AppSpec, is_app: bool) -> Result<u32, RunProgramError> {
        self.programs.retain(|program| program.exited().is_none());
        if self.programs.len() >= MOST_PROGRAMS {
            return Err(RunProgramError::TooMany);
        }
        if program.command.trim().is_empty() {
            return Err(RunProgramError::NoCommand);
        }
        let display = self.x11_display().await;
        let command = self.program(program, display.as_deref());
        let event = if is_app { DesktopEvent::AppExited } else { DesktopEvent::ProgramExited };
        let child = self.launch("program", &command, event)?;
        let pid = child.id().pid;
        self.programs.push(child);
        Ok(pid)
    }

    /// How many seats it has beside its first, named by [`seat_name`].
    #[must_use]
    pub fn seats(&self) -> usize {
        compositor::seats(&self.spec)
    }

    /// Kills the sound server, if it still lives, and starts another on the
    /// same socket. Answers when it listens, within seconds at most.
    ///
    /// # Errors
    /// [`SpawnError`] if it cannot be started. One that does not listen in
    /// time is no error: workers try again.
    pub async fn restart_sound(&mut self) -> Result<(), SpawnError> {
        if let Some(old) = self.sound_server.take() {
            old.retire();
            old.id().signal_group(Signal::KILL);
            let _ = timeout(KILL_DEADLINE, old.wait()).await;
        }
        let _ = std::fs::remove_file(sound_server::socket(&self.directories));
        self.spawn_sound_server()?;
        self.save_record();
        self.wait_for_sound().await;
        Ok(())
    }

    /// Ends everything and removes the runtime directory: first politely, then
    /// not. Answers when all are gone, within seconds at most.
    /// What does not die is returned.
    pub async fn stop(mut self) -> Option<Stuck> {
        self.halt(GRACE).await
    }

    async fn halt(&mut self, grace: Duration) -> Option<Stuck> {
        self.children().for_each(Child::retire);
        if !grace.is_zero() {
            self.members.signal_groups(Signal::TERM);
            let ends = async {
                for child in self.children() {
                    child.wait().await;
                }
            };
            let _ = timeout(grace, ends).await;
        }
        let remains = self.remains();
        // Reading another process's environment can wait for its memory lock,
        // so it happens on a thread that we need not wait for.
        let killed = tokio::task::spawn_blocking(move || remains.remove());
        let stuck = timeout(KILL_DEADLINE + Duration::from_secs(1), killed).await;
        if stuck.is_err() {
            tracing::warn!(desktop = self.spec.name, "desktop not removed in time");
        }
        for child in self.children() {
            let _ = timeout(KILL_DEADLINE, child.wait()).await;
        }
        self.stopped = true;
        stuck.ok().and_then(Result::ok).flatten()
    }

    /// What must be killed and removed, apart from the handle.
    fn remains(&mut self) -> Remains {
        if let Some(keeper) = self.log_keeper.take() {
            keeper.abort();
        }
        let compositor = self.compositor.iter().map(Child::id).collect();
        Remains { members: self.members.clone(), directory: self.directories.path().to_owned(), compositor }
    }

    fn children(&self) -> impl Iterator<Item = &Child> {
        self.programs.iter().chain([&self.app, &self.compositor, &self.sound_server].into_iter().flatten())
    }

    fn log(&self, program: &str) -> PathBuf {
        self.spec.place.log_directory.join(format!("{}-{program}.log", self.spec.name))
    }

    fn launch(
        &mut self,
        program: &str,
        command: &ChildCommand,
        event: fn(Exit) -> DesktopEvent,
    ) -> Result<Child, SpawnError> {
        let child = Child::spawn(command, &self.log(program), self.events.clone(), event)?;
        self.members.add_leader(child.id());
        self.save_record();
        tracing::debug!(desktop = self.spec.name, program, pid = child.id().pid, "started");
        Ok(child)
    }

    /// All of it runs: a host that comes after this one may go on with it.
    fn is_ready(&mut self) {
        self.ready = true;
        self.save_record();
    }

    /// Failing to write it is no reason to fail: the marker finds all the same.
    fn save_record(&self) {
        let running = self.compositor.as_ref().filter(|_| self.ready).map(|compositor| Running {
            spec: self.spec.clone(),
            wayland_socket: self.wayland_socket.clone(),
            compositor: compositor.id(),
            sound_server: self.sound_server.as_ref().map(Child::id),
            app: self.app.as_ref().map(Child::id),
        });
        let record = Record::new(self.host, self.members.leaders(), self.members.cgroup(), running);
        if let Err(error) = record.save(self.directories.path()) {
            tracing::warn!(desktop = self.spec.name, %error, "desktop's record not written");
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        self.children().for_each(Child::retire);
        self.members.signal_groups(Signal::KILL);
        let remains = self.remains();
        let thread = std::thread::Builder::new().name("desktop-drop".to_owned());
        if let Err(error) = thread.spawn(move || remains.remove()) {
            tracing::warn!(desktop = self.spec.name, %error, "desktop left to the next sweep");
        }
    }
}

/// Log files of the desktop behind a Wayland socket: of its compositor, sound
/// server and application. Some may not exist.
#[must_use]
pub fn logs_behind(wayland_socket: &Path, log_directory: &Path) -> Vec<PathBuf> {
    let Some(name) = runtime_dir::name_behind(wayland_socket) else { return Vec::new() };
    PROGRAMS.iter().map(|program| log_directory.join(format!("{name}-{program}.log"))).collect()
}

/// Why another program does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunProgramError {
    /// There are enough.
    #[error("{MOST_PROGRAMS} programs run in this desktop beside its application, the limit; end one first")]
    TooMany,
    /// Nothing to run it in.
    #[error("there is no desktop")]
    NoDesktop,
    /// Nothing to run.
    #[error("the command line is empty")]
    NoCommand,
    /// It does not start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

fn pid(child: Option<&Child>) -> Option<u32> {
    child.map(|child| child.id().pid)
}

/// What has a log of its own.
const PROGRAMS: [&str; 3] = ["compositor", "sound", "app"];

/// Programs that run beside the application.
const MOST_PROGRAMS: usize = 16;
/// Time between SIGTERM and SIGKILL: applications save what they must.
const GRACE: Duration = Duration::from_millis(500);
