//! The host's side of its keeper: what it shall hold, and what the dead host's
//! keeper holds.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_acceptconn;
use rustix::process::{Signal, kill_process};
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::ipc::channel::Channel;
use crate::ipc::keeping::{self, FromKeeper, ToKeeper};

/// Handle to the keeper; cheap to clone. Nobody waits for it: a task carries
/// what is said here, and starts another keeper if it dies.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Keep(String, OwnedFd),
    Forget(String),
    /// What is left of an earlier host was said; with that host's keeper.
    TakeCharge(Option<Channel>),
    Settle(oneshot::Sender<()>),
    End(oneshot::Sender<()>),
}

/// A keeper's process, not started yet: what it is given before waits for it.
#[derive(Debug)]
pub(crate) struct KeeperStart {
    inbox: mpsc::UnboundedReceiver<Order>,
}

impl KeeperStart {
    /// Starts it. Needs a tokio runtime.
    pub(crate) fn start(self, runtime: &Path, grace: Duration) {
        let task = Task {
            runtime: runtime.to_owned(),
            grace,
            kept: BTreeMap::new(),
            in_charge: false,
            predecessor: None,
            inbox: self.inbox,
        };
        tokio::spawn(task.run());
    }
}

impl Keeper {
    /// A keeper that can be spoken to at once.
    pub(crate) fn new() -> (Self, KeeperStart) {
        let (orders, inbox) = mpsc::unbounded_channel();
        (Self { orders }, KeeperStart { inbox })
    }

    /// Has a copy of a descriptor held under a name.
    pub(crate) fn keep(&self, name: impl Into<String>, descriptor: &impl AsFd) {
        let name = name.into();
        match descriptor.as_fd().try_clone_to_owned() {
            Ok(copy) => self.order(Order::Keep(name, copy)),
            Err(error) => warn!(name, %error, "not kept for another host"),
        }
    }

    /// Has it let go of what it holds under a name.
    pub(crate) fn forget(&self, name: impl Into<String>) {
        self.order(Order::Forget(name.into()));
    }

    /// Answers when the keeper has been given all that was said before.
    pub(crate) async fn settle(&self) {
        let (reply, settled) = oneshot::channel();
        self.order(Order::Settle(reply));
        if timeout(END_DEADLINE, settled).await.is_err() {
            warn!("the keeper does not take what it shall keep");
        }
    }

    /// Ends it: this host ends in order.
    pub(crate) async fn end(&self) {
        let (reply, ended) = oneshot::channel();
        self.order(Order::End(reply));
        if timeout(END_DEADLINE, ended).await.is_err() {
            warn!("the keeper did not end in time");
        }
    }

    fn order(&self, order: Order) {
        // The task ends only with its runtime, or when it was told to.
        let _ = self.orders.send(order);
    }
}

struct Task {
    runtime: PathBuf,
    grace: Duration,
    kept: BTreeMap<String, OwnedFd>,
    /// The next host shall come to this keeper.
    in_charge: bool,
    /// The keeper to which it would come otherwise.
    predecessor: Option<Channel>,
    inbox: mpsc::UnboundedReceiver<Order>,
}

impl Task {
    async fn run(mut self) {
        loop {
            match self.spawn() {
                Ok((child, channel)) => {
                    if let Some(reply) = self.serve(child, &channel).await {
                        return self.close(reply);
                    }
                    warn!("the keeper is gone; another is started");
                }
                Err(error) => warn!(%error, "no keeper: streams and desktops will not outlive this host"),
            }
            if let Some(reply) = self.pause().await {
                return self.close(reply);
            }
        }
    }

    /// The host ends in order: nobody has to hold anything.
    fn close(mut self, reply: oneshot::Sender<()>) {
        self.end_predecessor();
        let _ = reply.send(());
    }

    /// It may be of another version: it notices that we hang up, too.
    fn end_predecessor(&mut self) {
        if let Some(predecessor) = self.predecessor.take() {
            let _ = predecessor.send(&ToKeeper::End, None);
        }
    }

    fn spawn(&self) -> io::Result<(Child, AsyncFd<Channel>)> {
        let (ours, theirs) = Channel::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0("earthshine")
            .arg("keeper")
            .arg("--runtime-dir")
            .arg(&self.runtime)
            .arg("--grace-ms")
            .arg(self.grace.as_millis().to_string())
            .stdin(Stdio::from(theirs.into_fd()))
            .stdout(Stdio::null())
            // A signal to the host's terminal is the host's business.
            .process_group(0)
            .spawn()?;
        #[allow(deprecated, reason = "the only safe way to wait for a seqpacket socket")]
        let channel = AsyncFd::new(ours)?;
        debug!(pid = child.id(), "keeper started");
        Ok((child, channel))
    }

