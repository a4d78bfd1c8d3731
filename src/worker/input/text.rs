//! Text of any script, typed on a keyboard whose keys are made as needed.
//!
//! A layout cannot have every code point, but a virtual keyboard may bring its
//! own keymap at any time: each character is given a key of its own, and the
//! keymap grows. (The idea is that of wtype and similar tools.)

use std::fmt::Write;

use super::virtual_keyboard::KeyboardAction;

/// The characters that have a key, by the index of the key.
#[derive(Debug, Default)]
pub(crate) struct Text {
    keys: Vec<char>,
}

impl Text {
    /// Types a character. Returns whether it can be typed at all.
    pub(crate) fn play(&mut self, character: char, act: &mut impl FnMut(KeyboardAction)) -> bool {
        if keysym(character).is_none() {
            return false;
        }
        let index = self.key_of(character, act);
        let Some(code) = CODES.get(index).copied() else { return false };
        act(KeyboardAction::Key { code, pressed: true });
        act(KeyboardAction::Key { code, pressed: false });
        true
    }

    /// The character's key; a new one changes the keymap first. When every key
    /// is taken, all are given anew.
    fn key_of(&mut self, character: char, act: &mut impl FnMut(KeyboardAction)) -> usize {
        if let Some(index) = self.keys.iter().position(|key| *key == character) {
            return index;
        }
        if self.keys.len() == CODES.len() {
            self.keys.clear();
        }
        self.keys.push(character);
        act(KeyboardAction::Keymap(self.keymap()));
        act(KeyboardAction::Modifiers { depressed: 0, locked: 0 });
        self.keys.len() - 1
    }

    fn keymap(&self) -> String {
        let (mut codes, mut symbols) = (String::new(), String::new());
        for (character, code) in self.keys.iter().zip(CODES) {
            let Some(keysym) = keysym(*character) else { continue };
            // Writing to a string cannot fail.
            let _ = write!(codes, "<K{code}> = {}; ", code + XKB_OFFSET);
            let _ = write!(symbols, "key <K{code}> {{ [ {keysym} ] }}; ");
        }
        format!(
            "xkb_keymap {{\n\
             xkb_keycodes \"text\" {{ minimum = 8; maximum = 255; {codes}}};\n\
             xkb_types \"text\" {{ include \"complete\" }};\n\
             xkb_compat \"text\" {{ include \"complete\" }};\n\
             xkb_symbols \"text\" {{ {symbols}}};\n\
             }};\n"
        )
    }
}

/// How a keymap names a character; `None` for control characters without a key.
fn keysym(character: char) -> Option<String> {
    match character {
        '\n' | '\r' => Some("Return".to_owned()),
        '\t' => Some("Tab".to_owned()),
        '\u{8}' => Some("BackSpace".to_owned()),
        '\u{1B}' => Some("Escape".to_owned()),
        '\u{7F}' => Some("Delete".to_owned()),
        character if character.is_control() => None,
        character => Some(format!("U{:04X}", u32::from(character))),
    }
}

/// xkb codes are evdev's plus 8.
const XKB_OFFSET: u16 = 8;

/// Positions that type something on every keyboard: some applications look at
/// the position too, and take e.g. Escape's for Escape.
const CODES: [u16; 47] = [
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36,
    37, 38, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &mut Text, character: char) -> Vec<KeyboardAction> {
        let mut actions = Vec::new();
        assert!(text.play(character, &mut |action| actions.push(action)));
        actions
    }

    #[test]
    fn a_new_character_brings_its_keymap_and_a_known_one_does_not() {
        let mut text = Text::default();
        let first = typed(&mut text, 'ß');
        assert!(matches!(&first[0], KeyboardAction::Keymap(keymap) if keymap.contains("[ U00DF ]")));
        assert_eq!(
            first[2..],
            [KeyboardAction::Key { code: 2, pressed: true }, KeyboardAction::Key { code: 2, pressed: false }]
        );
        assert_eq!(typed(&mut text, 'ß'), first[2..]);
        assert!(matches!(&typed(&mut text, '😀')[0], KeyboardAction::Keymap(keymap) if keymap.contains("[ U1F600 ]")));
    }

    #[test]
    fn more_characters_than_keys_are_no_trouble() {
        let mut text = Text::default();
        for character in ('一'..).take(CODES.len()) {
            typed(&mut text, character);
        }
        let next = typed(&mut text, 'x');
        assert!(
            matches!(&next[0], KeyboardAction::Keymap(keymap) if keymap.contains("U0078") && !keymap.contains("U4E00"))
        );
        assert_eq!(next[2], KeyboardAction::Key { code: CODES[0], pressed: true });
    }

    #[test]
    fn control_characters_have_a_key_or_are_not_typed() {
        let mut text = Text::default();
        assert!(matches!(&typed(&mut text, '\n')[0], KeyboardAction::Keymap(keymap) if keymap.contains("[ Return ]")));
        assert!(!text.play('\u{1}', &mut |action| panic!("{action:?}")));
    }
}
