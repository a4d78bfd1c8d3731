//! Layouts of input packets for gamepads, touch and pen
//! (moonlight-common-c `Input.h`); the packets around them are
//! `input_packet`'s.

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::control::input_event::DeviceEvent;
use crate::protocol::control::input_packet::Fault;

/// Reads a layout. `None` for one that is not known.
pub(super) fn read(magic: u32, from: &mut Reader<'_>) -> Result<Option<DeviceEvent>, Fault> {
    Ok(Some(match magic {
        magic::GAMEPAD => read_gamepad(from)?,
        magic::GAMEPAD_ARRIVAL => DeviceEvent::GamepadArrival {
            number: gamepad_number(from.u8()?.into())?,
            kind: from.u8()?,
            capabilities: from.u16_le()?,
            buttons: from.u32_le()?,
        },
        magic::GAMEPAD_TOUCH => read_gamepad_touch(from)?,
        magic::GAMEPAD_MOTION => read_gamepad_motion(from)?,
        magic::GAMEPAD_BATTERY => DeviceEvent::GamepadBattery {
            number: gamepad_number(from.u8()?.into())?,
            state: from.u8()?,
            percent: known_up_to(100, from.u8()?),
        },
        magic::TOUCH => read_touch(from)?,
        magic::PEN => read_pen(from)?,
        _ => return Ok(None),
    }))
}

/// The words between the fields are constants of old protocol versions that
/// nobody checks.
fn read_gamepad(from: &mut Reader<'_>) -> Result<DeviceEvent, Fault> {
    from.u16_le()?;
    let number = gamepad_number(from.u16_le()?)?;
    let active_mask = from.u16_le()?;
    from.u16_le()?;
    let low = u32::from(from.u16_le()?);
    let triggers = from.array()?;
    let mut stick = || from.u16_le().map(u16::cast_signed);
    let sticks = [stick()?, stick()?, stick()?, stick()?];
    from.u16_le()?;
    let high = u32::from(from.u16_le()?);
    Ok(DeviceEvent::Gamepad { number, active_mask, buttons: high << 16 | low, triggers, sticks })
}

fn read_gamepad_touch(from: &mut Reader<'_>) -> Result<DeviceEvent, Fault> {
    let number = gamepad_number(from.u8()?.into())?;
    let event = touch_event(from.u8()?)?;
    from.u8()?;
    let touchpad = match from.u8()? {
        touchpad @ 0..=1 => touchpad,
        other => return Err(Fault::Unknown("touchpad", other.into())),
    };
    let pointer = from.u32_le()?;
    let (x, y, pressure) = (unit(from)?, unit(from)?, unit(from)?);
    Ok(DeviceEvent::GamepadTouch { number, event, touchpad, pointer, x, y, pressure })
}

fn read_gamepad_motion(from: &mut Reader<'_>) -> Result<DeviceEvent, Fault> {
    let number = gamepad_number(from.u8()?.into())?;
    let sensor = match from.u8()? {
        sensor @ 1..=2 => sensor,
        other => return Err(Fault::Unknown("motion sensor", other.into())),
    };
    from.u16_le()?;
    let mut axis = || from.f32_le().map(|value| clean(value, -MAX_MOTION, MAX_MOTION));
    Ok(DeviceEvent::GamepadMotion { number, sensor, sample: [axis()?, axis()?, axis()?] })
}

fn read_touch(from: &mut Reader<'_>) -> Result<DeviceEvent, Fault> {
    let event = touch_event(from.u8()?)?;
    from.u8()?;
    let rotation = known_rotation(from.u16_le()?);
    let pointer = from.u32_le()?;
    let (x, y, pressure) = (unit(from)?, unit(from)?, unit(from)?);
    let contact = [unit(from)?, unit(from)?];
    Ok(DeviceEvent::Touch { event, pointer, x, y, pressure, contact, rotation })
}

fn read_pen(from: &mut Reader<'_>) -> Result<DeviceEvent, Fault> {
    let event = touch_event(from.u8()?)?;
    let tool = match from.u8()? {
        tool @ 0..=2 => tool,
        _ => 0,
    };
    let buttons = from.u8()? & 7;
    from.u8()?;
    let (x, y, pressure) = (unit(from)?, unit(from)?, unit(from)?);
    let rotation = known_rotation(from.u16_le()?);
    let tilt = known_up_to(90, from.u8()?);
    from.u8()?;
    let contact = [unit(from)?, unit(from)?];
    Ok(DeviceEvent::Pen { event, tool, buttons, x, y, pressure, contact, rotation, tilt })
}

