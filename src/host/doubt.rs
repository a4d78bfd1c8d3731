//! Whether it is the desktop's fault that its workers fail.
//!
//! A compositor that dies is noticed by its end. One that hangs, or refuses to
//! be captured, is known by workers only, one of which may be wrong.

use std::time::Instant;

use crate::host::supervisor::restart::RestartPolicy;

/// What a worker says against what it captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    /// It got no answer at all.
    pub(crate) silent: bool,
    /// It had got a picture before.
    pub(crate) captured: bool,
}

/// What the workers of one desktop have said against it.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    /// The last worker got no answer.
    silent: bool,
    /// Workers that could not capture it, for whatever reason.
    failures: RestartPolicy,
}

impl Doubt {
    /// Notes that a worker blames the desktop. Returns whether to believe it: the
    /// second worker in a row that gets no answer at all, with no picture in
    /// between, or the third inside a minute that cannot capture.
    pub(crate) fn grows(&mut self, Blame { silent, captured }: Blame, now: Instant) -> bool {
        let confirmed = silent && self.silent && !captured;
        self.silent = silent;
        // Asked always, because it counts.
        !self.failures.allows_another(now) || confirmed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn silence(captured: bool) -> Blame {
        Blame { silent: true, captured }
    }

    const fn refusal(captured: bool) -> Blame {
        Blame { silent: false, captured }
    }

    #[test]
    fn a_second_worker_confirms_silence_unless_it_saw_a_picture() {
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let mut doubt = Doubt::default();
        assert!(!doubt.grows(silence(true), now));
        assert!(doubt.grows(silence(false), later(3)));

        let mut doubt = Doubt::default();
        assert!(!doubt.grows(silence(true), now));
        assert!(!doubt.grows(silence(true), later(3)), "it had answered in between");
        assert!(!doubt.grows(silence(true), later(100)));
        assert!(!doubt.grows(silence(true), later(200)));
    }

    #[test]
    fn what_refuses_to_be_captured_is_believed_at_the_third_time_inside_a_minute() {
        let now = Instant::now();
        let mut doubt = Doubt::default();
        assert!(!doubt.grows(refusal(false), now));
        assert!(!doubt.grows(silence(false), now + Duration::from_secs(5)));
        assert!(doubt.grows(refusal(true), now + Duration::from_secs(10)));

        let mut doubt = Doubt::default();
        assert!((0..9).all(|hour| !doubt.grows(refusal(true), now + Duration::from_secs(3600 * hour))));
    }
}
