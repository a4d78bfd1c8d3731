//! Who descends from whom, at one moment.

use std::collections::{HashMap, HashSet};

use super::process::ProcessStat;

/// Processes and their children.
#[derive(Debug)]
pub struct Family {
    by_pid: HashMap<u32, ProcessStat>,
    children: HashMap<u32, Vec<u32>>,
}

impl Family {
    /// Of these processes; who is not among them is nobody's child.
    #[must_use]
    pub fn of(processes: &[ProcessStat]) -> Self {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for stat in processes {
            children.entry(stat.parent).or_default().push(stat.id.pid);
        }
        Self { by_pid: processes.iter().map(|stat| (stat.id.pid, *stat)).collect(), children }
    }

    /// The processes with these numbers and all who descend from them, each
    /// once: they were read one after the other, so a number that was used
    /// again meanwhile can make somebody their own ancestor.
    #[must_use]
    pub fn descendants(&self, roots: &[u32]) -> Vec<&ProcessStat> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut open = roots.to_vec();
        let mut next = 0;
        while let Some(&pid) = open.get(next) {
            next += 1;
            if let Some(stat) = self.by_pid.get(&pid)
                && seen.insert(pid)
            {
                found.push(stat);
                open.extend(self.children.get(&pid).into_iter().flatten());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::process::ProcessId;

    fn family(parents: &[(u32, u32)]) -> Family {
        let stat = |&(pid, parent): &(u32, u32)| ProcessStat {
            id: ProcessId { pid, start_time: 1 },
            state: 'S',
            parent,
            group: pid,
            threads: 1,
            cpu_ticks: 0,
            resident_pages: 0,
        };
        Family::of(&parents.iter().map(stat).collect::<Vec<_>>())
    }

    fn descendants(family: &Family, roots: &[u32]) -> Vec<u32> {
        family.descendants(roots).iter().map(|stat| stat.id.pid).collect()
    }

    #[test]
    fn descendants_of_descendants_are_found_and_others_are_not() {
        let family = family(&[(1, 0), (13, 12), (10, 1), (12, 10), (20, 1), (14, 10)]);
        assert_eq!(descendants(&family, &[10]), [10, 12, 14, 13]);
        assert_eq!(descendants(&family, &[12, 10, 12]), [12, 10, 13, 14], "each once");
        assert!(descendants(&family, &[0, 99]).is_empty());
    }

    #[test]
    fn a_cycle_ends() {
        let family = family(&[(10, 11), (11, 10), (12, 12)]);
        assert_eq!(descendants(&family, &[10, 12]), [10, 12, 11]);
    }
}
