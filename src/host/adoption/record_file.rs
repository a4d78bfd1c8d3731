//! A small file in the runtime directory that says what something is.
//!
//! It has to outlive the process that writes it, not the machine: it is
//! replaced whole by a rename, and nobody waits for a disk. It may hold keys
//! and PINs, so it is for the host's user alone.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::host::store::versioned_file::Format;

/// One record, written again only when it changes.
#[derive(Debug)]
pub(crate) struct RecordFile {
    path: PathBuf,
    format: Format,
    written: Vec<u8>,
}

impl RecordFile {
    /// A record that will be called `NAME.json` in `directory`.
    pub(crate) fn new(directory: &Path, name: &str, format: Format) -> Self {
        Self { path: directory.join(format!("{name}.json")), format, written: Vec::new() }
    }

    /// Writes it, if it says something else than before. A record that cannot
    /// be written is no reason to fail: what it is about is then not adopted.
    /// Returns whether it says now what it should.
    pub(crate) fn save<T: Serialize>(&mut self, body: &T) -> bool {
        let written = write(body, self.format).map_err(io::Error::from).and_then(|content| {
            if content != self.written {
                replace(&self.path, &content)?;
                self.written = content;
            }
            Ok(())
        });
        if let Err(error) = &written {
            warn!(path = %self.path.display(), %error, "record not written");
        }
        written.is_ok()
    }

    /// Removes it: what it was about is ending.
    pub(crate) fn remove(&mut self) {
        self.written.clear();
        remove(&self.path);
    }
}

/// All records of a directory that a host like this one wrote. The others are
/// removed, with a line in the log. Blocking.
pub(crate) fn read_all<T: DeserializeOwned>(directory: &Path, format: Format) -> Vec<T> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        match read(&path).and_then(|content| parse(&content, format)) {
            Ok(body) => found.push(body),
            Err(error) => {
                warn!(path = %path.display(), %error, "record of an earlier host not usable: removed, nothing adopted");
                remove(&path);
            }
        }
    }
    found
}

/// The content of a record.
///
/// # Errors
/// If `body` cannot be written as JSON.
pub(crate) fn write<T: Serialize>(body: &T, format: Format) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Whole { format: format.name.into(), version: format.version, body })
}

/// What a record with this content says.
///
/// # Errors
/// `InvalidData` with what is wrong with it.
pub(crate) fn parse<T: DeserializeOwned>(content: &[u8], format: Format) -> io::Result<T> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let header: Header = serde_json::from_slice(content).map_err(|error| invalid(format!("torn: {error}")))?;
    if header.format != format.name {
        return Err(invalid(format!("foreign: its format is {:?}, expected {:?}", header.format, format.name)));
    }
    if header.version != format.version {
        let (found, known) = (header.version, format.version);
        return Err(invalid(format!("of another version: {found}, this program writes {known}")));
    }
    let whole: Whole<T> = serde_json::from_slice(content).map_err(|error| invalid(format!("torn: {error}")))?;
    Ok(whole.body)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file of at most 1 MiB"));
    }
    fs::read(path)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let new = path.with_extension("new");
    remove(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    fs::rename(&new, path)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!(path = %path.display(), %error, "record not removed");
        }
        _ => {}
    }
}

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    format: String,
    version: u32,
    body: T,
}

/// The part that all versions have.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u32,
}

/// Far more than any record has.
const MAX_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FORMAT: Format = Format { name: "earthshine test", version: 3 };

    #[test]
    fn a_record_is_private_comes_back_and_goes() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("records");
        let mut file = RecordFile::new(&directory, "1", FORMAT);
        file.save(&"first");
        file.save(&"second");
        assert_eq!(fs::metadata(directory.join("1.json")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        assert_eq!(read_all::<String>(&directory, FORMAT), ["second"]);
        file.remove();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }

    #[test]
    fn torn_and_foreign_records_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let whole = br#"{"format":"earthshine test","version":3,"body":"x"}"#;
        for length in 0..whole.len() {
            assert!(parse::<String>(&whole[..length], FORMAT).is_err(), "{length}");
        }
        let foreign: [&[u8]; 4] = [
            br#"{"format":"else","version":3,"body":"x"}"#,
            br#"{"format":"earthshine test","version":2,"body":"x"}"#,
            br#"{"format":"earthshine test","version":3,"body":7}"#,
            b"[]",
        ];
        for (number, content) in foreign.into_iter().enumerate() {
            fs::write(directory.path().join(format!("{number}.json")), content).unwrap();
        }
        std::os::unix::fs::symlink("/dev/zero", directory.path().join("link.json")).unwrap();
        assert!(read_all::<String>(directory.path(), FORMAT).is_empty());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
