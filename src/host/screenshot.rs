//! Screenshots, made by a process of their own.
//!
//! What a worker shows comes from that worker, through a pipe that the host
//! never reads: it is the standard input of the process that compresses it. A
//! desktop that nobody streams is captured by that process. The host waits, with
//! a deadline, and hands on the file.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hyper::body::Bytes;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::host::supervisor::worker_link::WorkerLink;
use crate::ipc::message::ToWorker;

/// Where a picture comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// What a worker shows.
    Worker(WorkerLink),
    /// The compositor behind a Wayland socket.
    Compositor(PathBuf),
}

/// Why there is no screenshot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenshotError {
    /// Nothing was shown so far.
    #[error("there is no picture yet; try again when the stream has begun")]
    NoPicture,
    /// Others are being made.
    #[error("{AT_ONCE} screenshots are being made already; try again")]
    Busy,
    /// It took too long.
    #[error("no picture came within {DEADLINE:?}")]
    Late,
    /// The process said why.
    #[error("{0}")]
    Failed(String),
    /// The kernel did.
    #[error("screenshot: {0}")]
    System(#[from] io::Error),
}

/// Takes one, as a file of this format.
pub(crate) async fn take(origin: Origin, format: &str, width: Option<u32>) -> Result<Bytes, ScreenshotError> {
    let Ok(permit) = timeout(QUEUE_DEADLINE, PERMITS.acquire()).await else { return Err(ScreenshotError::Busy) };
    let _permit = permit.map_err(|_| ScreenshotError::Busy)?;
    timeout(DEADLINE, run(origin, format, width)).await.unwrap_or(Err(ScreenshotError::Late))
}

async fn run(origin: Origin, format: &str, width: Option<u32>) -> Result<Bytes, ScreenshotError> {
    let mut command = Command::new(OURSELVES);
    command.arg0("earthshine").args(["picture", "--format", format]);
    if let Some(width) = width {
        command.args(["--width", &width.to_string()]);
    }
    match origin {
        Origin::Worker(worker) => command.stdin(ask(&worker)?),
        Origin::Compositor(socket) => command.arg("--wayland").arg(socket).stdin(Stdio::null()),
    };
    // Dropped at the deadline, and killed by that; a worker's pipe ends with it.
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let (file, complaint) =
        tokio::join!(read(child.stdout.take(), LARGEST_FILE), read(child.stderr.take(), LONGEST_COMPLAINT));
    let status = child.wait().await?;
    match status.code() {
        Some(0) => Ok(file?.into()),
        Some(NO_PICTURE) => Err(ScreenshotError::NoPicture),
        _ => {
            let complaint = String::from_utf8_lossy(&complaint?).trim().to_owned();
            Err(ScreenshotError::Failed(if complaint.is_empty() { status.to_string() } else { complaint }))
        }
    }
}

/// Asks a worker for its picture; returns the end of the pipe that it comes
/// through.
fn ask(worker: &WorkerLink) -> Result<OwnedFd, ScreenshotError> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
    if worker.send(&ToWorker::Picture, Some(writer.as_fd())) { Ok(reader) } else { Err(ScreenshotError::NoPicture) }
}

async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(limit).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The running binary itself, also after its file was replaced by an upgrade.
const OURSELVES: &str = "/proc/self/exe";

/// Each takes a core for a while.
const AT_ONCE: usize = 2;
static PERMITS: Semaphore = Semaphore::const_new(AT_ONCE);
const QUEUE_DEADLINE: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);
/// Of a picture of the largest size, without loss and full of noise.
const LARGEST_FILE: u64 = 256 << 20;
const LONGEST_COMPLAINT: u64 = 4096;
/// Exit status of `earthshine picture`.
const NO_PICTURE: i32 = 3;
