//! The way to a session's current worker, from any thread, without waiting.

use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::unix::AsyncFd;

use crate::host::supervisor::held_input::HeldInput;
use crate::ipc::channel::Channel;
use crate::ipc::message::ToWorker;

/// Shared by the session, which replaces the worker behind it, and by the
/// control server, which sends input and frame requests straight through.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerLink {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    channel: Option<Arc<AsyncFd<Channel>>>,
    /// A request for frames did not fit into the channel. The client may not
    /// repeat it for two seconds (120 frames), so we do.
    owes_idr: bool,
    /// What the worker was told that the client holds down.
    held: HeldInput,
}

impl WorkerLink {
    /// Points the link at a worker, or at none. A new worker opens with an IDR
    /// frame, so nothing is owed to it.
    pub(crate) fn set(&self, channel: Option<Arc<AsyncFd<Channel>>>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) =
            State { channel, owes_idr: false, held: HeldInput::default() };
    }

    /// Sends a message. Returns whether it was taken: not if there is no worker
    /// now or if it does not keep up. The watchdog deals with such a worker.
    pub(crate) fn send(&self, message: &ToWorker, descriptor: Option<BorrowedFd<'_>>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = state.pass(message, descriptor);
        match message {
            ToWorker::Input(event) if taken => state.held.note(event),
            ToWorker::ReleaseInput | ToWorker::Switch { .. } if taken => state.held = HeldInput::default(),
            _ => {}
        }
        if !taken && matches!(message, ToWorker::RequestIdr | ToWorker::InvalidateReferences { .. }) {
            state.owes_idr = state.channel.is_some();
        }
        taken
    }

    /// What the client holds down.
    pub(crate) fn held(&self) -> HeldInput {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).held.clone()
    }

    /// Releases what the client holds down, and says what that was; `None` if
    /// the worker does not take it.
    pub(crate) fn release_held(&self) -> Option<HeldInput> {
        let held = self.held();
        // Without a worker nothing is held.
        (self.send(&ToWorker::ReleaseInput, None) || !self.has_worker()).then_some(held)
    }

    fn has_worker(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).channel.is_some()
    }

    /// Sends what is owed, if there is room now. To be called whenever the client
    /// says anything; it does ten times a second.
    pub(crate) fn catch_up(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.owes_idr {
            state.owes_idr = !state.pass(&ToWorker::RequestIdr, None);
        }
    }
}

impl State {
    fn pass(&self, message: &ToWorker, descriptor: Option<BorrowedFd<'_>>) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.get_ref().send(message, descriptor).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::input_event::InputEvent;

    #[tokio::test]
    async fn what_is_held_is_known_until_it_is_released() {
        let (ours, theirs) = Channel::pair().unwrap();
        let link = WorkerLink::default();
        let key = ToWorker::Input(InputEvent::Key { code: 0x41, pressed: true, modifiers: 0, not_normalized: false });
        assert!(!link.send(&key, None) && link.held() == HeldInput::default(), "no worker");
        assert_eq!(link.release_held(), Some(HeldInput::default()));
        #[allow(deprecated, reason = "as in WorkerProcess")]
        link.set(Some(Arc::new(AsyncFd::new(ours).unwrap())));
        assert!(link.send(&key, None));
        assert_eq!(link.held().keys, [0x41]);
        assert_eq!(link.release_held().unwrap().keys, [0x41]);
        assert_eq!(link.held(), HeldInput::default());
        assert_eq!(theirs.receive::<ToWorker>().unwrap().unwrap().0, key);
        assert_eq!(theirs.receive::<ToWorker>().unwrap().unwrap().0, ToWorker::ReleaseInput);
        assert!(link.send(&key, None));
        link.set(None);
        assert_eq!(link.held(), HeldInput::default(), "another worker holds nothing");
    }

    #[tokio::test]
    async fn a_request_that_did_not_fit_is_made_up_for() {
        let (ours, theirs) = Channel::pair().unwrap();
        let link = WorkerLink::default();
        assert!(!link.send(&ToWorker::RequestIdr, None), "no worker");
        #[allow(deprecated, reason = "as in WorkerProcess")]
        link.set(Some(Arc::new(AsyncFd::new(ours).unwrap())));
        link.catch_up();
        assert!(theirs.receive::<ToWorker>().is_err(), "a new worker is owed nothing");

        while link.send(&ToWorker::ReleaseInput, None) {}
        assert!(!link.send(&ToWorker::InvalidateReferences { first: 1, last: 2 }, None));
        link.catch_up();
        while matches!(theirs.receive(), Ok(Some((ToWorker::ReleaseInput, _)))) {}
        assert!(theirs.receive::<ToWorker>().is_err(), "there was no room for it");
        link.catch_up();
        link.catch_up();
        assert_eq!(theirs.receive::<ToWorker>().unwrap().unwrap().0, ToWorker::RequestIdr);
        assert!(theirs.receive::<ToWorker>().is_err(), "once is enough");
    }
}
