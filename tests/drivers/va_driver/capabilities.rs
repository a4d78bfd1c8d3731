//! What the driver can do, unless the test orders otherwise (`cap`).
//!
//! Names: `profiles` (1, 2, 4 H.264 Constrained Baseline, Main, High, 8, 16 HEVC Main,
//! Main 10, 32 AV1, together), `entrypoints`
//! (1 slices, 2 slices by the low power encoder), `derive` (0: images are no memory of
//! surfaces), `import` (0: no surfaces of others' memory), `import_offset` (where that
//! begins in the file that is handed over), `export` (0: surfaces' memory is not handed
//! out), `export_modifier` (its tiling; there is none in truth), `export_objects` (2: a
//! buffer for each plane), and the attributes by their header's name without
//! `VAConfigAttrib`; an attribute below zero is one that the driver does not know.

use std::ffi::c_int;

use earthshine_drivers::faults::Orders;
use earthshine_drivers::ledger;
use earthshine_drivers::va_backend::VADriverContextP;
use earthshine_ffi::vaapi::sys::*;

use crate::driver::{Result, put, require, violation, with};

/// What the test ordered of a capability, or what it is.
pub(crate) fn get(name: &str) -> i32 {
    let mut value = DEFAULTS.iter().find(|(known, _)| *known == name).map_or(-1, |(_, value)| *value);
    for (ordered, other) in Orders::read().capabilities {
        if DEFAULTS.iter().all(|(known, _)| *known != ordered) {
            ledger::violation(&format!("the test ordered a capability that nobody knows: {ordered}"));
        }
        if ordered == name {
            value = other;
        }
    }
    value
}

/// The value of an attribute; `None` for those that the driver does not know.
pub(crate) fn attribute(profile: VAProfile, kind: VAConfigAttribType) -> Option<u32> {
    let (name, _) = ATTRIBUTES.iter().find(|(_, known)| *known == kind)?;
    let of_another = if name.starts_with("EncHEVC") {
        H264.contains(&profile) || profile == AV1
    } else {
        name.starts_with("EncAV1") && profile != AV1
    };
    if of_another {
        return None;
    }
    u32::try_from(get(name)).ok()
}

fn offered<T: Copy>(name: &str, all: &[T]) -> Vec<T> {
    let bits = get(name);
    all.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1).map(|(_, one)| *one).collect()
}

pub(crate) fn profiles() -> Vec<VAProfile> {
    offered("profiles", &PROFILES)
}

pub(crate) fn entrypoints() -> Vec<VAEntrypoint> {
    offered("entrypoints", &[VAEntrypoint::VAEntrypointEncSlice, VAEntrypoint::VAEntrypointEncSliceLP])
}

/// The driver has a profile, and a way in to it.
pub(crate) fn require_offered(profile: VAProfile, entrypoint: VAEntrypoint) -> Result {
    require_profile(profile)?;
    if entrypoints().contains(&entrypoint) && profile != VAProfile::VAProfileNone {
        return Ok(());
    }
    Err(violation(VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT, format!("no entry point {} of the profile", entrypoint.0)))
}

fn require_profile(profile: VAProfile) -> Result {
    if profiles().contains(&profile) {
        return Ok(());
    }
    Err(violation(VA_STATUS_ERROR_UNSUPPORTED_PROFILE, format!("no profile {}", profile.0)))
}

/// # Safety
/// As for every function (see the crate).
unsafe fn give<T: Copy>(all: &[T], list: *mut T, count: *mut c_int) -> Result {
    require(!list.is_null(), || "no place for the list".to_owned())?;
    // SAFETY: the table says how long lists may be, and these are shorter.
    unsafe {
        list.copy_from_nonoverlapping(all.as_ptr(), all.len());
        put(count, c_int::try_from(all.len()).unwrap_or(0))
    }
}

pub(crate) unsafe extern "C" fn query_profiles(
    context: VADriverContextP,
    list: *mut VAProfile,
    count: *mut c_int,
) -> VAStatus {
    // SAFETY: the caller's contract.
    with("vaQueryConfigProfiles", context, |_| unsafe { give(&profiles(), list, count) })
}

pub(crate) unsafe extern "C" fn query_entrypoints(
    context: VADriverContextP,
    profile: VAProfile,
    list: *mut VAEntrypoint,
    count: *mut c_int,
) -> VAStatus {
    with("vaQueryConfigEntrypoints", context, |_| {
        require_profile(profile)?;
        // SAFETY: the caller's contract.
        unsafe { give(&entrypoints(), list, count) }
    })
}

