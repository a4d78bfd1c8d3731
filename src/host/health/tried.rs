//! What canaries say of one GPU, and of all together.

use std::time::Instant;

use crate::host::health::canary::Outcome;
use crate::host::health::verdict::{Status, Verdict};

/// What is known of what canaries try.
#[derive(Debug)]
pub(crate) struct Tried {
    verdict: Verdict,
    pub(crate) last: Option<(Instant, Outcome)>,
    pub(crate) last_failure: String,
    /// Why it is not tried at the moment; empty if it is.
    pub(crate) spared: String,
}

impl Default for Tried {
    fn default() -> Self {
        Self { verdict: Verdict::new(), last: None, last_failure: String::new(), spared: String::new() }
    }
}

impl Tried {
    /// How a canary did.
    pub(crate) fn note(&mut self, outcome: Outcome) {
        self.verdict.note(outcome.ok);
        if !outcome.ok {
            self.last_failure.clone_from(&outcome.error);
        }
        self.last = Some((Instant::now(), outcome));
    }

    pub(crate) fn spare(&mut self, reason: String) {
        self.spared = reason;
    }

    /// Canaries that failed one after the other, up to now.
    pub(crate) const fn failures(&self) -> u32 {
        self.verdict.failures()
    }

    /// Critical only if streams do not work there at all.
    pub(crate) fn status(&self) -> Status {
        let elsewhere = self.last.as_ref().is_some_and(|(_, outcome)| outcome.elsewhere);
        if elsewhere { self.verdict.status().min(Status::Degraded) } else { self.verdict.status() }
    }
}

/// Of all: critical if nothing works, because a stream goes where it does.
pub(crate) fn overall(all: impl Iterator<Item = Status> + Clone) -> Status {
    let (worst, best) = (all.clone().max(), all.min());
    match (worst, best) {
        (Some(Status::Critical), Some(Status::Critical)) => Status::Critical,
        (Some(worst), _) => worst.min(Status::Degraded),
        (None, _) => Status::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outcome(ok: bool, elsewhere: bool) -> Outcome {
        let (took, error) = (Duration::ZERO, if ok { "" } else { "it hangs" }.to_owned());
        Outcome { ok, took, encoder: String::new(), error, elsewhere }
    }

    #[test]
    fn a_gpu_that_fails_makes_all_critical_only_if_there_is_no_other() {
        use Status::{Critical, Degraded, Healthy};
        for (statuses, expected) in [
            (vec![], Healthy),
            (vec![Healthy, Healthy], Healthy),
            (vec![Healthy, Critical], Degraded),
            (vec![Degraded, Healthy], Degraded),
            (vec![Critical, Degraded], Degraded),
            (vec![Critical, Critical], Critical),
            (vec![Critical], Critical),
        ] {
            assert_eq!(overall(statuses.iter().copied()), expected, "{statuses:?}");
        }
    }

    #[test]
    fn what_the_processor_does_instead_is_no_end_of_streams() {
        let mut tried = Tried::default();
        for _ in 0..3 {
            tried.note(outcome(false, true));
        }
        assert_eq!((tried.status(), tried.failures()), (Status::Degraded, 3));
        tried.note(outcome(false, false));
        assert_eq!((tried.status(), tried.last_failure.as_str()), (Status::Critical, "it hangs"));
        tried.note(outcome(true, false));
        tried.note(outcome(true, false));
        assert_eq!((tried.status(), tried.failures()), (Status::Healthy, 0));
    }
}
