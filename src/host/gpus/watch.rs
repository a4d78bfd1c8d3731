//! Keeps a process running that asks GPUs, and kills it when it is late.
//!
//! Never on the path of a request. While one cannot be killed there is no other: it
//! would get stuck beside it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::time::{sleep, timeout};

use crate::host::gpus::Gpus;
use crate::host::supervisor::helper_process::{self, HelperProcess, OURSELVES};
use crate::host::supervisor::quarantine::{Kind, Quarantine};
use crate::ipc::gpu_report::{GpuReport, LONGEST_LINE};
use crate::vendor_libraries::find_library;

/// What is run, and whom it tells.
#[derive(Debug)]
pub(crate) struct GpuWatch {
    gpus: Gpus,
    quarantine: Quarantine,
    evidence: PathBuf,
}

impl GpuWatch {
    /// Of this host.
    pub(crate) const fn new(gpus: Gpus, quarantine: Quarantine, evidence: PathBuf) -> Self {
        Self { gpus, quarantine, evidence }
    }

    /// Goes on until the task is dropped.
    pub(crate) async fn run(self) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            // Looking for files may wait for a disk.
            if !tokio::task::spawn_blocking(are_there_gpus).await.unwrap_or(false) {
                self.gpus.none();
                sleep(LOOK_AGAIN).await;
                continue;
            }
            pause = if self.follow().await { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            sleep(pause).await;
            self.gpus.restarted();
        }
    }

    /// Reads what one process prints, to its end. Returns whether there were figures.
    async fn follow(&self) -> bool {
        let command = [OURSELVES, "gpus", "--every", "2"].map(str::to_owned);
        let mut process = match HelperProcess::spawn(Kind::Gpus, &command) {
            Ok(process) => process,
            Err(error) => {
                self.gpus.failed(format!("{OURSELVES}: {error}"));
                return false;
            }
        };
        let mut lines = Lines::new(process.output());
        let (mut deadline, mut well) = (FIRST_DEADLINE, false);
        let problem = loop {
            match timeout(deadline, lines.next()).await {
                Ok(Ok(Some(line))) => match GpuReport::read(line) {
                    Ok(report) => {
                        self.gpus.reported(report);
                        (deadline, well) = (DEADLINE, true);
                    }
                    Err(error) => self.gpus.failed(error.to_string()),
                },
                Ok(Ok(None)) => break "the process that asks GPUs has ended".to_owned(),
                Ok(Err(error)) => break error.to_string(),
                Err(_) => {
                    let text = format!("no answer within {deadline:?}: a GPU or its driver hangs");
                    // Of a hang that lasts there is nothing new to say.
                    if let Some(pid) = process.pid().filter(|_| well) {
                        helper_process::write_evidence(Kind::Gpus, pid, &self.evidence, &text).await;
                    }
                    break text;
                }
            }
        };
        self.gpus.failed(problem);
        let stuck = "the process that asks GPUs cannot be killed: it is stuck inside the kernel";
        process.remove(&self.quarantine, || self.gpus.failed(stuck)).await;
        well
    }
}

/// Lines of bounded length.
struct Lines {
    from: Option<BufReader<ChildStdout>>,
    line: Vec<u8>,
}

impl Lines {
    fn new(from: Option<ChildStdout>) -> Self {
        Self { from: from.map(BufReader::new), line: Vec::new() }
    }

    /// The next one; `None` at the end.
    async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let Some(from) = &mut self.from else { return Ok(None) };
        self.line.clear();
        let mut limited = from.take(LONGEST_LINE as u64 + 1);
        limited.read_until(b'\n', &mut self.line).await?;
        if self.line.len() > LONGEST_LINE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a line of more than {LONGEST_LINE} bytes"),
            ));
        }
        Ok(Some(self.line.as_slice()).filter(|line| !line.is_empty()))
    }
}

/// Whether there is anything to ask. Blocking.
fn are_there_gpus() -> bool {
    Path::new("/dev/nvidiactl").exists() || find_library("libnvidia-ml.so.1").is_some() || has_card()
}

fn has_card() -> bool {
    let cards = std::fs::read_dir("/sys/class/drm").into_iter().flatten().flatten();
    let mut vendors = cards.filter_map(|card| std::fs::read_to_string(card.path().join("device/vendor")).ok());
    vendors.any(|vendor| ["0x10de", "0x1002", "0x8086"].contains(&vendor.trim()))
}

/// After the start: GPUs that nobody uses are initialized first.
const FIRST_DEADLINE: Duration = Duration::from_secs(20);

/// From one line to the next: two seconds of pause, and the answers.
const DEADLINE: Duration = Duration::from_secs(7);

/// Before it is started anew.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where there was none: a driver may be loaded later.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> HelperProcess {
        HelperProcess::spawn(Kind::Gpus, &["/bin/sh", "-c", script].map(str::to_owned)).unwrap()
    }

    #[tokio::test]
    async fn lines_are_read_up_to_a_limit() {
        let mut process = shell("printf 'one\\n\\ntwo'");
        let mut lines = Lines::new(process.output());
        for line in ["one\n", "\n", "two"] {
            assert_eq!(lines.next().await.unwrap(), Some(line.as_bytes()));
        }
        assert_eq!(lines.next().await.unwrap(), None);
        let mut process = shell("exec tr '\\0' x < /dev/zero");
        let error = Lines::new(process.output()).next().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(Lines::new(None).next().await.unwrap(), None);
    }
}
