//! The driver's function list.

use std::ffi::c_void;

use super::constants::{API_VERSION, Versioned};
use super::error::NvencError;
use super::sys::{NV_ENCODE_API_FUNCTION_LIST, NVENCSTATUS};
use crate::dynamic_library::{LoadError, functions};

functions! {
    struct Entry of "libnvidia-encode.so.1" {
        NvEncodeAPIGetMaxSupportedVersion: fn(version: *mut u32) -> NVENCSTATUS;
        NvEncodeAPICreateInstance: fn(list: *mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS;
    }
}

/// What the encode driver can be asked.
#[derive(Clone, Copy)]
pub struct Api {
    list: NV_ENCODE_API_FUNCTION_LIST,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Api").finish_non_exhaustive()
    }
}

/// The encode driver cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    /// No library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is older than the interface that this program was written for.
    #[error("the driver's encode interface is {}.{}, and 12.1 is needed; install driver 530 or newer", .0 >> 4, .0 & 15)]
    Old(u32),
    /// It refused.
    #[error(transparent)]
    Nvenc(#[from] NvencError),
}

impl Api {
    /// Opens the driver, which may hang: to be called where that hurts nobody.
    ///
    /// # Errors
    /// [`OpenApiError`].
    pub fn open() -> Result<Self, OpenApiError> {
        let entry = Entry::load()?;
        let mut supported = 0;
        // SAFETY: writes one integer.
        let status = unsafe { (entry.NvEncodeAPIGetMaxSupportedVersion)(&raw mut supported) };
        NvencError::check("NvEncodeAPIGetMaxSupportedVersion", status, None)?;
        if supported < NEEDED {
            return Err(OpenApiError::Old(supported));
        }
        let mut list: NV_ENCODE_API_FUNCTION_LIST = zeroed();
        // SAFETY: the list carries its version, and is as large as that says.
        let status = unsafe { (entry.NvEncodeAPICreateInstance)(&raw mut list) };
        NvencError::check("NvEncodeAPICreateInstance", status, None)?;
        Ok(Self { list })
    }

    pub(crate) const fn list(&self) -> &NV_ENCODE_API_FUNCTION_LIST {
        &self.list
    }
}

/// A structure with its version and nothing else in it.
pub(crate) fn zeroed<T: Versioned + PlainStructure>() -> T {
    let mut structure = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the structures are integers, wrapped integers, pointers and optional
    // functions, for all of which zero is a value; their first word is the version.
    unsafe {
        structure.as_mut_ptr().cast::<u32>().write(T::VERSION);
        structure.assume_init()
    }
}

/// Structures that begin with their version and may be all zero.
///
/// # Safety
/// Both have to be true.
pub(crate) unsafe trait PlainStructure {}

macro_rules! plain {
    ($($name:ident),* $(,)?) => {
        $(
            // SAFETY: declared in `sys` with a version first, and without
            // references, enumerations or functions that are not optional.
            unsafe impl PlainStructure for super::sys::$name {}
        )*
    };
}

plain!(
    NV_ENCODE_API_FUNCTION_LIST,
    NV_ENC_CAPS_PARAM,
    NV_ENC_CONFIG,
    NV_ENC_CREATE_BITSTREAM_BUFFER,
    NV_ENC_INITIALIZE_PARAMS,
    NV_ENC_LOCK_BITSTREAM,
    NV_ENC_MAP_INPUT_RESOURCE,
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    NV_ENC_PIC_PARAMS,
    NV_ENC_PRESET_CONFIG,
    NV_ENC_RECONFIGURE_PARAMS,
    NV_ENC_REGISTER_RESOURCE,
);

/// A pointer as the interface takes it.
pub(crate) type Handle = *mut c_void;

/// Interface 12.1, as the driver counts.
const NEEDED: u32 = ((API_VERSION & 0xFF) << 4) | (API_VERSION >> 24);
