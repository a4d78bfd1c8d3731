//! Stand-ins for a vendor's driver (`tests/drivers`), under the vendor's names,
//! for a host that does not know the difference.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::deadline::{SOON, settle};
use super::host::Host;
use super::scratch::{Scratch, examples};

/// NVIDIA's driver, played.
#[derive(Debug)]
pub(crate) struct Drivers {
    control: PathBuf,
    libraries: PathBuf,
}

impl Drivers {
    /// Makes them ready for a host in `scratch`.
    pub(crate) fn install(scratch: &Scratch) -> Self {
        let (control, libraries) = (scratch.join("drivers"), scratch.join("libraries"));
        for directory in [&control, &libraries] {
            fs::create_dir_all(directory).expect("a directory");
        }
        for (built, name) in [("libcuda.so", "libcuda.so.1"), ("libnvidia_encode.so", "libnvidia-encode.so.1")] {
            let built = examples().join(built);
            assert!(built.exists(), "no {}; cargo build -p earthshine-drivers --examples", built.display());
            symlink(built, libraries.join(name)).expect("a link");
        }
        Self { control, libraries }
    }

    /// A host that finds them, and tries these encoders.
    pub(crate) fn host(&self, scratch: Scratch, encoders: &str, tables: &str) -> Host {
        self.host_that_converts(scratch, encoders, "auto", tables)
    }

    /// The same, with `video.conversion`.
    pub(crate) fn host_that_converts(&self, scratch: Scratch, encoders: &str, conversion: &str, tables: &str) -> Host {
        let video = format!("encoders = [{encoders}]\nconversion = \"{conversion}\"");
        let config = format!(
            "[host]\ndiscovery = false\n\n[video]\n{video}\n\n[desktop]\nidle_limit = 60\n\n\
             [health]\ncanary_interval = 3600\n\n[admission]\ncpu_percent = 0\n\n{tables}"
        );
        let environment = [
            ("LD_LIBRARY_PATH", self.libraries.display().to_string()),
            ("EARTHSHINE_DRIVERS", self.control.display().to_string()),
        ];
        Host::with_environment(scratch, &config, "127.0.0.1", &environment)
    }

    /// Has them fail, hang or run out, as lines of `tests/drivers/faults.rs` say.
    pub(crate) fn order(&self, faults: &str) {
        let new = self.control.join("faults.new");
        fs::write(&new, faults).expect("orders");
        fs::rename(new, self.control.join("faults")).expect("orders");
    }

    /// What was reported of one kind, without the process's number.
    pub(crate) fn reports(&self, kind: &str) -> Vec<String> {
        let ledger = fs::read_to_string(self.control.join("ledger")).unwrap_or_default();
        let lines = ledger.lines().filter_map(|line| line.split_once(' ')?.1.strip_prefix(kind));
        lines.map(|text| text.trim().to_owned()).collect()
    }

    /// # Panics
    /// If a rule of the interface was broken, something was left in it, or a session
    /// is not given back in time by a worker that ends in order.
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.reports("violation"), [""; 0]);
        settle("open encode sessions", SOON, || {
            let (open, closed) = (self.reports("open nvenc").len(), self.reports("close nvenc").len());
            if open == closed { Ok(()) } else { Err(format!("{open} opened, {closed} closed")) }
        });
        assert_eq!(self.reports("leak"), [""; 0]);
    }
}