    /// Carries orders until the keeper dies, or is ended by one.
    async fn serve(&mut self, mut child: Child, channel: &AsyncFd<Channel>) -> Option<oneshot::Sender<()>> {
        for (name, descriptor) in &self.kept {
            if let Err(error) = send(channel, &ToKeeper::Keep(name.clone()), Some(descriptor)).await {
                return give_up(child, &error).await;
            }
        }
        if self.in_charge
            && let Err(error) = self.take_charge(channel).await
        {
            return give_up(child, &error).await;
        }
        loop {
            let order = tokio::select! {
                order = self.inbox.recv() => order?,
                _ = child.wait() => return None,
            };
            let sent = match order {
                Order::Keep(name, descriptor) => {
                    let sent = send(channel, &ToKeeper::Keep(name.clone()), Some(&descriptor)).await;
                    self.kept.insert(name, descriptor);
                    sent
                }
                Order::Forget(name) => {
                    self.kept.remove(&name);
                    send(channel, &ToKeeper::Forget(name), None).await
                }
                Order::TakeCharge(predecessor) => {
                    (self.in_charge, self.predecessor) = (true, predecessor);
                    self.take_charge(channel).await
                }
                Order::Settle(reply) => {
                    let _ = reply.send(());
                    Ok(())
                }
                Order::End(reply) => {
                    let asked = send(channel, &ToKeeper::End, None).await.is_ok();
                    if !asked || timeout(END_DEADLINE / 2, child.wait()).await.is_err() {
                        let _ = child.start_kill();
                        let _ = timeout(END_DEADLINE / 2, child.wait()).await;
                    }
                    return Some(reply);
                }
            };
            if let Err(error) = sent {
                return give_up(child, &error).await;
            }
        }
    }

