//! Where the files of a lobby's application are, and whose they are.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::config::directories::{Directories, folder_name};
use crate::ids::LobbyId;

/// A lobby's home directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LobbyHome {
    pub(crate) path: PathBuf,
    /// Whose it is, where the host can choose.
    pub(crate) uid: u32,
    /// It ends with the lobby.
    ephemeral: bool,
}

impl LobbyHome {
    /// The home of a lobby: the one that its state folder had before, under the
    /// same user, or a new one under a user of its own. Makes it, so that two
    /// lobbies never get one user.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn claim(
        directories: &Directories,
        id: LobbyId,
        state_folder: &str,
        wanted_uid: Option<u32>,
        first_uid: u32,
    ) -> io::Result<Self> {
        let folder = folder_name(state_folder);
        let ephemeral = folder.is_none();
        let homes = if ephemeral { ephemeral_homes(directories) } else { kept_homes(directories) };
        let path = homes.join(folder.unwrap_or_else(|| id.to_string()));
        let _claiming = CLAIMING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(metadata) = fs::metadata(&path) {
            if rustix::process::geteuid().is_root() && metadata.uid() == 0 {
                let path = path.display();
                return Err(io::Error::other(format!(
                    "{path} is root's: give it to the user that the lobby shall have"
                )));
            }
            return Ok(Self { path, uid: metadata.uid(), ephemeral });
        }
        let first = first_uid.saturating_add(UID_OFFSET);
        let uid = wanted_uid.unwrap_or_else(|| {
            let taken = [ephemeral_homes(directories), kept_homes(directories)];
            let most = taken.iter().flat_map(|homes| owners(homes)).filter(|uid| *uid >= first).max();
            most.map_or(first, |uid| uid.saturating_add(1))
        });
        // Others' users pass through, and see nothing; whatever our file mode
        // creation mask.
        DirBuilder::new().recursive(true).create(&homes)?;
        fs::set_permissions(&homes, Permissions::from_mode(0o711))?;
        DirBuilder::new().mode(0o700).create(&path)?;
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(uid), Some(uid))?;
        }
        Ok(Self { path, uid, ephemeral })
    }

    /// Removes what ends with the lobby.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if !self.ephemeral {
            return Ok(());
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let _claiming = CLAIMING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(homes) = self.path.parent() {
            // Others may have theirs in it.
            let _ = fs::remove_dir(homes);
        }
        Ok(())
    }
}

/// Removes what lobbies of an earlier host left, but for the homes `kept`.
pub(crate) fn sweep(directories: &Directories, kept: &[&Path]) {
    for entry in fs::read_dir(ephemeral_homes(directories)).into_iter().flatten().flatten() {
        let path = entry.path();
        if !kept.contains(&path.as_path())
            && let Err(error) = fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "home of an earlier host's lobby not removed");
        }
    }
}

/// Removes the place of homes that end with their lobbies, which is empty now:
/// the host ends in order.
pub(crate) fn close(directories: &Directories) {
    // One that is not empty is for the next host.
    let _ = fs::remove_dir(ephemeral_homes(directories));
}

fn kept_homes(directories: &Directories) -> PathBuf {
    directories.state.join("lobby-homes")
}

fn ephemeral_homes(directories: &Directories) -> PathBuf {
    directories.runtime.join("lobby-homes")
}

fn owners(directory: &Path) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.uid()).collect()
}

/// Held while a home is made, so that no two get one user, and while the
/// directory of all of them is removed.
static CLAIMING: Mutex<()> = Mutex::new(());

/// Lobbies' users are apart from those of clients' desktops.
const UID_OFFSET: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_home_without_a_folder_ends_with_its_lobby() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories { state: root.path().join("state"), runtime: root.path().join("run") };
        let id = LobbyId(crate::ids::Uuid::random().unwrap());
        let [kept, ephemeral] = ["agent-1", ""].map(|folder| {
            let home = LobbyHome::claim(&directories, id, folder, None, 20_000).unwrap();
            fs::write(home.path.join("saved"), "x").unwrap();
            home.remove().unwrap();
            home
        });
        assert!(kept.path.join("saved").exists());
        assert!(!ephemeral.path.exists() && ephemeral.path.starts_with(&directories.runtime));
        assert!(ephemeral.remove().is_ok(), "twice is no error");
        let claim = |folder| LobbyHome::claim(&directories, id, folder, None, 20_000).unwrap();
        let owner = fs::metadata(&kept.path).unwrap().uid();
        assert_eq!(claim("agent-1").uid, owner, "the same user again");
        if rustix::process::geteuid().is_root() {
            assert_eq!([owner, claim("agent-2").uid, claim("agent-3").uid], [30_000, 30_001, 30_002]);
            fs::create_dir(kept_homes(&directories).join("of-root")).unwrap();
            let refused = LobbyHome::claim(&directories, id, "of-root", None, 20_000).unwrap_err();
            assert!(refused.to_string().contains("is root's"), "{refused}");
        }
    }
}
