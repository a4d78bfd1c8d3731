//! Input packets, the payload of control message 0x0206.
//!
//! A big-endian size, a little-endian magic, and a layout per magic
//! (moonlight-common-c `Input.h`, `InputStream.c`). Extra bytes after a layout
//! are ignored, so that newer clients may add fields. Floats that are no numbers
//! become 0, everything with a range is clamped to it.

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::control::device_packet;
use crate::protocol::control::input_event::{InputEvent, MouseButton};

/// An input packet nobody can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputPacketError {
    /// Shorter than its layout.
    #[error("input packet {magic:#x} {cause}")]
    Truncated {
        /// Which layout, 0 if not even that is there.
        magic: u32,
        /// What is missing.
        cause: Truncated,
    },
    /// The size field is not the size.
    #[error("input packet {magic:#x} says {said} bytes, has {have}")]
    WrongSize {
        /// Which layout.
        magic: u32,
        /// Size field.
        said: u32,
        /// Bytes after it.
        have: usize,
    },
    /// A number in it that means nothing.
    #[error("input packet {magic:#x} has {what} {value}")]
    Unknown {
        /// Which layout.
        magic: u32,
        /// What the number should be.
        what: &'static str,
        /// The number.
        value: u32,
    },
    /// Text that is not one code point.
    #[error("text of {len} bytes is not one code point")]
    NotOneCharacter {
        /// Length in bytes. The text itself is private.
        len: usize,
    },
}

/// Reads one packet. `None` for packets that ask for nothing: haptics setup,
/// keys without a code, positions without an extent, unknown layouts.
///
/// # Errors
/// [`InputPacketError`].
pub fn read(packet: &[u8]) -> Result<Option<InputEvent>, InputPacketError> {
    let mut reader = Reader::new(packet);
    let said = reader.u32_be().map_err(|cause| InputPacketError::Truncated { magic: 0, cause })?;
    let have = reader.rest().len();
    let magic = reader.u32_le().map_err(|cause| InputPacketError::Truncated { magic: 0, cause })?;
    if usize::try_from(said) != Ok(have) {
        return Err(InputPacketError::WrongSize { magic, said, have });
    }
    read_layout(magic, &mut reader).map_err(|fault| fault.in_packet(magic))
}

/// Appends one packet as clients send it. For tests and the benchmark's client.
pub fn write(event: &InputEvent, out: &mut Vec<u8>) {
    let mut layout = Vec::with_capacity(32);
    let magic = write_layout(event, &mut Writer::new(&mut layout));
    let size = u32::try_from(layout.len() + 4).unwrap_or(u32::MAX);
    Writer::new(out).u32_be(size).u32_le(magic).bytes(&layout);
}

