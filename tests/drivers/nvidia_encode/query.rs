//! What a program asks before it decides: codecs, profiles, presets, formats.

use std::ffi::c_void;

use earthshine_ffi::nvenc::sys::{GUID, NV_ENC_BUFFER_FORMAT, NVENCSTATUS};

use crate::codec::{Codec, PRESETS};
use crate::session::with;
use crate::words::{Result, record, require};

/// Writes a list, and how long it is.
///
/// # Safety
/// As for every call (see the crate): `target` has `room` places.
unsafe fn put_list<T: Copy>(list: &[T], target: *mut T, room: u32, count: *mut u32) -> Result {
    // SAFETY: the caller's contract.
    let count = unsafe { record(count) }?;
    require(room as usize >= list.len(), NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM, || {
        format!("the list has {} entries and the program's array {room}", list.len())
    })?;
    // SAFETY: as above; null is caught, and the list fits.
    unsafe { std::ptr::from_mut(record(target)?).copy_from_nonoverlapping(list.as_ptr(), list.len()) };
    // SAFETY: as above.
    unsafe { put_count(list, count) }
}

/// # Safety
/// As for every call (see the crate).
unsafe fn put_count<T>(list: &[T], count: *mut u32) -> Result {
    // SAFETY: the caller's contract.
    *unsafe { record(count) }? = u32::try_from(list.len()).unwrap_or(0);
    Ok(())
}

fn profiles(codec: &GUID) -> Result<Vec<GUID>> {
    Ok(Codec::of(codec)?.profiles().iter().map(|profile| profile.0).collect())
}

pub(crate) unsafe extern "C" fn get_encode_guid_count(encoder: *mut c_void, count: *mut u32) -> NVENCSTATUS {
    // SAFETY: the caller's contract.
    with("nvEncGetEncodeGUIDCount", encoder, |_| unsafe { put_count(&Codec::ALL, count) })
}

pub(crate) unsafe extern "C" fn get_encode_guids(
    encoder: *mut c_void,
    target: *mut GUID,
    room: u32,
    count: *mut u32,
) -> NVENCSTATUS {
    let list = Codec::ALL.map(|codec| codec.1);
    // SAFETY: the caller's contract.
    with("nvEncGetEncodeGUIDs", encoder, |_| unsafe { put_list(&list, target, room, count) })
}

pub(crate) unsafe extern "C" fn get_encode_profile_guid_count(
    encoder: *mut c_void,
    codec: GUID,
    count: *mut u32,
) -> NVENCSTATUS {
    // SAFETY: the caller's contract.
    with("nvEncGetEncodeProfileGUIDCount", encoder, |_| unsafe { put_count(&profiles(&codec)?, count) })
}

pub(crate) unsafe extern "C" fn get_encode_profile_guids(
    encoder: *mut c_void,
    codec: GUID,
    target: *mut GUID,
    room: u32,
    count: *mut u32,
) -> NVENCSTATUS {
    // SAFETY: the caller's contract.
    with("nvEncGetEncodeProfileGUIDs", encoder, |_| unsafe { put_list(&profiles(&codec)?, target, room, count) })
}

pub(crate) unsafe extern "C" fn get_input_format_count(
    encoder: *mut c_void,
    codec: GUID,
    count: *mut u32,
) -> NVENCSTATUS {
    // SAFETY: the caller's contract.
    with("nvEncGetInputFormatCount", encoder, |_| unsafe { put_count(Codec::of(&codec)?.formats(), count) })
}

pub(crate) unsafe extern "C" fn get_input_formats(
    encoder: *mut c_void,
    codec: GUID,
    target: *mut NV_ENC_BUFFER_FORMAT,
    room: u32,
    count: *mut u32,
) -> NVENCSTATUS {
    with("nvEncGetInputFormats", encoder, |_| {
        // SAFETY: the caller's contract.
        unsafe { put_list(Codec::of(&codec)?.formats(), target, room, count) }
    })
}

pub(crate) unsafe extern "C" fn get_encode_preset_count(
    encoder: *mut c_void,
    codec: GUID,
    count: *mut u32,
) -> NVENCSTATUS {
    with("nvEncGetEncodePresetCount", encoder, |_| {
        Codec::of(&codec)?;
        // SAFETY: the caller's contract.
        unsafe { put_count(&PRESETS, count) }
    })
}

pub(crate) unsafe extern "C" fn get_encode_preset_guids(
    encoder: *mut c_void,
    codec: GUID,
    target: *mut GUID,
    room: u32,
    count: *mut u32,
) -> NVENCSTATUS {
    with("nvEncGetEncodePresetGUIDs", encoder, |_| {
        Codec::of(&codec)?;
        // SAFETY: the caller's contract.
        unsafe { put_list(&PRESETS, target, room, count) }
    })
}
