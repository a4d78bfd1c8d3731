//! A way for packets through this program: a network namespace for the host, one for the
//! client, a network device in each, and between the two a thread that holds up, queues and
//! loses what goes from one to the other.
//!
//! The machine's own network has no part in it, and nothing of it is left when this process
//! ends. `tc` with netem would do the same in the kernel, where the kernel has it; but not by
//! the same model and the same seed as the simulation.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, anyhow};
use earthshine_ffi::scheduling::become_real_time;
use earthshine_ffi::tun::Tun;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::carrier::{Carried, Carrier, Side};
use super::namespace::Namespace;
use crate::bench::network::trace::Trace;
use crate::clock::Micros;

/// A way; gone when dropped.
#[derive(Debug)]
pub struct Way {
    host: Namespace,
    client: Namespace,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    carrier: Mutex<Carrier>,
    over: AtomicBool,
    urgent: AtomicBool,
}

impl Way {
    /// Opens one.
    ///
    /// # Errors
    /// What the machine does not allow, and what to do about it.
    pub fn open(trace: Trace, seed: u64) -> anyhow::Result<Self> {
        let namespace = || {
            let how = "no network namespace: run as root, or in a user namespace (`unshare -Ur earthshine ..`)";
            Namespace::new().context(how)
        };
        let (host, client) = (namespace()?, namespace()?);
        let device = |namespace: &Namespace, address| {
            let opened = namespace.within(|| Tun::open(DEVICE, address, PREFIX, ROOM)).flatten();
            opened.context("no network device: /dev/net/tun must be there (`modprobe tun`) and be for this user")
        };
        let tuns = [device(&host, HOST)?, device(&client, CLIENT)?];
        let carrier = Mutex::new(Carrier::new(trace, seed, Micros::now()));
        let (over, urgent) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = Arc::new(Shared { carrier, over, urgent });
        let carrying = Arc::clone(&shared);
        let thread = Builder::new().name("way".to_owned()).spawn(move || carrying.carry(&tuns));
        Ok(Self { host, client, shared, thread: Some(thread.context("no thread for the way")?) })
    }

    /// Where the host is, at [`HOST`].
    #[must_use]
    pub const fn host_side(&self) -> &Namespace {
        &self.host
    }

    /// Where the client is, at [`CLIENT`].
    #[must_use]
    pub const fn client_side(&self) -> &Namespace {
        &self.client
    }

    /// Makes it another way, which is as the trace is at its beginning: nothing is lost, and
    /// nothing changes.
    pub fn lay(&self, trace: Trace, seed: u64) {
        self.carrier().lay(trace, seed, Micros::now());
    }

    /// Begins the trace; when that was.
    #[must_use]
    pub fn play(&self) -> Micros {
        let now = Micros::now();
        self.carrier().play(now);
        now
    }

    /// Ends the trace: it is again as at its beginning. What it did.
    #[must_use]
    pub fn calm(&self) -> Carried {
        self.carrier().calm(Micros::now())
    }

    /// Whether its thread goes before usual ones.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.shared.urgent.load(Ordering::Relaxed)
    }

    fn carrier(&self) -> MutexGuard<'_, Carrier> {
        self.shared.carrier()
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // It looks several times a second; that it has panicked was told.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn carrier(&self) -> MutexGuard<'_, Carrier> {
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries packets until it is over. Devices are the host's and the client's.
    fn carry(&self, tuns: &[Tun; 2]) {
        self.urgent.store(become_real_time(PRIORITY).is_ok(), Ordering::Relaxed);
        let mut buffer = vec![0; LARGEST_PACKET];
        while !self.over.load(Ordering::Relaxed) {
            let next = self.carrier().next();
            if let Err(error) = wait(tuns, next) {
                tracing::error!(%error, "the way is blocked");
                return;
            }
            let mut carrier = self.carrier();
            deliver(&mut carrier, tuns);
            for (tun, to) in tuns.iter().zip([Side::Client, Side::Host]) {
                for _ in 0..BATCH {
                    let Ok(length) = tun.receive(&mut buffer) else { break };
                    carrier.take(to, &buffer[..length], Micros::now());
                }
            }
        }
    }
}

fn deliver(carrier: &mut Carrier, tuns: &[Tun; 2]) {
    for (tun, side) in tuns.iter().zip(Side::BOTH) {
        while let Some(packet) = carrier.arrived(side, Micros::now()) {
            if tun.send(&packet).is_err() {
                carrier.refused();
            }
        }
    }
}

/// Waits until there is a packet, or one arrives.
fn wait(tuns: &[Tun; 2], next: Option<Micros>) -> anyhow::Result<()> {
    let patience = next.map_or(LOOK_MICROS, |next| next.since(Micros::now()).min(LOOK_MICROS));
    let patience = Timespec { tv_sec: 0, tv_nsec: i64::try_from(patience * 1000)? };
    let mut both = tuns.each_ref().map(|tun| PollFd::new(tun, PollFlags::IN));
    match poll(&mut both, Some(&patience)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(io::Error::from(error).into()),
    }
    if both.iter().any(|one| one.revents().intersects(PollFlags::ERR | PollFlags::HUP)) {
        return Err(anyhow!("a network device is gone"));
    }
    Ok(())
}

/// The host's address on the way.
pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 213, 77, 1);
/// The client's.
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 213, 77, 2);
const PREFIX: u32 = 30;
/// In both namespaces.
const DEVICE: &str = "way";

/// Packets that a device keeps while this thread has no processor: more than a second of
/// any trace.
const ROOM: u32 = 16_384;
/// Packets read from one device before those that are due are delivered.
const BATCH: usize = 64;
/// Microseconds after which it looks whether it is over.
const LOOK_MICROS: u64 = 50_000;
/// The devices' MTU is 1500.
const LARGEST_PACKET: usize = 2048;
/// Before the threads of workers: what they wait for in a network does not wait for them.
const PRIORITY: i32 = 2;
