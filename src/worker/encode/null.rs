//! No encoder: frames as large as the bit rate has them, in which there is no picture. It
//! leaves everything else that a stream costs, for measuring: pictures are captured, and
//! converted as for the encoder on the CPU, packets are made and sent. A frame of eight bytes
//! or more begins with the time of its capture (`CLOCK_MONOTONIC` in microseconds, little
//! endian), since there are no pixels that a marker could be read from.

use crate::clock::Micros;
use crate::codec::Chroma;
use crate::color::Colorimetry;
use crate::ipc::picture::RawPicture;
use crate::stream_plan::VideoPlan;
use crate::units::{Bitrate, FrameRate};
use crate::worker::convert::picture::Picture;
use crate::worker::encode::{EncodeError, Encoder, FrameRequest};
use crate::worker::frame::{EncodedFrame, Frame, FrameKind};
use crate::worker::screenshot;

/// Set to anything in a host's environment, its workers encode nothing where they would
/// encode on the CPU.
pub const VARIABLE: &str = "EARTHSHINE_NULL_ENCODER";

/// Whether that is set.
#[must_use]
pub fn is_ordered() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Takes pictures in and forgets them.
#[derive(Debug)]
pub struct NullEncoder {
    picture: Picture,
    colorimetry: Colorimetry,
    bitrate: Bitrate,
    frame_rate: FrameRate,
    opened: bool,
}

impl NullEncoder {
    /// For a plan, whatever its profile.
    #[must_use]
    pub fn open(plan: &VideoPlan) -> Self {
        Self {
            picture: Picture::new(plan.size, Chroma::Yuv420, plan.colorimetry),
            colorimetry: plan.colorimetry,
            bitrate: plan.bitrate,
            frame_rate: plan.frame_rate,
            opened: false,
        }
    }

    /// Bytes that a frame may have.
    fn frame_bytes(&self) -> usize {
        let micros = u64::try_from(self.frame_rate.interval().as_micros()).unwrap_or(u64::MAX);
        usize::try_from(self.bitrate.bps().saturating_mul(micros) / 8_000_000).unwrap_or(usize::MAX).max(1)
    }
}

impl Encoder for NullEncoder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn load(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let shown = self.picture.show(frame).map(drop);
        shown.map_err(|error| EncodeError { encoder: NAME, what: error.to_string() })
    }

    fn encode(&mut self, request: FrameRequest) -> Result<EncodedFrame, EncodeError> {
        let started = Micros::now();
        let FrameRequest { picture, idr, repeated, captured } = request;
        let is_idr = idr || !self.opened;
        self.opened = true;
        // What is still costs an encoder next to nothing.
        let bytes = if repeated { 1 } else { self.frame_bytes() };
        let mut data = vec![FILLER; bytes];
        if let Some(time) = data.first_chunk_mut() {
            *time = captured.0.to_le_bytes();
        }
        Ok(EncodedFrame {
            data,
            kind: if is_idr { FrameKind::Idr } else { FrameKind::Predicted },
            picture,
            captured,
            encoding: Micros::now().since(started),
            repeated,
        })
    }

    fn picture(&self) -> Option<RawPicture> {
        Some(screenshot::copy(self.picture.planes(), self.colorimetry))
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Result<(), EncodeError> {
        self.bitrate = bitrate;
        Ok(())
    }

    fn set_frame_rate(&mut self, frame_rate: FrameRate) -> Result<bool, EncodeError> {
        self.frame_rate = frame_rate;
        Ok(true)
    }
}

/// Filler data of H.264 (ITU-T H.264, 7.3.2.7).
const FILLER: u8 = 0xFF;

const NAME: &str = "software/null";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::encode::testing::plan;

    #[test]
    fn frames_have_what_the_rate_gives_them() {
        let plan = VideoPlan { bitrate: Bitrate::from_kbps(4_800), frame_rate: FrameRate::from_hz(60), ..plan(64, 48) };
        let mut encoder = NullEncoder::open(&plan);
        let request = FrameRequest { picture: 0, idr: false, repeated: false, captured: Micros(1) };
        let first = encoder.encode(request).unwrap();
        assert_eq!((first.kind, first.data.len()), (FrameKind::Idr, 9_999));
        assert_eq!(first.data[..9], [1, 0, 0, 0, 0, 0, 0, 0, FILLER]);
        encoder.set_bitrate(Bitrate::from_kbps(480)).unwrap();
        let second = encoder.encode(FrameRequest { picture: 1, ..request }).unwrap();
        assert_eq!((second.kind, second.data.len()), (FrameKind::Predicted, 999));
        assert_eq!(encoder.encode(FrameRequest { repeated: true, ..request }).unwrap().data.len(), 1);
    }
}
