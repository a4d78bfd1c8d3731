//! Configurations that the presets begin with.

use std::ffi::c_void;

use earthshine_ffi::nvenc::bits;
use earthshine_ffi::nvenc::constants::Versioned;
use earthshine_ffi::nvenc::sys::*;

use crate::codec::{self, Codec};
use crate::session::with;
use crate::settings::{RATE_CONTROL_VERSION, require_tuning};
use crate::words::{Result, record, require_blank, require_version};

/// What a codec's presets begin with; they differ in speed, which nobody has here.
pub(crate) fn config(codec: Codec, tuning: NV_ENC_TUNING_INFO) -> NV_ENC_CONFIG {
    // SAFETY: integers, null pointers and a union of such: all zeros is a value.
    let mut config: NV_ENC_CONFIG = unsafe { std::mem::zeroed() };
    let is_fast = tuning != NV_ENC_TUNING_INFO::NV_ENC_TUNING_INFO_HIGH_QUALITY;
    config.version = NV_ENC_CONFIG::VERSION;
    config.profileGUID = codec.profiles()[0].0;
    config.gopLength = if is_fast { NVENC_INFINITE_GOPLENGTH } else { GOP };
    config.frameIntervalP = 1;
    config.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE::NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    config.rcParams.version = RATE_CONTROL_VERSION;
    config.rcParams.rateControlMode =
        if is_fast { NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_CBR } else { NV_ENC_PARAMS_RC_MODE::NV_ENC_PARAMS_RC_VBR };
    config.rcParams.averageBitRate = BITRATE;
    fill_codec(codec, &mut config);
    config
}

fn fill_codec(codec: Codec, config: &mut NV_ENC_CONFIG) {
    let gop = config.gopLength;
    match codec {
        Codec::H264 => {
            // SAFETY: all members of the union are zeros, which is a value of each.
            let h264 = unsafe { &mut config.encodeCodecConfig.h264Config };
            h264.idrPeriod = gop;
            h264.chromaFormatIDC = 1;
            h264.sliceMode = 3;
            h264.sliceModeData = 1;
            h264.entropyCodingMode = NV_ENC_H264_ENTROPY_CODING_MODE::NV_ENC_H264_ENTROPY_CODING_MODE_CABAC;
        }
        Codec::Hevc => {
            // SAFETY: as above.
            let hevc = unsafe { &mut config.encodeCodecConfig.hevcConfig };
            hevc.idrPeriod = gop;
            hevc.sliceMode = 3;
            hevc.sliceModeData = 1;
            bits::hevc::CHROMA_FORMAT_IDC.set(&mut hevc.bitFields, 1);
        }
        Codec::Av1 => {
            // SAFETY: as above.
            let av1 = unsafe { &mut config.encodeCodecConfig.av1Config };
            av1.idrPeriod = gop;
            bits::av1::CHROMA_FORMAT_IDC.set(&mut av1.bitFields, 1);
        }
    }
}

fn answer(codec: &GUID, preset: &GUID, tuning: NV_ENC_TUNING_INFO, answer: &mut NV_ENC_PRESET_CONFIG) -> Result {
    require_version::<NV_ENC_PRESET_CONFIG>(answer.version)?;
    require_version::<NV_ENC_CONFIG>(answer.presetCfg.version)?;
    require_blank!(answer, reserved1, reserved2);
    let codec = Codec::of(codec)?;
    codec::preset(preset)?;
    require_tuning(tuning)?;
    answer.presetCfg = config(codec, tuning);
    Ok(())
}

pub(crate) unsafe extern "C" fn get_encode_preset_config_ex(
    encoder: *mut c_void,
    codec: GUID,
    preset: GUID,
    tuning: NV_ENC_TUNING_INFO,
    target: *mut NV_ENC_PRESET_CONFIG,
) -> NVENCSTATUS {
    with("nvEncGetEncodePresetConfigEx", encoder, |_| {
        // SAFETY: the caller's contract.
        answer(&codec, &preset, tuning, unsafe { record(target) }?)
    })
}

/// What a program forgot to set, it finds in its stream: an IDR frame every half
/// second, and a bitrate that nobody asked for.
const GOP: u32 = 30;
const BITRATE: u32 = 3_000_000;
