//! Hands pointer actions to `zwlr_virtual_pointer_v1`.

use wayland_client::protocol::wl_pointer::{Axis, AxisSource, ButtonState};
use wayland_protocols_wlr::virtual_pointer::v1::client::zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1;

use crate::clock::Micros;

/// A pointer plugged into a compositor.
#[derive(Debug)]
pub(crate) struct VirtualPointer {
    shown: ZwlrVirtualPointerV1,
}

/// What a pointer does, each a frame of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PointerAction {
    /// Moves by pixels.
    Move {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// Moves to a place, each share 0 to 1 of the desktop.
    MoveTo {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// A button moves, by evdev code.
    Button {
        /// Which one.
        code: u32,
        /// Down or up.
        pressed: bool,
    },
    /// A wheel turns by whole notches, down or right if positive.
    Notches {
        /// Which wheel.
        wheel: Wheel,
        /// How many.
        count: i32,
    },
    /// Scrolls smoothly by a part of a notch, down or right if positive.
    Scroll {
        /// In which direction.
        wheel: Wheel,
        /// In notches.
        notches: f64,
    },
}

/// Direction of scrolling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wheel {
    /// Up and down.
    Vertical,
    /// Left and right.
    Horizontal,
}

impl VirtualPointer {
    /// From a fresh protocol object.
    pub(crate) const fn new(shown: ZwlrVirtualPointerV1) -> Self {
        Self { shown }
    }

    /// Does it.
    pub(crate) fn act(&self, action: PointerAction) {
        let (shown, time) = (&self.shown, milliseconds());
        match action {
            PointerAction::Move { dx, dy } => shown.motion(time, dx, dy),
            PointerAction::MoveTo { x, y } => shown.motion_absolute(time, place(x), place(y), EXTENT, EXTENT),
            PointerAction::Button { code, pressed } => {
                let state = if pressed { ButtonState::Pressed } else { ButtonState::Released };
                shown.button(time, code, state);
            }
            PointerAction::Notches { wheel, count } => {
                shown.axis_source(AxisSource::Wheel);
                shown.axis_discrete(time, wheel.axis(), f64::from(count) * DEGREES_PER_NOTCH, count);
            }
            PointerAction::Scroll { wheel, notches } => {
                shown.axis_source(AxisSource::Continuous);
                shown.axis(time, wheel.axis(), notches * DEGREES_PER_NOTCH);
            }
        }
        shown.frame();
    }
}

impl Drop for VirtualPointer {
    fn drop(&mut self) {
        self.shown.destroy();
    }
}

impl Wheel {
    const fn axis(self) -> Axis {
        match self {
            Self::Vertical => Axis::VerticalScroll,
            Self::Horizontal => Axis::HorizontalScroll,
        }
    }
}

/// Time stamp of an event in milliseconds; it wraps, as the field does.
#[allow(clippy::cast_possible_truncation, reason = "the wire field wraps at 32 bits")]
pub(crate) fn milliseconds() -> u32 {
    (Micros::now().0 / 1000) as u32
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a clamped share of EXTENT")]
fn place(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * f64::from(EXTENT)) as u32
}

/// Steps across the desktop: so fine that every pixel can be met exactly.
const EXTENT: u32 = 1 << 30;

/// What libinput reports for a notch of an ordinary wheel, and so what
/// applications expect.
const DEGREES_PER_NOTCH: f64 = 15.0;
