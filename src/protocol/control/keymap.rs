//! Windows virtual-key codes to Linux evdev codes.
//!
//! Clients name keys as on a US layout, so a code means a position, and maps to
//! the evdev code of that position; the layout of the desktop decides what it
//! types. Codes are those of Linux `input-event-codes.h`; the same table is the
//! test vector `keymap.json`. Where Windows has a key and evdev has no exact
//! one, the choice is that of other hosts.

/// The evdev code of a virtual key; `None` for a code no keyboard has.
///
/// `not_normalized` is the client's flag for a key that is not named as on a US
/// layout: two keys of Japanese keyboards share their code with a US one.
#[must_use]
pub fn evdev_code(virtual_key: u8, not_normalized: bool) -> Option<u16> {
    if not_normalized {
        match virtual_key {
            VK_OEM_5 => return Some(KEY_YEN),
            VK_OEM_102 => return Some(KEY_RO),
            _ => {}
        }
    }
    let at = KEYS.binary_search_by_key(&virtual_key, |(key, _)| *key).ok()?;
    Some(KEYS[at].1)
}

const VK_OEM_5: u8 = 0xDC;
const VK_OEM_102: u8 = 0xE2;
/// The key left of backspace on a Japanese keyboard.
const KEY_YEN: u16 = 124;
/// The key left of the right shift on a Japanese keyboard.
const KEY_RO: u16 = 89;