    /// Has the next host come to this keeper, and ends the one before it.
    async fn take_charge(&mut self, channel: &AsyncFd<Channel>) -> io::Result<()> {
        send(channel, &ToKeeper::TakeCharge, None).await?;
        timeout(SEND_DEADLINE, in_charge(channel)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        self.end_predecessor();
        Ok(())
    }

    /// Waits before the next attempt, and notes what is said meanwhile.
    async fn pause(&mut self) -> Option<oneshot::Sender<()>> {
        let over = sleep(PAUSE);
        tokio::pin!(over);
        loop {
            let order = tokio::select! {
                order = self.inbox.recv() => order,
                () = &mut over => return None,
            };
            match order {
                Some(Order::Keep(name, descriptor)) => drop(self.kept.insert(name, descriptor)),
                Some(Order::Forget(name)) => drop(self.kept.remove(&name)),
                Some(Order::TakeCharge(predecessor)) => (self.in_charge, self.predecessor) = (true, predecessor),
                // There is nobody to be given anything.
                Some(Order::Settle(_)) => {}
                Some(Order::End(reply)) => return Some(reply),
                None => std::future::pending().await,
            }
        }
    }
}

/// A keeper that does not take what it is given is none.
async fn give_up(mut child: Child, error: &io::Error) -> Option<oneshot::Sender<()>> {
    warn!(%error, "the keeper does not take what it shall keep");
    let _ = child.start_kill();
    let _ = timeout(END_DEADLINE / 2, child.wait()).await;
    None
}

async fn send(channel: &AsyncFd<Channel>, message: &ToKeeper, descriptor: Option<&OwnedFd>) -> io::Result<()> {
    let sending = async {
        loop {
            let mut ready = channel.writable().await?;
            let sent = ready.try_io(|channel| channel.get_ref().send(message, descriptor.map(AsFd::as_fd)));
            if let Ok(sent) = sent {
                return sent;
            }
        }
    };
    timeout(SEND_DEADLINE, sending).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Waits until the keeper says that it is in charge.
async fn in_charge(channel: &AsyncFd<Channel>) -> io::Result<()> {
    loop {
        let mut ready = channel.readable().await?;
        let Ok(heard) = ready.try_io(|channel| channel.get_ref().receive::<FromKeeper>()) else { continue };
        match heard? {
            Some((FromKeeper::InCharge, _)) => return Ok(()),
            Some(_) => {}
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// What the keeper of a dead host held.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    descriptors: BTreeMap<String, OwnedFd>,
    keeper: Option<Channel>,
}

impl Inherited {
    /// Asks the keeper of an earlier host, if one is there. Blocking, some
    /// seconds at most. One that does not answer is killed: it may hold our
    /// ports.
    pub(crate) fn ask(runtime: &Path) -> Self {
        let path = keeping::socket(runtime);
        let end = Instant::now() + ASK_DEADLINE;
        loop {
            let Ok(keeper) = Channel::connect(&path) else { return Self::default() };
            let mut inherited = Self::default();
            match inherited.receive(&keeper, end) {
                Ok(()) => {
                    info!(descriptors = inherited.descriptors.len(), "took over what an earlier host's keeper held");
                    inherited.keeper = Some(keeper);
                    return inherited;
                }
                // The keeper has not noticed yet that its host is gone.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => {
                    warn!(%error, "the keeper of an earlier host does not give what it holds");
                    if let Ok(peer) = keeper.peer()
                        && error.kind() == io::ErrorKind::TimedOut
                    {
                        let _ = kill_process(peer.pid, Signal::KILL);
                    }
                    return Self::default();
                }
            }
        }
    }

    /// The descriptor of that name. It can be had once.
    pub(crate) fn take(&mut self, name: &str) -> Option<OwnedFd> {
        self.descriptors.remove(name)
    }

    /// The listener of that name, if it listens at `address` (port 0: any).
    pub(crate) fn tcp(&mut self, name: &str, address: SocketAddr) -> Option<TcpListener> {
        let listener = TcpListener::from(self.take(name)?);
        let fits = socket_acceptconn(&listener).is_ok_and(|listens| listens)
            && listener.local_addr().is_ok_and(|bound| fits(bound, address));
        fits.then_some(listener)
    }

    /// The UDP socket of that name, if it is bound to `address`.
    pub(crate) fn udp(&mut self, name: &str, address: SocketAddr) -> Option<UdpSocket> {
        let socket = UdpSocket::from(self.take(name)?);
        let fits = socket.local_addr().is_ok_and(|bound| fits(bound, address)) && socket.peer_addr().is_err();
        fits.then_some(socket)
    }

    /// Has all that is still here held by `keeper`, too, until whoever takes it
    /// says otherwise: this host might die before that.
    pub(crate) fn pass_on(&self, keeper: &Keeper) {
        for (name, descriptor) in &self.descriptors {
            keeper.keep(name, descriptor);
        }
    }

    /// Lets go of what nobody took, and of the old keeper: `keeper` holds what
    /// was taken. Needs a tokio runtime.
    pub(crate) fn finish(self, keeper: &Keeper) {
        for (name, descriptor) in self.descriptors {
            debug!(name, "not needed any more");
            let is_worker = keeping::is_process(&name);
            keeper.forget(name);
            if is_worker {
                end_worker(descriptor);
            }
        }
        keeper.order(Order::TakeCharge(self.keeper));
    }

    fn receive(&mut self, keeper: &Channel, end: Instant) -> io::Result<()> {
        loop {
            match keeper.receive::<FromKeeper>() {
                Ok(Some((FromKeeper::Kept(name), Some(descriptor)))) => drop(self.descriptors.insert(name, descriptor)),
                Ok(Some((FromKeeper::Kept(_), None))) => {}
                Ok(Some((FromKeeper::Complete, _))) => return Ok(()),
                Ok(Some((FromKeeper::InCharge, _))) => {}
                Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(left.min(TURN).subsec_nanos()) };
                    // EINTR is a wake-up like any other.
                    let _ = poll(&mut [PollFd::new(keeper, PollFlags::IN)], Some(&patience));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Ends a worker, given as a pidfd, whose stream does not go on. Needs a tokio
/// runtime.
pub(crate) fn end_worker(process: OwnedFd) {
    tokio::task::spawn_blocking(move || keeping::end_workers(&[process]));
}

fn fits(bound: SocketAddr, wanted: SocketAddr) -> bool {
    bound.ip() == wanted.ip() && (wanted.port() == 0 || bound.port() == wanted.port())
}

/// Before a keeper that died is replaced.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the keeper may take to end.
const END_DEADLINE: Duration = Duration::from_secs(2);
/// How long it may take to take something.
const SEND_DEADLINE: Duration = Duration::from_secs(5);
/// How long the keeper of an earlier host may take to notice its death, and to
/// give what it holds.
const ASK_DEADLINE: Duration = Duration::from_secs(3);
/// `poll` at most, at a time.
const TURN: Duration = Duration::from_millis(500);
