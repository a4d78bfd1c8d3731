//! What the host tells the client: rumble, lights, HDR, the end.
//!
//! Layouts: moonlight-common-c `ControlStream.c`, `controlReceiveThreadFunc`.
//! The client queues 30 of these at most, so callers coalesce.

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::control::message::{MessageError, read_header, write_message};

/// One message of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostMessage {
    /// 0x010b: rumble until told otherwise; zeros stop it.
    Rumble {
        /// Gamepad number.
        controller: u16,
        /// Strength of the heavy motor.
        low_frequency: u16,
        /// Strength of the light motor.
        high_frequency: u16,
    },
    /// 0x5500: rumble in the triggers.
    TriggerRumble {
        /// Gamepad number.
        controller: u16,
        /// Strength in the left trigger.
        left: u16,
        /// Strength in the right trigger.
        right: u16,
    },
    /// 0x5501: report a motion sensor; a rate of 0 stops.
    MotionRequest {
        /// Gamepad number.
        controller: u16,
        /// Reports per second.
        rate_hz: u16,
        /// Which sensor.
        sensor: MotionSensor,
    },
    /// 0x5502: colour of the light.
    Led {
        /// Gamepad number.
        controller: u16,
        /// Red, green, blue.
        rgb: [u8; 3],
    },
    /// 0x5503: DualSense trigger effects; `None` leaves a trigger as it is.
    AdaptiveTriggers {
        /// Gamepad number.
        controller: u16,
        /// Effect of the left trigger.
        left: Option<TriggerEffect>,
        /// Effect of the right trigger.
        right: Option<TriggerEffect>,
    },
    /// 0x010e: the picture is HDR from now on, or SDR.
    Hdr {
        /// HDR.
        enabled: bool,
        /// Mastering display and content; all zeros is unknown.
        metadata: HdrMetadata,
    },
    /// 0x0109: the session is over.
    Terminate(Termination),
}

/// A motion sensor of a gamepad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MotionSensor {
    /// Wire value 1.
    Accelerometer,
    /// Wire value 2.
    Gyroscope,
}

/// An effect as the game wrote it to the gamepad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriggerEffect {
    /// Effect mode.
    pub mode: u8,
    /// Its parameters.
    pub parameters: [u8; 10],
}

/// Static HDR metadata. Chromaticities are in units of 1/50000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HdrMetadata {
    /// x and y of red, green and blue.
    pub primaries: [[u16; 2]; 3],
    /// x and y of white.
    pub white_point: [u16; 2],
    /// Nits.
    pub max_display_luminance: u16,
    /// Ten-thousandths of a nit.
    pub min_display_luminance: u16,
    /// Nits (`MaxCLL`).
    pub max_content_light: u16,
    /// Nits (`MaxFALL`).
    pub max_frame_average_light: u16,
    /// Nits.
    pub max_full_frame_luminance: u16,
}

/// Why a session ends, as the client understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// Nothing is wrong: no dialogue, if a picture was seen.
    Graceful,
    /// The content is protected.
    ProtectedContent,
    /// "Fatal video encoding error".
    EncoderFailed,
    /// Shown as a hexadecimal number.
    Other(u32),
}

impl Termination {
    /// Code on the wire.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Graceful => 0x8003_0023,
            Self::ProtectedContent => 0x800e_9302,
            Self::EncoderFailed => 0x800e_9403,
            Self::Other(code) => code,
        }
    }

    /// From the code on the wire.
    #[must_use]
    pub const fn from_code(code: u32) -> Self {
        match code {
            0x8003_0023 => Self::Graceful,
            0x800e_9302 => Self::ProtectedContent,
            0x800e_9403 => Self::EncoderFailed,
            other => Self::Other(other),
        }
    }
}

