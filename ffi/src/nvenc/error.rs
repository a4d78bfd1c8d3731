//! What NVENC refuses, in words.

use super::sys::NVENCSTATUS;

/// An NVENC call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {} ({status}){}{}", name(NVENCSTATUS(*status)), said(detail.as_deref()), advice(call, NVENCSTATUS(*status)))]
pub struct NvencError {
    /// The function.
    pub call: &'static str,
    /// `NVENCSTATUS`.
    pub status: u32,
    /// What the driver says besides.
    pub detail: Option<String>,
}

impl NvencError {
    /// Nothing, or the error that `status` is.
    pub(crate) fn check(call: &'static str, status: NVENCSTATUS, detail: Option<String>) -> Result<(), Self> {
        if status == NVENCSTATUS::NV_ENC_SUCCESS { Ok(()) } else { Err(Self { call, status: status.0, detail }) }
    }
}

fn said(detail: Option<&str>) -> String {
    detail.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
}

/// What to do about it.
fn advice(call: &str, status: NVENCSTATUS) -> &'static str {
    match status {
        NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY | NVENCSTATUS::NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY if call == OPEN => {
            "; the GPU encodes as many streams as its driver allows, or has no memory left: end one, or take another GPU"
        }
        NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY => "; the GPU has no memory left: end other programs on it",
        NVENCSTATUS::NV_ENC_ERR_NO_ENCODE_DEVICE | NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_DEVICE => {
            "; this GPU has no encode engine: use another one, or the software encoder"
        }
        NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION => "; install a newer driver",
        NVENCSTATUS::NV_ENC_ERR_DEVICE_NOT_EXIST => "; the GPU is gone: look for Xid in the kernel's log",
        _ => "",
    }
}

const fn name(status: NVENCSTATUS) -> &'static str {
    match status {
        NVENCSTATUS::NV_ENC_ERR_NO_ENCODE_DEVICE => "no encode device",
        NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_DEVICE => "unsupported device",
        NVENCSTATUS::NV_ENC_ERR_INVALID_ENCODERDEVICE => "invalid encoder device",
        NVENCSTATUS::NV_ENC_ERR_INVALID_DEVICE => "invalid device",
        NVENCSTATUS::NV_ENC_ERR_DEVICE_NOT_EXIST => "device does not exist any more",
        NVENCSTATUS::NV_ENC_ERR_INVALID_PTR => "invalid pointer",
        NVENCSTATUS::NV_ENC_ERR_INVALID_EVENT => "invalid event",
        NVENCSTATUS::NV_ENC_ERR_INVALID_PARAM => "invalid parameter",
        NVENCSTATUS::NV_ENC_ERR_INVALID_CALL => "invalid call",
        NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY => "out of memory",
        NVENCSTATUS::NV_ENC_ERR_ENCODER_NOT_INITIALIZED => "encoder not initialized",
        NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_PARAM => "unsupported parameter",
        NVENCSTATUS::NV_ENC_ERR_LOCK_BUSY => "lock is busy",
        NVENCSTATUS::NV_ENC_ERR_NOT_ENOUGH_BUFFER => "buffer too small",
        NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION => "invalid version",
        NVENCSTATUS::NV_ENC_ERR_MAP_FAILED => "mapping failed",
        NVENCSTATUS::NV_ENC_ERR_NEED_MORE_INPUT => "needs more input",
        NVENCSTATUS::NV_ENC_ERR_ENCODER_BUSY => "encoder is busy",
        NVENCSTATUS::NV_ENC_ERR_EVENT_NOT_REGISTERD => "event not registered",
        NVENCSTATUS::NV_ENC_ERR_GENERIC => "unknown error",
        NVENCSTATUS::NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY => "incompatible client key",
        NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED => "not implemented",
        NVENCSTATUS::NV_ENC_ERR_RESOURCE_REGISTER_FAILED => "registration failed",
        NVENCSTATUS::NV_ENC_ERR_RESOURCE_NOT_REGISTERED => "not registered",
        NVENCSTATUS::NV_ENC_ERR_RESOURCE_NOT_MAPPED => "not mapped",
        NVENCSTATUS::NV_ENC_ERR_NEED_MORE_OUTPUT => "needs more output",
        _ => "an error that this version has no name for",
    }
}

/// The call that takes one of the GPU's sessions.
pub(crate) const OPEN: &str = "nvEncOpenEncodeSessionEx";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let error = |call, status: NVENCSTATUS| NvencError { call, status: status.0, detail: None };
        let full = error(OPEN, NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY);
        assert!(full.to_string().contains("take another GPU"), "{full}");
        let memory = error("nvEncRegisterResource", NVENCSTATUS::NV_ENC_ERR_OUT_OF_MEMORY);
        assert!(memory.to_string().contains("no memory left"), "{memory}");
        let unknown = error("nvEncEncodePicture", NVENCSTATUS(4711));
        assert_eq!(unknown.to_string(), "nvEncEncodePicture: an error that this version has no name for (4711)");
        let said = NvencError { detail: Some("because".to_owned()), ..unknown };
        assert!(said.to_string().ends_with("(4711): because"), "{said}");
    }
}