/// What is wrong inside a layout.
pub(super) enum Fault {
    Truncated(Truncated),
    Unknown(&'static str, u32),
    NotOneCharacter(usize),
}

impl Fault {
    const fn in_packet(self, magic: u32) -> InputPacketError {
        match self {
            Self::Truncated(cause) => InputPacketError::Truncated { magic, cause },
            Self::Unknown(what, value) => InputPacketError::Unknown { magic, what, value },
            Self::NotOneCharacter(len) => InputPacketError::NotOneCharacter { len },
        }
    }
}

impl From<Truncated> for Fault {
    fn from(cause: Truncated) -> Self {
        Self::Truncated(cause)
    }
}

fn read_layout(magic: u32, from: &mut Reader<'_>) -> Result<Option<InputEvent>, Fault> {
    match magic {
        magic::MOUSE_MOVE => Ok(Some(InputEvent::MouseMove { dx: from.i16_be()?, dy: from.i16_be()? })),
        magic::MOUSE_POSITION => read_position(from),
        magic::BUTTON_DOWN | magic::BUTTON_UP => read_button(from, magic == magic::BUTTON_DOWN).map(Some),
        magic::SCROLL => Ok(Some(InputEvent::Scroll(from.i16_be()?))),
        magic::HORIZONTAL_SCROLL => Ok(Some(InputEvent::HorizontalScroll(from.i16_be()?))),
        magic::KEY_DOWN | magic::KEY_UP => read_key(from, magic == magic::KEY_DOWN),
        magic::TEXT => read_text(from).map(Some),
        _ => Ok(device_packet::read(magic, from)?.map(InputEvent::Device)),
    }
}

/// The client has already taken 1 off the reference size, so it is the largest
/// coordinate. Without one there is nothing to map to.
fn read_position(from: &mut Reader<'_>) -> Result<Option<InputEvent>, Fault> {
    let (x, y, _) = (from.i16_be()?, from.i16_be()?, from.u16_be()?);
    let (width, height) = (from.i16_be()?, from.i16_be()?);
    let (Ok(width @ 1..), Ok(height @ 1..)) = (u16::try_from(width), u16::try_from(height)) else {
        return Ok(None);
    };
    let within = |at: i16, extent: u16| u16::try_from(at).unwrap_or(0).min(extent);
    Ok(Some(InputEvent::MousePosition { x: within(x, width), y: within(y, height), width, height }))
}

fn read_button(from: &mut Reader<'_>, pressed: bool) -> Result<InputEvent, Fault> {
    let button = match from.u8()? {
        1 => MouseButton::Left,
        2 => MouseButton::Middle,
        3 => MouseButton::Right,
        4 => MouseButton::Side,
        5 => MouseButton::Extra,
        other => return Err(Fault::Unknown("mouse button", other.into())),
    };
    Ok(InputEvent::MouseButton { button, pressed })
}

/// Some soft keyboards leave out the high byte 0x80, so only the low one counts.
fn read_key(from: &mut Reader<'_>, pressed: bool) -> Result<Option<InputEvent>, Fault> {
    let flags = from.u8()?;
    let [code, _] = from.u16_le()?.to_le_bytes();
    let modifiers = from.u8()? & 0x0f;
    let not_normalized = flags & NOT_NORMALIZED != 0;
    Ok(match code {
        0x00 | 0xff => None,
        code => Some(InputEvent::Key { code, pressed, modifiers, not_normalized }),
    })
}

fn read_text(from: &mut Reader<'_>) -> Result<InputEvent, Fault> {
    let bytes = from.rest();
    let not_one = || Fault::NotOneCharacter(bytes.len());
    let mut characters = std::str::from_utf8(bytes).map_err(|_| not_one())?.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if character != '\0' => Ok(InputEvent::Text(character)),
        _ => Err(not_one()),
    }
}

fn write_layout(event: &InputEvent, out: &mut Writer<'_>) -> u32 {
    match *event {
        InputEvent::MouseMove { dx, dy } => {
            out.i16_be(dx).i16_be(dy);
            magic::MOUSE_MOVE
        }
        InputEvent::MousePosition { x, y, width, height } => {
            out.u16_be(x).u16_be(y).u16_be(0).u16_be(width).u16_be(height);
            magic::MOUSE_POSITION
        }
        InputEvent::MouseButton { button, pressed } => {
            out.u8(button_number(button));
            if pressed { magic::BUTTON_DOWN } else { magic::BUTTON_UP }
        }
        InputEvent::Scroll(amount) => {
            out.i16_be(amount).i16_be(amount).u16_be(0);
            magic::SCROLL
        }
        InputEvent::HorizontalScroll(amount) => {
            out.i16_be(amount);
            magic::HORIZONTAL_SCROLL
        }
        InputEvent::Key { code, pressed, modifiers, not_normalized } => {
            let flags = if not_normalized { NOT_NORMALIZED } else { 0 };
            out.u8(flags).u16_le(0x8000 | u16::from(code)).u8(modifiers).u16_le(0);
            if pressed { magic::KEY_DOWN } else { magic::KEY_UP }
        }
        InputEvent::Text(character) => {
            out.bytes(character.encode_utf8(&mut [0; 4]).as_bytes());
            magic::TEXT
        }
        InputEvent::Device(ref event) => device_packet::write(event, out),
    }
}

