//! The load generator as a process of its own, which streams until it is
//! dropped.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::host::Host;
use super::players::{file_name, small_unless};

/// One client that streams.
#[derive(Debug)]
pub(crate) struct Load(Child);

impl Load {
    /// A client that the host does not know yet, small unless `flags` (of
    /// `earthshine bench clients`) say otherwise.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn start(host: &Host, flags: &[&str]) -> Self {
        Self::play(host, &host.scratch.join("load"), flags)
    }

    /// The client with this number among those that
    /// [`paired`](super::players::paired); nobody else may play it.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn start_as(host: &Host, number: usize, flags: &[&str]) -> Self {
        let directory = host.scratch.join("load");
        std::fs::create_dir_all(&directory).expect("a directory");
        let certificate = host.scratch.join("clients").join(file_name(number));
        std::fs::copy(certificate, directory.join(file_name(0))).expect("copy a certificate");
        Self::play(host, &directory, flags)
    }

    fn play(host: &Host, identities: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_earthshine"));
        command.args(["bench", "clients", "--port", &host.ready.http.to_string(), "--api-socket"]).arg(host.api());
        command.arg("--identities").arg(identities).args(["--seconds", "600"]).args(small_unless(flags));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("start the load generator"))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
