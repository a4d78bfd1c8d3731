//! Encode sessions: opened, found by their handle, destroyed.

use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use earthshine_drivers::calls::{self, Refusal};
use earthshine_drivers::faults::Orders;
use earthshine_drivers::{faults, ledger};
use earthshine_ffi::nvenc::constants::API_VERSION;
use earthshine_ffi::nvenc::sys::{NV_ENC_DEVICE_TYPE, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, NVENCSTATUS};

use crate::bitstream::Bitstreams;
use crate::encoder::Running;
use crate::slot::Slot;
use crate::surface::Surfaces;
use crate::words::{Result, record, require, require_blank, require_version, violation};
use crate::{cuda, instance};

/// An open session.
pub(crate) struct Session {
    /// The CUDA context it was opened with.
    pub(crate) context: usize,
    /// Number of that one's device.
    device: u32,
    /// From `nvEncInitializeEncoder` on.
    pub(crate) running: Option<Running>,
    pub(crate) surfaces: Surfaces,
    pub(crate) bitstreams: Bitstreams,
    /// The test ordered a call to fail: the device counts as lost, and how the
    /// program clears up is not held against it.
    pub(crate) is_lost: bool,
    last_handle: usize,
    error: CString,
    _slot: Slot,
}

type Sessions = HashMap<usize, Arc<Mutex<Session>>>;

impl Session {
    fn new(context: usize, device: u32, handle: usize, slot: Slot) -> Self {
        Self {
            context,
            device,
            running: None,
            surfaces: Surfaces::default(),
            bitstreams: Bitstreams::default(),
            is_lost: false,
            last_handle: handle,
            error: CString::default(),
            _slot: slot,
        }
    }

    /// A handle for something of the session's.
    pub(crate) fn new_handle(&mut self) -> usize {
        self.last_handle += 1;
        self.last_handle
    }

    /// What runs since `nvEncInitializeEncoder`.
    pub(crate) fn require_running(&mut self) -> Result<&mut Running> {
        let missing = || violation(NVENCSTATUS::NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "the encoder is not initialized");
        self.running.as_mut().ok_or_else(missing)
    }

    fn require_context(&self) -> Result {
        let current = cuda::current()?;
        require(current == self.context, NVENCSTATUS::NV_ENC_ERR_INVALID_DEVICE, || {
            format!("the session's context is {:#x}, and {current:#x} is current on this thread", self.context)
        })
    }

    fn report_leaks(&self) {
        for (what, count) in [
            ("registered resources", self.surfaces.registered()),
            ("mapped resources", self.surfaces.mapped()),
            ("bitstream buffers", self.bitstreams.count()),
        ] {
            if count > 0 {
                ledger::leak(&format!("{what} at nvEncDestroyEncoder: {count} left"));
            }
        }
    }
}

/// Runs a call of a session. Ordered to fail, it does nothing.
pub(crate) fn with(call: &'static str, encoder: *mut c_void, work: impl FnOnce(&mut Session) -> Result) -> NVENCSTATUS {
    if let Some(code) = faults::play(call).or_else(|| of_lost_device(encoder)) {
        lose(encoder);
        return NVENCSTATUS(code);
    }
    NVENCSTATUS(calls::settle(call, enter(encoder, work)))
}

/// Runs a call that gives something back; ordered to fail, it does so all the same.
pub(crate) fn give_back(
    call: &'static str,
    encoder: *mut c_void,
    work: impl FnOnce(&mut Session) -> Result,
) -> NVENCSTATUS {
    let ordered = faults::play(call).or_else(|| of_lost_device(encoder));
    if ordered.is_some() {
        lose(encoder);
    }
    let code = calls::settle(call, enter(encoder, work));
    NVENCSTATUS(ordered.unwrap_or(code))
}

fn enter(encoder: *mut c_void, work: impl FnOnce(&mut Session) -> Result) -> Result {
    let session = find(encoder)?;
    let mut session = lock(&session);
    let result = session.require_context().and_then(|()| work(&mut session));
    if let Err(refusal) = &result {
        session.error = CString::new(refusal.text.as_str()).unwrap_or_default();
    }
    result
}

