//! What a client holds down, as far as its worker was told.
//!
//! The worker releases everything when it changes desktops, when it is told to
//! and when it ends, so this is forgotten at the same moments.

use crate::protocol::control::input_event::{InputEvent, MouseButton};

/// Keys and buttons, in the order they were pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HeldInput {
    /// Windows virtual-key codes.
    pub(crate) keys: Vec<u8>,
    pub(crate) buttons: Vec<MouseButton>,
}

impl HeldInput {
    /// The worker was given an event.
    pub(crate) fn note(&mut self, event: &InputEvent) {
        match *event {
            InputEvent::Key { code, pressed, .. } => set(&mut self.keys, code, pressed),
            InputEvent::MouseButton { button, pressed } => set(&mut self.buttons, button, pressed),
            _ => {}
        }
    }
}

fn set<T: PartialEq>(held: &mut Vec<T>, one: T, pressed: bool) {
    held.retain(|other| *other != one);
    if pressed {
        held.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pressed_and_not_released_is_held() {
        let mut held = HeldInput::default();
        let mut key =
            |code, pressed| held.note(&InputEvent::Key { code, pressed, modifiers: 0, not_normalized: false });
        key(0x41, true);
        key(0x10, true);
        key(0x41, true);
        key(0x42, false);
        key(0x10, false);
        held.note(&InputEvent::MouseButton { button: MouseButton::Left, pressed: true });
        held.note(&InputEvent::Scroll(1));
        assert_eq!((held.keys, held.buttons), (vec![0x41], vec![MouseButton::Left]));
    }
}
