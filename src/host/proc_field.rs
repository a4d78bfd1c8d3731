//! Amounts of memory in the kernel's tables: `/proc/meminfo`,
//! `/proc/PID/status`, `/proc/PID/smaps_rollup` (proc(5)).

/// Bytes in the line that begins with `name`, such as `Pss:   1234 kB`.
pub(crate) fn bytes(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_found_by_their_names() {
        let meminfo = "MemTotal:       24684520 kB\nMemFree:         4333124 kB\nMemAvailable:   22784888 kB\n";
        assert_eq!(bytes(meminfo, "MemAvailable:"), Some(22_784_888 * 1024));
        assert_eq!(bytes(meminfo, "Nothing:"), None);
        assert_eq!(bytes("Rss:  7 kB\nPss:   1234 kB\nPss_Dirty: 5 kB\n", "Pss:"), Some(1234 * 1024));
        assert_eq!(bytes("Threads:\t7\n", "Threads:"), None, "not an amount of memory");
    }
}
