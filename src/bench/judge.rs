//! What became of the frames that were drawn.
//!
//! A frame counts only if the decoded picture says by its marker which one it is, comes after
//! the one before, and looks as that frame looks.

use crate::bench::canvas::Canvas;
use crate::bench::shown::{Shown, overview};
use crate::frame_marker::Marker;
use crate::quality::{Plane, psnr, ssim};
use crate::units::Size;

/// Of all frames of a measurement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// From the first that was seen to the last.
    pub(super) drawn: u64,
    /// Frames that were seen, each once.
    pub(super) seen: u64,
    /// Drawn and never seen.
    pub(super) missing: u64,
    /// Pictures that showed the frame before once more.
    pub(super) repeated: u64,
    /// Pictures that show no frame, an older one, or another than they say.
    pub(super) wrong: u64,
}

/// What one picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A frame that was not seen before.
    New,
    /// The one before.
    Repeated,
    /// Not what it should be.
    Wrong,
}

/// Judges pictures in their order.
pub(super) fn judge(markers: impl Iterator<Item = Option<Marker>>) -> (Vec<Verdict>, Tally) {
    let (mut last, mut first): (Option<Marker>, Option<u32>) = (None, None);
    let mut tally = Tally::default();
    let verdicts = markers
        .map(|marker| {
            let verdict = match (marker, last) {
                (Some(marker), Some(last)) if marker == last => Verdict::Repeated,
                (Some(marker), Some(last)) if marker.number <= last.number => Verdict::Wrong,
                (Some(_), _) => Verdict::New,
                (None, _) => Verdict::Wrong,
            };
            match verdict {
                Verdict::New => {
                    tally.seen += 1;
                    last = marker;
                    first = first.or(marker.map(|marker| marker.number));
                }
                Verdict::Repeated => tally.repeated += 1,
                Verdict::Wrong => tally.wrong += 1,
            }
            verdict
        })
        .collect();
    if let (Some(first), Some(last)) = (first, last) {
        tally.drawn = u64::from(last.number - first) + 1;
        tally.missing = tally.drawn - tally.seen.min(tally.drawn);
    }
    (verdicts, tally)
}

/// The marker of a picture that looks as its frame was drawn.
pub(super) fn believed(shown: &Shown, canvas: &mut Canvas) -> Option<Marker> {
    let marker = shown.marker?;
    canvas.paint(marker.number);
    canvas.mark(marker);
    let Size { width, height } = canvas.size();
    let luma = canvas.luma();
    let drawn = overview(width as usize, height as usize, luma.chunks(width as usize));
    looks_like(&shown.overview, &drawn).then_some(marker)
}

/// PSNR and SSIM of the frames whose pictures were kept.
pub(super) fn compare(shown: &[Shown], canvas: &mut Canvas) -> (Vec<f64>, Vec<f64>) {
    let width = canvas.size().width as usize;
    let kept = shown.iter().filter_map(|shown| Some((shown.marker?, shown.luma.as_ref()?)));
    kept.map(|(marker, luma)| {
        canvas.paint(marker.number);
        canvas.mark(marker);
        let drawn = canvas.luma();
        let (drawn, decoded) = (Plane { samples: &drawn, width }, Plane { samples: luma, width });
        (psnr(drawn, decoded), ssim(drawn, decoded))
    })
    .unzip()
}

/// Whether two overviews are of one picture: coding changes details, and means little.
fn looks_like(one: &[u8], other: &[u8]) -> bool {
    let difference: u64 = one.iter().zip(other).map(|(one, other)| u64::from(one.abs_diff(*other))).sum();
    one.len() == other.len() && difference <= MOST * one.len() as u64
}

/// Steps of 255 that means of luma differ by on average. Pictures of another scene differ by
/// 30 and more; the coarsest coding by less than 3.
const MOST: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Micros;
    use crate::content::Content;

    fn marker(number: u32) -> Option<Marker> {
        Some(Marker { number, time: Micros(u64::from(number) * 100) })
    }

    #[test]
    fn what_is_missing_repeated_and_wrong_is_counted() {
        let markers = [marker(5), marker(6), marker(6), None, marker(9), marker(8), marker(10)];
        let (verdicts, tally) = judge(markers.into_iter());
        use Verdict::{New, Repeated, Wrong};
        assert_eq!(verdicts, [New, New, Repeated, Wrong, New, Wrong, New]);
        assert_eq!(tally, Tally { drawn: 6, seen: 4, missing: 2, repeated: 1, wrong: 2 });
        assert_eq!(judge(std::iter::empty()).1, Tally::default());
        assert_eq!(judge([None].into_iter()).1, Tally { wrong: 1, ..Tally::default() });
    }

    #[test]
    fn one_number_at_two_times_is_wrong() {
        let other = Some(Marker { number: 5, time: Micros(7) });
        assert_eq!(judge([marker(5), other].into_iter()).1.wrong, 1);
    }

    #[test]
    fn a_picture_must_look_like_its_frame() {
        let size = Size::new(320, 180);
        let mut canvas = Canvas::new(Content::Cuts, size);
        let shown = |number: u32, says: u32, canvas: &mut Canvas| {
            let marker = Marker { number: says, time: Micros(3) };
            canvas.paint(number);
            canvas.mark(marker);
            let luma = canvas.luma();
            let arrived = crate::bench::clients::player::Arrived {
                index: crate::units::FrameIndex(1),
                first: Micros(0),
                whole: Micros(0),
                latency_100us: 0,
                idr: true,
                picture: Vec::new(),
            };
            let overview = overview(320, 180, luma.chunks(320));
            Shown { arrived, bytes: 0, decoded: Micros(0), marker: Some(marker), overview, patch: 0, luma: None }
        };
        let right = shown(25, 25, &mut canvas);
        assert!(believed(&right, &mut canvas).is_some());
        // Another scene under the same marker.
        let wrong = shown(45, 25, &mut canvas);
        assert_eq!(believed(&wrong, &mut canvas), None);
        let nothing = Shown { overview: Vec::new(), ..right };
        assert_eq!(believed(&nothing, &mut canvas), None);
    }
}
