//! Processes as `/proc` shows them: who descends from whom, what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A process, or what was one when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    /// One letter of `/proc/PID/stat`; Z is a zombie, T is stopped.
    pub(crate) state: char,
    pub(crate) command: String,
}

/// All processes.
pub(crate) fn all() -> Vec<Process> {
    pids().into_iter().filter_map(read).collect()
}

/// One process, if it exists.
pub(crate) fn read(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself hold blanks and parentheses.
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1;
    let mut fields = tail.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&arguments).replace('\0', " ").trim().to_owned();
    Some(Process { pid, parent, state, command: if command.is_empty() { format!("[{name}]") } else { command } })
}

/// Whether a process runs (a zombie does not).
pub(crate) fn is_alive(pid: u32) -> bool {
    read(pid).is_some_and(|process| process.state != 'Z')
}

/// Children, their children and so on, zombies included.
pub(crate) fn descendants(pid: u32) -> Vec<Process> {
    let mut children: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Processes whose command line, environment or working directory names
/// `path`: also those that nobody is the parent of any more.
pub(crate) fn that_know(path: &Path) -> Vec<Process> {
    let needle = path.to_str().expect("UTF-8 path").as_bytes();
    let me = std::process::id();
    pids()
        .into_iter()
        .filter(|pid| *pid != me)
        .filter(|pid| {
            let directory = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            directory.starts_with(path)
                || ["cmdline", "environ"].iter().any(|file| {
                    let content = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                    contains(&content, needle)
                })
        })
        .filter_map(read)
        .filter(|process| process.state != 'Z')
        .collect()
}

/// What each descriptor of a process points at.
pub(crate) fn descriptors(pid: u32) -> BTreeMap<u32, PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(number), Ok(target)) = (number, fs::read_link(entry.path())) {
            found.insert(number, target);
        }
    }
    found
}

/// Names of a process's threads.
pub(crate) fn threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut names: Vec<String> = tasks
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names
}

/// Names of its threads that go before usual ones.
pub(crate) fn real_time_threads(pid: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    // proc_pid_stat(5): field 2 is the name, in parentheses, and field 41 the policy.
    let of_real_time = stats.filter_map(|stat| {
        let (head, fields) = stat.rsplit_once(')')?;
        let policy = fields.split_whitespace().nth(41 - 3)?;
        (policy != "0").then(|| head.split_once('(').map(|(_, name)| name.to_owned()))?
    });
    of_real_time.collect()
}

/// States of a process's TCP sockets, as in `/proc/net/tcp` (8 is CLOSE_WAIT).
pub(crate) fn tcp_states(pid: u32) -> Vec<u8> {
    let own = own_sockets(pid);
    let mut states = Vec::new();
    for table in ["tcp", "tcp6"] {
        let content = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in content.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields.get(9).is_some_and(|inode| own.contains(*inode)) {
                states.extend(fields.get(3).and_then(|state| u8::from_str_radix(state, 16).ok()));
            }
        }
    }
    states
}

/// Inodes of a process's sockets.
fn own_sockets(pid: u32) -> BTreeSet<String> {
    descriptors(pid)
        .into_values()
        .filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect()
}

/// Local ports of a process's UDP sockets.
pub(crate) fn udp_ports(pid: u32) -> BTreeSet<u16> {
    let own = own_sockets(pid);
    let mut ports = BTreeSet::new();
    for table in ["udp", "udp6"] {
        let content = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in content.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            if fields.get(9).is_some_and(|inode| own.contains(*inode)) {
                let port = fields.get(1).and_then(|local| local.rsplit_once(':'));
                ports.extend(port.and_then(|(_, port)| u16::from_str_radix(port, 16).ok()));
            }
        }
    }
    ports
}

/// Resident memory of a process in KiB, 0 if it is gone.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    kib(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// Memory of a process in KiB, under the name that `smaps_rollup` has for it
/// (`Rss:`, `Pss:`, `Private_Dirty:`); 0 if it is gone.
pub(crate) fn mapped_kib(pid: u32, name: &str) -> u64 {
    kib(&format!("/proc/{pid}/smaps_rollup"), name)
}

fn kib(table: &str, name: &str) -> u64 {
    let text = fs::read_to_string(table).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// State of a TCP socket whose peer has closed and whose owner has not noticed.
pub(crate) const CLOSE_WAIT: u8 = 8;

/// Paths of all bound Unix sockets below a directory.
pub(crate) fn unix_sockets(below: &Path) -> BTreeSet<PathBuf> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(7))
        .map(PathBuf::from)
        .filter(|path| path.starts_with(below))
        .collect()
}

/// Every path below a directory, relative to it, but for `desktops`: that one
/// stays, and is empty if no desktop is left.
pub(crate) fn files(below: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![below.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
            let path = entry.path();
            let Ok(relative) = path.strip_prefix(below) else { continue };
            if relative != Path::new("desktops") {
                found.insert(relative.to_owned());
            }
        }
    }
    found
}

/// Sends a signal by name of the constant.
pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    rustix::process::kill_process(pid, signal).unwrap_or_else(|error| panic!("signal {signal:?} to {pid:?}: {error}"));
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::deadline::{SOON, wait_for};

    #[test]
    fn we_descend_from_our_parent_and_have_threads() {
        let me = read(std::process::id()).expect("ourselves");
        assert!(descendants(me.parent).iter().any(|process| process.pid == me.pid));
        assert!(!threads(me.pid).is_empty());
        assert!(!descriptors(me.pid).is_empty());
    }

    #[test]
    fn a_child_is_found_by_what_it_knows() {
        let mut child =
            std::process::Command::new("sleep").arg("30").env("MARK", "/nowhere/es-mark").spawn().expect("sleep");
        let found = wait_for("the child in /proc", SOON, || {
            Some(that_know(Path::new("/nowhere/es-mark"))).filter(|found| !found.is_empty())
        });
        child.kill().expect("kill");
        child.wait().expect("wait");
        assert_eq!(found.iter().map(|process| process.pid).collect::<Vec<_>>(), [child.id()]);
        assert!(!is_alive(child.id()));
    }
}
