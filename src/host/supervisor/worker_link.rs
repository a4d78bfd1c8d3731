//! The way to a session's current worker, from any thread, without waiting.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::unix::AsyncFd;

use crate::ipc::channel::Channel;
use crate::ipc::message::ToWorker;

/// Shared by the session, which replaces the worker behind it, and by the
/// control server, which sends input and frame requests straight through.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerLink {
    channel: Arc<Mutex<Option<Arc<AsyncFd<Channel>>>>>,
}

impl WorkerLink {
    /// Points the link at a worker, or at none.
    pub(crate) fn set(&self, channel: Option<Arc<AsyncFd<Channel>>>) {
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = channel;
    }

    /// Sends a message. Returns whether it was taken: not if there is no worker
    /// now or if it does not keep up. The watchdog deals with such a worker.
    pub(crate) fn send(&self, message: &ToWorker, descriptor: Option<BorrowedFd<'_>>) -> bool {
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        channel.is_some_and(|channel| channel.get_ref().send(message, descriptor).is_ok())
    }
}
