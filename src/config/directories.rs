//! Where a host keeps what it must remember, and what it need not.
//!
//! As root: `/var/lib/earthshine` and `/run/earthshine`, as the Filesystem
//! Hierarchy Standard has it. As anybody else: the XDG base directories. Both
//! can be given on the command line.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::ids::{AppId, ClientId};

/// The two directories of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// What survives a restart: identity, paired clients, homes, logs.
    pub state: PathBuf,
    /// What does not: sockets, running desktops.
    pub runtime: PathBuf,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made or written.
    #[error("{what} directory {path} cannot be written: {source}; choose another with {option}")]
    NotWritable {
        /// `state` or `runtime`.
        what: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
        /// The command line option.
        option: &'static str,
    },
    /// Somebody else could put things into it.
    #[error("{what} directory {path} belongs to user {owner}, not to us; choose another with {option}")]
    Foreign {
        /// `state` or `runtime`.
        what: &'static str,
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The command line option.
        option: &'static str,
    },
}

impl Directories {
    /// As given on the command line, else the usual ones.
    #[must_use]
    pub fn choose(state: Option<PathBuf>, runtime: Option<PathBuf>) -> Self {
        let usual = Self::usual(rustix::process::geteuid().as_raw(), |name| std::env::var_os(name));
        Self { state: state.unwrap_or(usual.state), runtime: runtime.unwrap_or(usual.runtime) }
    }

    /// Makes both and makes sure that they are ours and can be written.
    ///
    /// # Errors
    /// [`DirectoryError`] that names the directory and the option.
    pub fn create(&self) -> Result<(), DirectoryError> {
        make(&self.state, "state", "--state-dir")?;
        make(&self.runtime, "runtime", "--runtime-dir")
    }

    /// Where logs of desktops and workers go.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// Where evidence about dead and hung processes goes.
    #[must_use]
    pub fn evidence(&self) -> PathBuf {
        self.state.join("evidence")
    }

    /// The home that a client's app comes back to.
    #[must_use]
    pub fn home(&self, client: ClientId, app: AppId) -> PathBuf {
        self.state.join("homes").join(format!("{:016x}", client.short())).join(app.to_string())
    }

    /// The same in a folder of another name, which several clients may share.
    #[must_use]
    pub fn named_home(&self, client: ClientId, folder: &str, app: AppId) -> PathBuf {
        let is_own = folder == client.short().to_string();
        match folder_name(folder).filter(|_| !is_own) {
            Some(name) => self.state.join("homes").join(name).join(app.to_string()),
            None => self.home(client, app),
        }
    }

    fn usual(uid: u32, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if uid == 0 {
            return Self { state: "/var/lib/earthshine".into(), runtime: "/run/earthshine".into() };
        }
        // The standard says that paths that are not absolute are to be ignored.
        let base = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let private = PathBuf::from(format!("/tmp/earthshine-{uid}"));
        let state = base("XDG_STATE_HOME").or_else(|| base("HOME").map(|home| home.join(".local/state")));
        Self {
            state: state.map_or_else(|| private.join("state"), |base| base.join("earthshine")),
            runtime: base("XDG_RUNTIME_DIR").map_or_else(|| private.join("run"), |base| base.join("earthshine")),
        }
    }
}

/// A folder as callers name it, which may be a path of another machine, as the
/// name of one directory of ours. `None` if there is nothing in it.
#[must_use]
pub fn folder_name(folder: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let parts = folder.split('/').filter(|part| !part.is_empty() && !part.chars().all(|c| c == '.'));
    let safe = |part: &str| part.chars().map(|c| if allowed(c) { c } else { '_' }).collect::<String>();
    let name: Vec<_> = parts.map(safe).collect();
    let name = name.join("+");
    (!name.is_empty()).then(|| name.chars().take(LONGEST_NAME).collect())
}

fn make(path: &Path, what: &'static str, option: &'static str) -> Result<(), DirectoryError> {
    let not_writable = |source| DirectoryError::NotWritable { what, path: path.to_owned(), source, option };
    let root = rustix::process::geteuid().is_root();
    // Desktops of a host that is root run as other users, who must be able to
    // pass through to what is theirs below.
    let mode = if root { 0o711 } else { 0o700 };
    let existed = path.exists();
    DirBuilder::new().recursive(true).mode(mode).create(path).map_err(not_writable)?;
    if !existed {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(not_writable)?;
    }
    let owner = fs::metadata(path).map_err(not_writable)?.uid();
    if owner != rustix::process::geteuid().as_raw() {
        return Err(DirectoryError::Foreign { what, path: path.to_owned(), owner, option });
    }
    let probe = path.join(format!(".writable-{}", std::process::id()));
    fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)).map_err(not_writable)
}

/// File systems allow 255 bytes.
const LONGEST_NAME: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_users_have_their_usual_places() {
        let none = |_: &str| None;
        assert_eq!(Directories::usual(0, none).state, Path::new("/var/lib/earthshine"));
        assert_eq!(Directories::usual(7, none).runtime, Path::new("/tmp/earthshine-7/run"));
        let user = Directories::usual(7, |name| match name {
            "HOME" => Some("/home/a".into()),
            "XDG_RUNTIME_DIR" => Some("relative".into()),
            _ => None,
        });
        assert_eq!(user.state, Path::new("/home/a/.local/state/earthshine"));
        assert_eq!(user.runtime, Path::new("/tmp/earthshine-7/run"), "a relative path is ignored");
    }

    #[test]
    fn directories_are_made_and_a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let good = Directories { state: root.path().join("a/state"), runtime: root.path().join("run") };
        good.create().unwrap();
        good.create().unwrap();
        assert_eq!(fs::read_dir(&good.state).unwrap().count(), 0, "no probe is left");
        let bad = Directories { runtime: file.join("run"), ..good };
        let error = bad.create().unwrap_err().to_string();
        assert!(error.contains("runtime directory") && error.contains("--runtime-dir"), "{error}");
    }

    #[test]
    fn homes_differ_by_client_and_app() {
        let directories = Directories { state: "/s".into(), runtime: "/r".into() };
        let home = directories.home(ClientId([1; 32]), AppId(5));
        assert_eq!(home, Path::new("/s/homes/0101010101010101/5"));
        let named = |folder| directories.named_home(ClientId([1; 32]), folder, AppId(5));
        assert_eq!(named("games/shared"), Path::new("/s/homes/games+shared/5"));
        assert_eq!(named(".."), home, "a name that says nothing is none");
        let as_shown = ClientId([1; 32]).short().to_string();
        assert_eq!(named(&as_shown), home, "the name that the API shows");
    }

    #[test]
    fn a_folder_is_one_name_and_leads_nowhere_else() {
        assert_eq!(folder_name("/wolf-state/agent-ses_1"), Some("wolf-state+agent-ses_1".to_owned()));
        assert_eq!(folder_name("../../etc/x y"), Some("etc+x_y".to_owned()));
        assert_eq!(folder_name(""), None);
        assert_eq!(folder_name("/./.."), None);
        assert_eq!(folder_name(&"a".repeat(1000)).unwrap().len(), LONGEST_NAME);
    }
}
