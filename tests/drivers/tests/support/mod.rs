//! Loads the stand-ins as the program does: under the vendor's names, in a process
//! of its own, with a directory for orders and reports.

use std::ffi::{CString, c_void};
use std::path::Path;
use std::process::Command;

use earthshine_drivers::ledger::VARIABLE;

pub(crate) mod cuda;

/// Runs `work` in a process that finds the stand-ins on its `LD_LIBRARY_PATH`. To the
/// test's own process, which `test` names, the answer is what the ledger says, without
/// process ids; in the other one there is none.
pub(crate) fn ledger_of(test: &str, faults: &str, work: impl FnOnce()) -> Option<Vec<String>> {
    if std::env::var_os(VARIABLE).is_some() {
        work();
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("faults"), faults).expect("the faults are written");
    let executable = std::env::current_exe().expect("a path of this test");
    // Cargo puts examples beside the directory of the tests, and builds them first.
    let examples = executable.parent().and_then(Path::parent).expect("a target directory").join("examples");
    for (built, name) in [
        ("libcuda.so", "libcuda.so.1"),
        ("libnvidia_encode.so", "libnvidia-encode.so.1"),
        ("libnvidia_ml.so", "libnvidia-ml.so.1"),
        ("libva_drm.so", "libva-drm.so.2"),
        ("libva_driver.so", "earthshine_drv_video.so"),
    ] {
        std::os::unix::fs::symlink(examples.join(built), directory.path().join(name)).expect("a link is made");
    }
    let output = Command::new(executable)
        .args([test, "--exact", "--nocapture"])
        .env(VARIABLE, directory.path())
        .env("LD_LIBRARY_PATH", directory.path())
        .env("LIBVA_DRIVERS_PATH", directory.path())
        .env("LIBVA_DRIVER_NAME", "earthshine")
        .output()
        .expect("the test runs again");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test} is no test");
    let ledger = std::fs::read_to_string(directory.path().join("ledger")).unwrap_or_default();
    Some(ledger.lines().map(|line| line.split_once(' ').expect("a process id comes first").1.to_owned()).collect())
}

/// Lines of the ledger that say what went wrong.
pub(crate) fn complaints(ledger: &[String]) -> Vec<&str> {
    let wrong = |line: &&str| line.starts_with("violation ") || line.starts_with("leak ");
    ledger.iter().map(String::as_str).filter(wrong).collect()
}

/// A library that stays open.
#[derive(Clone, Copy)]
pub(crate) struct Library(*mut c_void);

impl Library {
    pub(crate) fn open(name: &str) -> Self {
        let name = CString::new(name).expect("a name");
        // SAFETY: the name ends; the stand-ins run nothing when they are loaded.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "{name:?} cannot be loaded");
        Self(library)
    }

    /// # Safety
    /// `F` must be the type of the function.
    pub(crate) unsafe fn function<F: Copy>(self, name: &str) -> F {
        let symbol = CString::new(name).expect("a name");
        // SAFETY: the library is open; the name ends.
        let address = unsafe { libc::dlsym(self.0, symbol.as_ptr()) };
        assert!(!address.is_null(), "{name} is not exported");
        assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
        // SAFETY: as large as a pointer, and the caller vouches for its type.
        unsafe { std::mem::transmute_copy(&address) }
    }
}
