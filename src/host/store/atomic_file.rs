//! Replacing a small file so that a crash leaves the old one or the new one.
//!
//! The new content goes to a temporary file in the same directory (rename(2)
//! is atomic within one file system only), which is synced before the rename;
//! then the directory is synced, because the rename itself lives there.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces `path` by `content`, readable by the owner alone.
///
/// Blocks on the disk: call it from a thread that may.
///
/// # Errors
/// Whatever the file system says, and content over [`MAX_BYTES`], which could
/// not be read again; the old file is then untouched.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if content.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("{} bytes, expected at most {MAX_BYTES}", content.len())));
    }
    let temporary = temporary_path(path)?;
    let written = write_synced(&temporary, content).and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        // Best effort: the next replacement writes over it anyway.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    sync_directory(path)
}

/// Content of `path`; `None` if there is no such file.
///
/// # Errors
/// Whatever the file system says, and files over [`MAX_BYTES`].
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if length > MAX_BYTES {
        return Err(io::Error::other(format!("{length} bytes, expected at most {MAX_BYTES}")));
    }
    std::fs::read(path).map(Some)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    // A leftover of a crash may have been made with other permissions.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn temporary_path(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other(format!("{} names no file", path.display())))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".new");
    Ok(path.with_file_name(temporary))
}

/// Far more than any state file of ours has; keeps a foreign file from filling
/// the memory.
const MAX_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"a longer first content").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"second");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_are_private_even_after_a_crash_left_a_public_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let leftover = temporary_path(&path).unwrap();
        std::fs::write(&leftover, b"half").unwrap();
        std::fs::set_permissions(&leftover, std::fs::Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn failing_replacement_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        replace(&path, b"old").unwrap();
        // The temporary file cannot be made: its name is taken by a directory.
        std::fs::create_dir(temporary_path(&path).unwrap()).unwrap();
        assert!(replace(&path, b"new").is_err());
        assert_eq!(read(&path).unwrap().unwrap(), b"old");
    }

    #[test]
    fn huge_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(read(&path).is_err());
    }
}