const fn button_number(button: MouseButton) -> u8 {
    match button {
        MouseButton::Left => 1,
        MouseButton::Middle => 2,
        MouseButton::Right => 3,
        MouseButton::Side => 4,
        MouseButton::Extra => 5,
    }
}

/// Flag of key packets: the code is not normalised to a US layout.
const NOT_NORMALIZED: u8 = 1;
mod magic {
    pub(super) const KEY_DOWN: u32 = 0x03;
    pub(super) const KEY_UP: u32 = 0x04;
    pub(super) const MOUSE_POSITION: u32 = 0x05;
    pub(super) const MOUSE_MOVE: u32 = 0x07;
    pub(super) const BUTTON_DOWN: u32 = 0x08;
    pub(super) const BUTTON_UP: u32 = 0x09;
    pub(super) const SCROLL: u32 = 0x0a;
    pub(super) const TEXT: u32 = 0x17;
    pub(super) const HORIZONTAL_SCROLL: u32 = 0x5500_0001;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::control::device_packet::MAX_MOTION;
    use crate::protocol::control::input_event::DeviceEvent;

    fn every_event() -> Vec<InputEvent> {
        let mut events = vec![
            InputEvent::MouseMove { dx: 5, dy: -3 },
            InputEvent::MousePosition { x: 100, y: 200, width: 1279, height: 719 },
            InputEvent::Scroll(-120),
            InputEvent::HorizontalScroll(60),
            InputEvent::Key { code: 0x41, pressed: true, modifiers: 1, not_normalized: false },
            InputEvent::Key { code: 0xDC, pressed: false, modifiers: 0, not_normalized: true },
            InputEvent::Text('h'),
            InputEvent::Text('\u{1F600}'),
        ];
        for button in
            [MouseButton::Left, MouseButton::Middle, MouseButton::Right, MouseButton::Side, MouseButton::Extra]
        {
            events.push(InputEvent::MouseButton { button, pressed: true });
            events.push(InputEvent::MouseButton { button, pressed: false });
        }
        events.extend(every_device_event().into_iter().map(InputEvent::Device));
        events
    }

    fn every_device_event() -> Vec<DeviceEvent> {
        let (number, pointer, contact) = (15, 9, [0.25, 0.5]);
        let (x, y, pressure, rotation) = (0.25, 0.5, 1.0, 90);
        vec![
            DeviceEvent::Gamepad {
                number,
                active_mask: 0x8001,
                buttons: 0x0020_1001,
                triggers: [16, 255],
                sticks: [-1000, 792, i16::MIN, i16::MAX],
            },
            DeviceEvent::GamepadArrival { number, kind: 2, capabilities: 0x1ff, buttons: 0x10_ffff },
            DeviceEvent::GamepadTouch { number, event: 1, touchpad: 1, pointer, x, y, pressure },
            DeviceEvent::GamepadMotion { number, sensor: 2, sample: [1.0, -2.0, 3.5] },
            DeviceEvent::GamepadBattery { number, state: 3, percent: 55 },
            DeviceEvent::Touch { event: 7, pointer, x, y, pressure, contact, rotation },
            DeviceEvent::Pen { event: 3, tool: 2, buttons: 7, x, y, pressure, contact, rotation, tilt: 30 },
        ]
    }

