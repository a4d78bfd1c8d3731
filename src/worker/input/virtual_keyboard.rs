//! Hands keyboard actions to `zwp_virtual_keyboard_v1`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::fs::{MemfdFlags, memfd_create};
use tracing::warn;
use wayland_client::protocol::wl_keyboard::{KeyState, KeymapFormat};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1;

use super::virtual_pointer::milliseconds;

/// A keyboard plugged into a compositor.
#[derive(Debug)]
pub(crate) struct VirtualKeyboard {
    shown: ZwpVirtualKeyboardV1,
}

/// What a keyboard does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyboardAction {
    /// From now on codes mean what this xkb keymap says. Always the first.
    Keymap(String),
    /// A key moves, by evdev code.
    Key {
        /// Which one.
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Modifiers are now these; bits as in the keymap.
    Modifiers {
        /// Held down.
        depressed: u32,
        /// Locked.
        locked: u32,
    },
}

impl VirtualKeyboard {
    /// From a fresh protocol object.
    pub(crate) const fn new(shown: ZwpVirtualKeyboardV1) -> Self {
        Self { shown }
    }

    /// Does it.
    pub(crate) fn act(&self, action: KeyboardAction) {
        match action {
            KeyboardAction::Keymap(keymap) => {
                if let Err(error) = self.send_keymap(&keymap) {
                    warn!(%error, "no memory for a keymap");
                }
            }
            KeyboardAction::Key { code, pressed } => {
                let state = if pressed { KeyState::Pressed } else { KeyState::Released };
                self.shown.key(milliseconds(), u32::from(code), state.into());
            }
            KeyboardAction::Modifiers { depressed, locked } => self.shown.modifiers(depressed, 0, locked, 0),
        }
    }

    fn send_keymap(&self, keymap: &str) -> io::Result<()> {
        let mut file = File::from(memfd_create("earthshine-keymap", MemfdFlags::CLOEXEC)?);
        file.write_all(keymap.as_bytes())?;
        file.write_all(&[0])?;
        let size = u32::try_from(keymap.len() + 1).map_err(io::Error::other)?;
        self.shown.keymap(KeymapFormat::XkbV1.into(), file.as_fd(), size);
        Ok(())
    }
}

impl Drop for VirtualKeyboard {
    fn drop(&mut self) {
        self.shown.destroy();
    }
}
