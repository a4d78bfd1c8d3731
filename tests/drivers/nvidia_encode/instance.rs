//! What the object exports: the interface's version, and the table of its functions.

use earthshine_drivers::calls::{Refusal, take};
use earthshine_drivers::faults::Orders;
use earthshine_ffi::nvenc::constants::{API_VERSION, Versioned};
use earthshine_ffi::nvenc::sys::{NV_ENCODE_API_FUNCTION_LIST, NVENCSTATUS};

use crate::words::{Result, record, require_blank, require_version};
use crate::{bitstream, capabilities, picture, preset, query, reconfiguration, session, settings, surface};

/// The newest interface that the driver speaks: major, minor.
pub(crate) fn supported() -> (u32, u32) {
    Orders::read().version.unwrap_or(NEWEST)
}

fn fill(list: &mut NV_ENCODE_API_FUNCTION_LIST) -> Result {
    if list.version == NV_ENCODE_API_FUNCTION_LIST::VERSION && (API_VERSION & 0xff, API_VERSION >> 24) > supported() {
        let code = NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION.0;
        return Err(Refusal::excusable(code, "the driver is too old for the table"));
    }
    require_version::<NV_ENCODE_API_FUNCTION_LIST>(list.version)?;
    require_blank!(list, reserved, reserved1, reserved2);
    list.nvEncOpenEncodeSessionEx = Some(session::open_encode_session_ex);
    list.nvEncDestroyEncoder = Some(session::destroy_encoder);
    list.nvEncGetLastErrorString = Some(session::get_last_error_string);
    list.nvEncGetEncodeGUIDCount = Some(query::get_encode_guid_count);
    list.nvEncGetEncodeGUIDs = Some(query::get_encode_guids);
    list.nvEncGetEncodeProfileGUIDCount = Some(query::get_encode_profile_guid_count);
    list.nvEncGetEncodeProfileGUIDs = Some(query::get_encode_profile_guids);
    list.nvEncGetInputFormatCount = Some(query::get_input_format_count);
    list.nvEncGetInputFormats = Some(query::get_input_formats);
    list.nvEncGetEncodePresetCount = Some(query::get_encode_preset_count);
    list.nvEncGetEncodePresetGUIDs = Some(query::get_encode_preset_guids);
    list.nvEncGetEncodeCaps = Some(capabilities::get_encode_caps);
    list.nvEncGetEncodePresetConfigEx = Some(preset::get_encode_preset_config_ex);
    list.nvEncInitializeEncoder = Some(settings::initialize_encoder);
    list.nvEncReconfigureEncoder = Some(reconfiguration::reconfigure_encoder);
    list.nvEncCreateBitstreamBuffer = Some(bitstream::create_bitstream_buffer);
    list.nvEncDestroyBitstreamBuffer = Some(bitstream::destroy_bitstream_buffer);
    list.nvEncLockBitstream = Some(bitstream::lock_bitstream);
    list.nvEncUnlockBitstream = Some(bitstream::unlock_bitstream);
    list.nvEncRegisterResource = Some(surface::register_resource);
    list.nvEncUnregisterResource = Some(surface::unregister_resource);
    list.nvEncMapInputResource = Some(surface::map_input_resource);
    list.nvEncUnmapInputResource = Some(surface::unmap_input_resource);
    list.nvEncEncodePicture = Some(picture::encode_picture);
    list.nvEncInvalidateRefFrames = Some(picture::invalidate_ref_frames);
    list.nvEncGetSequenceParams = Some(picture::get_sequence_params);
    list.nvEncSetIOCudaStreams = Some(picture::set_io_cuda_streams);
    Ok(())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn NvEncodeAPIGetMaxSupportedVersion(version: *mut u32) -> NVENCSTATUS {
    NVENCSTATUS(take("NvEncodeAPIGetMaxSupportedVersion", || {
        let (major, minor) = supported();
        // SAFETY: the caller's contract.
        *unsafe { record(version) }? = (major << 4) | minor;
        Ok(())
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn NvEncodeAPICreateInstance(list: *mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS {
    // SAFETY: the caller's contract.
    NVENCSTATUS(take("NvEncodeAPICreateInstance", || unsafe { record(list) }.and_then(fill)))
}

/// One newer than the program's, as drivers mostly are.
const NEWEST: (u32, u32) = (12, 2);
