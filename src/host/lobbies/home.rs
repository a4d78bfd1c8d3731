//! Where the files of a lobby's application are, and whose they are.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::config::directories::Directories;
use crate::ids::LobbyId;

/// A lobby's home directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LobbyHome {
    /// Made when the desktop starts.
    pub(crate) path: PathBuf,
    /// Whose it is, where the host can choose.
    pub(crate) uid: u32,
    /// It ends with the lobby.
    ephemeral: bool,
}

impl LobbyHome {
    /// Finds the home of a lobby: the one that its state folder had before,
    /// under the same user, or a new one under a user of its own. Reads
    /// directories.
    pub(crate) fn find(
        directories: &Directories,
        id: LobbyId,
        state_folder: &str,
        wanted_uid: Option<u32>,
        first_uid: u32,
    ) -> Self {
        let folder = folder_name(state_folder);
        let ephemeral = folder.is_none();
        let homes = if ephemeral { ephemeral_homes(directories) } else { directories.state.join("lobby-homes") };
        let path = homes.join(folder.unwrap_or_else(|| id.to_string()));
        let owner = fs::metadata(&path).map(|metadata| metadata.uid()).ok();
        let first = first_uid.saturating_add(UID_OFFSET);
        let uid = owner.or(wanted_uid).unwrap_or_else(|| {
            let taken = [ephemeral_homes(directories), directories.state.join("lobby-homes")];
            let most = taken.iter().flat_map(|homes| owners(homes)).filter(|uid| *uid >= first).max();
            most.map_or(first, |uid| uid.saturating_add(1))
        });
        Self { path, uid, ephemeral }
    }

    /// Removes what ends with the lobby.
    pub(crate) fn remove(&self) -> io::Result<()> {
        if !self.ephemeral {
            return Ok(());
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Removes what lobbies of an earlier host left.
pub(crate) fn sweep(directories: &Directories) {
    let _ = fs::remove_dir_all(ephemeral_homes(directories));
}

fn ephemeral_homes(directories: &Directories) -> PathBuf {
    directories.runtime.join("lobby-homes")
}

fn owners(directory: &Path) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.uid()).collect()
}

/// A folder as callers name it, which may be a path of another machine, as the
/// name of one directory of ours. `None` if there is nothing in it.
fn folder_name(folder: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let parts = folder.split('/').filter(|part| !part.is_empty() && !part.chars().all(|c| c == '.'));
    let safe = |part: &str| part.chars().map(|c| if allowed(c) { c } else { '_' }).collect::<String>();
    let name: Vec<_> = parts.map(safe).collect();
    let name = name.join("+");
    (!name.is_empty()).then(|| name.chars().take(LONGEST_NAME).collect())
}

/// Lobbies' users are apart from those of clients' desktops.
const UID_OFFSET: u32 = 10_000;

/// File systems allow 255 bytes.
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_name_and_leads_nowhere_else() {
        assert_eq!(folder_name("/wolf-state/agent-ses_1"), Some("wolf-state+agent-ses_1".to_owned()));
        assert_eq!(folder_name("../../etc/x y"), Some("etc+x_y".to_owned()));
        assert_eq!(folder_name(""), None);
        assert_eq!(folder_name("/./.."), None);
        assert_eq!(folder_name(&"a".repeat(1000)).unwrap().len(), LONGEST_NAME);
    }

    #[test]
    fn only_a_home_without_a_folder_ends_with_its_lobby() {
        let root = tempfile::tempdir().unwrap();
        let directories = Directories { state: root.path().join("state"), runtime: root.path().join("run") };
        let id = LobbyId(crate::ids::Uuid::random().unwrap());
        let [kept, ephemeral] = ["agent-1", ""].map(|folder| {
            let home = LobbyHome::find(&directories, id, folder, None, 20_000);
            fs::create_dir_all(&home.path).unwrap();
            fs::write(home.path.join("saved"), "x").unwrap();
            home.remove().unwrap();
            home
        });
        assert!(kept.path.join("saved").exists());
        assert!(!ephemeral.path.exists() && ephemeral.path.starts_with(&directories.runtime));
        assert!(ephemeral.remove().is_ok(), "twice is no error");
        let owner = fs::metadata(&kept.path).unwrap().uid();
        assert_eq!(LobbyHome::find(&directories, id, "agent-1", Some(1), 20_000).uid, owner, "the same user again");
    }
}