    fn packet(event: &InputEvent) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(event, &mut bytes);
        bytes
    }

    #[test]
    fn every_event_reads_back_with_and_without_extra_bytes() {
        for event in every_event() {
            let mut bytes = packet(&event);
            assert_eq!(read(&bytes), Ok(Some(event.clone())));
            if !matches!(event, InputEvent::Text(_)) {
                bytes.extend([0xee; 3]);
                bytes[3] += 3;
                assert_eq!(read(&bytes), Ok(Some(event)));
            }
        }
    }

    #[test]
    fn every_shorter_packet_is_refused() {
        for event in every_event() {
            let bytes = packet(&event);
            for len in 0..bytes.len() {
                assert!(read(&bytes[..len]).is_err(), "{event:?} cut to {len}");
            }
        }
    }

    #[test]
    fn numbers_that_are_none_become_zero_and_others_are_clamped() {
        let touch = |x, pressure| DeviceEvent::Touch {
            event: 1,
            pointer: 0,
            x,
            y: 0.5,
            pressure,
            contact: [0.0; 2],
            rotation: u16::MAX,
        };
        for (wild, tame) in [(f32::NAN, 0.0), (f32::INFINITY, 0.0), (-1.0, 0.0), (7.0, 1.0)] {
            let bytes = packet(&InputEvent::Device(touch(wild, wild)));
            assert_eq!(read(&bytes), Ok(Some(InputEvent::Device(touch(tame, tame)))));
        }
        let motion = |z| InputEvent::Device(DeviceEvent::GamepadMotion { number: 0, sensor: 1, sample: [0.0, 0.0, z] });
        assert_eq!(read(&packet(&motion(f32::MIN))), Ok(Some(motion(-MAX_MOTION))));
    }

    #[test]
    fn positions_are_clamped_and_need_an_extent() {
        let read_at = |x: i16, y: i16, width: i16, height: i16| {
            let mut bytes = vec![0, 0, 0, 14, 5, 0, 0, 0];
            Writer::new(&mut bytes).i16_be(x).i16_be(y).u16_be(0).i16_be(width).i16_be(height);
            read(&bytes).unwrap()
        };
        let clamped = InputEvent::MousePosition { x: 0, y: 719, width: 1279, height: 719 };
        assert_eq!(read_at(-5, 800, 1279, 719), Some(clamped));
        assert_eq!(read_at(1, 1, 0, 719), None);
        assert_eq!(read_at(1, 1, 1279, -1), None);
    }

    #[test]
    fn only_the_low_byte_of_a_key_code_counts() {
        let key =
            |code: u16| read(&[&[0, 0, 0, 10, 3, 0, 0, 0, 0][..], &code.to_le_bytes(), &[0; 3]].concat()).unwrap();
        assert_eq!(key(0x0041), key(0x8041));
        assert_eq!(key(0x8000), None);
        assert_eq!(key(0x80ff), None);
    }

    #[test]
    fn unknown_numbers_are_refused_and_unknown_layouts_ignored() {
        assert!(matches!(read(&[0, 0, 0, 5, 8, 0, 0, 0, 6]), Err(InputPacketError::Unknown { value: 6, .. })));
        assert!(matches!(read(&[0, 0, 0, 5, 0x17, 0, 0, 0, 0]), Err(InputPacketError::NotOneCharacter { len: 1 })));
        assert!(matches!(read(&[0, 0, 0, 4, 0x17, 0, 0, 0]), Err(InputPacketError::NotOneCharacter { len: 0 })));
        assert!(matches!(read(&[0, 0, 0, 9, 8, 0, 0, 0, 1]), Err(InputPacketError::WrongSize { said: 9, .. })));
        assert_eq!(read(&[0, 0, 0, 6, 0x0d, 0, 0, 0, 1, 0]), Ok(None));
        assert_eq!(read(&[0, 0, 0, 4, 0x99, 0, 0, 0]), Ok(None));
        let pad = DeviceEvent::GamepadBattery { number: 16, state: 0, percent: 0 };
        let refused = read(&packet(&InputEvent::Device(pad)));
        assert!(matches!(refused, Err(InputPacketError::Unknown { what: "gamepad number", value: 16, .. })));
    }
}
