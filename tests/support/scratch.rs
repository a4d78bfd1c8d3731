//! A directory of a test's own, which a desktop of another user may look into.
//!
//! A host that runs as root gives its desktops user ids of their own, so the
//! directory can be passed through by everybody, and `exchange` in it, where
//! apps leave what tests read, can be written by everybody. Paths are short:
//! a Unix socket's has at most 107 bytes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The directory; removed with everything in it on drop.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: TempDir,
}

impl Scratch {
    /// Makes one.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("es-").tempdir_in("/tmp").expect("a directory in /tmp");
        open_to(directory.path(), 0o711);
        let exchange = directory.path().join("exchange");
        fs::create_dir(&exchange).expect("exchange directory");
        open_to(&exchange, 0o777);
        Self { directory }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A path that apps may write to.
    pub(crate) fn exchange(&self, name: &str) -> PathBuf {
        self.directory.path().join("exchange").join(name)
    }

    /// Copies one of our example programs to where every user can run it.
    pub(crate) fn install(&self, program: &str) -> PathBuf {
        let built = examples().join(program);
        let installed = self.exchange(program);
        if installed.exists() {
            return installed;
        }
        // By another process: a child of another test's that is forked meanwhile
        // would hold the file open for writing, and nobody could run it.
        let copied = Command::new("cp").arg(&built).arg(&installed).status();
        assert!(copied.is_ok_and(|status| status.success()), "copy {}", built.display());
        open_to(&installed, 0o755);
        installed
    }
}

/// Where cargo puts examples of the profile this test was built with.
pub(crate) fn examples() -> PathBuf {
    let test = std::env::current_exe().expect("path of the test binary");
    let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
    profile.join("examples")
}

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("change permissions");
}
