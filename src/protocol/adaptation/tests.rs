//! The controller as a whole, told by hand. How it does on networks is in
//! `bench::network`, where the client's end is the real one.

use super::*;

/// A block of so many packets that misses some.
pub(super) fn status(data: u16, parity: u16, lost: u16) -> FecStatus {
    let arrived = (data + parity).saturating_sub(lost);
    let is_lost = arrived < data;
    FecStatus {
        frame: crate::units::FrameIndex(1),
        highest_received: 0,
        next_contiguous: 0,
        missing_before_highest: lost,
        total_data: data,
        total_parity: parity,
        received_data: if is_lost { arrived } else { data - lost.min(data) },
        received_parity: if is_lost { 0 } else { lost.min(parity) },
        fec_percent: 20,
        block: 0,
        blocks: 1,
    }
}

const TERMS: Terms =
    Terms { asked: Bitrate::from_kbps(10_000), fec: FecPercent(20), frame_rate: FrameRate::from_hz(60) };
const BOUNDS: Bounds = Bounds { least: Bitrate::from_kbps(1_000), most_fec: FecPercent(50) };

/// A stream whose pings take so long.
struct Stand {
    adaptation: Adaptation,
    now: Micros,
    sent: Sent,
    target: Target,
}

impl Stand {
    fn new() -> Self {
        let now = Micros(1_000_000);
        let target = Target { bitrate: TERMS.asked, fec: TERMS.fec };
        Self { adaptation: Adaptation::new(TERMS, now), now, sent: Sent::default(), target }
    }

    /// A tick, with a ping that was answered after `trip` ms and blocks that missed
    /// packets.
    fn tick(&mut self, trip: u64, statuses: &[FecStatus]) {
        self.now = Micros(self.now.0 + 40_000);
        let sent = Micros(self.now.0 - trip * 1000);
        self.adaptation.handle_probe(sent);
        self.adaptation.handle_answer(sent, self.now);
        statuses.iter().for_each(|status| self.adaptation.handle_fec_status(status, self.now));
        let coded = u64::from(self.target.bitrate.kbps()) * 5;
        self.sent.coded_bytes += coded;
        self.sent.wire_bytes += coded * 105 * (100 + u64::from(self.target.fec.0)) / 10_000;
        self.sent.packets = self.sent.wire_bytes / 1408;
        self.adaptation.handle_sent(self.sent, self.now);
        self.target = self.adaptation.handle_timeout(BOUNDS, self.now);
    }

    fn ticks(&mut self, count: u64, trip: u64) {
        (0..count).for_each(|_| self.tick(trip, &[]));
    }
}

#[test]
fn a_good_network_gets_what_was_asked_for() {
    let mut stand = Stand::new();
    stand.ticks(500, 10);
    assert_eq!(stand.target, Target { bitrate: TERMS.asked, fec: FecPercent(10) });
    let view = stand.adaptation.view(stand.now);
    assert_eq!((view.back_offs, view.queue, view.cause), (0, Duration::ZERO, None));
    assert_eq!(view.round_trip, Some(Duration::from_millis(10)));
}

#[test]
fn a_queue_takes_the_rate_back_and_its_end_gives_it_back() {
    let mut stand = Stand::new();
    stand.ticks(50, 10);
    (0..10).for_each(|step| stand.tick(20 + step * 20, &[]));
    assert!(stand.target.bitrate.kbps() < 8_000, "{:?}", stand.target);
    assert_eq!(stand.adaptation.view(stand.now).cause, Some(Cause::Queue));
    stand.ticks(25 * 40, 10);
    assert_eq!(stand.target.bitrate, TERMS.asked);
}

#[test]
fn parity_is_paid_for_by_the_picture() {
    let mut stand = Stand::new();
    for _ in 0..250 {
        stand.tick(10, &[status(16, 4, 3)]);
    }
    assert_eq!(stand.target.fec, FecPercent(25), "three of sixteen, and one to spare");
    let kbps = stand.target.bitrate.kbps();
    assert!((9_300..9_900).contains(&kbps), "{kbps}: 5 points of 120 less");
}

#[test]
fn a_machine_that_cannot_send_sends_less() {
    let mut stand = Stand::new();
    stand.ticks(50, 10);
    stand.sent.refused += 1;
    stand.ticks(1, 10);
    assert!(stand.target.bitrate < TERMS.asked);
    assert_eq!(stand.adaptation.view(stand.now).cause, Some(Cause::NoRoom));
}

#[test]
fn nothing_the_client_says_gets_out_of_the_bounds() {
    let mut stand = Stand::new();
    let wild = FecStatus {
        missing_before_highest: u16::MAX,
        total_data: 0,
        total_parity: u16::MAX,
        received_data: u16::MAX,
        received_parity: u16::MAX,
        ..status(1, 1, 1)
    };
    for trip in [0, 5_000, 1, 900, 0].into_iter().cycle().take(500) {
        // Times before the stream began come from nobody honest.
        stand.tick(trip.min(stand.now.0 / 1000), &[wild, status(u16::MAX, 0, u16::MAX)]);
        assert!((BOUNDS.least..=TERMS.asked).contains(&stand.target.bitrate), "{:?}", stand.target);
        assert!((10..=50).contains(&stand.target.fec.0), "{:?}", stand.target);
    }
}
