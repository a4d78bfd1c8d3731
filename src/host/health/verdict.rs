//! From single canaries to a verdict that does not flicker.

use schemars::JsonSchema;
use serde::Serialize;

/// How a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// New streams work.
    Healthy,
    /// Something is wrong; new streams may work.
    Degraded,
    /// New streams do not work.
    Critical,
}

impl Status {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// The canaries' verdict. One failure makes it degraded, a second in a row
/// critical; one success after that makes it degraded, a second in a row
/// healthy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    status: Status,
    failures: u32,
    successes: u32,
}

impl Verdict {
    /// Nothing is known: healthy, because nothing is known against it.
    pub(crate) const fn new() -> Self {
        Self { status: Status::Healthy, failures: 0, successes: 0 }
    }

    /// Notes how a canary did. Returns the status if it is another now.
    pub(crate) fn note(&mut self, ok: bool) -> Option<Status> {
        if ok {
            self.successes = self.successes.saturating_add(1);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.successes = 0;
        }
        let status = match self.status {
            _ if self.failures >= IN_A_ROW => Status::Critical,
            _ if self.successes >= IN_A_ROW => Status::Healthy,
            Status::Healthy if ok => Status::Healthy,
            _ => Status::Degraded,
        };
        let before = std::mem::replace(&mut self.status, status);
        (before != status).then_some(status)
    }

    /// The status now.
    pub(crate) const fn status(&self) -> Status {
        self.status
    }

    /// Canaries that failed one after the other, up to now.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }
}

/// One canary may have been unlucky.
const IN_A_ROW: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_a_row_are_needed_for_either_end() {
        let mut verdict = Verdict::new();
        let changes: Vec<_> =
            [true, false, true, false, false, false, true, false, true, true, true].map(|ok| verdict.note(ok)).into();
        let (degraded, critical, healthy) = (Some(Status::Degraded), Some(Status::Critical), Some(Status::Healthy));
        assert_eq!(
            changes,
            [None, degraded, None, None, critical, None, degraded, None, None, healthy, None],
            "{verdict:?}"
        );
    }

    #[test]
    fn an_unlucky_canary_is_degraded_only() {
        let mut verdict = Verdict::new();
        assert_eq!(verdict.note(false), Some(Status::Degraded));
        assert_eq!(verdict.note(true), None);
        assert_eq!(verdict.note(true), Some(Status::Healthy));
    }
}