impl HostMessage {
    /// Appends the whole message, unsealed.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(27);
        self.write_payload(&mut Writer::new(&mut payload));
        write_message(self.kind(), &payload, out);
    }

    /// Reads one whole decrypted message, as the client would; `None` if its
    /// type is unknown. For tests and the benchmark's client.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, MessageError> {
        let (kind, payload) = read_header(bytes)?;
        Self::read_payload(kind, Reader::new(payload)).map_err(|cause| MessageError::Truncated { kind, cause })
    }

    const fn kind(&self) -> u16 {
        match self {
            Self::Rumble { .. } => kind::RUMBLE,
            Self::TriggerRumble { .. } => kind::TRIGGER_RUMBLE,
            Self::MotionRequest { .. } => kind::MOTION_REQUEST,
            Self::Led { .. } => kind::LED,
            Self::AdaptiveTriggers { .. } => kind::ADAPTIVE_TRIGGERS,
            Self::Hdr { .. } => kind::HDR,
            Self::Terminate(_) => kind::TERMINATE,
        }
    }

    fn write_payload(&self, out: &mut Writer<'_>) {
        match *self {
            Self::Rumble { controller, low_frequency, high_frequency } => {
                out.u32_le(0).u16_le(controller).u16_le(low_frequency).u16_le(high_frequency);
            }
            Self::TriggerRumble { controller, left, right } => {
                out.u16_le(controller).u16_le(left).u16_le(right);
            }
            Self::MotionRequest { controller, rate_hz, sensor } => {
                out.u16_le(controller).u16_le(rate_hz).u8(sensor.wire());
            }
            Self::Led { controller, rgb } => {
                out.u16_le(controller).bytes(&rgb);
            }
            Self::AdaptiveTriggers { controller, left, right } => {
                write_triggers(controller, left, right, out);
            }
            Self::Hdr { enabled, metadata } => {
                out.u8(u8::from(enabled));
                metadata.write(out);
            }
            Self::Terminate(reason) => {
                out.u32_be(reason.code());
            }
        }
    }

    fn read_payload(kind: u16, mut from: Reader<'_>) -> Result<Option<Self>, Truncated> {
        Ok(Some(match kind {
            kind::RUMBLE => {
                from.u32_le()?;
                let controller = from.u16_le()?;
                Self::Rumble { controller, low_frequency: from.u16_le()?, high_frequency: from.u16_le()? }
            }
            kind::TRIGGER_RUMBLE => {
                Self::TriggerRumble { controller: from.u16_le()?, left: from.u16_le()?, right: from.u16_le()? }
            }
            kind::MOTION_REQUEST => {
                let (controller, rate_hz) = (from.u16_le()?, from.u16_le()?);
                let Some(sensor) = MotionSensor::from_wire(from.u8()?) else { return Ok(None) };
                Self::MotionRequest { controller, rate_hz, sensor }
            }
            kind::LED => Self::Led { controller: from.u16_le()?, rgb: from.array()? },
            kind::ADAPTIVE_TRIGGERS => read_triggers(&mut from)?,
            kind::HDR => Self::Hdr { enabled: from.u8()? != 0, metadata: HdrMetadata::read(&mut from)? },
            kind::TERMINATE => Self::Terminate(Termination::from_code(from.u32_be()?)),
            _ => return Ok(None),
        }))
    }
}

impl MotionSensor {
    const fn wire(self) -> u8 {
        match self {
            Self::Accelerometer => 1,
            Self::Gyroscope => 2,
        }
    }

    const fn from_wire(sensor: u8) -> Option<Self> {
        match sensor {
            1 => Some(Self::Accelerometer),
            2 => Some(Self::Gyroscope),
            _ => None,
        }
    }
}

