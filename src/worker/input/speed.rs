//! How fast a client's pointer goes: its motion and wheels times a factor.
//!
//! What a factor leaves of a pixel or of a wheel's smallest step is carried
//! over to the next event, so that slow motion is not lost.

use crate::protocol::control::input_event::InputEvent;
use crate::stream_plan::PointerSpeed;

/// Scales a client's events.
#[derive(Debug)]
pub(crate) struct Speed {
    dx: Scaled,
    dy: Scaled,
    vertical: Scaled,
    horizontal: Scaled,
}

impl Speed {
    /// Scales by these factors.
    pub(crate) fn new(speed: PointerSpeed) -> Self {
        Self {
            dx: Scaled::by(speed.motion),
            dy: Scaled::by(speed.motion),
            vertical: Scaled::by(speed.vertical_scroll),
            horizontal: Scaled::by(speed.horizontal_scroll),
        }
    }

    /// The event as it is to be played.
    pub(crate) fn apply(&mut self, event: InputEvent) -> InputEvent {
        match event {
            InputEvent::MouseMove { dx, dy } => InputEvent::MouseMove { dx: self.dx.step(dx), dy: self.dy.step(dy) },
            InputEvent::Scroll(amount) => InputEvent::Scroll(self.vertical.step(amount)),
            InputEvent::HorizontalScroll(amount) => InputEvent::HorizontalScroll(self.horizontal.step(amount)),
            other => other,
        }
    }
}

/// A quantity times a factor.
#[derive(Debug)]
struct Scaled {
    factor: f32,
    /// Less than one.
    rest: f32,
}

impl Scaled {
    const fn by(factor: f32) -> Self {
        Self { factor, rest: 0.0 }
    }

    #[allow(clippy::cast_possible_truncation, reason = "clamped to the range of the type")]
    fn step(&mut self, amount: i16) -> i16 {
        let exact = f32::from(amount) * self.factor + self.rest;
        self.rest = exact.fract();
        exact.trunc().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_is_carried() {
        let mut speed = Speed::new(PointerSpeed { motion: 0.25, vertical_scroll: 2.0, horizontal_scroll: 0.0 });
        let moves: Vec<_> = (0..8).map(|_| speed.apply(InputEvent::MouseMove { dx: 1, dy: -1 })).collect();
        let sum = |part: fn(&InputEvent) -> i16| moves.iter().map(part).sum::<i16>();
        let dx = |event: &InputEvent| if let InputEvent::MouseMove { dx, .. } = event { *dx } else { 0 };
        let dy = |event: &InputEvent| if let InputEvent::MouseMove { dy, .. } = event { *dy } else { 0 };
        assert_eq!((sum(dx), sum(dy)), (2, -2));
        assert_eq!(speed.apply(InputEvent::Scroll(120)), InputEvent::Scroll(240));
        assert_eq!(speed.apply(InputEvent::Scroll(i16::MIN)), InputEvent::Scroll(i16::MIN));
        assert_eq!(speed.apply(InputEvent::HorizontalScroll(120)), InputEvent::HorizontalScroll(0));
    }

    #[test]
    fn the_usual_speed_changes_nothing() {
        let mut speed = Speed::new(PointerSpeed::default());
        for event in [
            InputEvent::MouseMove { dx: i16::MAX, dy: i16::MIN },
            InputEvent::Scroll(-30),
            InputEvent::HorizontalScroll(7),
            InputEvent::Text('x'),
        ] {
            assert_eq!(speed.apply(event.clone()), event);
        }
    }
}
