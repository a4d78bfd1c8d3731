//! What a GPU's encode engine can do.

use std::rc::Rc;

use super::api::{Api, zeroed};
use super::error::NvencError;
use super::session::{Session, call};
use super::settings::{Codec, Samples};
use super::sys::*;
use crate::cuda::Context;

/// Of one codec on one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Pixels in a row at most.
    pub most_width: u32,
    /// Rows at most.
    pub most_height: u32,
    /// Encodes 10-bit pictures.
    pub ten_bit: bool,
    /// Encodes pictures with chroma of full size.
    pub yuv444: bool,
    /// Can be told that the client has lost frames, and not refer to them.
    pub reference_invalidation: bool,
    /// Refreshes a picture stripe by stripe.
    pub intra_refresh: bool,
    /// Does so without cutting the picture into slices. H.264 and HEVC.
    pub single_slice_intra_refresh: bool,
    /// Hands slices out before the picture is finished.
    pub sub_frame_readback: bool,
    /// Changes its bit rate while it runs.
    pub bitrate_change: bool,
    /// Engines on the GPU.
    pub engines: u32,
}

impl Capabilities {
    /// Asks the driver about each codec that the engine makes; takes a session for
    /// that moment.
    ///
    /// # Errors
    /// [`NvencError`].
    pub fn probe(api: &Api, context: &Rc<Context>) -> Result<Vec<(Codec, Self)>, NvencError> {
        let session = Session::open(api, context)?;
        codecs(&session)?.into_iter().map(|codec| Ok((codec, of(&session, codec)?))).collect()
    }

    /// Whether the engine encodes such samples in this codec.
    #[must_use]
    pub const fn makes(&self, samples: Samples) -> bool {
        (self.ten_bit || !samples.ten_bit) && (self.yuv444 || !samples.yuv444)
    }
}

/// What the engine makes, of what we know.
pub(crate) fn codecs(session: &Session) -> Result<Vec<Codec>, NvencError> {
    let (mut count, mut written) = (0, 0);
    call!(session, nvEncGetEncodeGUIDCount(&raw mut count))?;
    let mut guids = vec![GUID { Data1: 0, Data2: 0, Data3: 0, Data4: [0; 8] }; count as usize];
    call!(session, nvEncGetEncodeGUIDs(guids.as_mut_ptr(), count, &raw mut written))?;
    guids.truncate(written as usize);
    let made = |codec: &Codec| guids.iter().any(|guid| same(guid, &codec.guid()));
    Ok([Codec::H264, Codec::Hevc, Codec::Av1].into_iter().filter(made).collect())
}

/// What it does in one codec.
pub(crate) fn of(session: &Session, codec: Codec) -> Result<Capabilities, NvencError> {
    let number = |capability| {
        let mut parameters: NV_ENC_CAPS_PARAM = zeroed();
        parameters.capsToQuery = capability;
        let mut value = 0;
        call!(session, nvEncGetEncodeCaps(codec.guid(), &raw mut parameters, &raw mut value))?;
        Ok::<_, NvencError>(u32::try_from(value).unwrap_or(0))
    };
    let flag = |capability| Ok::<_, NvencError>(number(capability)? != 0);
    Ok(Capabilities {
        most_width: number(NV_ENC_CAPS::NV_ENC_CAPS_WIDTH_MAX)?,
        most_height: number(NV_ENC_CAPS::NV_ENC_CAPS_HEIGHT_MAX)?,
        ten_bit: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_10BIT_ENCODE)?,
        yuv444: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_YUV444_ENCODE)?,
        reference_invalidation: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION)?,
        intra_refresh: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_INTRA_REFRESH)?,
        single_slice_intra_refresh: flag(NV_ENC_CAPS::NV_ENC_CAPS_SINGLE_SLICE_INTRA_REFRESH)?,
        sub_frame_readback: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK)?,
        bitrate_change: flag(NV_ENC_CAPS::NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE)?,
        engines: number(NV_ENC_CAPS::NV_ENC_CAPS_NUM_ENCODER_ENGINES)?,
    })
}

fn same(one: &GUID, other: &GUID) -> bool {
    (one.Data1, one.Data2, one.Data3, one.Data4) == (other.Data1, other.Data2, other.Data3, other.Data4)
}
