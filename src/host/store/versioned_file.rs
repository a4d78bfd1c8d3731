//! State files that say what they are: `{"format": .., "version": .., ..}`.
//!
//! Every error names the file and what to do, because a host that meets one
//! refuses to start rather than lose what is in the file.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::store::atomic_file;

/// What kind of file it is and which version of it this program writes.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Name of the kind.
    pub name: &'static str,
    /// Newest version that this program knows.
    pub version: u32,
}

/// Reads a state file; `None` if there is none yet.
///
/// # Errors
/// [`LoadStateError`]; the file is untouched.
pub fn load<T: DeserializeOwned>(path: &Path, format: Format) -> Result<Option<T>, LoadStateError> {
    let content = atomic_file::read(path).map_err(|source| LoadStateError::Read { path: path.into(), source })?;
    content.map(|content| parse(path, format, &content)).transpose()
}

/// What a state file with this content says; `path` is for error messages.
///
/// # Errors
/// [`LoadStateError`].
pub fn parse<T: DeserializeOwned>(path: &Path, format: Format, content: &[u8]) -> Result<T, LoadStateError> {
    let torn = |source| LoadStateError::Torn { path: path.into(), source };
    let value: serde_json::Value = serde_json::from_slice(content).map_err(torn)?;
    check_header(path, format, &value)?;
    serde_json::from_value(value).map_err(torn)
}

/// Writes a state file, atomically.
///
/// # Errors
/// [`SaveStateError`]; the old file is then untouched.
pub fn save<T: Serialize>(path: &Path, format: Format, body: &T) -> Result<(), SaveStateError> {
    let failed = |source| SaveStateError { path: path.into(), source };
    let whole = Whole { format: format.name, version: format.version, body };
    let mut content = serde_json::to_vec_pretty(&whole).map_err(|error| failed(error.into()))?;
    content.push(b'\n');
    atomic_file::replace(path, &content).map_err(failed)
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadStateError {
    /// The file system refuses.
    #[error("cannot read {}: {source}; make it readable for this user", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not complete, or not what it was when it was written.
    #[error(
        "{} is damaged: {source}; nothing was changed. Bring back a copy of it, or move it away to start anew \
         (what it remembers is then lost)", path.display()
    )]
    Torn {
        /// The file.
        path: PathBuf,
        /// Where and how.
        source: serde_json::Error,
    },
    /// Complete, but a part of it contradicts another.
    #[error(
        "{} is damaged: {what}; nothing was changed. Bring back a copy of it, or move it away to start anew \
         (what it remembers is then lost)", path.display()
    )]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// What contradicts what.
        what: String,
    },
    /// Some other program's file.
    #[error(
        "{} is not a file of Earthshine: its format is {found}, expected {expected:?}; nothing was changed. Move it \
         away, or start with another --state-dir", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it says it is, as JSON.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
    /// Written by a newer Earthshine.
    #[error(
        "{} has version {found} and this program knows versions up to {known}; nothing was changed. Start a newer \
         Earthshine, or start with another --state-dir", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The newest version known here.
        known: u32,
    },
}

/// A state file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; check free space and permissions", path.display())]
pub struct SaveStateError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

#[derive(Serialize)]
struct Whole<'a, T> {
    format: &'a str,
    version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// The part of the file that all versions have.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

fn check_header(path: &Path, format: Format, value: &serde_json::Value) -> Result<(), LoadStateError> {
    let foreign = |found: String| LoadStateError::Foreign { path: path.into(), found, expected: format.name };
    let header = Header::deserialize(value).map_err(|_| foreign("not given".into()))?;
    if header.format != format.name {
        return Err(foreign(format!("{:?}", header.format)));
    }
    if header.version > u64::from(format.version) {
        return Err(LoadStateError::Newer { path: path.into(), found: header.version, known: format.version });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { name: "earthshine test", version: 2 };

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Body {
        answer: u32,
    }

    fn load_text(text: &[u8]) -> Result<Option<Body>, LoadStateError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.json");
        std::fs::write(&path, text).unwrap();
        let loaded = load(&path, FORMAT);
        assert_eq!(std::fs::read(&path).unwrap(), text, "loading changed the file");
        if let Err(error) = &loaded {
            assert!(error.to_string().contains("test.json"), "{error}");
        }
        loaded
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.json");
        assert_eq!(load::<Body>(&path, FORMAT).unwrap(), None);
        save(&path, FORMAT, &Body { answer: 42 }).unwrap();
        assert_eq!(load::<Body>(&path, FORMAT).unwrap(), Some(Body { answer: 42 }));
    }

    #[test]
    fn every_torn_prefix_is_an_error() {
        let whole = br#"{"format":"earthshine test","version":2,"answer":42}"#;
        for length in 0..whole.len() {
            assert!(matches!(load_text(&whole[..length]), Err(LoadStateError::Torn { .. })), "{length}");
        }
        assert_eq!(load_text(whole).unwrap(), Some(Body { answer: 42 }));
    }

    #[test]
    fn foreign_and_newer_files_are_named_as_such() {
        assert!(matches!(load_text(b"{}"), Err(LoadStateError::Foreign { .. })));
        assert!(matches!(load_text(b"[1]"), Err(LoadStateError::Foreign { .. })));
        let other = br#"{"format":"something else","version":1}"#;
        assert!(matches!(load_text(other), Err(LoadStateError::Foreign { .. })));
        let newer = br#"{"format":"earthshine test","version":3,"answer":{}}"#;
        assert!(matches!(load_text(newer), Err(LoadStateError::Newer { found: 3, known: 2, .. })));
    }

    #[test]
    fn missing_fields_are_damage() {
        assert!(matches!(load_text(br#"{"format":"earthshine test","version":1}"#), Err(LoadStateError::Torn { .. })));
    }
}
