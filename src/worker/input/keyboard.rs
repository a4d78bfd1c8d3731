//! Keys by position, on a standard keyboard of the US layout.
//!
//! A virtual keyboard must do its own modifier bookkeeping: the compositor
//! passes on what we say and computes nothing. The keymap is named by the parts
//! that every xkeyboard-config has, and compiled by the compositor.

use super::held_keys::HeldKeys;
use super::virtual_keyboard::KeyboardAction;
use crate::protocol::control::keymap::evdev_code;

/// The state of a keyboard.
#[derive(Debug)]
pub(crate) struct Keyboard {
    held: HeldKeys<u16>,
    locked: u32,
}

/// A key as the client reports it (`InputEvent::Key`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct VirtualKey {
    /// Windows virtual-key code.
    pub(crate) code: u8,
    /// Down or up.
    pub(crate) pressed: bool,
    /// What the client believes is held: 1 shift, 2 ctrl, 4 alt, 8 meta.
    pub(crate) modifiers: u8,
    /// The code is not normalised to a US layout.
    pub(crate) not_normalized: bool,
}

impl Keyboard {
    /// Plugs it in. Clients report keypad digits as such whatever their own
    /// NumLock says, so NumLock is on.
    pub(crate) fn plug_in(act: &mut impl FnMut(KeyboardAction)) -> Self {
        let keyboard = Self { held: HeldKeys::default(), locked: NUM_LOCK };
        act(KeyboardAction::Keymap(KEYMAP.to_owned()));
        keyboard.tell_modifiers(act);
        keyboard
    }

    /// Plays a key. Returns whether a keyboard has it.
    pub(crate) fn play(&mut self, key: VirtualKey, act: &mut impl FnMut(KeyboardAction)) -> bool {
        let Some(code) = evdev_code(key.code, key.not_normalized).filter(|code| *code <= LAST_CODE) else {
            return false;
        };
        let missing = if key.pressed && modifier_of(code) == 0 { self.missing(key.modifiers) } else { Vec::new() };
        for modifier in &missing {
            self.set(*modifier, true, act);
        }
        self.set(code, key.pressed, act);
        for modifier in missing.iter().rev() {
            self.set(*modifier, false, act);
        }
        true
    }

    /// Releases everything, locks excepted: those are no held keys.
    pub(crate) fn release_all(&mut self, act: &mut impl FnMut(KeyboardAction)) {
        for code in self.held.take_all() {
            act(KeyboardAction::Key { code, pressed: false });
        }
        self.tell_modifiers(act);
    }

    /// Modifier keys to press around a key, because the client says they are
    /// held and never pressed them: soft keyboards of Android and iOS set only
    /// the bits.
    fn missing(&self, modifiers: u8) -> Vec<u16> {
        SOFT_MODIFIERS
            .into_iter()
            .filter(|(bit, mask, _)| modifiers & bit != 0 && self.depressed() & mask == 0)
            .map(|(_, _, code)| code)
            .collect()
    }

    fn set(&mut self, code: u16, pressed: bool, act: &mut impl FnMut(KeyboardAction)) {
        if !self.held.set(code, pressed) {
            return;
        }
        act(KeyboardAction::Key { code, pressed });
        let lock = lock_of(code);
        if pressed {
            self.locked ^= lock;
        }
        if modifier_of(code) != 0 || lock != 0 {
            self.tell_modifiers(act);
        }
    }

    fn tell_modifiers(&self, act: &mut impl FnMut(KeyboardAction)) {
        act(KeyboardAction::Modifiers { depressed: self.depressed(), locked: self.locked });
    }

    fn depressed(&self) -> u32 {
        self.held.iter().map(modifier_of).fold(0, |mask, bit| mask | bit)
    }
}

/// The modifier that a key holds down, as a bit of the keymap's real modifiers.
const fn modifier_of(code: u16) -> u32 {
    match code {
        KEY_LEFTSHIFT | KEY_RIGHTSHIFT => SHIFT,
        KEY_LEFTCTRL | KEY_RIGHTCTRL => CONTROL,
        KEY_LEFTALT | KEY_RIGHTALT => ALT,
        KEY_LEFTMETA | KEY_RIGHTMETA => SUPER,
        _ => 0,
    }
}

/// The modifier that a key toggles.
const fn lock_of(code: u16) -> u32 {
    match code {
        KEY_CAPSLOCK => CAPS_LOCK,
        KEY_NUMLOCK => NUM_LOCK,
        _ => 0,
    }
}

/// Real modifiers in the order X11 gave them: Shift, Lock, Control, Mod1 (Alt),
/// Mod2 (NumLock), Mod4 (Super).
const SHIFT: u32 = 1;
const CAPS_LOCK: u32 = 1 << 1;
const CONTROL: u32 = 1 << 2;
const ALT: u32 = 1 << 3;
const NUM_LOCK: u32 = 1 << 4;
const SUPER: u32 = 1 << 6;

/// Bit in a key packet, modifier, and the key to press for it.
const SOFT_MODIFIERS: [(u8, u32, u16); 4] =
    [(1, SHIFT, KEY_LEFTSHIFT), (2, CONTROL, KEY_LEFTCTRL), (4, ALT, KEY_LEFTALT), (8, SUPER, KEY_LEFTMETA)];

// Linux `input-event-codes.h`.
const KEY_LEFTCTRL: u16 = 29;
const KEY_LEFTSHIFT: u16 = 42;
const KEY_RIGHTSHIFT: u16 = 54;
const KEY_LEFTALT: u16 = 56;
const KEY_CAPSLOCK: u16 = 58;
const KEY_NUMLOCK: u16 = 69;
const KEY_RIGHTCTRL: u16 = 97;
const KEY_RIGHTALT: u16 = 100;
const KEY_LEFTMETA: u16 = 125;
const KEY_RIGHTMETA: u16 = 126;

