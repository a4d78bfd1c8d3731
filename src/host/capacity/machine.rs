//! Cores and memory of the machine, or of the container that we are in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::host::proc_field;

/// What there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Machine {
    /// Cores that we may run on.
    pub(crate) cores: usize,
    /// Cores that our cgroup may use, if that is limited.
    pub(crate) cpu_limit: Option<f64>,
    /// Bytes of memory of the machine.
    pub(crate) total: Option<u64>,
    /// Bytes that programs could have without swapping.
    pub(crate) available: Option<u64>,
    /// Bytes that our cgroup may have, and what it has.
    pub(crate) memory_limit: Option<(u64, u64)>,
}

impl Machine {
    /// Reads `/proc` and `/sys/fs/cgroup`: blocking.
    pub(crate) fn read() -> Self {
        let cgroups = own_cgroups(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_limit: cgroups.iter().filter_map(|directory| cpu_limit(directory)).reduce(f64::min),
            total: proc_field::bytes(&meminfo, "MemTotal:"),
            available: proc_field::bytes(&meminfo, "MemAvailable:"),
            memory_limit: cgroups
                .iter()
                .filter_map(|directory| memory_limit(directory))
                .min_by_key(|(limit, used)| limit.saturating_sub(*used)),
        }
    }

    /// Cores that we can use at the same time.
    #[allow(clippy::cast_precision_loss, reason = "a number of cores")]
    pub(crate) fn usable_cores(&self) -> f64 {
        let cores = self.cores as f64;
        self.cpu_limit.map_or(cores, |limit| limit.min(cores))
    }

    /// Bytes that another stream could have.
    pub(crate) fn available_bytes(&self) -> Option<u64> {
        let left = self.memory_limit.map(|(limit, used)| limit.saturating_sub(used));
        match (self.available, left) {
            (Some(available), Some(left)) => Some(available.min(left)),
            (available, left) => available.or(left),
        }
    }
}

/// Directories of the cgroups that we are in and of those above them, whichever
/// controller they are of. What is no cgroup of ours in our namespace is missing
/// there, and harms nobody.
fn own_cgroups(proc_self_cgroup: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in proc_self_cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let roots: &[&str] = match controllers {
            "" => &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
            _ if controllers.split(',').any(|name| name == "memory") => &["/sys/fs/cgroup/memory"],
            _ if controllers.split(',').any(|name| name == "cpu") => {
                &["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"]
            }
            _ => continue,
        };
        for root in roots {
            let path = Path::new(path.trim_start_matches('/'));
            found.extend(path.ancestors().map(|path| Path::new(root).join(path)));
        }
    }
    found
}

fn cpu_limit(directory: &Path) -> Option<f64> {
    let read = |file: &str| fs::read_to_string(directory.join(file)).ok();
    if let Some(text) = read("cpu.max") {
        return parse_cpu_max(&text);
    }
    let number = |file: &str| read(file)?.trim().parse::<i64>().ok();
    ratio(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

/// `QUOTA PERIOD` or `max PERIOD`.
fn parse_cpu_max(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    ratio(quota.parse().ok()?, period.parse().ok()?)
}

#[allow(clippy::cast_precision_loss, reason = "microseconds of a second")]
fn ratio(quota: i64, period: i64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

fn memory_limit(directory: &Path) -> Option<(u64, u64)> {
    let number = |file: &str| fs::read_to_string(directory.join(file)).ok()?.trim().parse::<u64>().ok();
    let v2 = number("memory.max").zip(number("memory.current"));
    let v1 = || number("memory.limit_in_bytes").zip(number("memory.usage_in_bytes"));
    // Version 1 says a number near 2^63 for none.
    v2.or_else(v1).filter(|(limit, _)| *limit < 1 << 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_understood() {
        assert_eq!(parse_cpu_max("150000 100000\n"), Some(1.5));
        assert_eq!(parse_cpu_max("max 100000\n"), None);
        assert_eq!(ratio(-1, 100_000), None);
    }

    #[test]
    fn limits_of_all_levels_are_found() {
        let found = own_cgroups("4:memory:/docker/7\n2:cpu,cpuacct:/\n1:name=systemd:/x\n0::/a.slice/b\n");
        let has = |path: &str| found.iter().any(|found| found == Path::new(path));
        assert!(has("/sys/fs/cgroup/memory/docker/7") && has("/sys/fs/cgroup/memory/docker"));
        assert!(has("/sys/fs/cgroup/cpu/") && has("/sys/fs/cgroup/a.slice"), "{found:?}");
        assert!(!found.iter().any(|found| found.ends_with("x")));
    }

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::read();
        assert!(machine.cores > 0 && machine.usable_cores() > 0.0);
        assert!(machine.available_bytes().is_some_and(|bytes| bytes > 0), "{machine:?}");
    }

    #[test]
    fn a_containers_limit_counts_where_it_is_lower() {
        let mut machine = Machine { available: Some(1000), ..Machine::default() };
        assert_eq!(machine.available_bytes(), Some(1000));
        machine.memory_limit = Some((700, 600));
        assert_eq!(machine.available_bytes(), Some(100));
    }
}
