//! A GPU's VA driver, on its render node.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use super::error::VaError;
use super::functions::{DrmFunctions, Functions};
use super::sys::*;
use crate::dynamic_library::LoadError;

/// An initialized driver. It belongs to the thread that opened it (it is not `Send`);
/// whatever is made in it keeps it.
#[derive(Debug)]
pub struct Display {
    functions: Functions,
    raw: VADisplay,
    version: (i32, i32),
    // Where libva writes its messages: outlives `raw`, which points to it.
    messages: Box<Mutex<String>>,
    // Last: the display uses it until it is terminated.
    _node: OwnedFd,
}

/// No driver for the render node, or none that works.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenDisplayError {
    /// No library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// libva makes no display of it.
    #[error("libva makes no display of the device; it has to be a render node of a GPU (/dev/dri/renderD*)")]
    NoDisplay,
    /// No driver for this GPU, or it does not start.
    #[error(transparent)]
    Va(#[from] VaError),
}

/// Calls a function of libva with the display, whose other arguments the caller
/// vouches for.
macro_rules! call {
    ($display:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let display: &$crate::vaapi::Display = $display;
        // SAFETY: the display is initialized and used on one thread; what is pointed to
        // is valid for the call and of the type that the header declares, and objects
        // are this display's and live.
        let status = unsafe { (display.functions().$function)(display.raw(), $($argument),*) };
        display.check(stringify!($function), status)
    }};
}

pub(crate) use call;

impl Display {
    /// Starts the driver of a render node, which may hang: to be called where that
    /// hurts nobody.
    ///
    /// # Errors
    /// [`OpenDisplayError`]; nothing stays open.
    pub fn open(node: OwnedFd) -> Result<Rc<Self>, OpenDisplayError> {
        let (functions, drm) = (Functions::load()?, DrmFunctions::load()?);
        // SAFETY: takes a descriptor, and does not close it.
        let raw = unsafe { (drm.vaGetDisplayDRM)(node.as_raw_fd()) };
        if raw.is_null() {
            return Err(OpenDisplayError::NoDisplay);
        }
        let messages = Box::<Mutex<String>>::default();
        let mut display = Self { functions, raw, version: (0, 0), messages, _node: node };
        let user: *const Mutex<String> = &raw const *display.messages;
        // SAFETY: the callback is ours, and what it is given lives as long as the display.
        unsafe {
            (functions.vaSetErrorCallback)(raw, Some(keep_message), user.cast_mut().cast());
            (functions.vaSetInfoCallback)(raw, None, std::ptr::null_mut());
        }
        let (mut major, mut minor) = (0, 0);
        // If this fails, the display is terminated all the same: that is what frees it.
        call!(&display, vaInitialize(&raw mut major, &raw mut minor))?;
        display.version = (major, minor);
        Ok(Rc::new(display))
    }

    /// Version of VA-API that libva speaks, like (1, 17).
    #[must_use]
    pub const fn version(&self) -> (i32, i32) {
        self.version
    }

    /// What the driver calls itself.
    #[must_use]
    pub fn vendor(&self) -> String {
        // SAFETY: the display is initialized; the string is the driver's and stays.
        let text = unsafe { (self.functions.vaQueryVendorString)(self.raw) };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: as above; it ends with zero.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// Profiles that the driver knows, to decode or to encode.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn profiles(&self) -> Result<Vec<VAProfile>, VaError> {
        // SAFETY: the display is initialized.
        let most = unsafe { (self.functions.vaMaxNumProfiles)(self.raw) };
        let mut profiles = vec![VAProfile::VAProfileNone; usize::try_from(most).unwrap_or(0)];
        let mut count: c_int = 0;
        call!(self, vaQueryConfigProfiles(profiles.as_mut_ptr(), &raw mut count))?;
        profiles.truncate(usize::try_from(count).unwrap_or(0));
        Ok(profiles)
    }

    /// What the driver does with a profile.
    ///
    /// # Errors
    /// [`VaError`].
    pub fn entrypoints(&self, profile: VAProfile) -> Result<Vec<VAEntrypoint>, VaError> {
        // SAFETY: the display is initialized.
        let most = unsafe { (self.functions.vaMaxNumEntrypoints)(self.raw) };
        let mut entrypoints = vec![VAEntrypoint(0); usize::try_from(most).unwrap_or(0)];
        let mut count: c_int = 0;
        call!(self, vaQueryConfigEntrypoints(profile, entrypoints.as_mut_ptr(), &raw mut count))?;
        entrypoints.truncate(usize::try_from(count).unwrap_or(0));
        Ok(entrypoints)
    }

    pub(crate) const fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(crate) const fn raw(&self) -> VADisplay {
        self.raw
    }

    pub(crate) fn check(&self, call: &'static str, status: VAStatus) -> Result<(), VaError> {
        VaError::check(&self.functions, call, status, || {
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            let text = std::mem::take(&mut *messages);
            Some(text.trim().replace('\n', "; ")).filter(|text| !text.is_empty())
        })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // SAFETY: terminated once; everything made in it holds an `Rc` of it and is
        // gone. A display that was not initialized is freed by this, too.
        unsafe { (self.functions.vaTerminate)(self.raw) };
    }
}

/// Keeps what libva says of an error, for whoever reports that.
unsafe extern "C" fn keep_message(user: *mut c_void, message: *const c_char) {
    if user.is_null() || message.is_null() {
        return;
    }
    // SAFETY: what `vaSetErrorCallback` was given, and a string that ends with zero.
    let (messages, text) = unsafe { (&*user.cast::<Mutex<String>>(), CStr::from_ptr(message)) };
    let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
    if messages.len() < MOST_MESSAGES {
        messages.push_str(&text.to_string_lossy());
    }
}

/// Bytes that are kept until an error is reported.
const MOST_MESSAGES: usize = 2048;
