//! What shows in long streams only, whatever the encoder.

use earthshine::stream_plan::VideoPlan;
use earthshine::worker::frame::FrameKind;

use crate::process::assert_clean;
use crate::stage::{Stage, are_shown, decode};

/// Long enough for every number in a header to begin anew.
pub(crate) fn numbers_wrap_around(plan: &VideoPlan) {
    let mut stage = Stage::open(plan);
    let (mut stream, mut shown) = (Vec::new(), Vec::new());
    for _ in 0..600 {
        let (coded, pixels) = stage.next(false);
        stream.extend(coded.data);
        shown.push(pixels);
    }
    let decoded = decode(&stream, plan.profile, shown[0].len());
    assert!(are_shown(plan, &decoded, &shown), "other pixels");
}

/// That there was one IDR picture.
pub(crate) fn assert_one_idr(ledger: &[String]) {
    assert_clean(ledger);
    assert_eq!(ledger.iter().filter(|line| line.starts_with("idr ")).count(), 1);
}

/// Pictures 5, and 10 to 12, and 260 are lost, and the client says so after the last.
pub(crate) fn lost_pictures_are_not_referred_to(plan: &VideoPlan) {
    let mut stage = Stage::open(plan);
    let (mut stream, mut last) = (Vec::new(), Vec::new());
    let mut sent = 0;
    for picture in 0..300 {
        let lost = matches!(picture, 5 | 10..=12 | 260);
        let (coded, pixels) = stage.next(false);
        let expected = match picture {
            0 => FrameKind::Idr,
            6 | 13 | 261 => FrameKind::Recovered,
            _ => FrameKind::Predicted,
        };
        assert_eq!(coded.kind, expected, "picture {picture}");
        if !lost {
            stream.extend(coded.data);
            last = pixels;
            sent += 1;
        }
        match picture {
            5 => assert!(stage.encoder.invalidate_references(5)),
            12 => assert!(stage.encoder.invalidate_references(10)),
            260 => assert!(stage.encoder.invalidate_references(260)),
            _ => {}
        }
        // A mistake does not heal by itself: every part of the picture is compared
        // that was drawn before the loss and not after. FFmpeg adds pictures of H.264 for
        // numbers that are missing.
        if matches!(picture, 6 | 13 | 20 | 261 | 299) {
            let decoded = decode(&stream, plan.profile, last.len());
            assert!(decoded.len() >= sent, "{} of {sent} pictures", decoded.len());
            let is_shown = are_shown(plan, &decoded[decoded.len() - 1..], std::slice::from_ref(&last));
            assert!(is_shown, "other pixels in picture {picture}");
        }
    }
}

/// That the newest pictures before the losses were referred to.
pub(crate) fn assert_referred(ledger: &[String]) {
    assert_clean(ledger);
    let referred: Vec<_> = ledger.iter().filter_map(|line| line.strip_prefix("refer ")).collect();
    assert_eq!(referred, ["2 picture=6", "4 picture=13", "2 picture=261"]);
}
