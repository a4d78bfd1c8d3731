//! Which of a worker's threads go before everything else on the machine, where the kernel
//! lets them.
//!
//! Capture, send, audio and input wait nearly all the time, and what they do then takes
//! tens of microseconds: what waits for a processor there waits for nothing. They have
//! real-time priority. Encoding on a GPU is the same as long as the GPU does all of it; since
//! a driver may compute on the CPU, and pixels may have to be converted there, its thread is
//! preferred to others and does not shut them out. Encoding on the CPU would take the
//! compositor, whose pictures it waits for, and the host off their cores, so it stays a
//! usual thread; so does painting the test card.
//!
//! Nothing is bound to a core, on 2 cores or on 64: which of them are free, and which share
//! a cache, is the kernel's to know when it wakes a thread. Several NUMA nodes are not
//! measured.

use std::io;

use earthshine_ffi::scheduling::become_real_time;
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use tracing::{debug, info};

use crate::ipc::counters_page::WorkerThread;
use crate::stream_plan::{EncoderFamily, Source};

/// Puts the calling thread first, if it is one that only hands things on.
pub(crate) fn raise(thread: WorkerThread, source: &Source) {
    let is_urgent = match thread {
        WorkerThread::Send | WorkerThread::Audio | WorkerThread::Input => true,
        WorkerThread::Capture => !matches!(source, Source::TestCard),
        WorkerThread::Main | WorkerThread::Encode => false,
    };
    if is_urgent {
        report(go_first());
    }
}

/// Prefers the calling thread to others, if it encodes on a GPU.
pub(crate) fn raise_encode(family: EncoderFamily) {
    if family != EncoderFamily::Software {
        // Of the calling thread alone, in Linux (setpriority(2)).
        report(setpriority_process(None, PREFERRED).map_err(io::Error::from));
    }
}

/// Without the priority a stream works all the same.
fn report(raised: io::Result<()>) {
    match raised {
        Ok(()) => debug!("this thread goes before others"),
        Err(error) => info!(%error, "no priority; `earthshine doctor` says what allows it"),
    }
}

fn go_first() -> io::Result<()> {
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

/// Nice value: nine times the share of a usual thread, and before it when it is woken.
const PREFERRED: i32 = -10;