/// What a session answers whose device is lost.
fn of_lost_device(encoder: *mut c_void) -> Option<u32> {
    let session = find(encoder).ok()?;
    let device = lock(&session).device;
    Orders::read().lost.contains(&device).then_some(NVENCSTATUS::NV_ENC_ERR_DEVICE_NOT_EXIST.0)
}

fn lose(encoder: *mut c_void) {
    if let Ok(session) = find(encoder) {
        lock(&session).is_lost = true;
    }
}

fn find(encoder: *mut c_void) -> Result<Arc<Mutex<Session>>> {
    let unknown = || violation(NVENCSTATUS::NV_ENC_ERR_INVALID_ENCODERDEVICE, "the session is unknown, or destroyed");
    sessions().get(&encoder.addr()).cloned().ok_or_else(unknown)
}

fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sessions() -> MutexGuard<'static, Sessions> {
    static SESSIONS: LazyLock<Mutex<Sessions>> = LazyLock::new(Mutex::default);
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(parameters: &NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS) -> Result<usize> {
    // Before anything else: a program may ask so whether the driver is too old.
    let version = (parameters.apiVersion & 0xff, parameters.apiVersion >> 24);
    if version > instance::supported() || parameters.apiVersion != API_VERSION {
        let code = NVENCSTATUS::NV_ENC_ERR_INVALID_VERSION.0;
        return Err(Refusal::excusable(code, format!("interface {}.{} is not supported", version.0, version.1)));
    }
    require_version::<NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS>(parameters.version)?;
    require_blank!(parameters, reserved, reserved1, reserved2);
    require(
        parameters.deviceType == NV_ENC_DEVICE_TYPE::NV_ENC_DEVICE_TYPE_CUDA,
        NVENCSTATUS::NV_ENC_ERR_UNSUPPORTED_DEVICE,
        || format!("device type {} is not CUDA", parameters.deviceType.0),
    )?;
    let (context, current) = (parameters.device.addr(), cuda::current()?);
    require(context != 0 && context == current, NVENCSTATUS::NV_ENC_ERR_INVALID_DEVICE, || {
        format!("the device is {context:#x}, and context {current:#x} is current on this thread")
    })?;
    let device = cuda::device(context)?;
    if Orders::read().lost.contains(&device) {
        return Err(Refusal::excusable(NVENCSTATUS::NV_ENC_ERR_DEVICE_NOT_EXIST.0, "the device is lost"));
    }
    let slot = Slot::take(device)?;
    let handle = next_handle();
    sessions().insert(handle, Arc::new(Mutex::new(Session::new(context, device, handle, slot))));
    match device {
        0 => ledger::event("open nvenc"),
        device => ledger::event(&format!("open nvenc on {device}")),
    }
    Ok(handle)
}

/// Never one twice; a session's own handles lie between two of them.
fn next_handle() -> usize {
    static LAST: Mutex<usize> = Mutex::new(FIRST_HANDLE);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last += HANDLE_STEP;
    *last
}

pub(crate) unsafe extern "C" fn open_encode_session_ex(
    parameters: *mut NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS,
    encoder: *mut *mut c_void,
) -> NVENCSTATUS {
    NVENCSTATUS(calls::take("nvEncOpenEncodeSessionEx", || {
        // SAFETY: the caller's contract.
        let (parameters, encoder) = unsafe { (record(parameters)?, record(encoder)?) };
        *encoder = std::ptr::null_mut();
        *encoder = std::ptr::without_provenance_mut(open(parameters)?);
        Ok(())
    }))
}

pub(crate) unsafe extern "C" fn destroy_encoder(encoder: *mut c_void) -> NVENCSTATUS {
    let status = give_back("nvEncDestroyEncoder", encoder, |session| {
        session.report_leaks();
        Ok(())
    });
    // Even if another context was current: the program will not try again.
    if sessions().remove(&encoder.addr()).is_some() {
        ledger::event("close nvenc");
    }
    status
}

/// The text lasts until the session refuses something else.
pub(crate) unsafe extern "C" fn get_last_error_string(encoder: *mut c_void) -> *const c_char {
    match find(encoder) {
        Ok(session) => lock(&session).error.as_ptr(),
        Err(_) => c"the session is unknown, or destroyed".as_ptr(),
    }
}

/// Where no process has memory.
const FIRST_HANDLE: usize = 0x5_0000_0000;
const HANDLE_STEP: usize = 0x100_0000;