/// Sorted by virtual key. 0x9A is what Android sends for 0x2C.
#[rustfmt::skip]
const KEYS: &[(u8, u16)] = &[
    (0x08, 14), // KEY_BACKSPACE
    (0x09, 15), // KEY_TAB
    (0x0C, 355), // KEY_CLEAR
    (0x0D, 28), // KEY_ENTER
    (0x10, 42), // KEY_LEFTSHIFT
    (0x11, 29), // KEY_LEFTCTRL
    (0x12, 56), // KEY_LEFTALT
    (0x13, 119), // KEY_PAUSE
    (0x14, 58), // KEY_CAPSLOCK
    (0x15, 93), // KEY_KATAKANAHIRAGANA
    (0x16, 122), // KEY_HANGEUL
    (0x17, 123), // KEY_HANJA
    (0x19, 90), // KEY_KATAKANA
    (0x1B, 1), // KEY_ESC
    (0x1C, 92), // KEY_HENKAN
    (0x1D, 94), // KEY_MUHENKAN
    (0x20, 57), // KEY_SPACE
    (0x21, 104), // KEY_PAGEUP
    (0x22, 109), // KEY_PAGEDOWN
    (0x23, 107), // KEY_END
    (0x24, 102), // KEY_HOME
    (0x25, 105), // KEY_LEFT
    (0x26, 103), // KEY_UP
    (0x27, 106), // KEY_RIGHT
    (0x28, 108), // KEY_DOWN
    (0x29, 353), // KEY_SELECT
    (0x2A, 210), // KEY_PRINT
    (0x2B, 134), // KEY_OPEN
    (0x2C, 99), // KEY_SYSRQ
    (0x2D, 110), // KEY_INSERT
    (0x2E, 111), // KEY_DELETE
    (0x2F, 138), // KEY_HELP
    (0x30, 11), // KEY_0
    (0x31, 2), // KEY_1
    (0x32, 3), // KEY_2
    (0x33, 4), // KEY_3
    (0x34, 5), // KEY_4
    (0x35, 6), // KEY_5
    (0x36, 7), // KEY_6
    (0x37, 8), // KEY_7
    (0x38, 9), // KEY_8
    (0x39, 10), // KEY_9
    (0x41, 30), // KEY_A
    (0x42, 48), // KEY_B
    (0x43, 46), // KEY_C
    (0x44, 32), // KEY_D
    (0x45, 18), // KEY_E
    (0x46, 33), // KEY_F
    (0x47, 34), // KEY_G
    (0x48, 35), // KEY_H
    (0x49, 23), // KEY_I
    (0x4A, 36), // KEY_J
    (0x4B, 37), // KEY_K
    (0x4C, 38), // KEY_L
    (0x4D, 50), // KEY_M
    (0x4E, 49), // KEY_N
    (0x4F, 24), // KEY_O
    (0x50, 25), // KEY_P
    (0x51, 16), // KEY_Q
    (0x52, 19), // KEY_R
    (0x53, 31), // KEY_S
    (0x54, 20), // KEY_T
    (0x55, 22), // KEY_U
    (0x56, 47), // KEY_V
    (0x57, 17), // KEY_W
    (0x58, 45), // KEY_X
    (0x59, 21), // KEY_Y
    (0x5A, 44), // KEY_Z
    (0x5B, 125), // KEY_LEFTMETA
    (0x5C, 126), // KEY_RIGHTMETA
    (0x5D, 127), // KEY_COMPOSE
    (0x5F, 142), // KEY_SLEEP
    (0x60, 82), // KEY_KP0
    (0x61, 79), // KEY_KP1
    (0x62, 80), // KEY_KP2
    (0x63, 81), // KEY_KP3
    (0x64, 75), // KEY_KP4
    (0x65, 76), // KEY_KP5
    (0x66, 77), // KEY_KP6
    (0x67, 71), // KEY_KP7
    (0x68, 72), // KEY_KP8
    (0x69, 73), // KEY_KP9
    (0x6A, 55), // KEY_KPASTERISK
    (0x6B, 78), // KEY_KPPLUS
    (0x6C, 121), // KEY_KPCOMMA
    (0x6D, 74), // KEY_KPMINUS
    (0x6E, 83), // KEY_KPDOT
    (0x6F, 98), // KEY_KPSLASH
    (0x70, 59), // KEY_F1
    (0x71, 60), // KEY_F2
    (0x72, 61), // KEY_F3
    (0x73, 62), // KEY_F4
    (0x74, 63), // KEY_F5
    (0x75, 64), // KEY_F6
    (0x76, 65), // KEY_F7
    (0x77, 66), // KEY_F8
    (0x78, 67), // KEY_F9
    (0x79, 68), // KEY_F10
    (0x7A, 87), // KEY_F11
    (0x7B, 88), // KEY_F12
    (0x7C, 183), // KEY_F13
    (0x7D, 184), // KEY_F14
    (0x7E, 185), // KEY_F15
    (0x7F, 186), // KEY_F16
    (0x80, 187), // KEY_F17
    (0x81, 188), // KEY_F18
    (0x82, 189), // KEY_F19
    (0x83, 190), // KEY_F20
    (0x84, 191), // KEY_F21
    (0x85, 192), // KEY_F22
    (0x86, 193), // KEY_F23
    (0x87, 194), // KEY_F24
    (0x90, 69), // KEY_NUMLOCK
    (0x91, 70), // KEY_SCROLLLOCK
    (0x9A, 99), // KEY_SYSRQ
    (0xA0, 42), // KEY_LEFTSHIFT
    (0xA1, 54), // KEY_RIGHTSHIFT
    (0xA2, 29), // KEY_LEFTCTRL
    (0xA3, 97), // KEY_RIGHTCTRL
    (0xA4, 56), // KEY_LEFTALT
    (0xA5, 100), // KEY_RIGHTALT
    (0xA6, 158), // KEY_BACK
    (0xA7, 159), // KEY_FORWARD
    (0xA8, 173), // KEY_REFRESH
    (0xA9, 128), // KEY_STOP
    (0xAA, 217), // KEY_SEARCH
    (0xAB, 156), // KEY_BOOKMARKS
    (0xAC, 172), // KEY_HOMEPAGE
    (0xAD, 113), // KEY_MUTE
    (0xAE, 114), // KEY_VOLUMEDOWN
    (0xAF, 115), // KEY_VOLUMEUP
    (0xB0, 163), // KEY_NEXTSONG
    (0xB1, 165), // KEY_PREVIOUSSONG
    (0xB2, 166), // KEY_STOPCD
    (0xB3, 164), // KEY_PLAYPAUSE
    (0xBA, 39), // KEY_SEMICOLON
    (0xBB, 13), // KEY_EQUAL
    (0xBC, 51), // KEY_COMMA
    (0xBD, 12), // KEY_MINUS
    (0xBE, 52), // KEY_DOT
    (0xBF, 53), // KEY_SLASH
    (0xC0, 41), // KEY_GRAVE
    (0xDB, 26), // KEY_LEFTBRACE
    (0xDC, 43), // KEY_BACKSLASH
    (0xDD, 27), // KEY_RIGHTBRACE
    (0xDE, 40), // KEY_APOSTROPHE
    (0xE2, 86), // KEY_102ND
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_key_is_found() {
        assert!(KEYS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(evdev_code(0x41, false), Some(30));
        assert_eq!(evdev_code(0x9A, false), evdev_code(0x2C, false));
        assert_eq!(evdev_code(0x00, false), None);
        assert_eq!(evdev_code(0xFF, false), None);
    }

    #[test]
    fn japanese_keys_are_told_apart_by_the_flag() {
        assert_eq!((evdev_code(0xDC, false), evdev_code(0xDC, true)), (Some(43), Some(KEY_YEN)));
        assert_eq!((evdev_code(0xE2, false), evdev_code(0xE2, true)), (Some(86), Some(KEY_RO)));
        assert_eq!(evdev_code(0x41, true), Some(30));
    }

    #[test]
    fn no_key_has_the_reserved_code() {
        assert!(KEYS.iter().all(|(_, code)| *code != 0));
    }
}
