//! Going on with a desktop that an earlier host left.
//!
//! Its programs run on when their host is killed: they write their logs
//! themselves, and their sockets are files. The record says which they are;
//! what has ended meanwhile decides whether there is anything to go on with.

use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::cgroup::Cgroup;
use super::child::Child;
use super::environment::Environment;
use super::members::Members;
use super::process::ProcessId;
use super::record::{Record, Running};
use super::runtime_dir::RuntimeDir;
use super::start::EVENTS;
use super::{Desktop, DesktopEvent, Exit, log_keeper, runtime_dir};
use crate::units::FrameRate;

/// A desktop whose host is dead and that was complete.
#[derive(Debug)]
pub struct LeftDesktop {
    directory: PathBuf,
    record: Record,
    running: Running,
}

/// Why a desktop cannot be adopted. Nothing of it was touched.
#[derive(Debug, thiserror::Error)]
pub enum AdoptDesktopError {
    /// One of its programs has ended.
    #[error("its {0} has ended")]
    Ended(&'static str),
    /// Its compositor's socket is gone.
    #[error("its Wayland socket is gone")]
    NoSocket,
    /// The kernel refuses to watch one of its programs.
    #[error("its {program} cannot be watched: {source}")]
    Watch {
        /// Which.
        program: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl LeftDesktop {
    /// Its directory, which no other desktop ever has.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether what makes it a desktop runs still.
    ///
    /// # Errors
    /// [`AdoptDesktopError`] that names what does not.
    pub fn check(&self) -> Result<(), AdoptDesktopError> {
        let Running { spec, wayland_socket, compositor, app, .. } = &self.running;
        if !compositor.is_running() {
            return Err(AdoptDesktopError::Ended("compositor"));
        }
        if !spec.app.command.trim().is_empty() && !app.is_some_and(ProcessId::is_running) {
            return Err(AdoptDesktopError::Ended("application"));
        }
        if !wayland_socket.starts_with(&self.directory) || !wayland_socket.exists() {
            return Err(AdoptDesktopError::NoSocket);
        }
        Ok(())
    }
}

/// Desktops below `runtime_root` that dead hosts left complete. Reads files:
/// blocking.
#[must_use]
pub fn left_desktops(runtime_root: &Path) -> Vec<LeftDesktop> {
    let Ok(desktops) = runtime_dir::desktops(runtime_root).canonicalize() else { return Vec::new() };
    let directories = std::fs::read_dir(desktops).into_iter().flatten().flatten().map(|entry| entry.path());
    let left = directories.filter_map(|directory| {
        let record = Record::load(&directory)?;
        let running = record.running().filter(|_| !record.host.is_running())?.clone();
        Some(LeftDesktop { directory, record, running })
    });
    left.collect()
}

impl Desktop {
    /// Goes on with a desktop that an earlier host left; from now on it is this
    /// host's. A sound server that has ended is reported as an event, as if it
    /// had ended now. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`AdoptDesktopError`]; the desktop is then for the sweep.
    pub fn adopt(left: LeftDesktop) -> Result<Self, AdoptDesktopError> {
        left.check()?;
        let LeftDesktop { directory, record, running } = left;
        let Running { mut spec, wayland_socket, compositor, sound_server, app } = running;
        // A file may hold what the type does not allow.
        spec.frame_rate = FrameRate::from_millihertz(spec.frame_rate.millihertz());
        let (events, listener) = mpsc::channel(EVENTS);
        let watch = |program, id: ProcessId, event| {
            Child::adopt(id, events.clone(), event).map_err(|source| AdoptDesktopError::Watch { program, source })
        };
        let compositor = watch("compositor", compositor, DesktopEvent::CompositorExited)?;
        let app = app.map(|id| watch("application", id, DesktopEvent::AppExited)).transpose()?;
        let had_sound = sound_server.is_some();
        let sound_server = sound_server.and_then(|id| watch("sound server", id, DesktopEvent::SoundExited).ok());
        if had_sound && sound_server.is_none() {
            // The queue is empty: there is room.
            let _ = events.try_send(DesktopEvent::SoundExited(Exit::Unknown));
        }
        let mut members = Members::new(&directory, record.cgroup.as_deref().and_then(Cgroup::recorded), 0);
        record.children.iter().for_each(|child| members.add_dead_hosts_leader(*child));
        let directories = RuntimeDir::existing(directory);
        let own = std::process::id();
        let mut desktop = Self {
            environment: Environment::new(&spec, &directories),
            spec,
            directories,
            members,
            host: ProcessId::of(own).unwrap_or(ProcessId { pid: own, start_time: 0 }),
            wayland_socket,
            compositor: Some(compositor),
            sound_server,
            app,
            events,
            listener: Some(listener),
            api_listener: None,
            programs: Vec::new(),
            log_keeper: None,
            ready: false,
            stopped: false,
        };
        desktop.log_keeper = Some(log_keeper::keep(desktop.logs().to_vec()));
        desktop.is_ready();
        tracing::info!(desktop = desktop.spec.name, "desktop adopted");
        Ok(desktop)
    }
}
