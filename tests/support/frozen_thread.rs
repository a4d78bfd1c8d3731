//! One thread of a process, stopped: a hang of that thread alone.
//!
//! A debugger's stop (ptrace). The process cannot end before the thread is let
//! go, not even by SIGKILL: it is as stuck as one inside a driver's kernel code.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::client;
use super::deadline::{SOON, wait_for};

/// Holds a thread until it is dropped.
#[derive(Debug)]
pub(crate) struct FrozenThread {
    pub(crate) tid: u32,
    holder: Child,
}

impl FrozenThread {
    /// Stops the thread of `process` that has this name.
    ///
    /// # Panics
    /// If there is none, or the system does not let us.
    pub(crate) fn of(process: u32, name: &str) -> Self {
        let tid = wait_for("the thread", SOON, || find(process, name));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/freeze_thread.py");
        let mut holder = Command::new(client::python())
            .arg("-B")
            .arg(script)
            .arg(tid.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start python");
        let mut said = String::new();
        let output = holder.stdout.take().expect("piped stdout");
        BufReader::new(output).read_line(&mut said).expect("a line");
        assert_eq!(said.trim(), "frozen", "thread {tid} of process {process}");
        Self { tid, holder }
    }
}

impl Drop for FrozenThread {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn find(process: u32, name: &str) -> Option<u32> {
    fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten().find_map(|task| {
        let comm = fs::read_to_string(task.path().join("comm")).ok()?;
        (comm.trim() == name).then(|| task.file_name().to_str()?.parse().ok())?
    })
}
