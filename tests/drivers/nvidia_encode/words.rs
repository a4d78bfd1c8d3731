//! What every structure must have right: its version word, and zeros where the
//! header says reserved.

use std::ffi::c_void;

use earthshine_drivers::calls::Refusal;
use earthshine_ffi::nvenc::constants::Versioned;
use earthshine_ffi::nvenc::sys::NVENCSTATUS;

pub(crate) type Result<T = ()> = std::result::Result<T, Refusal>;

/// A correct program never does this.
pub(crate) fn violation(status: NVENCSTATUS, text: impl Into<String>) -> Refusal {
    Refusal::violation(status.0, text)
}

/// Refuses unless `met`.
pub(crate) fn require(met: bool, status: NVENCSTATUS, text: impl FnOnce() -> String) -> Result {
    if met { Ok(()) } else { Err(violation(status, text())) }
}

/// The structure behind a pointer.
///
/// # Safety
/// `pointer` must be null or valid for the life of the answer.
pub(crate) unsafe fn record<'a, T>(pointer: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller's contract.
    unsafe { pointer.as_mut() }.ok_or(violation(NVENCSTATUS::NV_ENC_ERR_INVALID_PTR, "a pointer is null"))
}

/// The version word of `T`.
pub(crate) fn require_version<T: Versioned>(found: u32) -> Result {
    require_word(found, T::VERSION, std::any::type_name::<T>().rsplit("::").next().unwrap_or_default())
}

/// A version word.
pub(crate) fn require_word(found: u32, expected: u32, name: &str) -> Result {
    require(found == expected, NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION, || {
        format!("version of {name} is {found:#x}, not {expected:#x}")
    })
}

/// What can be all zeros.
pub(crate) trait Blank {
    fn is_blank(&self) -> bool;
}

impl Blank for u8 {
    fn is_blank(&self) -> bool {
        *self == 0
    }
}

impl Blank for u16 {
    fn is_blank(&self) -> bool {
        *self == 0
    }
}

impl Blank for u32 {
    fn is_blank(&self) -> bool {
        *self == 0
    }
}

impl Blank for *mut c_void {
    fn is_blank(&self) -> bool {
        self.is_null()
    }
}

impl<T: Blank, const N: usize> Blank for [T; N] {
    fn is_blank(&self) -> bool {
        self.iter().all(Blank::is_blank)
    }
}

/// Refuses a structure whose reserved members are not zero.
macro_rules! require_blank {
    ($record:expr, $($member:ident),+) => {{
        use $crate::words::Blank;
        $($crate::words::require(
            $record.$member.is_blank(),
            ::earthshine_ffi::nvenc::sys::NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM,
            || format!("{} of {} must be zero", stringify!($member), stringify!($record)),
        )?;)+
    }};
}
pub(crate) use require_blank;
