//! `desktop.json`: who runs in a desktop, for a host that comes after us.
//!
//! A host that was killed leaves its desktops running. The next one finds in
//! these files whom to kill: process numbers with start times, so that nobody
//! else ever is, and the host that they belonged to, so that a living host's
//! desktops are left alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::ProcessId;

/// Contents of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The host that the desktop belongs to.
    pub host: ProcessId,
    /// Children that the host started: compositor, sound server, application.
    pub children: Vec<ProcessId>,
    /// Directory of the desktop's cgroup, if it has one.
    pub cgroup: Option<PathBuf>,
}

impl Record {
    /// Writes it below the desktop's directory, all or nothing.
    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        let new = directory.join("desktop.json.new");
        fs::write(&new, serde_json::to_vec(self)?)?;
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

const FILE: &str = "desktop.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_and_a_torn_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Record::load(directory.path()), None);
        let record = Record {
            host: ProcessId { pid: 1, start_time: 2 },
            children: vec![ProcessId { pid: 3, start_time: 4 }],
            cgroup: Some("/sys/fs/cgroup/earthshine-1".into()),
        };
        record.save(directory.path()).unwrap();
        assert_eq!(Record::load(directory.path()), Some(record));
        fs::write(directory.path().join(FILE), "{\"host\":").unwrap();
        assert_eq!(Record::load(directory.path()), None);
    }
}
