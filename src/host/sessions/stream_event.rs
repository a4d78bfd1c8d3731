//! What a stream tells its session.

use crate::ipc::message::{FailureKind, PassedOver, WorkerFailure};

/// What happened to a stream's worker.
#[derive(Debug)]
pub(crate) enum StreamEvent {
    /// It is ready, with this encoder.
    Ready {
        /// Encoders that did not open, and why.
        passed_over: Vec<PassedOver>,
    },
    /// It shows the newest source.
    Shows,
    /// It is gone or about to go.
    Down(Cause),
    /// Its successor has waited for its time: `Stream::succeed`.
    Due,
}

/// Why a worker is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It said why.
    Failed(WorkerFailure),
    /// It died without a word.
    Died(String),
    /// It stands still and has to be killed.
    Hung(String),
}

impl Cause {
    /// What the worker says of what it captures, if it blames that.
    pub(super) fn blame(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind).filter(|kind| kind.source_number().is_some()),
            Self::Died(_) | Self::Hung(_) => None,
        }
    }

    /// For logs, evidence and users.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Failed(failure) => &failure.text,
            Self::Died(text) | Self::Hung(text) => text,
        }
    }
}
