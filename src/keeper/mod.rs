//! The process that holds what must outlive a host.
//!
//! Started as `earthshine keeper` by every host. While the host lives, it only
//! holds copies of descriptors: listening sockets, and the channels, pages and
//! sockets of workers. Because it holds the workers' channels, they do not
//! notice that their host has died, and go on.
//!
//! When the host has died without a word, it waits for the next one, gives it
//! all it holds, and ends when told to. If none comes within the grace time, it
//! ends the desktops, and the workers by letting go of their channels. It does
//! little, so that there is little that could break in it: one thread, no
//! waiting without a deadline but for its host, and no state but the names.
//!
//! The next host starts a keeper of its own. Until that has been given all and
//! is in charge, which is to listen where hosts come to, the old one stays: at
//! every moment a host that comes finds one that holds everything.

mod waiting;

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use tracing::{debug, error, info, warn};

use self::waiting::{wait, wait_writable};
use crate::cli::KeeperArgs;
use crate::desktop::clean_up;
use crate::ipc::channel::{Channel, ChannelListener};
use crate::ipc::keeping::{self, FromKeeper, ToKeeper};

/// Keeps until the host says that it ends, or until nobody has come in time.
#[must_use]
pub fn main(args: &KeeperArgs) -> ExitCode {
    if let Err(error) = rustix::thread::set_name(PROCESS_NAME) {
        debug!(%error, "the process keeps its name");
    }
    match inherited_channel() {
        Ok(host) => {
            let mut keeper = Keeper {
                runtime: args.runtime_dir.clone(),
                grace: Duration::from_millis(args.grace_ms),
                host: Some(host),
                orphaned: None,
                listener: None,
                kept: BTreeMap::new(),
            };
            keeper.run();
            ExitCode::SUCCESS
        }
        Err(error) => {
            error!(%error, "`earthshine keeper` is started by `earthshine serve`, not by hand");
            ExitCode::from(2)
        }
    }
}

/// What the process is about.
#[derive(Debug)]
struct Keeper {
    runtime: PathBuf,
    grace: Duration,
    /// The host, until it is gone.
    host: Option<Channel>,
    /// Since when it is gone.
    orphaned: Option<Instant>,
    /// Where the next host comes to, once this keeper is in charge.
    listener: Option<ChannelListener>,
    kept: BTreeMap<String, OwnedFd>,
}

impl Keeper {
    fn run(&mut self) {
        loop {
            let patience = match self.orphaned.map(|since| self.grace.saturating_sub(since.elapsed())) {
                // Another keeper has all that this one holds.
                Some(_) if !self.is_in_charge() => return,
                Some(Duration::ZERO) => return self.give_up(),
                Some(left) => Some(left.min(LOOK)),
                None => None,
            };
            let mut sources =
                Vec::from_iter(self.listener.as_ref().map(|listener| PollFd::new(listener, PollFlags::IN)));
            sources.extend(self.host.as_ref().map(|host| PollFd::new(host, PollFlags::IN)));
            wait(&mut sources, patience);
            if self.hear_host().is_break() {
                return;
            }
            self.meet();
        }
    }

    /// Takes what the host says; breaks when it is time to end.
    fn hear_host(&mut self) -> std::ops::ControlFlow<()> {
        use std::ops::ControlFlow::{Break, Continue};
        while let Some(host) = &self.host {
            match host.receive::<ToKeeper>() {
                Ok(Some((ToKeeper::Keep(name), Some(descriptor)))) => drop(self.kept.insert(name, descriptor)),
                Ok(Some((ToKeeper::Keep(name), None))) => warn!(name, "nothing to keep"),
                Ok(Some((ToKeeper::Forget(name), _))) => drop(self.kept.remove(&name)),
                Ok(Some((ToKeeper::End, _))) => return Break(()),
                Ok(Some((ToKeeper::TakeCharge, _))) => self.take_charge(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Continue(()),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => warn!(%error, "message of another version"),
                Ok(None) | Err(_) => {
                    info!(kept = self.kept.len(), grace = ?self.grace, "host is gone: waiting for another");
                    self.host = None;
                    self.orphaned = Some(Instant::now());
                }
            }
        }
        Continue(())
    }

    fn is_in_charge(&self) -> bool {
        self.listener.as_ref().is_some_and(ChannelListener::is_current)
    }

    fn take_charge(&mut self) {
        let said = ChannelListener::bind(&keeping::socket(&self.runtime)).and_then(|listener| {
            self.listener = Some(listener);
            self.host.as_ref().map_or(Ok(()), |host| host.send(&FromKeeper::InCharge, None))
        });
        if let Err(error) = said {
            warn!(%error, "the next host may not come here");
        }
    }

    /// Somebody has come. While the host lives, it is sent away.
    fn meet(&mut self) {
        let Some(Ok(visitor)) = self.listener.as_ref().map(ChannelListener::accept) else { return };
        let ours = rustix::process::geteuid();
        match visitor.peer() {
            Ok(peer) if peer.uid == ours && self.host.is_none() => match self.give(&visitor) {
                Ok(()) => {
                    info!(pid = peer.pid.as_raw_nonzero().get(), kept = self.kept.len(), "another host has come");
                    (self.host, self.orphaned) = (Some(visitor), None);
                }
                Err(error) => warn!(%error, "another host has come and did not take what is kept"),
            },
            Ok(peer) if peer.uid == ours => debug!("another host has come too early"),
            Ok(peer) => warn!(uid = peer.uid.as_raw(), "a stranger was sent away"),
            Err(error) => warn!(%error, "nobody knows who that was"),
        }
    }

    /// Gives all that is kept; keeps it also.
    fn give(&self, visitor: &Channel) -> io::Result<()> {
        let end = Instant::now() + GIVE_DEADLINE;
        let send = |message: FromKeeper, descriptor: Option<&OwnedFd>| loop {
            match visitor.send(&message, descriptor.map(AsFd::as_fd)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                    wait_writable(visitor, end.saturating_duration_since(Instant::now()));
                }
                sent => return sent,
            }
        };
        for (name, descriptor) in &self.kept {
            send(FromKeeper::Kept(name.clone()), Some(descriptor))?;
        }
        send(FromKeeper::Complete, None)
    }

    /// No host has come.
    fn give_up(&mut self) {
        match clean_up::lock(&self.runtime) {
            Ok(_lock) => {
                warn!("no other host has come in time: ending what was left");
                let kept = std::mem::take(&mut self.kept).into_iter();
                let workers = kept.filter(|(name, _)| keeping::is_process(name)).map(|(_, worker)| worker);
                keeping::end_workers(&Vec::from_iter(workers));
                let swept = clean_up::sweep(&self.runtime);
                info!(desktops = swept.removed.len(), stuck = swept.stuck.len(), "cleaned up");
            }
            // A host has come in this very moment.
            Err(error) => warn!(%error, "somebody else cleans up"),
        }
    }
}

fn inherited_channel() -> io::Result<Channel> {
    let socket: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::net::sockopt::socket_type(&socket)?;
    Ok(Channel::from_fd(socket))
}

/// As `ps` and `top` show it; the kernel keeps 15 bytes.
const PROCESS_NAME: &CStr = c"earthshine-keep";

/// How often a keeper without a host looks whether it is in charge still.
const LOOK: Duration = Duration::from_millis(100);

/// How long another host may take to take what is kept.
const GIVE_DEADLINE: Duration = Duration::from_secs(5);
