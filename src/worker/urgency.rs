//! Which of a worker's threads go before everything else on the machine, where the kernel
//! lets them.
//!
//! Capture, send, audio and input wait nearly all the time, and what they do then takes
//! tens of microseconds: what waits for a processor there waits for nothing. Encoding on a
//! GPU is the same. Encoding on the CPU is not: it would take the compositor, whose
//! pictures it waits for, and the host off their cores, so it stays a usual thread.
//!
//! Nothing is bound to a core: the kernel moves a thread that is woken to a core that is
//! free, which is right on 2 cores and on 64.

use std::io;

use earthshine_ffi::scheduling::become_real_time;
use rustix::process::{Resource, Rlimit, setrlimit};
use tracing::{debug, info};

use crate::ipc::counters_page::WorkerThread;
use crate::stream_plan::EncoderFamily;

/// Puts the calling thread first, if it is one of those that are urgent from the start.
pub(crate) fn raise(thread: WorkerThread) {
    match thread {
        WorkerThread::Capture | WorkerThread::Send | WorkerThread::Audio | WorkerThread::Input => say(go_first()),
        WorkerThread::Main | WorkerThread::Encode => {}
    }
}

/// Puts the calling thread first, if it is one that only hands pictures to a GPU.
pub(crate) fn raise_encode(family: EncoderFamily) {
    if family != EncoderFamily::Software {
        say(go_first());
    }
}

fn say(raised: io::Result<()>) {
    match raised {
        Ok(()) => debug!("this thread goes first"),
        Err(error) => info!(%error, "no real-time priority; `earthshine doctor` says what allows it"),
    }
}

/// # Errors
/// Of the kernel.
pub(crate) fn go_first() -> io::Result<()> {
    // A thread in an endless loop would keep its core for ever.
    let limit = Some(LONGEST_RUN_MICROS);
    setrlimit(Resource::Rttime, Rlimit { current: limit, maximum: limit })?;
    become_real_time(LOWEST_PRIORITY)
}

/// The kernel kills a process of which such a thread has not slept for so long. The host's
/// watchdog, which keeps evidence, takes two seconds.
const LONGEST_RUN_MICROS: u64 = 3_000_000;

/// Before every usual thread, and behind all else that the machine has of real time.
const LOWEST_PRIORITY: i32 = 1;