/// xkb codes are evdev's plus 8, and X11 applications know 255 of them.
const LAST_CODE: u16 = 247;

/// Named, not spelt out: the compositor's libxkbcommon has the parts.
const KEYMAP: &str = r#"xkb_keymap {
    xkb_keycodes { include "evdev+aliases(qwerty)" };
    xkb_types { include "complete" };
    xkb_compat { include "complete" };
    xkb_symbols { include "pc+us+inet(evdev)" };
};
"#;

#[cfg(test)]
mod tests {
    use super::KeyboardAction::{Key, Modifiers};
    use super::*;

    const VK_A: u8 = 0x41;
    const VK_LSHIFT: u8 = 0xA0;
    const VK_CAPITAL: u8 = 0x14;
    const KEY_A: u16 = 30;

    fn plugged() -> Keyboard {
        Keyboard::plug_in(&mut |_| {})
    }

    fn play(keyboard: &mut Keyboard, code: u8, pressed: bool, modifiers: u8) -> Vec<KeyboardAction> {
        let mut actions = Vec::new();
        assert!(
            keyboard.play(VirtualKey { code, pressed, modifiers, not_normalized: false }, &mut |action| actions
                .push(action))
        );
        actions
    }

    fn key(code: u16, pressed: bool) -> KeyboardAction {
        Key { code, pressed }
    }

    fn modifiers(depressed: u32) -> KeyboardAction {
        Modifiers { depressed, locked: NUM_LOCK }
    }

    #[test]
    fn the_keymap_comes_first() {
        let mut actions = Vec::new();
        Keyboard::plug_in(&mut |action| actions.push(action));
        assert!(matches!(&actions[0], KeyboardAction::Keymap(text) if text.contains("evdev")));
        assert_eq!(actions[1], modifiers(0));
    }

    #[test]
    fn a_held_shift_is_a_modifier_until_released() {
        let mut keyboard = plugged();
        assert_eq!(play(&mut keyboard, VK_LSHIFT, true, 1), [key(KEY_LEFTSHIFT, true), modifiers(SHIFT)]);
        assert_eq!(play(&mut keyboard, VK_A, true, 1), [key(KEY_A, true)]);
        assert_eq!(play(&mut keyboard, VK_A, false, 1), [key(KEY_A, false)]);
        assert_eq!(play(&mut keyboard, VK_LSHIFT, false, 0), [key(KEY_LEFTSHIFT, false), modifiers(0)]);
    }

    #[test]
    fn two_shifts_are_one_modifier() {
        let mut keyboard = plugged();
        play(&mut keyboard, VK_LSHIFT, true, 1);
        play(&mut keyboard, 0xA1, true, 1);
        assert_eq!(play(&mut keyboard, VK_LSHIFT, false, 1), [key(KEY_LEFTSHIFT, false), modifiers(SHIFT)]);
    }

    #[test]
    fn a_soft_keyboards_modifier_bits_are_pressed_around_the_key() {
        let mut keyboard = plugged();
        assert_eq!(
            play(&mut keyboard, VK_A, true, 3),
            [
                key(KEY_LEFTSHIFT, true),
                modifiers(SHIFT),
                key(KEY_LEFTCTRL, true),
                modifiers(SHIFT | CONTROL),
                key(KEY_A, true),
                key(KEY_LEFTCTRL, false),
                modifiers(SHIFT),
                key(KEY_LEFTSHIFT, false),
                modifiers(0),
            ]
        );
        assert_eq!(play(&mut keyboard, VK_A, false, 3), [key(KEY_A, false)]);
    }

    #[test]
    fn caps_lock_toggles_when_pressed() {
        let mut keyboard = plugged();
        let locked = [key(KEY_CAPSLOCK, true), Modifiers { depressed: 0, locked: NUM_LOCK | CAPS_LOCK }];
        assert_eq!(play(&mut keyboard, VK_CAPITAL, true, 0), locked);
        play(&mut keyboard, VK_CAPITAL, false, 0);
        assert_eq!(play(&mut keyboard, VK_CAPITAL, true, 0), [key(KEY_CAPSLOCK, true), modifiers(0)]);
    }

    #[test]
    fn repeated_presses_and_releases_are_dropped() {
        let mut keyboard = plugged();
        play(&mut keyboard, VK_A, true, 0);
        assert_eq!(play(&mut keyboard, VK_A, true, 0), []);
        play(&mut keyboard, VK_A, false, 0);
        assert_eq!(play(&mut keyboard, VK_A, false, 0), []);
    }

    #[test]
    fn release_all_releases_the_last_first_and_clears_modifiers() {
        let mut keyboard = plugged();
        play(&mut keyboard, VK_LSHIFT, true, 1);
        play(&mut keyboard, VK_A, true, 1);
        let mut actions = Vec::new();
        keyboard.release_all(&mut |action| actions.push(action));
        assert_eq!(actions, [key(KEY_A, false), key(KEY_LEFTSHIFT, false), modifiers(0)]);
    }

    #[test]
    fn keys_that_no_keyboard_has_are_not_played() {
        let mut keyboard = plugged();
        // 0x07 is no key; CLEAR is beyond what X11 applications can take.
        for code in [0x07, 0x0C] {
            let key = VirtualKey { code, pressed: true, modifiers: 1, not_normalized: false };
            assert!(!keyboard.play(key, &mut |action| panic!("{action:?}")));
        }
    }
}
