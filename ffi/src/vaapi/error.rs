//! What a VA driver refuses, in words.

use std::ffi::CStr;

use super::functions::Functions;
use super::sys::*;

/// A VA-API call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {name} ({status}){}{}", said(detail.as_deref()), advice(call, *status))]
pub struct VaError {
    /// The function.
    pub call: &'static str,
    /// `VAStatus`.
    pub status: u32,
    /// Its meaning, as libva knows it.
    pub name: String,
    /// What libva or the driver said besides.
    pub detail: Option<String>,
}

impl VaError {
    /// Nothing, or the error that `status` is.
    pub(crate) fn check(
        functions: &Functions,
        call: &'static str,
        status: VAStatus,
        detail: impl FnOnce() -> Option<String>,
    ) -> Result<(), Self> {
        let status = status.cast_unsigned();
        if status == VA_STATUS_SUCCESS {
            return Ok(());
        }
        // SAFETY: libva answers every number with a static string.
        let name = unsafe { (functions.vaErrorStr)(status.cast_signed()) };
        let name = if name.is_null() {
            "an error that this libva has no name for".to_owned()
        } else {
            // SAFETY: as above; it ends with zero.
            unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
        };
        Err(Self { call, status, name, detail: detail() })
    }

    /// The driver broke its interface.
    pub(crate) fn broken(call: &'static str, what: &'static str) -> Self {
        Self { call, status: VA_STATUS_ERROR_UNKNOWN, name: what.to_owned(), detail: None }
    }
}

fn said(detail: Option<&str>) -> String {
    detail.map(|text| format!(": {text}")).unwrap_or_default()
}

/// What to do about it.
fn advice(call: &str, status: u32) -> &'static str {
    match status {
        _ if call == "vaInitialize" => {
            "; install the VA driver of this GPU (AMD: mesa-va-drivers, Intel: intel-media-va-driver), \
             and see what vainfo --display drm says"
        }
        VA_STATUS_ERROR_ALLOCATION_FAILED | VA_STATUS_ERROR_MAX_NUM_EXCEEDED => {
            "; the GPU has no memory or no engine left: end other programs on it"
        }
        VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED => "; ask for a smaller picture, or use another encoder",
        VA_STATUS_ERROR_HW_BUSY | VA_STATUS_ERROR_TIMEDOUT => {
            "; the GPU does not answer: look for a reset of it in the kernel's log"
        }
        VA_STATUS_ERROR_UNIMPLEMENTED => "; install a newer VA driver",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let error = |call, status| VaError { call, status, name: "a name".to_owned(), detail: None };
        let missing = error("vaInitialize", VA_STATUS_ERROR_UNKNOWN).to_string();
        assert!(missing.contains("mesa-va-drivers") && missing.contains("intel-media-va-driver"), "{missing}");
        let full = error("vaCreateContext", VA_STATUS_ERROR_ALLOCATION_FAILED).to_string();
        assert!(full.contains("no memory or no engine left"), "{full}");
        let said = VaError { detail: Some("because".to_owned()), ..error("vaEndPicture", 24) };
        assert_eq!(said.to_string(), "vaEndPicture: a name (24): because");
    }
}
