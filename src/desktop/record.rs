//! `desktop.json`: who runs in a desktop, for a host that comes after us.
//!
//! A host that was killed leaves its desktops running. The next one finds in
//! these files whom to kill: process numbers with start times, so that nobody
//! else ever is, and the host that they belonged to, so that a living host's
//! desktops are left alone. A desktop that is complete can be adopted instead
//! (see [`adopt`](super::adopt)), so all that it was made of is in there too.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::ProcessId;
use super::spec::DesktopSpec;

/// Contents of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of what [`running`](Self::running) means; what is above it in
    /// this struct means the same in all.
    #[serde(default)]
    version: u32,
    /// The host that the desktop belongs to.
    pub host: ProcessId,
    /// Children that the host started: compositor, sound server, application.
    pub children: Vec<ProcessId>,
    /// Directory of the desktop's cgroup, if it has one.
    pub cgroup: Option<PathBuf>,
    /// What another host needs to go on with it, once it is ready.
    #[serde(default)]
    running: Option<Running>,
}

/// A desktop that is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// What it was made of, as it is now.
    pub spec: DesktopSpec,
    /// Where its compositor listens.
    pub wayland_socket: PathBuf,
    /// Its compositor.
    pub compositor: ProcessId,
    /// Its sound server, if it has one.
    pub sound_server: Option<ProcessId>,
    /// Its application, if it has one.
    pub app: Option<ProcessId>,
}

impl Record {
    /// A record of this version.
    pub(super) const fn new(
        host: ProcessId,
        children: Vec<ProcessId>,
        cgroup: Option<PathBuf>,
        running: Option<Running>,
    ) -> Self {
        Self { version: VERSION, host, children, cgroup, running }
    }

    /// What can be adopted, if it was written by a host like this one.
    #[must_use]
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref().filter(|_| self.version == VERSION)
    }

    /// Writes it below the desktop's directory, all or nothing. It holds what
    /// the application's environment holds: for the host's user alone.
    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        let new = directory.join("desktop.json.new");
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        fs::rename(new, directory.join(FILE))
    }

    /// Reads it; `None` if there is none or it is torn.
    pub(super) fn load(directory: &Path) -> Option<Self> {
        Self::parse(&fs::read(directory.join(FILE)).ok()?)
    }

    /// The record in the content of such a file; `None` if it is torn.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

/// Version of the record.
const VERSION: u32 = 2;

const FILE: &str = "desktop.json";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn record() -> Record {
        let [host, child] = [1, 3].map(|pid| ProcessId { pid, start_time: 2 });
        Record::new(host, vec![child], Some("/sys/fs/cgroup/earthshine-1".into()), None)
    }

    #[test]
    fn a_record_survives_and_a_torn_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Record::load(directory.path()), None);
        record().save(directory.path()).unwrap();
        assert_eq!(Record::load(directory.path()), Some(record()));
        let mode = fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "others' environments may be in it");
        fs::write(directory.path().join(FILE), "{\"host\":").unwrap();
        assert_eq!(Record::load(directory.path()), None);
    }

    #[test]
    fn one_of_another_version_says_whom_to_kill_and_no_more() {
        let old = br#"{"host":{"pid":1,"start_time":2},"children":[],"cgroup":null}"#;
        let record = Record::parse(old).unwrap();
        assert_eq!((record.host.pid, record.running()), (1, None));
    }
}
