//! What the encoder can do, per codec, unless the test orders otherwise (`cap`).
//!
//! Plausible values of an Ada GPU, as its driver answers `nvEncGetEncodeCaps`. Which
//! they are matters little; that the program asks for them, and keeps to them, does.

use std::ffi::c_int;

use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;
use earthshine_ffi::nvenc::sys::{GUID, NV_ENC_CAPS, NV_ENC_CAPS_PARAM, NVENCSTATUS};

use crate::codec::Codec;
use crate::session;
use crate::words::{record, require, require_blank, require_version};

/// What the encoder can do with one codec now.
pub(crate) struct Capabilities {
    values: [c_int; VALUES.len()],
}

impl Capabilities {
    pub(crate) fn read(codec: Codec) -> Self {
        let mut values = VALUES.map(|(_, h264, hevc, av1)| match codec {
            Codec::H264 => h264,
            Codec::Hevc => hevc,
            Codec::Av1 => av1,
        });
        for (name, value) in Orders::read().capabilities {
            match index(&name) {
                Some(index) => values[index] = value,
                None => ledger::violation(&format!("the test ordered a capability that nobody knows: {name}")),
            }
        }
        Self { values }
    }

    pub(crate) fn get(&self, capability: NV_ENC_CAPS) -> c_int {
        self.values.get(capability.0 as usize).copied().unwrap_or(0)
    }

    pub(crate) fn has(&self, capability: NV_ENC_CAPS) -> bool {
        self.get(capability) != 0
    }
}

/// Place of a capability: by number, or by name with or without its prefix.
fn index(name: &str) -> Option<usize> {
    if let Ok(number) = name.parse() {
        return (number < VALUES.len()).then_some(number);
    }
    let name = name.strip_prefix("NV_ENC_CAPS_").unwrap_or(name);
    VALUES.iter().position(|value| value.0 == name)
}

pub(crate) unsafe extern "C" fn get_encode_caps(
    encoder: *mut std::ffi::c_void,
    codec: GUID,
    parameters: *mut NV_ENC_CAPS_PARAM,
    value: *mut c_int,
) -> NVENCSTATUS {
    session::with("nvEncGetEncodeCaps", encoder, |_| {
        // SAFETY: the caller's contract.
        let (parameters, value) = unsafe { (record(parameters)?, record(value)?) };
        require_version::<NV_ENC_CAPS_PARAM>(parameters.version)?;
        require_blank!(parameters, reserved);
        let asked = parameters.capsToQuery;
        require((asked.0 as usize) < VALUES.len(), NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || {
            format!("capability {} is unknown", asked.0)
        })?;
        *value = Capabilities::read(Codec::of(&codec)?).get(asked);
        Ok(())
    })
}

/// Name without `NV_ENC_CAPS_`, in the order of their numbers; H.264, HEVC, AV1.
const VALUES: [(&str, c_int, c_int, c_int); NV_ENC_CAPS::NV_ENC_CAPS_EXPOSED_COUNT.0 as usize] = [
    ("NUM_MAX_BFRAMES", 4, 5, 7),
    ("SUPPORTED_RATECONTROL_MODES", 63, 63, 63),
    ("SUPPORT_FIELD_ENCODING", 0, 0, 0),
    ("SUPPORT_MONOCHROME", 0, 0, 0),
    ("SUPPORT_FMO", 0, 0, 0),
    ("SUPPORT_QPELMV", 1, 1, 1),
    ("SUPPORT_BDIRECT_MODE", 1, 0, 0),
    ("SUPPORT_CABAC", 1, 0, 0),
    ("SUPPORT_ADAPTIVE_TRANSFORM", 1, 0, 0),
    ("SUPPORT_STEREO_MVC", 1, 0, 0),
    ("NUM_MAX_TEMPORAL_LAYERS", 4, 4, 4),
    ("SUPPORT_HIERARCHICAL_PFRAMES", 1, 1, 1),
    ("SUPPORT_HIERARCHICAL_BFRAMES", 1, 1, 1),
    ("LEVEL_MAX", 62, 186, 23),
    ("LEVEL_MIN", 10, 30, 0),
    ("SEPARATE_COLOUR_PLANE", 0, 0, 0),
    ("WIDTH_MAX", 4096, 8192, 8192),
    ("HEIGHT_MAX", 4096, 8192, 8192),
    ("SUPPORT_TEMPORAL_SVC", 1, 0, 0),
    ("SUPPORT_DYN_RES_CHANGE", 1, 1, 1),
    ("SUPPORT_DYN_BITRATE_CHANGE", 1, 1, 1),
    ("SUPPORT_DYN_FORCE_CONSTQP", 1, 1, 1),
    ("SUPPORT_DYN_RCMODE_CHANGE", 1, 1, 1),
    ("SUPPORT_SUBFRAME_READBACK", 1, 1, 1),
    ("SUPPORT_CONSTRAINED_ENCODING", 1, 1, 0),
    ("SUPPORT_INTRA_REFRESH", 1, 1, 1),
    ("SUPPORT_CUSTOM_VBV_BUF_SIZE", 1, 1, 1),
    ("SUPPORT_DYNAMIC_SLICE_MODE", 1, 1, 0),
    ("SUPPORT_REF_PIC_INVALIDATION", 1, 1, 1),
    ("PREPROC_SUPPORT", 0, 0, 0),
    ("ASYNC_ENCODE_SUPPORT", 0, 0, 0),
    ("MB_NUM_MAX", 65536, 262144, 262144),
    ("MB_PER_SEC_MAX", 983040, 983040, 983040),
    ("SUPPORT_YUV444_ENCODE", 1, 1, 0),
    ("SUPPORT_LOSSLESS_ENCODE", 1, 1, 0),
    ("SUPPORT_SAO", 0, 1, 0),
    ("SUPPORT_MEONLY_MODE", 1, 1, 0),
    ("SUPPORT_LOOKAHEAD", 1, 1, 1),
    ("SUPPORT_TEMPORAL_AQ", 1, 1, 1),
    ("SUPPORT_10BIT_ENCODE", 0, 1, 1),
    ("NUM_MAX_LTR_FRAMES", 8, 7, 0),
    ("SUPPORT_WEIGHTED_PREDICTION", 1, 1, 0),
    ("DYNAMIC_QUERY_ENCODER_CAPACITY", 100, 100, 100),
    ("SUPPORT_BFRAME_REF_MODE", 2, 2, 2),
    ("SUPPORT_EMPHASIS_LEVEL_MAP", 1, 0, 0),
    ("WIDTH_MIN", 145, 129, 192),
    ("HEIGHT_MIN", 49, 33, 128),
    ("SUPPORT_MULTIPLE_REF_FRAMES", 1, 1, 1),
    ("SUPPORT_ALPHA_LAYER_ENCODING", 0, 1, 0),
    ("NUM_ENCODER_ENGINES", 2, 2, 2),
    ("SINGLE_SLICE_INTRA_REFRESH", 1, 1, 0),
    ("DISABLE_ENC_STATE_ADVANCE", 1, 1, 1),
    ("OUTPUT_RECON_SURFACE", 1, 1, 1),
    ("OUTPUT_BLOCK_STATS", 1, 1, 1),
    ("OUTPUT_ROW_STATS", 1, 1, 1),
];
