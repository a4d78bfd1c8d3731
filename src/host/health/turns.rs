//! What canaries try: each GPU that encodes, one after the other in the order of the bus,
//! but for those whose last free session streams may need; and whichever a new stream would
//! get, where no GPU has said that it encodes.

use crate::gpu::GpuAddress;

/// What a canary tries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// `None` for whichever a stream would get.
    pub(crate) gpu: Option<GpuAddress>,
}

/// A GPU that may be next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) turn: Turn,
    /// Why it is passed over; empty if it is not.
    pub(crate) spared: String,
}

impl Turn {
    /// The GPU's; empty for whichever.
    pub(crate) fn name(&self) -> String {
        self.gpu.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    /// Something about it, in words.
    pub(crate) fn say(&self, what: &str) -> String {
        self.gpu.as_ref().map_or_else(|| what.to_owned(), |gpu| format!("{gpu}: {what}"))
    }
}

/// What is tried after `last`, or the same `again`, if it still may be. `None` if streams need
/// every session that there is.
pub(crate) fn next(candidates: &[Candidate], last: &Turn, again: bool) -> Option<Turn> {
    if candidates.is_empty() {
        return Some(Turn::default());
    }
    // By name: more may be known of its address now.
    let place = candidates.iter().position(|candidate| candidate.turn.name() == last.name());
    let first = place.map_or(0, |place| if again { place } else { place + 1 });
    let mut order = candidates.iter().cycle().skip(first).take(candidates.len());
    order.find(|candidate| candidate.spared.is_empty()).map(|candidate| candidate.turn.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(place: &str, spared: &str) -> Candidate {
        Candidate { turn: Turn { gpu: Some(GpuAddress::at(place)) }, spared: spared.to_owned() }
    }

    #[test]
    fn gpus_have_their_turns_in_order() {
        let all = [candidate("a", ""), candidate("b", ""), candidate("c", "")];
        let mut last = Turn::default();
        let mut names = Vec::new();
        for _ in 0..5 {
            last = next(&all, &last, false).unwrap();
            names.push(last.name());
        }
        assert_eq!(names, ["a", "b", "c", "a", "b"]);
        assert_eq!(next(&all, &last, true), Some(last.clone()), "one that failed is looked at again");
        assert_eq!(next(&all[..1], &last, true).unwrap().name(), "a", "it is gone");
        assert_eq!(next(&[], &last, false), Some(Turn::default()));
    }

    #[test]
    fn one_that_streams_need_is_passed_over() {
        let all = [candidate("a", ""), candidate("b", "its last session"), candidate("c", "")];
        let after = |name: usize, again| next(&all, &all[name].turn, again).map(|turn| turn.name());
        assert_eq!((after(0, false).as_deref(), after(1, true).as_deref()), (Some("c"), Some("c")));
        assert_eq!(next(&all[1..2], &Turn::default(), false), None);
    }
}
