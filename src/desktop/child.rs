//! A supervised child process, leader of a process group of its own.
//!
//! It starts with an environment built from nothing, standard input from
//! `/dev/null`, output into a log file, and no other descriptor (everything
//! the host opens is close-on-exec). A task waits for it, so it never stays a
//! zombie and its end is an event.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::process::Command;
use tokio::sync::{mpsc, watch};

use super::DesktopEvent;
use super::descriptor_limit;
use super::exit::Exit;
use super::process::ProcessId;
use super::programs;
use super::spec::Identity;
use super::watched::WatchedProcess;

/// What to start, and how.
#[derive(Debug, Clone)]
pub(super) struct ChildCommand {
    /// Program and arguments; the program is looked up in `PATH`.
    pub(super) arguments: Vec<OsString>,
    /// The whole environment.
    pub(super) environment: BTreeMap<OsString, OsString>,
    /// Working directory.
    pub(super) directory: PathBuf,
    /// Who it runs as, if not as the host.
    pub(super) identity: Option<Identity>,
}

/// Why a child did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such program in `PATH`.
    #[error("{program} is not installed{}", install_hint(program))]
    NotFound {
        /// Name of the program.
        program: String,
    },
    /// The log file could not be made.
    #[error("cannot write log file {path}: {source}")]
    Log {
        /// The log file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system said no.
    #[error("cannot start {program} in {directory}: {source}")]
    Spawn {
        /// Path of the program.
        program: PathBuf,
        /// Working directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was gone before it could be looked at.
    #[error("{program} was gone at once")]
    Gone {
        /// Path of the program.
        program: PathBuf,
    },
}

/// A running or ended child.
#[derive(Debug)]
pub(super) struct Child {
    id: ProcessId,
    exit: watch::Receiver<Option<Exit>>,
    retired: Arc<AtomicBool>,
}

impl Child {
    /// Starts it. Its end sends `event`, unless it was [retired](Self::retire).
    pub(super) fn spawn(
        command: &ChildCommand,
        log: &Path,
        events: mpsc::Sender<DesktopEvent>,
        event: fn(Exit) -> DesktopEvent,
    ) -> Result<Self, SpawnError> {
        let log_file = open_log(log).map_err(|source| SpawnError::Log { path: log.to_owned(), source })?;
        let (program, mut prepared) = prepare(command)?;
        let directory = command.directory.clone();
        let failed = |source| SpawnError::Spawn { program: program.clone(), directory: directory.clone(), source };
        prepared.stdout(log_file.try_clone().map_err(failed)?).stderr(log_file);
        let mut process = prepared.spawn().map_err(failed)?;
        if let Some(pid) = process.id() {
            descriptor_limit::restore(pid);
        }
        let id = process.id().and_then(ProcessId::of).ok_or(SpawnError::Gone { program })?;
        let (ended, exit) = watch::channel(None);
        let retired = Arc::new(AtomicBool::new(false));
        let expected = Arc::clone(&retired);
        tokio::spawn(async move {
            let Ok(status) = process.wait().await else { return };
            let exit = Exit::Status(status);
            ended.send_replace(Some(exit));
            if !expected.load(Ordering::Acquire) && events.try_send(event(exit)).is_err() {
                tracing::debug!(pid = id.pid, %exit, "nobody listens for its end");
            }
        });
        Ok(Self { id, exit, retired })
    }

    /// Watches one that an earlier host started. Its end sends `event`, as
    /// above.
    ///
    /// # Errors
    /// If it has ended, or the kernel cannot watch processes.
    pub(super) fn adopt(
        id: ProcessId,
        events: mpsc::Sender<DesktopEvent>,
        event: fn(Exit) -> DesktopEvent,
    ) -> io::Result<Self> {
        let process = WatchedProcess::new(id)?;
        let (ended, exit) = watch::channel(None);
        let retired = Arc::new(AtomicBool::new(false));
        let expected = Arc::clone(&retired);
        tokio::spawn(async move {
            process.ended().await;
            ended.send_replace(Some(Exit::Unknown));
            if !expected.load(Ordering::Acquire) && events.try_send(event(Exit::Unknown)).is_err() {
                tracing::debug!(pid = id.pid, "nobody listens for its end");
            }
        });
        Ok(Self { id, exit, retired })
    }

    /// Which process it is.
    pub(super) fn id(&self) -> ProcessId {
        self.id
    }

    /// How it ended, if it has.
    pub(super) fn exited(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Waits for its end; without a deadline of its own.
    pub(super) async fn wait(&self) -> Option<Exit> {
        self.exit.clone().wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// From now on its end is expected and no event.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }
}

/// A command ready to run, with nothing inherited.
pub(super) fn prepare(command: &ChildCommand) -> Result<(PathBuf, Command), SpawnError> {
    let with_groups = through_setpriv(command);
    let arguments = with_groups.as_ref().unwrap_or(&command.arguments);
    let name = arguments.first().cloned().unwrap_or_default();
    let program =
        programs::find(&name).ok_or_else(|| SpawnError::NotFound { program: name.to_string_lossy().into_owned() })?;
    let mut prepared = Command::new(&program);
    prepared
        .args(&arguments[1..])
        .env_clear()
        .envs(&command.environment)
        .current_dir(&command.directory)
        .stdin(Stdio::null())
        .process_group(0);
    if let (Some(identity), None) = (&command.identity, &with_groups) {
        // The standard library drops all supplementary groups with this.
        prepared.uid(identity.uid).gid(identity.gid);
    }
    Ok((program, prepared))
}

/// Stable Rust cannot set supplementary groups without unsafe code;
/// `setpriv` (util-linux) can, and becomes the program with the same number.
fn through_setpriv(command: &ChildCommand) -> Option<Vec<OsString>> {
    let identity = command.identity.as_ref().filter(|identity| !identity.groups.is_empty())?;
    programs::find("setpriv")?;
    let groups: Vec<_> = identity.groups.iter().map(u32::to_string).collect();
    let mut arguments: Vec<OsString> = vec![
        "setpriv".into(),
        format!("--reuid={}", identity.uid).into(),
        format!("--regid={}", identity.gid).into(),
        format!("--groups={}", groups.join(",")).into(),
        "--inh-caps=-all".into(),
        "--".into(),
    ];
    let mut rest = command.arguments.clone();
    if let Some(program) = rest.first().and_then(programs::find) {
        rest[0] = program.into();
    }
    arguments.extend(rest);
    Some(arguments)
}

/// A new log, written only by appending, so that cutting it while a program
/// holds it open works.
fn open_log(path: &Path) -> io::Result<File> {
    let _ = std::fs::remove_file(path);
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn install_hint(program: &str) -> String {
    programs::package(program)
        .map(|package| format!("; on Debian and Ubuntu: apt-get install {package}"))
        .unwrap_or_default()
}