pub(crate) unsafe extern "C" fn get_attributes(
    context: VADriverContextP,
    profile: VAProfile,
    entrypoint: VAEntrypoint,
    list: *mut VAConfigAttrib,
    count: c_int,
) -> VAStatus {
    with("vaGetConfigAttributes", context, |_| {
        require_offered(profile, entrypoint)?;
        for index in 0..usize::try_from(count).unwrap_or(0) {
            // SAFETY: the caller's list has so many.
            let asked = unsafe { &mut *list.add(index) };
            asked.value = attribute(profile, asked.type_).unwrap_or(VA_ATTRIB_NOT_SUPPORTED);
        }
        Ok(())
    })
}

pub(crate) const H264: [VAProfile; 3] =
    [VAProfile::VAProfileH264ConstrainedBaseline, VAProfile::VAProfileH264Main, VAProfile::VAProfileH264High];

pub(crate) const AV1: VAProfile = VAProfile::VAProfileAV1Profile0;

const PROFILES: [VAProfile; 6] =
    [H264[0], H264[1], H264[2], VAProfile::VAProfileHEVCMain, VAProfile::VAProfileHEVCMain10, AV1];

const ATTRIBUTES: [(&str, VAConfigAttribType); 14] = [
    ("RTFormat", VAConfigAttribType::VAConfigAttribRTFormat),
    ("RateControl", VAConfigAttribType::VAConfigAttribRateControl),
    ("EncPackedHeaders", VAConfigAttribType::VAConfigAttribEncPackedHeaders),
    ("EncMaxRefFrames", VAConfigAttribType::VAConfigAttribEncMaxRefFrames),
    ("EncMaxSlices", VAConfigAttribType::VAConfigAttribEncMaxSlices),
    ("EncSliceStructure", VAConfigAttribType::VAConfigAttribEncSliceStructure),
    ("EncQualityRange", VAConfigAttribType::VAConfigAttribEncQualityRange),
    ("MaxPictureWidth", VAConfigAttribType::VAConfigAttribMaxPictureWidth),
    ("MaxPictureHeight", VAConfigAttribType::VAConfigAttribMaxPictureHeight),
    ("PredictionDirection", VAConfigAttribType::VAConfigAttribPredictionDirection),
    ("EncHEVCFeatures", VAConfigAttribType::VAConfigAttribEncHEVCFeatures),
    ("EncHEVCBlockSizes", VAConfigAttribType::VAConfigAttribEncHEVCBlockSizes),
    ("EncAV1", VAConfigAttribType::VAConfigAttribEncAV1),
    ("EncAV1Ext2", VAConfigAttribType::VAConfigAttribEncAV1Ext2),
];

/// Much like those of a GPU of Intel's.
const DEFAULTS: [(&str, i32); 22] = [
    ("profiles", 0b11_1111),
    ("entrypoints", 0b01),
    ("derive", 1),
    ("import", 1),
    ("import_offset", 0),
    ("export", 1),
    ("export_modifier", 0),
    ("export_objects", 1),
    ("RTFormat", (VA_RT_FORMAT_YUV420 | VA_RT_FORMAT_YUV420_10).cast_signed()),
    ("RateControl", (VA_RC_CBR | VA_RC_VBR | VA_RC_CQP).cast_signed()),
    ("EncPackedHeaders", 0x1f),
    ("EncMaxRefFrames", 0x1_0004),
    ("EncMaxSlices", 32),
    ("EncSliceStructure", VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS.cast_signed()),
    ("EncQualityRange", 7),
    ("MaxPictureWidth", 4096),
    ("MaxPictureHeight", 4096),
    ("PredictionDirection", -1),
    // Asymmetric motion, offsets, transforms left out, a quantizer that varies.
    ("EncHEVCFeatures", 1 << 4 | 1 << 6 | 1 << 20 | 1 << 22),
    // Trees of 64 down to blocks of 8, transforms from 32 to 4, as deep as may be.
    ("EncHEVCBlockSizes", 3 | 3 << 6 | 3 << 10 | 3 << 14),
    // The directional filter.
    ("EncAV1", 1 << 26),
    // Sizes in four bytes, transforms of all sizes.
    ("EncAV1Ext2", 3 | 3 << 2 | 0b111 << 4),
];