impl HdrMetadata {
    fn write(&self, out: &mut Writer<'_>) {
        for [x, y] in self.primaries.into_iter().chain([self.white_point]) {
            out.u16_le(x).u16_le(y);
        }
        out.u16_le(self.max_display_luminance)
            .u16_le(self.min_display_luminance)
            .u16_le(self.max_content_light)
            .u16_le(self.max_frame_average_light)
            .u16_le(self.max_full_frame_luminance);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Truncated> {
        let mut pair = || Ok([from.u16_le()?, from.u16_le()?]);
        Ok(Self {
            primaries: [pair()?, pair()?, pair()?],
            white_point: pair()?,
            max_display_luminance: from.u16_le()?,
            min_display_luminance: from.u16_le()?,
            max_content_light: from.u16_le()?,
            max_frame_average_light: from.u16_le()?,
            max_full_frame_luminance: from.u16_le()?,
        })
    }
}

/// Left stands before right in the payload, though its flag is the higher one.
fn write_triggers(controller: u16, left: Option<TriggerEffect>, right: Option<TriggerEffect>, out: &mut Writer<'_>) {
    let flag = |effect: Option<TriggerEffect>, flag| effect.map_or(0, |_| flag);
    let idle = TriggerEffect { mode: 0, parameters: [0; 10] };
    let flags = flag(left, TRIGGER_LEFT) | flag(right, TRIGGER_RIGHT);
    let (left, right) = (left.unwrap_or(idle), right.unwrap_or(idle));
    out.u16_le(controller).u8(flags).u8(left.mode).u8(right.mode).bytes(&left.parameters).bytes(&right.parameters);
}

fn read_triggers(from: &mut Reader<'_>) -> Result<HostMessage, Truncated> {
    let (controller, flags) = (from.u16_le()?, from.u8()?);
    let (left_mode, right_mode) = (from.u8()?, from.u8()?);
    let left = TriggerEffect { mode: left_mode, parameters: from.array()? };
    let right = TriggerEffect { mode: right_mode, parameters: from.array()? };
    Ok(HostMessage::AdaptiveTriggers {
        controller,
        left: (flags & TRIGGER_LEFT != 0).then_some(left),
        right: (flags & TRIGGER_RIGHT != 0).then_some(right),
    })
}

const TRIGGER_RIGHT: u8 = 0x04;
const TRIGGER_LEFT: u8 = 0x08;

/// Message types of the host.
mod kind {
    pub(super) const TERMINATE: u16 = 0x0109;
    pub(super) const RUMBLE: u16 = 0x010b;
    pub(super) const HDR: u16 = 0x010e;
    pub(super) const TRIGGER_RUMBLE: u16 = 0x5500;
    pub(super) const MOTION_REQUEST: u16 = 0x5501;
    pub(super) const LED: u16 = 0x5502;
    pub(super) const ADAPTIVE_TRIGGERS: u16 = 0x5503;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back() {
        let effect = TriggerEffect { mode: 0x21, parameters: [9; 10] };
        let metadata = HdrMetadata { white_point: [15_635, 16_450], max_content_light: 1000, ..HdrMetadata::default() };
        for message in [
            HostMessage::Rumble { controller: 1, low_frequency: 2, high_frequency: 3 },
            HostMessage::TriggerRumble { controller: 1, left: 2, right: 3 },
            HostMessage::MotionRequest { controller: 1, rate_hz: 100, sensor: MotionSensor::Gyroscope },
            HostMessage::MotionRequest { controller: 1, rate_hz: 0, sensor: MotionSensor::Accelerometer },
            HostMessage::Led { controller: 1, rgb: [1, 2, 3] },
            HostMessage::AdaptiveTriggers { controller: 1, left: Some(effect), right: None },
            HostMessage::AdaptiveTriggers { controller: 1, left: None, right: Some(effect) },
            HostMessage::Hdr { enabled: true, metadata },
            HostMessage::Terminate(Termination::Graceful),
            HostMessage::Terminate(Termination::ProtectedContent),
            HostMessage::Terminate(Termination::EncoderFailed),
            HostMessage::Terminate(Termination::Other(0x1234_5678)),
        ] {
            let mut bytes = Vec::new();
            message.write(&mut bytes);
            assert_eq!(HostMessage::read(&bytes), Ok(Some(message)));
        }
    }

    #[test]
    fn messages_of_others_are_unknown_or_truncated() {
        assert_eq!(HostMessage::read(&[0x34, 0x12, 0, 0]), Ok(None));
        assert!(matches!(HostMessage::read(&[0x0b, 1, 0, 0]), Err(MessageError::Truncated { kind: 0x010b, .. })));
    }
}
