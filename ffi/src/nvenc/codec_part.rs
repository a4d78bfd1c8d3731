//! The part of a picture's parameters that each codec has in a structure of its own.

use super::encoder::Request;
use super::settings::{Codec, Settings};
use super::sys::{NV_ENC_CODEC_PIC_PARAMS, NV_ENC_SEI_PAYLOAD};

/// What one picture's codec is told. The driver reads it through pointers: it has to
/// outlive the call.
pub(crate) struct CodecPart {
    codec: Codec,
    /// Frames of the wave of intra blocks that begins, or 0.
    refresh: u32,
    /// What `payloads` points into.
    _bytes: Vec<Vec<u8>>,
    payloads: Vec<NV_ENC_SEI_PAYLOAD>,
}

impl CodecPart {
    pub(crate) fn of(settings: &Settings, request: Request) -> Self {
        let refresh = settings.intra_refresh.filter(|_| request.refresh && !request.idr).unwrap_or(0);
        let messages = settings.hdr.filter(|_| request.idr).map(|hdr| hdr.payloads(settings.codec));
        let (kinds, mut bytes): (Vec<_>, Vec<_>) = messages.unwrap_or_default().into_iter().unzip();
        let payload = |(kind, bytes): (u32, &mut Vec<u8>)| NV_ENC_SEI_PAYLOAD {
            payloadSize: u32::try_from(bytes.len()).unwrap_or(0),
            payloadType: kind,
            payload: bytes.as_mut_ptr(),
        };
        let payloads = kinds.into_iter().zip(&mut bytes).map(payload).collect();
        Self { codec: settings.codec, refresh, _bytes: bytes, payloads }
    }

    /// Writes it, with pointers to what is here.
    pub(crate) fn write(&mut self, part: &mut NV_ENC_CODEC_PIC_PARAMS) {
        let count = u32::try_from(self.payloads.len()).unwrap_or(0);
        let payloads = if count == 0 { std::ptr::null_mut() } else { self.payloads.as_mut_ptr() };
        match self.codec {
            Codec::H264 => {
                // SAFETY: integers and pointers, of which all bits are values.
                let part = unsafe { &mut part.h264PicParams };
                part.forceIntraRefreshWithFrameCnt = self.refresh;
                (part.seiPayloadArrayCnt, part.seiPayloadArray) = (count, payloads);
            }
            Codec::Hevc => {
                // SAFETY: as above.
                let part = unsafe { &mut part.hevcPicParams };
                part.forceIntraRefreshWithFrameCnt = self.refresh;
                (part.seiPayloadArrayCnt, part.seiPayloadArray) = (count, payloads);
            }
            Codec::Av1 => {
                // SAFETY: as above.
                let part = unsafe { &mut part.av1PicParams };
                part.forceIntraRefreshWithFrameCnt = self.refresh;
                (part.obuPayloadArrayCnt, part.obuPayloadArray) = (count, payloads);
            }
        }
    }
}
