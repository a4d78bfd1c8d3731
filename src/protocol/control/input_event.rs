//! What a client's input packets mean, independent of their wire layout.
//!
//! The parser lives in `input_packet`; this is the vocabulary that crosses the
//! IPC to the worker. Layouts: moonlight-common-c `Input.h`.

use serde::{Deserialize, Serialize};

/// One thing the user did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InputEvent {
    /// A key, by Windows virtual-key code (low byte only).
    Key {
        /// Virtual-key code, 1..=0xFE.
        code: u8,
        /// Pressed or released.
        pressed: bool,
        /// Held modifiers as the client sees them: 1 shift, 2 ctrl, 4 alt, 8 meta.
        modifiers: u8,
        /// The code is not normalised to a US layout (JIS keys).
        not_normalized: bool,
    },
    /// One code point of text.
    Text(char),
    /// Relative motion in pixels of the client's choosing.
    MouseMove {
        /// Right is positive.
        dx: i16,
        /// Down is positive.
        dy: i16,
    },
    /// Position in the video picture: `x / width` and `y / height`, both within
    /// 0..=extent.
    MousePosition {
        /// 0 ..= width.
        x: u16,
        /// 0 ..= height.
        y: u16,
        /// Largest x, never 0.
        width: u16,
        /// Largest y, never 0.
        height: u16,
    },
    /// A mouse button.
    MouseButton {
        /// Which one.
        button: MouseButton,
        /// Pressed or released.
        pressed: bool,
    },
    /// Vertical wheel; 120 is one notch, positive is away from the user.
    Scroll(i16),
    /// Horizontal wheel; 120 is one notch, positive is right.
    HorizontalScroll(i16),
    /// Messages for devices that are parsed and counted, not played yet.
    Device(DeviceEvent),
}

/// A mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MouseButton {
    /// Wire value 1, evdev `BTN_LEFT`.
    Left,
    /// Wire value 2, evdev `BTN_MIDDLE`.
    Middle,
    /// Wire value 3, evdev `BTN_RIGHT`.
    Right,
    /// Wire value 4, evdev `BTN_SIDE`.
    Side,
    /// Wire value 5, evdev `BTN_EXTRA`.
    Extra,
}

/// Gamepad, touch and pen messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum DeviceEvent {
    /// Whole state of a gamepad.
    Gamepad {
        /// Gamepad number 0..16.
        number: u8,
        /// Which gamepads are attached, one bit each.
        active_mask: u16,
        /// Buttons, high word from the extended field.
        buttons: u32,
        /// Left and right trigger, 0..=255.
        triggers: [u8; 2],
        /// Left x, left y, right x, right y; up is positive.
        sticks: [i16; 4],
    },
    /// A gamepad was attached.
    GamepadArrival {
        /// Gamepad number 0..16.
        number: u8,
        /// 0 unknown, 1 Xbox, 2 PlayStation, 3 Nintendo, 4 Steam.
        kind: u8,
        /// Capability bits.
        capabilities: u16,
        /// Buttons it has.
        buttons: u32,
    },
    /// A finger on a gamepad's touchpad.
    GamepadTouch {
        /// Gamepad number 0..16.
        number: u8,
        /// Touch event code.
        event: u8,
        /// Which touchpad, 0 or 1.
        touchpad: u8,
        /// Finger.
        pointer: u32,
        /// 0..=1.
        x: f32,
        /// 0..=1.
        y: f32,
        /// 0..=1, 0 unknown.
        pressure: f32,
    },
    /// Accelerometer (m/s²) or gyroscope (deg/s) sample.
    GamepadMotion {
        /// Gamepad number 0..16.
        number: u8,
        /// 1 accelerometer, 2 gyroscope.
        sensor: u8,
        /// x, y, z in SDL's axes.
        sample: [f32; 3],
    },
    /// Battery of a gamepad.
    GamepadBattery {
        /// Gamepad number 0..16.
        number: u8,
        /// Battery state code.
        state: u8,
        /// 0..=100, 255 unknown.
        percent: u8,
    },
    /// A finger on the picture.
    Touch {
        /// Touch event code.
        event: u8,
        /// Finger.
        pointer: u32,
        /// 0..=1 of the picture's width.
        x: f32,
        /// 0..=1 of the picture's height.
        y: f32,
        /// Pressure, or distance while hovering.
        pressure: f32,
        /// Contact ellipse, major and minor axis.
        contact: [f32; 2],
        /// Degrees, 0xFFFF unknown.
        rotation: u16,
    },
    /// A pen on the picture.
    Pen {
        /// Touch event code.
        event: u8,
        /// 0 unknown, 1 pen, 2 eraser.
        tool: u8,
        /// Barrel buttons, one bit each.
        buttons: u8,
        /// 0..=1 of the picture's width.
        x: f32,
        /// 0..=1 of the picture's height.
        y: f32,
        /// Pressure, or distance while hovering.
        pressure: f32,
        /// Contact ellipse, major and minor axis.
        contact: [f32; 2],
        /// Degrees, 0xFFFF unknown.
        rotation: u16,
        /// Degrees 0..=90, 0xFF unknown.
        tilt: u8,
    },
}
