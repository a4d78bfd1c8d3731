//! From a place in the video picture to a place on the desktop.
//!
//! A desktop of another shape is shown with bars at two sides, so a position in
//! the picture must be taken back to the part that shows the desktop.

use crate::units::Size;

/// The share (0 to 1, from the left and from the top) of the desktop under a
/// share of the picture. Places on the bars count as the desktop's edge.
pub(crate) fn desktop_share((x, y): (f64, f64), stream: Size, desktop: Size) -> (f64, f64) {
    let across = f64::from(stream.width) / f64::from(desktop.width.max(1));
    let down = f64::from(stream.height) / f64::from(desktop.height.max(1));
    let scale = across.min(down);
    (inner(x, scale / across), inner(y, scale / down))
}

/// Within the middle `shown` of a length.
fn inner(share: f64, shown: f64) -> f64 {
    if shown <= 0.0 || !shown.is_finite() {
        return 0.0;
    }
    ((share - (1.0 - shown) / 2.0) / shown).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Size = Size::new(1920, 1080);

    #[test]
    fn the_same_shape_needs_no_change() {
        for desktop in [WIDE, Size::new(1280, 720), Size::new(3840, 2160)] {
            let (x, y) = desktop_share((0.25, 0.75), WIDE, desktop);
            assert!((x - 0.25).abs() < 1e-9 && (y - 0.75).abs() < 1e-9);
        }
    }

    #[test]
    fn bars_at_the_sides_are_taken_off() {
        // 1440 of 1920 columns show the desktop.
        let desktop = Size::new(1024, 768);
        assert_eq!(desktop_share((0.5, 0.5), WIDE, desktop), (0.5, 0.5));
        assert_eq!(desktop_share((0.125, 0.0), WIDE, desktop), (0.0, 0.0));
        assert_eq!(desktop_share((0.05, 0.0), WIDE, desktop).0, 0.0);
        assert_eq!(desktop_share((0.95, 1.0), WIDE, desktop), (1.0, 1.0));
        let (x, _) = desktop_share((0.3125, 0.0), WIDE, desktop);
        assert!((x - 0.25).abs() < 1e-9);
    }

    #[test]
    fn bars_above_and_below_are_taken_off() {
        let (_, y) = desktop_share((0.0, 0.25), Size::new(1000, 1000), Size::new(2000, 1000));
        assert!(y.abs() < 1e-9);
    }

    #[test]
    fn sizes_of_nothing_do_no_harm() {
        let nothing = Size::new(0, 0);
        for (stream, desktop) in [(nothing, nothing), (WIDE, nothing), (nothing, WIDE)] {
            let (x, y) = desktop_share((0.5, 0.5), stream, desktop);
            assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y));
        }
    }
}
