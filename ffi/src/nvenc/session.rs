//! One of the GPU's encode sessions, and calls into it.

use std::ffi::CStr;
use std::rc::Rc;

use super::api::{Api, Handle, zeroed};
use super::constants::API_VERSION;
use super::error::{NvencError, OPEN};
use super::sys::*;
use crate::cuda::Context;

/// An open session. The GPU has few of them: it is given back when dropped.
#[derive(Debug)]
pub(crate) struct Session {
    api: Api,
    raw: Handle,
    // Last: the session is of this context, which is current on this thread.
    context: Rc<Context>,
}

/// Calls a function of the driver's list, whose arguments the caller vouches for.
macro_rules! call {
    ($session:expr, $function:ident($($argument:expr),*)) => {{
        let session: &Session = $session;
        match session.api().list().$function {
            // SAFETY: the session is open and its context is current on this
            // thread; what is pointed to is valid for the call, of the type that
            // the header declares, and carries its version.
            Some(function) => session.check(stringify!($function), unsafe { function(session.raw(), $($argument),*) }),
            None => session.check(stringify!($function), NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED),
        }
    }};
}

pub(crate) use call;

impl Session {
    /// Takes a session of the context's GPU.
    pub(crate) fn open(api: &Api, context: &Rc<Context>) -> Result<Self, NvencError> {
        let mut parameters: NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS = zeroed();
        parameters.deviceType = NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA;
        parameters.device = context.raw();
        parameters.apiVersion = API_VERSION;
        let mut raw = std::ptr::null_mut();
        let Some(open) = api.list().nvEncOpenEncodeSessionEx else {
            NvencError::check(OPEN, NVENCSTATUS::NV_ENC_ERR_UNIMPLEMENTED, None)?;
            unreachable!("that is an error");
        };
        // SAFETY: the parameters carry their version and name a live context; a
        // handle is written.
        let status = unsafe { open(&raw mut parameters, &raw mut raw) };
        let session = Self { api: *api, raw, context: Rc::clone(context) };
        // A session that was refused may have to be destroyed all the same.
        NvencError::check(OPEN, status, None)?;
        Ok(session)
    }

    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    pub(crate) const fn raw(&self) -> Handle {
        self.raw
    }

    pub(crate) const fn context(&self) -> &Rc<Context> {
        &self.context
    }

    pub(crate) fn check(&self, call: &'static str, status: NVENCSTATUS) -> Result<(), NvencError> {
        if status == NVENCSTATUS::NV_ENC_SUCCESS {
            return Ok(());
        }
        NvencError::check(call, status, self.last_error())
    }

    fn last_error(&self) -> Option<String> {
        let describe = self.api.list().nvEncGetLastErrorString?;
        // SAFETY: the session is open; the driver's string ends with zero and
        // stays until the next call.
        let text = unsafe { describe(self.raw) };
        if text.is_null() {
            return None;
        }
        // SAFETY: as above.
        Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.raw.is_null() {
            return;
        }
        if let Some(destroy) = self.api.list().nvEncDestroyEncoder {
            // SAFETY: destroyed once; what was made in it is gone before.
            unsafe { destroy(self.raw) };
        }
    }
}
