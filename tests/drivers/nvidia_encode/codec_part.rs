//! The part of a picture's parameters that each codec has in a structure of its own:
//! waves of intra blocks, and messages for the stream.

use earthshine_drivers::ledger;
use earthshine_ffi::nvenc::sys::*;

use crate::codec::Codec;
use crate::encoder::Running;
use crate::metadata::{self, Message};
use crate::settings::{PQ, Settings};
use crate::words::{Result, record, require, require_blank};

pub(crate) struct CodecPart {
    codec: Codec,
    /// Frames of the wave that begins, or 0.
    refresh: u32,
    messages: Vec<Message>,
}

impl CodecPart {
    pub(crate) fn read(parameters: &NV_ENC_PIC_PARAMS, settings: &Settings) -> Result<Self> {
        // SAFETY: a union of integers and pointers, of which all bits are values; the
        // codec says which member the program filled.
        let (refresh, count, payloads) = unsafe {
            let part = &parameters.codecPicParams;
            match settings.codec {
                Codec::H264 => {
                    let part = &part.h264PicParams;
                    require_blank!(part, reserved3, reserved, reserved2);
                    require_no_bits(part.bitFields)?;
                    (part.forceIntraRefreshWithFrameCnt, part.seiPayloadArrayCnt, part.seiPayloadArray)
                }
                Codec::Hevc => {
                    let part = &part.hevcPicParams;
                    require_blank!(part, reserved, reserved2, reserved3);
                    require_no_bits(part.bitFields)?;
                    (part.forceIntraRefreshWithFrameCnt, part.seiPayloadArrayCnt, part.seiPayloadArray)
                }
                Codec::Av1 => {
                    let part = &part.av1PicParams;
                    require_blank!(part, reserved, reserved2, reserved3);
                    require_no_bits(part.bitFields)?;
                    (part.forceIntraRefreshWithFrameCnt, part.obuPayloadArrayCnt, part.obuPayloadArray)
                }
            }
        };
        let has_array = !payloads.is_null();
        require(has_array == (count > 0), INVALID, || format!("{count} payloads, and an array: {has_array}"))?;
        // SAFETY: the header: as many entries as it says.
        let payloads =
            unsafe { (0..count as usize).map(|index| record(payloads.add(index))).collect::<Result<Vec<_>>>() }?;
        let messages = payloads.into_iter().map(|payload| message(payload)).collect::<Result<Vec<_>>>()?;
        Ok(Self { codec: settings.codec, refresh, messages })
    }

    /// What the header asks of a wave, and what the standards ask of the messages.
    pub(crate) fn check(&self, running: &Running, forces_idr: bool) -> Result {
        let settings = &running.settings;
        if self.refresh > 0 {
            let frames = settings.part.intra_refresh.map(|(_, count)| count);
            require(frames.is_some(), INVALID, || "a wave of intra blocks without their switch".to_owned())?;
            require(!forces_idr && running.frames > 0, INVALID, || "a wave begins with an IDR frame".to_owned())?;
            ledger::event(&format!("refresh {} {}", running.frames, self.refresh));
        }
        let begins = forces_idr || running.frames == 0;
        for (index, message) in self.messages.iter().enumerate() {
            let kind = message.kind;
            require(begins, INVALID, || format!("message {kind} with a frame where no decoder begins"))?;
            let is_first = self.messages[..index].iter().all(|earlier| earlier.kind != kind);
            require(is_first, INVALID, || format!("message {kind} twice"))?;
            metadata::check(self.codec, message)?;
            ledger::event(&format!("message {kind} {}", hexadecimal(&message.bytes)));
        }
        // Nothing else is known here that a program would say.
        require(self.messages.is_empty() || settings.part.colour.transfer == PQ, INVALID, || {
            "a mastering display in a stream that is not PQ".to_owned()
        })
    }

    /// The messages where the driver has them: behind the parameter sets.
    pub(crate) fn put_into(&self, stream: &[u8]) -> Vec<u8> {
        metadata::put(self.codec, stream, &self.messages)
    }
}

fn message(payload: &NV_ENC_SEI_PAYLOAD) -> Result<Message> {
    let (size, kind) = (payload.payloadSize as usize, payload.payloadType);
    require(size > 0 && !payload.payload.is_null(), INVALID, || format!("message {kind} is empty"))?;
    // SAFETY: the header: so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(payload.payload, size) };
    Ok(Message { kind, bytes: bytes.to_vec() })
}

/// Constrained frames, slices of another size, long-term references, tiles: nothing of
/// it has a meaning here.
fn require_no_bits(word: u32) -> Result {
    require(word == 0, INVALID, || format!("bits that nobody knows here are set in the codec's {word:#x}"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const INVALID: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
