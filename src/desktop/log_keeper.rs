//! Keeps the logs of a desktop's programs from filling the disk.
//!
//! Programs write straight into their files: with a pipe through the host they
//! would die of a broken pipe with it, and streams are to outlive the host. So
//! the host looks now and then, and a file past [`LIMIT`] loses all but its
//! end, which moves to `NAME.log.old`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

/// Watches `logs` until aborted.
pub(super) fn keep(logs: Vec<PathBuf>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let logs = logs.clone();
            let _ = tokio::task::spawn_blocking(move || logs.iter().for_each(|log| trim(log, LIMIT))).await;
        }
    })
}

/// The last lines of a log, for an error message or for evidence.
pub(super) fn tail(log: &Path) -> String {
    let text = last_bytes(log, TAIL).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn trim(log: &Path, limit: u64) {
    if fs::metadata(log).is_ok_and(|metadata| metadata.len() > limit)
        && let Err(error) = cut(log)
    {
        tracing::warn!(?log, %error, "log not cut");
    }
}

fn cut(log: &Path) -> io::Result<()> {
    let end = last_bytes(log, KEPT)?;
    // Cut first: on a full disk this is what makes room.
    OpenOptions::new().write(true).open(log)?.set_len(0)?;
    fs::write(log.with_extension("log.old"), end)
}

fn last_bytes(log: &Path, count: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(count)))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes that a log may have.
const LIMIT: u64 = 8 << 20;
/// Bytes of it that are kept.
const KEPT: u64 = 256 << 10;
/// Bytes looked at for the last lines.
const TAIL: u64 = 4 << 10;
const TAIL_LINES: usize = 8;
const INTERVAL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_that_grows_is_cut_under_its_writer() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("a-app.log");
        let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(&[b'x'; 2000]).unwrap();
        writer.write_all(b"\nlast words\n").unwrap();
        trim(&log, 5000);
        assert_eq!(fs::metadata(&log).unwrap().len(), 2012);
        trim(&log, 1000);
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        writer.write_all(b"more\n").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"more\n");
        assert!(fs::read(log.with_extension("log.old")).unwrap().ends_with(b"last words\n"));
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let text: String = (0..1000).map(|line| format!("line {line}\n")).collect();
        fs::write(&log, text).unwrap();
        assert!(tail(&log).starts_with("line 992\n") && tail(&log).ends_with("line 999"));
        assert_eq!(tail(Path::new("/no/such/log")), "");
    }
}
