//! Mouse motion, buttons and wheels.
//!
//! Wheels: Moonlight counts 120 to a notch (Windows' `WHEEL_DELTA`) and sends
//! fractions of it for fine wheels and touchpads. A whole number of notches is
//! played as a wheel. A fraction is played as smooth scrolling: a compositor
//! would pass on a wheel's fractions as they are, and applications that count
//! notches would count too many.

use super::held_keys::HeldKeys;
use super::picture_area::desktop_share;
use super::virtual_pointer::{PointerAction, Wheel};
use crate::protocol::control::input_event::{InputEvent, MouseButton};
use crate::units::Size;

/// The state of a pointer.
#[derive(Debug, Default)]
pub(crate) struct Pointer {
    held: HeldKeys<u32>,
}

impl Pointer {
    /// Plays a mouse event; positions refer to a picture of size `stream` that
    /// shows a desktop of size `desktop`. Returns whether a mouse can do it.
    pub(crate) fn play(
        &mut self,
        event: &InputEvent,
        stream: Size,
        desktop: Size,
        act: &mut impl FnMut(PointerAction),
    ) -> bool {
        match *event {
            InputEvent::MouseMove { dx, dy } => act(PointerAction::Move { dx: dx.into(), dy: dy.into() }),
            InputEvent::MousePosition { x, y, width, height } => {
                let share = (share(x, width), share(y, height));
                let (x, y) = desktop_share(share, stream, desktop);
                act(PointerAction::MoveTo { x, y });
            }
            InputEvent::MouseButton { button, pressed } => self.set(code_of(button), pressed, act),
            // Away from the user is up, and Wayland's positive is down.
            InputEvent::Scroll(amount) => scroll(Wheel::Vertical, -i32::from(amount), act),
            InputEvent::HorizontalScroll(amount) => scroll(Wheel::Horizontal, i32::from(amount), act),
            InputEvent::Key { .. } | InputEvent::Text(_) | InputEvent::Device(_) => return false,
        }
        true
    }

    /// Releases every button that is held.
    pub(crate) fn release_all(&mut self, act: &mut impl FnMut(PointerAction)) {
        for code in self.held.take_all() {
            act(PointerAction::Button { code, pressed: false });
        }
    }

    /// Buttons that are held: bit 0 for [`FIRST_BUTTON`] and so on.
    pub(crate) fn held(&self) -> u64 {
        self.held.iter().filter_map(|code| code.checked_sub(FIRST_BUTTON)).fold(0, |mask, bit| mask | 1 << (bit % 64))
    }

    /// Releases what a pointer before this one held.
    pub(crate) fn release_inherited(held: u64, act: &mut impl FnMut(PointerAction)) {
        for bit in (0..BUTTONS).filter(|bit| held & (1 << bit) != 0) {
            act(PointerAction::Button { code: FIRST_BUTTON + bit, pressed: false });
        }
    }

    fn set(&mut self, code: u32, pressed: bool, act: &mut impl FnMut(PointerAction)) {
        if self.held.set(code, pressed) {
            act(PointerAction::Button { code, pressed });
        }
    }
}

fn scroll(wheel: Wheel, amount: i32, act: &mut impl FnMut(PointerAction)) {
    match amount % NOTCH {
        0 if amount == 0 => {}
        0 => act(PointerAction::Notches { wheel, count: amount / NOTCH }),
        _ => act(PointerAction::Scroll { wheel, notches: f64::from(amount) / f64::from(NOTCH) }),
    }
}

fn share(position: u16, extent: u16) -> f64 {
    f64::from(position) / f64::from(extent.max(1))
}

/// Linux `input-event-codes.h`.
const fn code_of(button: MouseButton) -> u32 {
    match button {
        MouseButton::Left => 0x110,
        MouseButton::Right => 0x111,
        MouseButton::Middle => 0x112,
        MouseButton::Side => 0x113,
        MouseButton::Extra => 0x114,
    }
}

/// `BTN_LEFT`; the others follow.
const FIRST_BUTTON: u32 = 0x110;
const BUTTONS: u32 = 5;

/// `WHEEL_DELTA`.
const NOTCH: i32 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(1280, 720);

    fn play(pointer: &mut Pointer, event: InputEvent) -> Vec<PointerAction> {
        let mut actions = Vec::new();
        assert!(pointer.play(&event, SIZE, SIZE, &mut |action| actions.push(action)));
        actions
    }

    #[test]
    fn whole_notches_turn_a_wheel_and_fractions_scroll() {
        let mut pointer = Pointer::default();
        let notches = play(&mut pointer, InputEvent::Scroll(240));
        assert_eq!(notches, [PointerAction::Notches { wheel: Wheel::Vertical, count: -2 }]);
        let fraction = play(&mut pointer, InputEvent::Scroll(-30));
        assert_eq!(fraction, [PointerAction::Scroll { wheel: Wheel::Vertical, notches: 0.25 }]);
        let sideways = play(&mut pointer, InputEvent::HorizontalScroll(120));
        assert_eq!(sideways, [PointerAction::Notches { wheel: Wheel::Horizontal, count: 1 }]);
        assert_eq!(play(&mut pointer, InputEvent::Scroll(0)), []);
        play(&mut pointer, InputEvent::Scroll(i16::MIN));
    }

    #[test]
    fn the_last_column_is_the_desktops_edge() {
        let mut pointer = Pointer::default();
        let corner = InputEvent::MousePosition { x: 1279, y: 719, width: 1279, height: 719 };
        assert_eq!(play(&mut pointer, corner), [PointerAction::MoveTo { x: 1.0, y: 1.0 }]);
        let nonsense = InputEvent::MousePosition { x: 9, y: 9, width: 0, height: 0 };
        assert_eq!(play(&mut pointer, nonsense), [PointerAction::MoveTo { x: 1.0, y: 1.0 }]);
    }

    #[test]
    fn held_buttons_are_released_once() {
        let mut pointer = Pointer::default();
        let right = InputEvent::MouseButton { button: MouseButton::Right, pressed: true };
        assert_eq!(play(&mut pointer, right.clone()), [PointerAction::Button { code: 0x111, pressed: true }]);
        assert_eq!(play(&mut pointer, right), []);
        let mut released = Vec::new();
        pointer.release_all(&mut |action| released.push(action));
        pointer.release_all(&mut |action| released.push(action));
        assert_eq!(released, [PointerAction::Button { code: 0x111, pressed: false }]);
    }

    #[test]
    fn what_a_dead_worker_held_is_released_by_the_next() {
        let mut pointer = Pointer::default();
        assert_eq!(pointer.held(), 0);
        for button in [MouseButton::Left, MouseButton::Extra] {
            play(&mut pointer, InputEvent::MouseButton { button, pressed: true });
        }
        let mut released = Vec::new();
        Pointer::release_inherited(pointer.held(), &mut |action| released.push(action));
        let up = |code| PointerAction::Button { code, pressed: false };
        assert_eq!(released, [up(0x110), up(0x114)]);
        // Whatever the page says, only buttons are released.
        released.clear();
        Pointer::release_inherited(u64::MAX << BUTTONS, &mut |action| released.push(action));
        assert_eq!(released, []);
    }
}
