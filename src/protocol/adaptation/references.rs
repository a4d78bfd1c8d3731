//! What answers a client that lost frames.
//!
//! An IDR frame costs as much as ten others and comes when the network is at its worst,
//! so references are invalidated where that is possible. A client that asks for an IDR
//! frame takes nothing else (moonlight-common-c `VideoDepacketizer.c`,
//! `waitingForIdrFrame`), but it asks again with every loss while it waits: what it sent
//! before the one on its way can have reached it is answered by that.

use std::time::Duration;

use crate::clock::Micros;
use crate::units::FrameIndex;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Refer to none of these frames, nor to those after them, from now on.
    Invalidate {
        /// First lost frame.
        first: FrameIndex,
        /// Last lost frame.
        last: FrameIndex,
    },
    /// Send an IDR frame.
    Idr,
    /// The answer is on its way already.
    Nothing,
}

/// Frames `first..=last` did not arrive.
#[must_use]
pub const fn lost(first: FrameIndex, last: FrameIndex) -> Answer {
    // Frame 0 never was, and no encoder remembers so many.
    if first.0 == 0 || last.0.saturating_sub(first.0) > MOST_LOST {
        return Answer::Idr;
    }
    Answer::Invalidate { first, last }
}

/// The client wants an IDR frame; the last one was coded then, and no answer has come
/// back faster than `least_round_trip` of late.
#[must_use]
pub fn idr_wanted(last_idr: Micros, least_round_trip: Option<Duration>, now: Micros) -> Answer {
    let under_way = least_round_trip
        .is_some_and(|least| last_idr != Micros(0) && u128::from(now.since(last_idr)) < least.min(LONGEST).as_micros());
    if under_way { Answer::Nothing } else { Answer::Idr }
}

/// Two seconds of most streams, after which clients ask for an IDR frame themselves.
const MOST_LOST: u32 = 120;
/// A round trip that is longer says more about a queue than about the way.
const LONGEST: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_invalidated_where_that_makes_sense() {
        let lost = |first, last| lost(FrameIndex(first), FrameIndex(last));
        let (first, last) = (FrameIndex(8), FrameIndex(12));
        assert_eq!(lost(8, 12), Answer::Invalidate { first, last });
        assert_eq!([lost(0, 3), lost(8, 129)], [Answer::Idr, Answer::Idr]);
    }

    #[test]
    fn a_request_older_than_the_idr_frame_on_its_way_is_answered_by_it() {
        let wanted = |now| idr_wanted(Micros(1_000_000), Some(Duration::from_millis(30)), Micros(now));
        assert_eq!(wanted(1_029_000), Answer::Nothing);
        assert_eq!(wanted(1_030_000), Answer::Idr, "this one may be about that very frame");
        assert_eq!(idr_wanted(Micros(0), Some(Duration::from_millis(30)), Micros(9)), Answer::Idr);
        assert_eq!(idr_wanted(Micros(5), None, Micros(9)), Answer::Idr, "nothing is known");
    }
}