fn gamepad_number(number: u16) -> Result<u8, Fault> {
    u8::try_from(number)
        .ok()
        .filter(|number| *number < MAX_GAMEPADS)
        .ok_or(Fault::Unknown("gamepad number", number.into()))
}

fn touch_event(event: u8) -> Result<u8, Fault> {
    if event <= LAST_TOUCH_EVENT { Ok(event) } else { Err(Fault::Unknown("touch event", event.into())) }
}

fn known_rotation(degrees: u16) -> u16 {
    if degrees <= 360 { degrees } else { u16::MAX }
}

fn known_up_to(most: u8, value: u8) -> u8 {
    if value <= most { value } else { u8::MAX }
}

/// A share of something, 0..=1.
fn unit(from: &mut Reader<'_>) -> Result<f32, Truncated> {
    from.f32_le().map(|value| clean(value, 0.0, 1.0))
}

fn clean(value: f32, least: f32, most: f32) -> f32 {
    if value.is_finite() { value.clamp(least, most) } else { 0.0 }
}

/// Appends a layout and tells its magic.
pub(super) fn write(event: &DeviceEvent, out: &mut Writer<'_>) -> u32 {
    match *event {
        DeviceEvent::Gamepad { number, active_mask, buttons, triggers, sticks } => {
            let [low0, low1, high0, high1] = buttons.to_le_bytes();
            out.u16_le(0x1a).u16_le(number.into()).u16_le(active_mask).u16_le(0x14);
            out.bytes(&[low0, low1]).bytes(&triggers);
            for stick in sticks {
                out.i16_le(stick);
            }
            out.u16_le(0x9c).bytes(&[high0, high1]).u16_le(0x55);
            magic::GAMEPAD
        }
        DeviceEvent::GamepadArrival { number, kind, capabilities, buttons } => {
            out.u8(number).u8(kind).u16_le(capabilities).u32_le(buttons);
            magic::GAMEPAD_ARRIVAL
        }
        DeviceEvent::GamepadTouch { number, event, touchpad, pointer, x, y, pressure } => {
            out.u8(number).u8(event).u8(0).u8(touchpad).u32_le(pointer).f32_le(x).f32_le(y).f32_le(pressure);
            magic::GAMEPAD_TOUCH
        }
        DeviceEvent::GamepadMotion { number, sensor, sample: [x, y, z] } => {
            out.u8(number).u8(sensor).u16_le(0).f32_le(x).f32_le(y).f32_le(z);
            magic::GAMEPAD_MOTION
        }
        DeviceEvent::GamepadBattery { number, state, percent } => {
            out.u8(number).u8(state).u8(percent).u8(0);
            magic::GAMEPAD_BATTERY
        }
        DeviceEvent::Touch { event, pointer, x, y, pressure, contact: [major, minor], rotation } => {
            out.u8(event).u8(0).u16_le(rotation).u32_le(pointer);
            out.f32_le(x).f32_le(y).f32_le(pressure).f32_le(major).f32_le(minor);
            magic::TOUCH
        }
        DeviceEvent::Pen { event, tool, buttons, x, y, pressure, contact: [major, minor], rotation, tilt } => {
            out.u8(event).u8(tool).u8(buttons).u8(0).f32_le(x).f32_le(y).f32_le(pressure);
            out.u16_le(rotation).u8(tilt).u8(0).f32_le(major).f32_le(minor);
            magic::PEN
        }
    }
}

/// Clients number gamepads 0..16.
const MAX_GAMEPADS: u8 = 16;
/// "Cancel all", the highest touch event.
const LAST_TOUCH_EVENT: u8 = 7;
/// Far beyond any sensor, in m/s² or degrees per second.
pub(super) const MAX_MOTION: f32 = 10_000.0;

mod magic {
    pub(super) const GAMEPAD: u32 = 0x0c;
    pub(super) const TOUCH: u32 = 0x5500_0002;
    pub(super) const PEN: u32 = 0x5500_0003;
    pub(super) const GAMEPAD_ARRIVAL: u32 = 0x5500_0004;
    pub(super) const GAMEPAD_TOUCH: u32 = 0x5500_0005;
    pub(super) const GAMEPAD_MOTION: u32 = 0x5500_0006;
    pub(super) const GAMEPAD_BATTERY: u32 = 0x5500_0007;
}
