//! What a driver makes of a few pictures of every kind, whatever it can.

use earthshine::codec::VideoCodec;
use earthshine::stream_plan::{Conversion, VideoPlan};
use earthshine::worker::frame::FrameKind;

use crate::process::assert_clean;
use crate::stage::{Stage, decode, farthest};

/// An IDR picture at the beginning and in the middle, one that gets lost, and one that is
/// shown twice are decoded to what was shown, with no sample off by more than `most`.
pub(crate) fn assert_shown(plan: &VideoPlan, orders: &str, most: u16) {
    let mut stage = Stage::open(plan);
    let (mut stream, mut shown) = (Vec::new(), Vec::new());
    // For a number that is missing in H.264, FFmpeg adds a picture.
    let loses = plan.profile.codec != VideoCodec::H264;
    let mut after_loss = FrameKind::Predicted;
    for picture in 0..7 {
        let (coded, pixels) = stage.next(picture == 3);
        let expected = match picture {
            0 | 3 => FrameKind::Idr,
            6 => after_loss,
            _ => FrameKind::Predicted,
        };
        assert_eq!(coded.kind, expected, "picture {picture} of {orders:?}");
        let is_unit = plan.profile.codec != VideoCodec::Av1 || coded.data.starts_with(&[0x12, 0]);
        assert!(is_unit, "no temporal delimiter, of {orders:?}");
        if picture == 5 && loses {
            let has_older = stage.encoder.invalidate_references(5);
            after_loss = if has_older { FrameKind::Recovered } else { FrameKind::Idr };
            continue;
        }
        stream.extend(coded.data);
        shown.push(pixels);
    }
    // The same again, which is not converted again.
    stream.extend(stage.encode(false).data);
    shown.extend(shown.last().cloned());
    drop(stage);
    let decoded = decode(&stream, plan.profile, shown[0].len());
    assert_eq!(decoded.len(), shown.len(), "{orders:?}");
    let off = decoded.iter().zip(&shown).map(|(decoded, shown)| farthest(plan, decoded, shown)).max();
    assert!(off <= Some(most), "off by {off:?}, of {orders:?}");
    if plan.profile.ten_bit && plan.conversion != Conversion::Cpu {
        let has_lower_bits = |picture: &Vec<u8>| picture.as_chunks::<2>().0.iter().any(|word| word[0] & 3 != 0);
        assert!(decoded.iter().all(has_lower_bits), "8 bits in 10, of {orders:?}");
    }
}

/// That nothing was wrong, and that encoders were opened, one after the other, with what these
/// words say; each goes with the orders that it is told by.
pub(crate) fn assert_opened_with<'a>(ledger: &[String], expected: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) {
    assert_clean(ledger);
    let mut opened: Vec<Vec<&str>> = vec![Vec::new()];
    for line in ledger.iter().filter(|line| line.starts_with("settings ") || line.starts_with("stream ")) {
        opened.last_mut().expect("one at least").extend(line.split(' '));
        // VA tells of settings first.
        if line.starts_with("stream ") {
            opened.push(Vec::new());
        }
    }
    opened.pop();
    let expected: Vec<_> = expected.into_iter().collect();
    assert_eq!(opened.len(), expected.len());
    for ((orders, words), opened) in expected.iter().zip(opened) {
        for word in *words {
            assert!(opened.contains(word), "{word} of {orders:?}: {opened:?}");
        }
    }
}

/// Each driver's word, for a stream of 8 bits and one of 10.
pub(crate) fn in_both_depths(word: &str) -> [[&str; 2]; 2] {
    [[word, "depth=8"], [word, "depth=10"]]
}
