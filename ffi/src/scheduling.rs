//! How the kernel schedules the calling thread (sched(7)).

use std::io;

/// Puts the calling thread before every usual one, round-robin with others of its
/// `priority` (1 to 99). Threads and processes that it starts are usual ones again.
///
/// # Errors
/// `EPERM` without `CAP_SYS_NICE` and without an `RLIMIT_RTPRIO` of at least `priority`, or
/// in a control group without a share of real time; `EINVAL` for another priority.
pub fn become_real_time(priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: sched_setscheduler(2) of the calling thread (0) reads the structure, which
    // lives, and touches no other memory of ours.
    let result =
        unsafe { libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Policy of the calling thread, as proc_pid_stat(5) has it in field 41.
    fn policy() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(41 - 3).unwrap().parse().unwrap()
    }

    #[test]
    fn a_thread_goes_first_and_those_that_it_starts_do_not() {
        let thread = std::thread::spawn(|| {
            let became = become_real_time(1);
            (became, policy(), std::thread::spawn(policy).join().unwrap())
        });
        let (became, policy, of_child) = thread.join().unwrap();
        match became {
            Ok(()) => assert_eq!(policy, libc::SCHED_RR),
            Err(error) => assert_eq!((error.kind(), policy), (io::ErrorKind::PermissionDenied, libc::SCHED_OTHER)),
        }
        assert_eq!(of_child, libc::SCHED_OTHER);
        assert_eq!(become_real_time(100).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
