//! Messages in the stream about the display that an HDR picture was mastered on: ITU-T
//! H.265 D.3.28 and D.3.35, AV1 6.7.3 and 6.7.4.

use earthshine_ffi::nvenc::sys::NVENCSTATUS;

use crate::codec::Codec;
use crate::nal;
use crate::words::{Result, require, violation};

/// A payload of SEI, or of a metadata OBU.
pub(crate) struct Message {
    pub(crate) kind: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Whether it says what its standard lets it say.
pub(crate) fn check(codec: Codec, message: &Message) -> Result {
    let (length, kind) = (message.bytes.len(), message.kind);
    let unit = match (codec, kind) {
        (Codec::H264 | Codec::Hevc, CONTENT_LIGHT_SEI) | (Codec::Av1, CONTENT_LIGHT_OBU) => {
            return require(length == 4, INVALID, || format!("content light level of {length} bytes"));
        }
        (Codec::H264 | Codec::Hevc, MASTERING_DISPLAY_SEI) => 50_000,
        (Codec::Av1, MASTERING_DISPLAY_OBU) => 1 << 16,
        _ => return Err(violation(INVALID, format!("message {kind} is not known here"))),
    };
    require(length == 24, INVALID, || format!("mastering display of {length} bytes"))?;
    let words: Vec<u64> = message.bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(pair[1])).collect();
    for point in words[..8].chunks(2) {
        let inside = point[0] > 0 && point[1] > 0 && point[0] + point[1] <= unit;
        require(inside, INVALID, || format!("{}, {} is no colour, of {unit}", point[0], point[1]))?;
    }
    // Green is the first of HEVC and has the most of y; red the first of AV1, with x.
    let [(first_x, first_y), (second_x, second_y)] = [(words[0], words[1]), (words[2], words[3])];
    let in_order = if codec == Codec::Av1 { first_x > second_x } else { first_y > second_y && first_y > first_x };
    require(in_order, INVALID, || "the primaries are not in the standard's order".to_owned())?;
    let (most, least) = (words[8] << 16 | words[9], words[10] << 16 | words[11]);
    // 1/10000 both; or 24.8 and 18.14 bits.
    let least = if codec == Codec::Av1 { least >> 6 } else { least };
    require(least < most, INVALID, || format!("brightest {most}, darkest {least}"))
}

/// Puts messages between parameter sets and picture.
pub(crate) fn put(codec: Codec, stream: &[u8], messages: &[Message]) -> Vec<u8> {
    let at = match codec {
        _ if messages.is_empty() => stream.len(),
        Codec::H264 => nal::picture(stream, |header| matches!(header & 0x1f, 1..=5)),
        Codec::Hevc => nal::picture(stream, |header| (header >> 1) & 0x3f < 32),
        Codec::Av1 => behind_sequence_header(stream),
    };
    let (sets, picture) = stream.split_at(at);
    let mut out = sets.to_vec();
    for Message { kind, bytes } in messages {
        // All kinds and lengths that pass the checks are one byte.
        let (kind, length) = (kind.to_le_bytes()[0], bytes.len().to_le_bytes()[0]);
        match codec {
            Codec::H264 => out.extend([&[0, 0, 0, 1, 6], &*escaped(&[&[kind, length], &**bytes].concat())].concat()),
            Codec::Hevc => {
                out.extend([&[0, 0, 0, 1, 39 << 1, 1], &*escaped(&[&[kind, length], &**bytes].concat())].concat())
            }
            Codec::Av1 => out.extend([&[METADATA_OBU, length + 2, kind], &**bytes, &[0x80]].concat()),
        }
    }
    out.extend_from_slice(picture);
    out
}

/// A NAL unit's payload with its last bit and without start codes in it.
fn escaped(payload: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::new(), 0);
    for &byte in payload.iter().chain(&[0x80]) {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    out
}

/// Where the sequence header's OBU ends; the beginning where there is none.
fn behind_sequence_header(stream: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&header) = stream.get(at) {
        let (mut size, mut length_at) = (0, at + 1 + usize::from(header >> 2 & 1));
        for shift in 0..4 {
            let Some(&byte) = stream.get(length_at) else { return 0 };
            (size, length_at) = (size | usize::from(byte & 0x7f) << (7 * shift), length_at + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        at = length_at + size;
        if header >> 3 & 0xf == 1 {
            return at.min(stream.len());
        }
    }
    0
}

const MASTERING_DISPLAY_SEI: u32 = 137;
const CONTENT_LIGHT_SEI: u32 = 144;
const CONTENT_LIGHT_OBU: u32 = 1;
const MASTERING_DISPLAY_OBU: u32 = 2;
/// Type 5, with a size.
const METADATA_OBU: u8 = 5 << 3 | 2;
const INVALID: NVENCSTATUS = NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM;
